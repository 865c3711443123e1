"""A chat channel as small as one can be, to stand beside WeChat: JSON, a shared secret, 300 characters, groups."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime

from triage.channels.apis import Apis
from triage.channels.channel import Echo
from triage.channels.delivery import Sender
from triage.channels.pictures import Fetcher
from triage.errors import BadMessageError, RefusedError
from triage.message import (
    Message,
    MessageKind,
    PageSize,
    Reply,
    Request,
    Response,
    Unit,
)


@dataclass(frozen=True, slots=True)
class OtherAccount:
    id: str
    secret: str = field(repr=False)


class OtherChannel:
    """A push is `{"id", "from", "text"}`, in a group with `"group"` and its id; the answer is `{"text"}`."""

    name: str = "other"
    page_size: PageSize = PageSize(300, Unit.CHARACTERS)
    max_body_bytes: int = 4096
    silence: Response = Response(200, b"")

    def receive(self, request: Request, account: OtherAccount, now: datetime) -> Message | Echo:
        if request.query.get("secret") != account.secret:
            raise RefusedError("the secret is wrong", "signature")
        if request.method == "GET":
            return Echo(request.query["challenge"])
        try:
            push = json.loads(request.body)
        except ValueError as exc:
            raise BadMessageError("not JSON") from exc
        kind = MessageKind.TEXT
        return Message(
            self.name,
            account.id,
            push["from"],
            "bot",
            kind,
            int(now.timestamp()),
            push["id"],
            push["text"],
            encrypted=True,
            chat=push.get("group"),
        )

    def written(self, text: str) -> str:
        return text

    def seen(self, written: str, /) -> str:
        """As it was sent."""
        return written

    def respond(
        self,
        reply: Reply,
        message: Message,
        account: OtherAccount,
        now: datetime,
        nonce: str,
        random16: bytes,
    ) -> Response:
        if reply.text is None:
            return self.silence
        return Response(200, json.dumps({"text": self.page_size.cut(reply.text)}).encode())

    def sender(self, account: OtherAccount, apis: Apis) -> Sender | None:
        return None

    def fetcher(self, account: OtherAccount, apis: Apis) -> Fetcher | None:
        return None

    def answerer(self, account: OtherAccount, apis: Apis) -> Sender | None:
        return None
