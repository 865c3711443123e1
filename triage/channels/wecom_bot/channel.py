"""WeCom bots as a channel: members write in groups, with an @, and each for themselves; the answer is Markdown.

A bot that is called at a URL can only answer, once at once and once later.
"""

from __future__ import annotations

from triage.channels.channel import CallbackChannel
from triage.channels.markdown import as_markdown
from triage.channels.wecom_bot.account import BotAccount
from triage.channels.wecom_bot.answering import open_answerer
from triage.channels.wecom_bot.callback import MAX_BODY_BYTES, SILENCE, STREAM_SIZE, receive, respond
from triage.channels.wecom_bot.fetching import open_fetcher
from triage.channels.wecom_bot.messages import CHANNEL

WECOM_BOT: CallbackChannel[BotAccount] = CallbackChannel(
    CHANNEL,
    STREAM_SIZE,
    MAX_BODY_BYTES,
    SILENCE,
    receive,
    respond,
    fetcher=open_fetcher,
    answerer=open_answerer,
    written=as_markdown,
)
