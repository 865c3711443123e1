"""What the store takes and gives back, beside the values of `message` and `incidents`."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from triage.incidents.correlation import Incident, Reason, Sighting, State
from triage.message import Message, Person

ActionKind = Literal["claim", "release", "give", "mute", "note", "evidence", "close", "step", "confirm"]


class Role(enum.StrEnum):
    """What a member may do beside working on incidents."""

    MEMBER = "member"
    LEAD = "lead"
    """Invites people, removes them, and says which accounts they see."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What is recorded of a message."""

    reply: str | None
    """The reply that every push of the message gets; None is an answer without words."""
    is_new: bool = False
    """Whether this call recorded it."""
    sender: str | None = None
    """The id of who wrote it, where that was asked."""


@dataclass(frozen=True, slots=True)
class Change:
    """The incident that a sighting is recorded in."""

    incident_key: str
    incident_id: int | None
    """None: the open incident of the key, or a new one where there is none."""
    reason: Reason
    is_confirmed: bool = True
    """Whether its sender may change what members see; else it is kept apart until a member confirms it."""


@dataclass(frozen=True, slots=True)
class KnownToGuest:
    """What is kept apart for somebody until a member confirms it."""

    incidents: tuple[Incident, ...]
    """Those that were asked for."""
    fresh: int
    """How many alerts they have forwarded of late; at most some hundreds."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which incidents a list is made of."""

    appids: tuple[str, ...] = ()
    """Of these accounts; none named: of every account."""
    state: State | None = None
    owner: Person | None = None
    is_confirmed: bool = True
    """False: those kept apart until a member confirms them."""
    account: str | None = None
    """Of accounts with this in their name or AppID."""


EVERY = Wanted()
"""All that members have seen or confirmed."""


@dataclass(frozen=True, slots=True)
class Action:
    """What a person did to an incident."""

    kind: ActionKind
    incident_id: int
    who: Person
    detail: str | None = None
    """The note, the number of the step in digits, judged evidence as `evidence.transcript` writes it, the name of whom
    it is given to, or the time of day at which it may call people again.
    """
    to: Person | None = None
    """Who owns it from now on, of `give`."""
    until: datetime | None = None
    """When it may call people again, of `mute`; None: now."""


@dataclass(frozen=True, slots=True)
class Invite:
    """A word that makes one person a member until it expires."""

    word: str
    by: Person
    expires_at: datetime
    team: str | None = None
    appids: tuple[str, ...] = ()
    """What they will see; see `Member`."""
    role: Role = Role.MEMBER
    name: str | None = None
    """What to call them if they give no name."""


@dataclass(frozen=True, slots=True)
class Join:
    """A person becomes a member by an invitation word; without a name by that of the invitation."""

    word: str
    person: Person
    name: str | None


@dataclass(frozen=True, slots=True)
class Grant:
    """A member is given a role and the accounts they see; see `Member`."""

    person: Person
    role: Role
    appids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Removal:
    """A person is no member any more: what they had claimed is free, their invitations and sign-ins are void."""

    person: Person
    by: Person


MembershipChange = Invite | Join | Grant | Removal


@dataclass(frozen=True, slots=True)
class ShiftOverride:
    """A teammate is on call in a time, whoever the rotation says."""

    rotation: str
    teammate: str
    """By the id that the team's file gives them."""
    starts_at: datetime
    ends_at: datetime
    made_by: Person
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Lease:
    """A row of the outbox that somebody works on, and why it is done once the work is recorded."""

    row: int
    owner: str
    reason: str


@dataclass(frozen=True, slots=True)
class SignInLink:
    """A link that signs somebody in to the console once; of its token the digest alone is kept."""

    digest: str
    person: Person
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Audited:
    """A line of the audit log: a write that was made on a page, or a try to get in."""

    at: datetime
    who: Person | None
    """None for somebody who did not get in."""
    how: str
    """How they had come in, as `web.console.visitors.How` calls it."""
    what: str
    incident_id: int | None = None
    detail: str = ""
    """Without secrets."""
    address: str = ""
    """Where the request came from; `""` where that is not known."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Everything one message leaves behind; `conversation` None leaves the sender's as it is."""

    message: Message
    received_at: datetime
    reply: str | None
    sightings: tuple[tuple[Sighting, Change], ...] = ()
    actions: tuple[Action | MembershipChange | ShiftOverride | SignInLink, ...] = ()
    conversation: Mapping[str, Any] | None = None
    expires_at: datetime | None = None
    gap: str | None = None
    numbered: Callable[[Mapping[str, int]], str] | None = None
    """The reply with the numbers of the incidents that the alerts are in, by their keys; None: `reply` names none."""
    told: tuple[Outgoing, ...] = ()
    """What others are told because of it."""
    late: Outgoing | None = None
    """What its sender is told later, where it is recorded later than it was answered."""
    given: tuple[int, ...] = ()
    """Rows of the outbox, late answers that waited for this message: the reply begins with them."""
    answer: Outgoing | None = None
    """Takes the reply, as the `text` of its payload, to a sender whose push was answered before."""
    ends: Lease | None = None
    """The row of the outbox that asked for it; nothing is recorded where somebody else has taken that over."""


@dataclass(frozen=True, slots=True)
class Event:
    """A line of an incident's timeline; `what` is `open`, `reopen`, `tick`, `untick` or an action's kind."""

    at: datetime
    who: Person
    what: str
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class TickedStep:
    """A step of an incident's checklist that somebody has ticked."""

    step: str
    """By its id."""
    who: Person
    at: datetime


@dataclass(frozen=True, slots=True)
class Failures:
    """How many failures one alert counted."""

    at: datetime
    """When they began, else when the alert was forwarded."""
    count: int


@dataclass(frozen=True, slots=True)
class Member:
    """A person who may see incidents."""

    person: Person
    name: str | None
    team: str | None
    appids: tuple[str, ...]
    """The accounts whose incidents they see; none named: those of every account."""
    since: datetime
    role: Role = Role.MEMBER


class OutgoingKind(enum.StrEnum):
    """What a row of the outbox is."""

    CHANGE = "change"
    """What happened to an incident; what follows from it is still to be decided."""
    STEP = "step"
    """A moment at which to decide again, while nobody has claimed."""
    REMIND = "remind"
    """A moment at which to decide again, once somebody has claimed."""
    PAGE = "page"
    """Calls somebody."""
    GROUP = "group"
    """Tells a group."""
    NOTICE = "notice"
    """Tells one person."""
    LATE = "late"
    """The answer to a message that took longer than its push waits."""
    CARD = "card"
    """Says on cards that are out that somebody has claimed."""
    PICTURE = "picture"
    """Pictures that somebody sent, to be fetched and read; its answer is another row."""


class OutgoingState(enum.StrEnum):
    """What became of a row of the outbox."""

    DUE = "due"
    DONE = "done"
    """It was decided what follows."""
    SENT = "sent"
    FAILED = "failed"
    CANCELLED = "cancelled"
    """It was not wanted any more."""
    EXPIRED = "expired"
    """It was too late to help anybody."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Something that must go out, or be decided, at a time."""

    key: str
    """The same for what must not go out twice."""
    kind: OutgoingKind
    destination: str
    """One node at a time works on what has the same one, and its messages are counted together."""
    due_at: datetime
    expires_at: datetime | None = None
    """None: it is never too late for it."""
    incident_id: int | None = None
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Queued:
    """A row of the outbox."""

    id: int
    key: str
    kind: OutgoingKind
    destination: str
    incident_id: int | None
    payload: Mapping[str, Any]
    created_at: datetime
    due_at: datetime
    expires_at: datetime | None
    tries: int
    """Before the one that the row is taken for."""
    state: OutgoingState
    reason: str | None
    """Why it is as it is, or why the last try failed. None of what was sent, but for rows that another one's message
    went out for."""
    sent_at: datetime | None
    """When it went out; of what is still due, when it last may have."""
    receipt: str | None
    """What the platform gave to change the message by later."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a row that was taken."""

    id: int
    state: OutgoingState
    reason: str | None = None
    due_at: datetime | None = None
    """When it is due again; of `DUE` alone, None for at once."""
    was_tried: bool = True
    """Whether it counts as a try; of `DUE` alone."""
    receipt: str | None = None
    messages: int = 0
    """How many messages this try has sent for it, as its destination counts them: 1 also where it may have arrived, 0
    where another row's message went out for it as well."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """What has not gone out."""

    due: int
    """How many rows are due."""
    oldest_due: datetime | None
    failed: int
    """How many were given up of late, or came too late."""
