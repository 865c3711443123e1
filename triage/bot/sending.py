"""Takes what is due from the outbox, sends it, and keeps what became of it. Each node has one or more of these.

Whatever is taken is leased: of a process that dies another one takes it over when the lease ends. So a message goes out
twice only where it was sent and nobody could note it, and then it says the same number and time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from triage.bot.observer import NoObserver, OutgoingObserver
from triage.channels.delivery import Delivery, Notice, RateLimit, Result, Sender, UpdatesCards
from triage.message import PageSize
from triage.store import Action, Outgoing, OutgoingKind, OutgoingState, Queued, Settled
from triage.store.outbox import Outbox

LEASE = timedelta(seconds=30)
"""How long nobody else works on what was taken; after a crash it waits for that long at most."""
DEADLINE = timedelta(seconds=10)
"""For one message."""
BACKOFF = timedelta(seconds=1)
"""Until the second try; it doubles with each further one."""
LONGEST_BACKOFF = timedelta(minutes=1)
SETTING_PAUSE = timedelta(minutes=5)
"""Until it is looked whether somebody has mended a setting."""
MAYBE_SENT_TRIES = 3
"""Of a message that may have arrived each time."""
_LANES_AT_ONCE = 50
_ROWS_AT_ONCE = 200
_DECIDED = frozenset({OutgoingKind.CHANGE, OutgoingKind.STEP, OutgoingKind.REMIND})
_BROKEN = (LookupError, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class Unwanted:
    """A row of the outbox that is not to go out any more."""

    reason: str


@dataclass(frozen=True, slots=True)
class CardUpdate:
    """New words in place of the buttons of a card that is out."""

    receipt: str
    label: str


@dataclass(frozen=True, slots=True)
class Ready:
    """A row of the outbox as it goes out now."""

    row: Queued
    what: Notice | CardUpdate
    line: str = ""
    """What a summary says of it, with number and time."""


@dataclass(frozen=True, slots=True)
class Merged:
    """One notice in the place of several."""

    notice: Notice
    count: int
    """How many of them it names: as many as fit."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What follows from a row of the outbox that is no message."""

    reason: str
    follow_ups: tuple[Outgoing, ...] = ()
    actions: tuple[Action, ...] = ()
    """What is done to the incident."""


class Desk(Protocol):
    """Knows what a row of the outbox is about."""

    def decide(self, row: Queued, now: datetime) -> Decided:
        """What follows from a change of an incident, or from a time that has come."""

    def write(self, row: Queued, now: datetime) -> Ready | Unwanted:
        """A message by what is known now."""

    def merge(self, several: Sequence[Ready], size: PageSize) -> Merged:
        """One message for several of one destination, at least for the first of them."""

    def sender(self, row: Queued) -> Sender | None:
        """What sends to a row's destination; None where no setting says how."""

    def other_way(self, row: Queued, now: datetime) -> tuple[Outgoing, ...]:
        """The same to the same person in another way; nothing where there is none."""

    def warn(self, row: Queued, reason: str, now: datetime) -> tuple[Outgoing, ...]:
        """Word to those who can do something about it that a message does not go out."""


@dataclass(frozen=True, slots=True)
class Sending:
    """Sends what is due; one thread runs it at a time."""

    outbox: Outbox
    desk: Desk
    clock: Callable[[], datetime]
    owner: str
    """Different for all that work on the same database."""
    observer: OutgoingObserver = NoObserver()  # noqa: RUF009 - it keeps nothing
    lease: timedelta = LEASE
    deadline: timedelta = DEADLINE

    def run(self) -> int:
        """Work until nothing is due that others are not at; how many rows that were.

        Raises StoreError, after which what was taken is taken again when its lease has ended.
        """
        total = 0
        while lanes := self.outbox.lanes(self.clock(), _LANES_AT_ONCE):
            done = sum(self._work_on(lane) for lane in lanes)
            if not done:
                break
            total += done
        return total

    def _work_on(self, lane: tuple[str, int]) -> int:
        now = self.clock()
        rows = self.outbox.take(lane, self.owner, now, now + self.lease, _ROWS_AT_ONCE)
        messages = [row for row in rows if row.kind not in _DECIDED]
        for row in rows:
            if row.kind in _DECIDED:
                self._decide(row)
        answers = [row for row in messages if row.payload.get("answer_url")]
        for some in (answers, [row for row in messages if row not in answers]):
            if some:
                self._deliver(some, now + self.lease - self.deadline)
        return len(rows)

    def _decide(self, row: Queued) -> None:
        try:
            decided = self.desk.decide(row, self.clock())
        except _BROKEN as exc:
            self._settle(row, OutgoingState.FAILED, f"the row cannot be read: {type(exc).__name__}")
        else:
            done = Settled(row.id, OutgoingState.DONE, decided.reason)
            self._note(row, done, decided.follow_ups, decided.actions)

    # -- messages

    def _deliver(self, rows: Sequence[Queued], until: datetime) -> None:
        """Send one after the other what the destination takes, the last of them for all that are too many."""
        rows = [row for row in rows if not self._is_expired(row)]
        sender = self.desk.sender(rows[0]) if rows else None
        if sender is None:
            for row in rows:
                self._go_other_way(row, "no account is set up that could send this")
            return
        free, due_at = self._free(rows[0].destination, sender.limits)
        alone = len(rows) if free >= len(rows) else max(0, free - 1)
        for at, row in enumerate(rows[:alone]):
            if self.clock() > until:
                self._give_back(rows[at:], None, row.reason)
                return
            held = self._send(sender, row)
            if held is not None:
                self._give_back(rows[at + 1 :], held.due_at, held.reason)
                return
        rest: Sequence[Queued] = rows[alone:]
        if rest and free and self.clock() <= until:
            rest = self._send_as_one(sender, rest)
        self._give_back(rest, due_at if not free else None, "more than the destination takes in this time")

    def _is_expired(self, row: Queued) -> bool:
        if row.expires_at is None or row.expires_at > self.clock():
            return False
        why = f"too late to help anybody; before: {row.reason}" if row.reason else "too late to help anybody"
        self._settle(row, OutgoingState.EXPIRED, why)
        return True

    def _free(self, destination: str, limits: Sequence[RateLimit]) -> tuple[int, datetime | None]:
        """How many messages the destination takes now, from all nodes together; if none, when it takes one again."""
        now = self.clock()
        free, due_at = _ROWS_AT_ONCE, None
        for limit in limits:
            sent = self.outbox.messages_sent(destination, now - limit.per, limit.count)
            free = min(free, limit.count - len(sent))
            if len(sent) >= limit.count:
                due_at = max(filter(None, (due_at, sent[-1] + limit.per)))
        return free, due_at

    def _send(self, sender: Sender, row: Queued) -> Settled | None:
        """Send one message; what became of it where the others must wait as well."""
        ready = self._ready(row)
        if ready is None:
            return None
        settled, follow_ups = self._judge(row, self._exchange(sender, ready.what))
        self._note(row, settled, follow_ups)
        return settled if settled.state is OutgoingState.DUE else None

    def _ready(self, row: Queued) -> Ready | None:
        """A row as it goes out; None where it does not, which is kept."""
        try:
            ready = self.desk.write(row, self.clock())
        except _BROKEN as exc:
            self._settle(row, OutgoingState.FAILED, f"the row cannot be read: {type(exc).__name__}")
            return None
        if isinstance(ready, Unwanted):
            self._settle(row, OutgoingState.CANCELLED, ready.reason)
            return None
        return ready

    def _send_as_one(self, sender: Sender, rows: Sequence[Queued]) -> Sequence[Queued]:
        """Send one message for as many as it names; those that are still to go out."""
        found = [ready for row in rows if (ready := self._ready(row)) is not None]
        several = [ready for ready in found if isinstance(ready.what, Notice)]
        if not several:
            return [ready.row for ready in found]
        merged = self.desk.merge(several, sender.page_size)
        named, rest = several[: merged.count], several[merged.count :]
        delivery = self._exchange(sender, merged.notice)
        first = named[0].row
        for ready in named:
            settled, follow_ups = self._judge(ready.row, delivery)
            if ready.row is not first:
                is_sent = settled.state is OutgoingState.SENT
                reason = f"in one message with {first.key}" if is_sent else settled.reason
                settled = replace(settled, reason=reason, receipt=None, messages=0)
            self._note(ready.row, settled, follow_ups)
        return [ready.row for ready in (*rest, *(each for each in found if each not in several))]

    def _exchange(self, sender: Sender, what: Notice | CardUpdate) -> Delivery:
        seconds = self.deadline.total_seconds()
        if isinstance(what, CardUpdate):
            if isinstance(sender, UpdatesCards):
                return sender.update_card(what.receipt, what.label, seconds)
            return Delivery(Result.OTHER_WAY, "its cards cannot be changed")
        delivery = sender.send(what, seconds)
        if delivery.result is Result.OUR_TEXT and (what.card or what.markdown):
            return sender.send(replace(what, card=None, markdown=None), seconds)
        return delivery

    def _judge(self, row: Queued, delivery: Delivery) -> tuple[Settled, tuple[Outgoing, ...]]:
        """What becomes of a row by what the platform said, and what follows."""
        now, reason = self.clock(), f"{delivery.result.value}: {delivery.reason}"
        match delivery.result:
            case Result.SENT:
                return Settled(row.id, OutgoingState.SENT, receipt=delivery.receipt, messages=1), ()
            case Result.MAYBE_SENT if row.tries + 1 >= MAYBE_SENT_TRIES:
                given_up = Settled(row.id, OutgoingState.FAILED, reason, messages=1)
                return given_up, self.desk.warn(row, reason, now)
            case Result.LATER | Result.TOKEN_REFUSED | Result.MAYBE_SENT:
                pause = max(min(BACKOFF * 2 ** min(row.tries, 10), LONGEST_BACKOFF), _least(delivery))
                messages = int(delivery.result is Result.MAYBE_SENT)
                return Settled(row.id, OutgoingState.DUE, reason, now + pause, messages=messages), ()
            case Result.OTHER_WAY | Result.OUR_TEXT:
                others = self.desk.other_way(row, now)
                return Settled(row.id, OutgoingState.FAILED, reason), others or self.desk.warn(
                    row, reason, now
                )
            case Result.SETTING_WRONG:
                others, warnings = self.desk.other_way(row, now), self.desk.warn(row, reason, now)
                state = OutgoingState.FAILED if others else OutgoingState.DUE
                return Settled(row.id, state, reason, now + SETTING_PAUSE), (*others, *warnings)

    def _go_other_way(self, row: Queued, reason: str) -> None:
        self._note(row, *self._judge(row, Delivery(Result.OTHER_WAY, reason)))

    # -- what is kept

    def _give_back(self, rows: Sequence[Queued], due_at: datetime | None, reason: str | None) -> None:
        """Let go of rows that were not tried."""
        settled = [
            Settled(row.id, OutgoingState.DUE, reason, due_at or self.clock(), was_tried=False)
            for row in rows
        ]
        if settled:
            self.outbox.settle(settled, (), self.owner, self.clock())

    def _settle(self, row: Queued, state: OutgoingState, reason: str) -> None:
        self._note(row, Settled(row.id, state, reason), ())

    def _note(
        self, row: Queued, settled: Settled, follow_ups: Sequence[Outgoing], actions: Sequence[Action] = ()
    ) -> None:
        self.outbox.settle([settled], follow_ups, self.owner, self.clock(), actions)
        self.observer.settled(row.kind.value, settled.state.value, settled.reason)


def _least(delivery: Delivery) -> timedelta:
    return delivery.retry_after or timedelta(0)
