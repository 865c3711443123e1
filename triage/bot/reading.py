"""Reads the pictures that wait in the outbox, one at a time in a process, and answers them.

This has a thread of its own: whoever is to be called never waits behind a picture. A picture is leased while it is
fetched and read; what a killed process leaves is read by another one when the lease has ended. The answer is recorded
together with the end of the row, so that there is one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from triage.bot.observer import NoObserver, OutgoingObserver
from triage.bot.pictures import ReadPicture, message_of
from triage.channels.pictures import Fetcher
from triage.errors import DownloadError, OvertakenError, PictureError
from triage.message import Message
from triage.store import Lease, OutgoingState, Queued, Settled
from triage.store.outbox import Outbox

READING_LEASE = timedelta(seconds=150)
"""How long nobody else reads what was taken."""
FETCH_SECONDS = 10.0
"""For one picture."""
LAST_START = timedelta(seconds=75)
"""After this a further picture of the message is not begun: to fetch and to read one takes up to half of the lease."""
MOST_TRIES = 4
"""Of a picture that could not be fetched, or whose reader did not come back."""
BACKOFF = timedelta(seconds=2)
"""Until the second try; it doubles with each further one."""
_LANES_AT_ONCE = 20
_BROKEN = (LookupError, TypeError, ValueError)
_FETCHED_BY_NOBODY = "没有能取这张图的账号"
_GIVEN_UP = "试了几次都没读完"
_NO_TEXT = "图里没认出字"


class Text(Protocol):
    """What was read in a picture."""

    @property
    def text(self) -> str:
        """Its lines."""


class Answerer(Protocol):
    """Answers what was read; see `Bot.answer_picture`."""

    def answer_picture(self, row: Queued, lease: Lease, read: ReadPicture, now: datetime) -> bool:
        """Whether this call answered it."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Reads what is due; one thread runs it."""

    outbox: Outbox
    bot: Callable[[], Answerer]
    fetcher: Callable[[Message], Fetcher | None]
    read: Callable[[bytes], Text]
    """Raises PictureError."""
    clock: Callable[[], datetime]
    owner: str
    """Different for all that work on the same database."""
    observer: OutgoingObserver = NoObserver()  # noqa: RUF009 - it keeps nothing
    lease: timedelta = READING_LEASE
    fetch_seconds: float = FETCH_SECONDS

    def run(self) -> int:
        """Read until nothing is due that others are not at; how many messages that were.

        Raises StoreError, after which what was taken is read again when its lease has ended.
        """
        total = 0
        while lanes := self.outbox.picture_lanes(self.clock(), _LANES_AT_ONCE):
            done = sum(self._work_on(lane) for lane in lanes)
            if not done:
                break
            total += done
        return total

    def _work_on(self, lane: tuple[str, int]) -> int:
        now = self.clock()
        rows = self.outbox.take(lane, self.owner, now, now + self.lease, 1)
        for row in rows:
            self._answer(row, now)
        return len(rows)

    def _answer(self, row: Queued, taken_at: datetime) -> None:
        if row.expires_at is not None and row.expires_at <= taken_at:
            self._settle(Settled(row.id, OutgoingState.EXPIRED, "too late to help anybody"), row)
            return
        try:
            message = message_of(row)
        except _BROKEN as exc:
            why = f"the row cannot be read: {type(exc).__name__}"
            self._settle(Settled(row.id, OutgoingState.FAILED, why), row)
            return
        if row.tries >= MOST_TRIES:  # it may have ended each process that began it
            found, reason = ReadPicture(problem=_GIVEN_UP), "given up"
        else:
            try:
                found, reason = self._read_all(message, taken_at)
            except (DownloadError, PictureError) as exc:
                if row.tries + 1 < MOST_TRIES:
                    due_at = self.clock() + BACKOFF * 2**row.tries
                    self._settle(Settled(row.id, OutgoingState.DUE, str(exc), due_at), row)
                    return
                found, reason = ReadPicture(problem=str(exc)), str(exc)
        self._record(row, found, reason)

    def _record(self, row: Queued, found: ReadPicture, reason: str) -> None:
        try:
            self.bot().answer_picture(row, Lease(row.id, self.owner, reason), found, self.clock())
        except OvertakenError:  # it took longer than the lease, so that somebody else answers it
            return
        self.observer.settled(row.kind.value, OutgoingState.DONE.value, reason)

    def _read_all(self, message: Message, taken_at: datetime) -> tuple[ReadPicture, str]:
        """The text of a message's pictures, and how that went.

        Raises DownloadError or PictureError where nothing was read because of something that passes.
        """
        fetcher = self.fetcher(message)
        if fetcher is None:
            return ReadPicture(problem=_FETCHED_BY_NOBODY), "no account can fetch it"
        texts: list[str] = []
        problems: list[DownloadError | PictureError] = []
        for at, picture in enumerate(message.pictures):
            if at and self.clock() - taken_at > LAST_START:
                break
            try:
                texts.append(self.read(fetcher.fetch(picture, self.fetch_seconds)).text.strip())
            except (DownloadError, PictureError) as exc:
                problems.append(exc)
        unread = len(message.pictures) - len(texts)
        if any(texts):
            return ReadPicture("\n\n".join(filter(None, texts)), unread=unread), "read"
        if not problems:
            return ReadPicture(problem=_NO_TEXT), "no text in it"
        passing = next((exc for exc in problems if _is_passing(exc)), None)
        if passing is not None:
            raise passing
        return ReadPicture(problem=str(problems[0])), str(problems[0])

    def _settle(self, settled: Settled, row: Queued) -> None:
        self.outbox.settle([settled], (), self.owner, self.clock())
        self.observer.settled(row.kind.value, settled.state.value, settled.reason)


def _is_passing(exc: DownloadError | PictureError) -> bool:
    return exc.is_passing if isinstance(exc, DownloadError) else exc.reason == "busy"
