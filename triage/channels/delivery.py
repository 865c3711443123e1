"""What goes out unasked: a notice, to whom, and what became of sending it."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from triage.message import PageSize, Person

EVERYBODY = "@all"
"""A mention of everybody in the group."""


@dataclass(frozen=True, slots=True)
class Group:
    """A group of people in a chat."""

    channel: str
    account: str
    """Our account or robot that writes there."""
    id: str | None = None
    """What the platform calls the chat; None for a robot that is in one group alone."""


class Button(enum.StrEnum):
    """A button of a card."""

    CLAIM = "claim"
    STEPS = "steps"
    CLOSE = "close"

    @property
    def label(self) -> str:
        """What stands on it."""
        return _LABELS[self]

    def key(self, number: int) -> str:
        """What a click sends, for incident `number`: `claim:12`."""
        return f"{self}:{number}"


_LABELS = {Button.CLAIM: "认领", Button.STEPS: "看步骤", Button.CLOSE: "关闭"}


@dataclass(frozen=True, slots=True)
class Card:
    """An incident with buttons under it."""

    number: int
    """Of the incident."""
    title: str
    lines: tuple[tuple[str, str], ...]
    """Names with their values, most telling first; a platform shows as many as it can."""
    buttons: tuple[Button, ...]
    task_id: str
    """The same for no two cards of an account: letters, digits, `_`, `-` and `@`, at most 128."""
    url: str | None = None
    """Where its details are; None where nothing shows them."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A message that nobody asked for."""

    destination: Person | Group
    text: str
    markdown: str | None = None
    """The same in Markdown, for those whose client shows it."""
    card: Card | None = None
    """The same with buttons, for those whose client shows them."""
    mentions: tuple[str, ...] = ()
    """Who of a group is called, by the platform's ids; `EVERYBODY` calls all."""
    expires_at: datetime | None = None
    """After this it helps nobody any more."""
    answer_url: str | None = None
    """Where the platform takes it as the later answer to one message, as `Message.answer_url`."""


class Result(enum.StrEnum):
    """What became of a notice, and so what to do next."""

    SENT = "sent"
    TOKEN_REFUSED = "token_refused"  # noqa: S105 - no password
    """A new access token was refused as well: try again later, with another one."""
    LATER = "later"
    """The platform did not take it now: try again."""
    OTHER_WAY = "other_way"
    """It does not reach this person in this way, however often it is tried."""
    SETTING_WRONG = "setting_wrong"
    """Nothing goes out until somebody changes a setting: tell who can."""
    OUR_TEXT = "our_text"
    """The platform refuses this very text."""
    MAYBE_SENT = "maybe_sent"
    """It was written and nothing came back: try again where a second one does no harm."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of sending a notice, and why."""

    result: Result
    reason: str
    """For people: the platform's code and words, and what to do. Without secrets."""
    retry_after: timedelta | None = None
    """The least time until another try may succeed, where the platform's rules tell."""
    receipt: str | None = None
    """What the platform gave to change the message by later."""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """How many messages a destination takes in a time."""

    count: int
    per: timedelta


class Sender(Protocol):
    """Sends notices for one account of ours."""

    @property
    def limits(self) -> tuple[RateLimit, ...]:
        """All of them hold for each destination, over all nodes."""

    @property
    def page_size(self) -> PageSize:
        """How much text one notice holds; what is longer is cut."""

    def send(self, notice: Notice, timeout: float) -> Delivery:
        """Send a notice and wait at most `timeout` seconds for what the platform says. Never raises ApiError."""


@runtime_checkable
class UpdatesCards(Protocol):
    """A sender whose cards can be changed once they are out."""

    def update_card(self, receipt: str, label: str, timeout: float) -> Delivery:
        """Replace the buttons of a card by words, for everybody who got it. A receipt works once, for 72 hours."""
