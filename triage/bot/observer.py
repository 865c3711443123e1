"""What the bot tells of its work, for counters and logs."""

from __future__ import annotations

from typing import Protocol

from triage.message import MessageKind


class Observer(Protocol):
    """Is told of each message once it has been answered."""

    def alert_read(self, kind: str) -> None:
        """An alert of this kind was in the message."""

    def topic_asked(self, topic: str | None) -> None:
        """The message was a question; None: it asks for no topic that is known."""

    def retry_answered(self, kind: MessageKind) -> None:
        """The message had been recorded before, and got the reply it got then."""


class OutgoingObserver(Protocol):
    """Is told of what goes out by itself."""

    def settled(self, kind: str, state: str, reason: str | None) -> None:
        """This became of a row of the outbox; the reason has no part of a message."""


class NoObserver:
    """An observer that keeps nothing, for tests and for the command line."""

    def alert_read(self, kind: str) -> None:
        """Do nothing."""

    def topic_asked(self, topic: str | None) -> None:
        """Do nothing."""

    def retry_answered(self, kind: MessageKind) -> None:
        """Do nothing."""

    def settled(self, kind: str, state: str, reason: str | None) -> None:
        """Do nothing."""
