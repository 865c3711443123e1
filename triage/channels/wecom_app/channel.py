"""WeCom apps as a channel: members write to an app each for themselves; what it answers has no Markdown."""

from __future__ import annotations

from triage.channels.channel import CallbackChannel
from triage.channels.wecom_app.account import Account
from triage.channels.wecom_app.callback import MAX_BODY_BYTES, SILENCE, receive, respond
from triage.channels.wecom_app.fetching import open_fetcher
from triage.channels.wecom_app.messages import CHANNEL
from triage.channels.wecom_app.sending import TEXT_SIZE, open_sender

WECOM_APP: CallbackChannel[Account] = CallbackChannel(
    CHANNEL, TEXT_SIZE, MAX_BODY_BYTES, SILENCE, receive, respond, open_sender, open_fetcher
)
