"""WeChat Official Accounts as a channel: followers write to an account each for themselves, and read plain text."""

from __future__ import annotations

from triage.channels.channel import CallbackChannel
from triage.channels.wechat.account import Account
from triage.channels.wechat.callback import MAX_BODY_BYTES, PAGE_SIZE, SUCCESS, receive, respond, written
from triage.channels.wechat.fetching import open_fetcher
from triage.channels.wechat.messages import CHANNEL
from triage.channels.wechat.sending import open_sender
from triage.channels.wechat.tappable import as_seen

WECHAT: CallbackChannel[Account] = CallbackChannel(
    CHANNEL,
    PAGE_SIZE,
    MAX_BODY_BYTES,
    SUCCESS,
    receive,
    respond,
    open_sender,
    open_fetcher,
    written=written,
    seen=as_seen,
)
