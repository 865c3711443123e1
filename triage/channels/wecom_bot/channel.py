"""WeCom bots as a channel."""

from __future__ import annotations

from datetime import datetime

from triage.channels.apis import Apis
from triage.channels.channel import Echo
from triage.channels.delivery import Sender
from triage.channels.wecom_bot import callback
from triage.channels.wecom_bot.account import BotAccount
from triage.channels.wecom_bot.messages import CHANNEL
from triage.message import Message, PageSize, Reply, Request, Response


class WecomBotChannel:
    """Members write to a bot in groups, with an @, and each for themselves; what it answers is Markdown."""

    name: str = CHANNEL
    page_size: PageSize = callback.STREAM_SIZE
    max_body_bytes: int = callback.MAX_BODY_BYTES
    silence: Response = callback.SILENCE

    def receive(self, request: Request, account: BotAccount, now: datetime) -> Message | Echo:
        """As `Channel.receive`."""
        return callback.receive(request, account, now)

    def respond(
        self, reply: Reply, message: Message, account: BotAccount, now: datetime, nonce: str, random16: bytes
    ) -> Response:
        """As `Channel.respond`."""
        return callback.respond(reply, message, account, now, nonce, random16)

    def sender(self, account: BotAccount, apis: Apis) -> Sender | None:
        """None: a bot that is called at a URL can only answer."""
        return None
