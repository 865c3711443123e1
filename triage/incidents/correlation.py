"""Which alerts belong together: the same alert again, one callback being sick, timeouts that led to a MarkFail."""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from triage.alerts.facts import is_masked
from triage.findings import Severity
from triage.message import Person
from triage.platform.limits import ALERT_WINDOW, TICKET_ALERT_WINDOW
from triage.rules.matching import Diagnosis
from triage.rules.model import MARK_FAIL


@dataclass(frozen=True, slots=True)
class Sighting:
    """One alert as it is remembered: what was forwarded, by whom, and when."""

    digest: str
    """The same for the same alert, whoever forwards it."""
    kind: str
    title: str
    """The kind's, with that of the rule that leads."""
    rank: int
    """Its severity; 0 for the worst."""
    appid: str | None
    nickname: str | None
    callback: str | None
    """The callback URL without its query."""
    ip: str | None
    event: str | None
    first_seen: datetime | None
    count: int | None
    causes: tuple[str, ...]
    sender: Person
    """Who forwarded it."""
    seen_at: datetime
    """When it was forwarded."""


UNNUMBERED = 0
"""The id of an incident that is not stored yet; the store counts from 1."""


class State(enum.StrEnum):
    """Whether a member has closed an incident; the platform sends no recovery."""

    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Incident:
    """A callback that fails, from its first alert until a member closes it."""

    id: int
    """The number that people type; `UNNUMBERED` while only the message at hand has its alerts."""
    key: str
    """What names the callback; see `key_of`."""
    appid: str | None
    callback: str | None
    state: State
    opened_at: datetime
    last_seen: datetime
    """When its last alert was forwarded."""
    owner: Person | None = None
    """The member who has claimed it."""
    step: int = 0
    """The step of the checklist that the owner has reached; 0 before the first."""
    closed_at: datetime | None = None
    closed_note: str | None = None
    sightings: tuple[Sighting, ...] = ()
    """Its alerts, newest last."""
    is_confirmed: bool = True
    """Whether members know it; False while only somebody has forwarded it who may not change what they see."""
    muted_until: datetime | None = None
    """Until when nobody is called for it, as a member said; None: as usual."""
    alerts: int = 0
    """How many alerts the store has of it, which may be more than `sightings`."""


class Reason(enum.StrEnum):
    """Why an alert belongs to its incident."""

    OPENED = "opened"
    """It is the first alert of a new incident."""
    JOINED = "joined"
    """The same callback has an open incident, or one that was closed after these failures."""
    REOPENED = "reopened"
    """The same callback has an incident that was closed shortly before."""
    REPEATED = "repeated"
    """The incident has this very alert already."""
    FOLDED = "folded"
    """The incident has a MarkFail, which is dealt with first."""
    UNKNOWN = "unknown"
    """The store could not be asked."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Which incident an alert belongs to, and why."""

    reason: Reason
    incident: Incident | None = None
    """None for the first alert of a new incident."""
    first: Sighting | None = None
    """The same alert as it was forwarded before."""
    root: Sighting | None = None
    """The alert that led to it."""
    before: Incident | None = None
    """The last closed incident of the same callback."""


class Shape(enum.StrEnum):
    """What several alerts have in common."""

    HOST = "host"
    """Several accounts fail on one address: ask about the machine."""
    CODE = "code"
    """One account fails on several addresses: ask about the code."""
    ONE_EVENT = "one_event"
    """One account fails on one event: ask about a campaign or the event's handler."""


QUIET = timedelta(minutes=30)
"""An open incident without an alert for longer than this is shown as quiet."""
STORY = timedelta(hours=2)
"""Alerts of one callback belong to one story if no more time than this lies between them."""
RECALL = timedelta(days=90)
"""How long an earlier incident of the same callback is mentioned."""
_TICKETS = frozenset({"ticket_timeout", "ticket_failure"})
"""Kinds whose alerts count for longer than the others."""
MIN_STORM = 20
"""Different alerts within `STORM_WINDOW` that are answered with a summary."""
STORM_WINDOW = timedelta(minutes=1)
MIN_ALIKE = 3
"""Accounts, addresses or alerts that must have something in common to be shown as one shape."""
_TEXT_MESSAGE = "Text"
"""A follower's message: there is no handler or campaign of an event to ask about."""


def sighting_of(diagnosis: Diagnosis, sender: Person, seen_at: datetime) -> Sighting:
    """An alert as it is remembered: without secrets, and without a follower's OpenID."""
    alert, facts, rule = diagnosis.alert, diagnosis.facts, diagnosis.best
    callback = str(facts["url"]) if "url" in facts else _known(alert.sample.callback_url)
    identity = (
        diagnosis.kind,
        alert.appid,
        callback,
        alert.first_seen,
        alert.count,
        alert.sample.transaction_id,
    )
    return Sighting(
        digest=hashlib.sha256(repr(identity).encode()).hexdigest()[:32],
        kind=diagnosis.kind,
        title=diagnosis.title,
        rank=rule.severity.rank if rule else len(Severity),
        appid=_known(alert.appid),
        nickname=_known(alert.nickname),
        callback=callback,
        ip=_known(alert.sample.ip),
        event=alert.sample.event or alert.sample.msg,
        first_seen=alert.first_seen,
        count=alert.count,
        causes=tuple([cause.id for cause in diagnosis.causes]),
        sender=sender,
        seen_at=seen_at,
    )


def _known(value: str | None) -> str | None:
    return value if value and not is_masked(value) else None


def key_of(sighting: Sighting) -> str:
    """What names the failing callback: AppID and URL, else the best of what is not masked."""
    if sighting.appid or sighting.callback:
        return f"{sighting.appid or ''}|{sighting.callback or ''}"
    if sighting.ip:
        return f"ip|{sighting.ip}"
    return f"name|{sighting.nickname}" if sighting.nickname else f"alert|{sighting.digest}"


def correlate(sighting: Sighting, known: Sequence[Incident], now: datetime) -> Verdict:
    """Which of the known incidents an alert belongs to; those with another key are ignored.

    Closed incidents within `RECALL` come back as `REOPENED` only if the alert follows within `STORY`; one whose
    failures were over when the incident was closed opens nothing again, however late it is forwarded. The last closed
    one is in the verdict's `before`.
    """
    ours = sorted((item for item in known if item.key == key_of(sighting)), key=lambda item: item.last_seen)
    before = next((item for item in reversed(ours) if item.state is State.CLOSED), None)
    for incident in reversed(ours):
        first = next((old for old in incident.sightings if _is_same(sighting, old, now)), None)
        if first is not None:
            return Verdict(Reason.REPEATED, incident, first, root_of(sighting, incident), before)
    over = next((item for item in reversed(ours) if _was_over(sighting, item)), None)
    if over is not None:
        return Verdict(Reason.JOINED, over, None, root_of(sighting, over), before)
    latest = ours[-1] if ours else None
    if latest is None or now - latest.last_seen > STORY:
        stale = latest if latest is not None and latest.state is State.OPEN else None
        return Verdict(Reason.JOINED if stale else Reason.OPENED, stale, None, None, before)
    root = root_of(sighting, latest)
    if latest.state is State.CLOSED:
        return Verdict(Reason.REOPENED, latest, None, root, before)
    if sighting.kind != MARK_FAIL and any(old.kind == MARK_FAIL for old in latest.sightings):
        return Verdict(Reason.FOLDED, latest, None, root, before)
    return Verdict(Reason.JOINED, latest, None, root, before)


def _is_same(sighting: Sighting, old: Sighting, now: datetime) -> bool:
    """Whether it is the same alert again; one without a time may be another that counted as much."""
    is_timed = sighting.first_seen is not None
    return old.digest == sighting.digest and (is_timed or now - old.seen_at <= STORY)


def _was_over(sighting: Sighting, incident: Incident) -> bool:
    """Whether an incident was closed after all that an alert counts, and had begun by then."""
    failed = sighting.first_seen
    if failed is None or incident.closed_at is None:
        return False
    window = TICKET_ALERT_WINDOW if sighting.kind in _TICKETS else ALERT_WINDOW
    return began_at(incident) - STORY <= failed <= incident.closed_at - window


def correlate_together(
    sightings: Sequence[Sighting], known: Sequence[Incident], now: datetime
) -> tuple[tuple[Verdict, ...], tuple[Incident, ...]]:
    """The verdict on each of the alerts of one message, and the known incidents as they are with all of them.

    The alerts are taken in the order of their failures, each as if those before it had been forwarded already.
    """
    after, verdicts = list(known), {}
    for sighting in sorted(sightings, key=lambda item: item.first_seen or item.seen_at):
        verdict = correlate(sighting, after, now)
        if verdict.incident is not None:
            after.remove(verdict.incident)
        after.append(_joined(verdict, sighting))
        verdicts[sighting.digest] = verdict
    return tuple(verdicts[sighting.digest] for sighting in sightings), tuple(after)


def _joined(verdict: Verdict, sighting: Sighting) -> Incident:
    """The incident of a verdict with its alert: the one there is, open again if it was closed, or a new one."""
    seen = sighting.seen_at
    if verdict.incident is None:
        key, appid, callback = key_of(sighting), sighting.appid, sighting.callback
        return Incident(UNNUMBERED, key, appid, callback, State.OPEN, seen, seen, sightings=(sighting,))
    joined = replace(verdict.incident, last_seen=seen, sightings=(*verdict.incident.sightings, sighting))
    if verdict.reason is not Reason.REOPENED:
        return joined
    return replace(joined, state=State.OPEN, owner=None, step=0, closed_at=None, closed_note=None)


def root_of(sighting: Sighting, incident: Incident) -> Sighting | None:
    """The alert that most likely led to a MarkFail: the first other one of its story before it (guide 6.b)."""
    if sighting.kind != MARK_FAIL:
        return None
    root, since = None, sighting.first_seen or sighting.seen_at
    for old in sorted(incident.sightings, key=_failed_at)[::-1]:
        if old.first_seen and sighting.first_seen and old.first_seen > sighting.first_seen:
            continue
        if since - _failed_at(old) > STORY:
            break
        since = min(since, _failed_at(old))
        root = old if old.kind != MARK_FAIL else root
    return root


def _failed_at(sighting: Sighting) -> datetime:
    return sighting.first_seen or sighting.seen_at


def story_of(incident: Incident) -> tuple[Sighting, ...]:
    """The alerts of an incident in order of their first failure, the first of each kind."""
    ordered = sorted(incident.sightings, key=lambda item: item.first_seen or item.seen_at)
    kinds: dict[str, Sighting] = {}
    for sighting in ordered:
        kinds.setdefault(sighting.kind, sighting)
    return tuple(kinds.values())


def began_at(incident: Incident) -> datetime:
    """When it first failed as far as its alerts say, which may be long before the first was forwarded."""
    return min([incident.opened_at, *(alert.first_seen or alert.seen_at for alert in incident.sightings)])


def is_quiet(incident: Incident, now: datetime, quiet: timedelta = QUIET) -> bool:
    """Whether an open incident has had no alert for longer than `quiet`; the platform does not say when it is over."""
    return incident.state is State.OPEN and now - incident.last_seen > quiet


def shape_of(sighting: Sighting, recent: Sequence[Incident]) -> tuple[Shape, int] | None:
    """What recent incidents have in common with an alert, and how many accounts, addresses or alerts share it."""
    seen = [old for incident in recent for old in incident.sightings] + [sighting]
    if len(seen) < MIN_ALIKE:
        return None
    appids = {old.appid for old in seen if old.ip and old.ip == sighting.ip and old.appid}
    if len(appids) >= MIN_ALIKE:
        return Shape.HOST, len(appids)
    own = [old for old in seen if sighting.appid and old.appid == sighting.appid]
    addresses = {old.ip for old in own if old.ip}
    if len(addresses) >= MIN_ALIKE:
        return Shape.CODE, len(addresses)
    distinct = {old.digest: old for old in own}
    events = {old.event for old in distinct.values()}
    if (
        len(distinct) >= MIN_ALIKE
        and events == {sighting.event}
        and sighting.event not in (None, _TEXT_MESSAGE)
    ):
        return Shape.ONE_EVENT, len(distinct)
    return None


def storm_size(recent: Sequence[Incident], now: datetime, senders: Container[Person]) -> int:
    """How many different alerts these senders forwarded in the last minute; 0 where that is no storm."""
    different = {
        old.digest
        for incident in recent
        for old in incident.sightings
        if now - old.seen_at <= STORM_WINDOW and old.sender in senders
    }
    return len(different) if len(different) >= MIN_STORM else 0
