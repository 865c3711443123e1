"""Things to send: a receiver on loopback that keeps what came, a plain desk, and a node that is a process of its own.

`python -m tests.support.sending DATABASE RECEIVER NAME` is that node; it sends until it is killed.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import requests

from tests.support.loopback import Asked, Clock, Loopback
from triage.bot.sending import CardUpdate, Decided, Merged, Ready, Sending, Unwanted
from triage.channels.delivery import Delivery, Group, Notice, RateLimit, Result, Sender
from triage.errors import StoreError
from triage.message import PageSize, Unit
from triage.store import Outgoing, OutgoingKind, Queued, Store

SIZE = PageSize(2048, Unit.BYTES)
KILLED_LEASE = timedelta(seconds=3)
"""Of a node that is a process of its own: how long what a killed one held waits."""


class Receiver(Loopback):
    """Keeps each text with the node that sent it."""

    def __init__(self, clock: Clock | None = None) -> None:
        super().__init__(clock)
        self.texts: list[tuple[str, str]] = []
        self.told: Callable[[], None] = lambda: None

    def answer(self, asked: Asked) -> tuple[int, Mapping[str, object]]:
        self.texts.append((asked.json["text"], asked.json["node"]))
        self.told()
        return 200, {}


@dataclass
class HttpSender:
    """Sends to the receiver."""

    url: str
    node: str
    session: requests.Session
    limits: tuple[RateLimit, ...] = ()
    page_size: PageSize = SIZE

    def send(self, notice: Notice, timeout: float) -> Delivery:
        self.session.post(self.url, json={"text": notice.text, "node": self.node}, timeout=timeout)
        return Delivery(Result.SENT, "")


@dataclass
class Answers:
    """A sender that answers as it is told, and keeps what it was given."""

    answers: list[Delivery] = field(default_factory=list)
    limits: tuple[RateLimit, ...] = ()
    page_size: PageSize = SIZE
    sent: list[Notice] = field(default_factory=list)
    before: Callable[[], object] = lambda: None

    def send(self, notice: Notice, timeout: float) -> Delivery:
        self.before()
        self.sent.append(notice)
        return self.answers.pop(0) if self.answers else Delivery(Result.SENT, "ok", receipt="rc")


@dataclass
class CardAnswers(Answers):
    """One whose cards can be changed."""

    updated: list[tuple[str, str]] = field(default_factory=list)

    def update_card(self, receipt: str, label: str, timeout: float) -> Delivery:
        self.updated.append((receipt, label))
        return Delivery(Result.SENT, "ok")


@dataclass
class PlainDesk:
    """Sends the text of each row as it is; `unwanted` and `others` are the keys of rows that are handled so."""

    sending: Callable[[str], Sender | None]
    unwanted: set[str] = field(default_factory=set)
    others: dict[str, Outgoing] = field(default_factory=dict)
    warned: list[tuple[str, str]] = field(default_factory=list)
    decides: Callable[[Queued, datetime], Decided] = lambda row, now: Decided("nothing follows")

    def decide(self, row: Queued, now: datetime) -> Decided:
        return self.decides(row, now)

    def write(self, row: Queued, now: datetime) -> Ready | Unwanted:
        if row.key in self.unwanted:
            return Unwanted("claimed")
        if row.kind is OutgoingKind.CARD:
            return Ready(row, CardUpdate(row.payload["receipt"], row.payload["label"]))
        text = row.payload["text"]
        notice = Notice(Group("robot", row.destination), text, row.payload.get("markdown"))
        return Ready(row, notice, text)

    def merge(self, several: Sequence[Ready], size: PageSize) -> Merged:
        first = several[0].what
        assert isinstance(first, Notice)
        count = len(several)
        while size.measure("\n".join(ready.line for ready in several[:count])) > size.limit:
            count -= 1
        text = "\n".join(ready.line for ready in several[:count])
        return Merged(replace(first, text=text), count)

    def sender(self, row: Queued) -> Sender | None:
        return self.sending(row.destination)

    def other_way(self, row: Queued, now: datetime) -> tuple[Outgoing, ...]:
        other = self.others.get(row.key)
        return (other,) if other else ()

    def warn(self, row: Queued, reason: str, now: datetime) -> tuple[Outgoing, ...]:
        self.warned.append((row.key, reason))
        return ()


def notice_row(key: str, destination: str, now: datetime, **values: Any) -> Outgoing:
    """A row of the outbox whose text is its key."""
    made = Outgoing(key, OutgoingKind.NOTICE, destination, now, now + timedelta(hours=2), None, {"text": key})
    return replace(made, **values)


def _node(url: str, receiver: str, name: str) -> None:
    session = requests.Session()
    sender = HttpSender(receiver, name, session)
    with_store = Store.open(url)
    sending = Sending(
        with_store.outbox,
        PlainDesk(lambda _: sender),
        lambda: datetime.now(UTC),
        name,
        lease=KILLED_LEASE,
        deadline=timedelta(seconds=1),
    )
    while True:
        try:
            sending.run()
        except StoreError as exc:
            print(exc, file=sys.stderr)
        time.sleep(0.05)


if __name__ == "__main__":
    _node(*sys.argv[1:])
