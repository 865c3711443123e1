"""What the store takes and gives back, beside the values of `message` and `incidents`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from triage.incidents.correlation import Reason, Sighting
from triage.message import Message, Person

ActionKind = Literal["claim", "note", "close", "step", "reopen"]


@dataclass(frozen=True, slots=True)
class Recorded:
    """The reply that stands for a message, whoever recorded it; `reply` None is an answer without words.

    What `Store.record` has just written is new and names the incident of each sighting, in their order.
    """

    reply: str | None
    is_new: bool = False
    incident_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """Where a sighting goes: into the incident named, else into the open one of the key, else into a new one."""

    incident_key: str
    incident_id: int | None
    reason: Reason


@dataclass(frozen=True, slots=True)
class Action:
    """What somebody did to an incident; `detail` is the note, or the number of the step in digits."""

    kind: ActionKind
    incident_id: int
    who: Person
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Invite:
    """A word that makes one person a member until it expires, with the appids of the member who invites."""

    word: str
    by: Person
    expires_at: datetime
    team: str | None = None


@dataclass(frozen=True, slots=True)
class Join:
    """Somebody becomes a member by an invitation word."""

    word: str
    person: Person
    name: str


@dataclass(frozen=True, slots=True)
class Entry:
    """Everything one message leaves behind; `conversation` None leaves the sender's as it is."""

    message: Message
    received_at: datetime
    reply: str | None
    sightings: tuple[tuple[Sighting, Change], ...] = ()
    actions: tuple[Action | Invite | Join, ...] = ()
    conversation: Mapping[str, Any] | None = None
    expires_at: datetime | None = None
    gap: str | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """A line of an incident's timeline; `what` is `open` or an action's kind."""

    at: datetime
    who: Person
    what: str
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody who may see incidents: all of them, or those of `appids` if any are named."""

    person: Person
    name: str | None
    team: str | None
    appids: tuple[str, ...]
    since: datetime
