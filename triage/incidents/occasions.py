"""Reasons to decide who is to hear of an incident, what is known then, and what can be decided."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from triage.findings import Severity
from triage.incidents.correlation import Incident
from triage.incidents.team import Teammate
from triage.message import Person


class What(enum.StrEnum):
    """What has happened to an incident, or what has fallen due; the first seven are words of its timeline."""

    OPEN = "open"
    REOPEN = "reopen"
    WORSE = "worse"
    """A graver alert has come."""
    CLAIM = "claim"
    RELEASE = "release"
    GIVE = "give"
    CLOSE = "close"
    STEP = "step"
    """A step of the escalation."""
    WATCH = "watch"
    """A look at what nobody claimed when all had been called."""
    REMIND = "remind"
    """A look at what somebody has claimed."""
    LET_GO = "let_go"
    """The end of the time that an owner has after being reminded."""
    MINUTE = "minute"
    """The end of the minute after a MarkFail."""


@dataclass(frozen=True, slots=True)
class Occasion:
    """A reason to decide who is to hear of an incident."""

    what: What
    since: datetime
    """When that began which this is about: the incident was opened or let go, it was claimed, the alert came."""
    who: Person | None = None
    """Who did it; of REMIND and LET_GO the owner."""
    severity: Severity | None = None
    """Of the escalation that a step belongs to."""
    round: int = 0
    """How often the escalation has begun again, or the owner has been reminded."""
    step: int = 0
    held: str | None = None
    """The id of the only teammate whom a step is still to call: the others were awake."""

    def as_json(self) -> dict[str, Any]:
        """For the outbox."""
        value = {name: getattr(self, name) for name in self.__slots__}
        who = str(self.who) if self.who else None
        return {name: item for name, item in value.items() if item} | {
            "since": self.since.astimezone(UTC).isoformat(),
            **({"who": who} if who else {}),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Occasion:
        """From the outbox."""
        who, severity = value.get("who"), value.get("severity")
        return cls(
            What(value["what"]),
            datetime.fromisoformat(value["since"]),
            Person.parse(who) if who else None,
            Severity(severity) if severity else None,
            int(value.get("round", 0)),
            int(value.get("step", 0)),
            value.get("held"),
        )


@dataclass(frozen=True, slots=True)
class Probed:
    """What a probe of a callback has found."""

    is_well: bool
    found: str = ""
    """The worst that it has found; `""` for nothing."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of an incident at an occasion."""

    incident: Incident
    called: tuple[str, ...] = ()
    """The ids of the teammates who have been paged for it."""
    told: tuple[str, ...] = ()
    """The ids of the groups that have heard of it."""
    touched_at: datetime | None = None
    """When somebody last did something to it: claimed it, wrote a note, went on by a step."""
    probed: Probed | None = None
    """What a probe of its callback has found; None where there was none."""


class Because(enum.StrEnum):
    """Why somebody is to hear of an incident, or nobody is."""

    HAPPENED = "happened"
    """It has happened, and this is news to them."""
    UNCLAIMED = "unclaimed"
    """Nobody has claimed it."""
    NOBODY_ON_CALL = "nobody_on_call"
    """There is a hole in the rota: this comes in place of whom it does not name."""
    QUIET_HOURS = "quiet_hours"
    MUTED = "muted"
    CLAIMED = "claimed"
    UNOWNED = "unowned"
    """What is due is about an owner who is none any more."""
    CLOSED = "closed"
    UNCONFIRMED = "unconfirmed"
    """No member has seen it yet."""
    OTHER_ESCALATION = "other_escalation"
    """The incident has become graver: another escalation goes on."""
    NO_ESCALATION = "no_escalation"
    """The team's file calls nobody for incidents of this severity."""
    ALL_CALLED = "all_called"
    """The escalation has come to its end, and nothing new has happened."""
    OWNER_ACTIVE = "owner_active"
    OWNER_SILENT = "owner_silent"
    NO_NEW_ALERT = "no_new_alert"
    """It is claimed and there have been no alerts of late."""


@dataclass(frozen=True, slots=True)
class Page:
    """Call somebody."""

    key: str
    """The same for what must not go out twice."""
    teammate: Teammate
    because: Because
    round: int
    step: int
    next_at: datetime | None = None
    """When others are called unless somebody claims; None: nobody is."""


class News(enum.StrEnum):
    """What a message says."""

    CALLED = "called"
    """There is an incident, and these people are called for it."""
    NOBODY = "nobody"
    """There is nobody to call in a step."""
    EXHAUSTED = "exhausted"
    """All have been called, and nobody has claimed."""
    CLAIM = "claim"
    GIVE = "give"
    RELEASE = "release"
    WORSE = "worse"
    REMIND = "remind"
    """You have claimed it, and nothing has happened since."""
    CLOSE = "close"
    """All clear."""
    MINUTE_OVER = "minute_over"
    """The minute after a MarkFail is over: does it still fail?"""
    STILL_FAILING = "still_failing"
    """There was an alert after the minute."""
    ANSWERS_AGAIN = "answers_again"
    """The minute is over, and the callback answers a probe as it should."""
    STILL_SICK = "still_sick"
    """The minute is over, and the callback fails a probe."""
    SHIFT = "shift"
    """Your shift begins soon."""


@dataclass(frozen=True, slots=True)
class GroupNotice:
    """Tell a group."""

    key: str
    group: str
    what: News
    because: Because
    called: tuple[str, ...] = ()
    """The ids of the teammates who are called."""
    next_at: datetime | None = None
    """When others are called unless somebody claims; None: nobody is."""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Tell:
    """Tell one person."""

    key: str
    to: Teammate | Person
    """A person who is nobody of the team may have claimed too."""
    what: News
    because: Because
    at: datetime | None = None
    """The time it is about: of a shift its beginning, of a reminder when the incident is let go."""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Again:
    """Decide again at a time."""

    key: str
    occasion: Occasion
    due_at: datetime
    because: Because


@dataclass(frozen=True, slots=True)
class LetGo:
    """Take the incident from its owner, so that others are called."""

    key: str
    owner: Person
    because: Because


Planned = Page | GroupNotice | Tell | Again | LetGo


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done now, and why that or nothing."""

    because: Because
    planned: tuple[Planned, ...] = ()
