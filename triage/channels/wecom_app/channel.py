"""WeCom apps as a channel."""

from __future__ import annotations

from datetime import datetime

from triage.channels.apis import Apis
from triage.channels.channel import Echo
from triage.channels.delivery import Sender
from triage.channels.wecom_app import callback
from triage.channels.wecom_app.account import Account
from triage.channels.wecom_app.messages import CHANNEL
from triage.channels.wecom_app.sending import TEXT_SIZE, open_sender
from triage.message import Message, PageSize, Reply, Request, Response


class WecomAppChannel:
    """Members write to an app each for themselves; what it answers has no Markdown."""

    name: str = CHANNEL
    page_size: PageSize = TEXT_SIZE
    max_body_bytes: int = callback.MAX_BODY_BYTES
    silence: Response = callback.SILENCE

    def receive(self, request: Request, account: Account, now: datetime) -> Message | Echo:
        """As `Channel.receive`."""
        return callback.receive(request, account, now)

    def respond(
        self, reply: Reply, message: Message, account: Account, now: datetime, nonce: str, random16: bytes
    ) -> Response:
        """As `Channel.respond`."""
        return callback.respond(reply, message, account, now, nonce, random16)

    def sender(self, account: Account, apis: Apis) -> Sender | None:
        """As `Outgoing.sender`."""
        return open_sender(account, apis)
