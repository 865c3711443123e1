"""The bodies of the API: what programs send and get."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from triage.incidents.correlation import Incident, Sighting, is_quiet
from triage.incidents.story import MemberNames
from triage.masking import mask
from triage.message import Person
from triage.names import person_name, seen
from triage.store import Event


def _visible(text: str) -> str:
    """Raises ValueError for a text in which a person sees nothing."""
    if person_name(text) is None:
        raise ValueError("has nothing in it that can be seen")
    return text


def _name(text: str) -> str:
    """Raises ValueError for what is no name: it would be stored and shown as another one."""
    if " ".join(filter(None, text.split(" "))) != seen(text):
        raise ValueError("has characters in it that cannot be seen")
    return _visible(text)


Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64), AfterValidator(_name)
]
Words = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500), AfterValidator(_visible)
]


class _Sent(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class TriageBody(_Sent):
    """A text to answer: an alert, or typed words."""

    text: str


class ClaimBody(_Sent):
    """Who takes the incident on."""

    by: Name


class NoteBody(_Sent):
    """A line for the incident's timeline."""

    by: Name
    note: Words


class CloseBody(_Sent):
    """Who closes the incident, and what mended it."""

    by: Name
    note: Words | None = None


class IncidentsQuery(BaseModel):
    """Which incidents are asked for."""

    model_config = ConfigDict(extra="forbid")

    hours: float = Field(default=24.0, gt=0, le=24 * 365, description="With an alert in so many hours.")
    limit: int = Field(default=50, ge=1, le=200)
    appid: str | None = Field(default=None, description="Of one account only.")


class Match(BaseModel):
    """A rule that fits, and the words that made it fit."""

    rule: str
    because: str


class AnswerView(BaseModel):
    """The reply to a text, as `triage ask --json` prints it."""

    reply: str = Field(description="The first page.")
    pages: list[str]
    alerts: list[dict[str, Any]] = Field(description="The alerts read from the text, field by field.")
    topic: str | None = Field(description="The kind of the worst alert, or the topic that was asked for.")
    matches: list[Match]


class AlertView(BaseModel):
    """One alert of an incident, as somebody forwarded it."""

    kind: str
    title: str
    appid: str | None
    nickname: str | None
    ip: str | None
    event: str | None
    first_seen: datetime | None
    count: int | None
    causes: list[str]
    forwarded_at: datetime
    forwarded_by: str = Field(description="A member's name, else their masked id.")

    @classmethod
    def of(cls, sighting: Sighting, names: MemberNames) -> AlertView:
        """From what the store remembers."""
        return cls(
            kind=sighting.kind,
            title=sighting.title,
            appid=sighting.appid,
            nickname=sighting.nickname,
            ip=sighting.ip,
            event=sighting.event,
            first_seen=sighting.first_seen,
            count=sighting.count,
            causes=list(sighting.causes),
            forwarded_at=sighting.seen_at,
            forwarded_by=called(sighting.sender, names),
        )


class IncidentView(BaseModel):
    """One callback being sick."""

    id: int
    state: Literal["open", "quiet", "closed"] = Field(
        description="quiet: open, without a new alert for a while"
    )
    appid: str | None
    callback: str | None
    opened_at: datetime
    last_seen: datetime
    owner: str | None
    step: int
    closed_at: datetime | None
    closed_note: str | None
    alerts: list[AlertView] = Field(description="The newest 50, oldest first.")

    @classmethod
    def of(cls, incident: Incident, names: MemberNames, now: datetime, quiet: timedelta) -> IncidentView:
        """From what the store remembers."""
        return cls(
            id=incident.id,
            state="quiet" if is_quiet(incident, now, quiet) else incident.state.value,
            appid=incident.appid,
            callback=incident.callback,
            opened_at=incident.opened_at,
            last_seen=incident.last_seen,
            owner=called(incident.owner, names) if incident.owner else None,
            step=incident.step,
            closed_at=incident.closed_at,
            closed_note=incident.closed_note,
            alerts=[AlertView.of(sighting, names) for sighting in incident.sightings],
        )


class EventView(BaseModel):
    """A line of an incident's timeline."""

    at: datetime
    who: str
    what: str
    detail: str | None

    @classmethod
    def of(cls, event: Event, names: MemberNames) -> EventView:
        """From what the store remembers."""
        return cls(at=event.at, who=called(event.who, names), what=event.what, detail=event.detail)


class IncidentList(BaseModel):
    """Incidents, the newest first."""

    incidents: list[IncidentView]


class IncidentPage(BaseModel):
    """One incident and what happened to it."""

    incident: IncidentView
    timeline: list[EventView]


def called(who: Person, names: MemberNames) -> str:
    """A member's name, else their id masked."""
    return names.find(who) or mask(who.id)
