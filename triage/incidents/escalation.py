"""Who is to hear of an incident now, and when to decide again: opened, not claimed, claimed and silent, closed.

Each decision plans the next, so that a step which was held back goes on where it was, however late.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from triage.findings import Severity
from triage.incidents import rota
from triage.incidents.case import Case, severity_of
from triage.incidents.correlation import Incident, State, is_quiet
from triage.incidents.occasions import (
    Again,
    Because,
    Decision,
    GroupNotice,
    Known,
    LetGo,
    News,
    Occasion,
    Page,
    Planned,
    Tell,
    What,
)
from triage.incidents.team import ClaimRules, Escalation, Override, Target, TargetKind, Team, Teammate
from triage.rules.model import MARK_FAIL

MARK_FAIL_MINUTE = timedelta(minutes=1)
"""How long the platform sends nothing to a callback after a MarkFail."""
ROUND_PAUSE = timedelta(minutes=10)
"""Between the last step of an escalation and its beginning again."""
WATCH = timedelta(hours=1)
"""Between two looks, whether there are new alerts of an incident that nobody has claimed."""
SHIFT_NOTICE = timedelta(minutes=30)
"""How long before a shift its teammate is told."""


def decide(
    occasion: Occasion, known: Known, team: Team, overrides: Sequence[Override], now: datetime
) -> Decision:
    """What an occasion leads to. Of `overrides` that overlap the last one holds, and they all beat the team's file."""
    case = Case(occasion, known, team, (*team.overrides, *overrides), now)
    incident = known.incident
    if not incident.is_confirmed:
        return Decision(Because.UNCONFIRMED)
    if incident.state is State.CLOSED:
        return _all_clear(case) if occasion.what is What.CLOSE else Decision(Because.CLOSED)
    match occasion.what:
        case What.OPEN | What.REOPEN | What.RELEASE | What.WORSE:
            return _changed(case)
        case What.STEP:
            return _step(case)
        case What.WATCH:
            return _watch(case)
        case What.CLAIM | What.GIVE:
            return _claimed(case)
        case What.REMIND | What.LET_GO:
            return _owned(case)
        case What.MINUTE:
            return _minute_over(case)
        case What.CLOSE:
            return Decision(Because.CLOSED)


def shift_notices(team: Team, overrides: Sequence[Override], now: datetime) -> tuple[Tell, ...]:
    """Word to those whose shift begins within `SHIFT_NOTICE`; its key is the same however often this is asked."""
    every, found = (*team.overrides, *overrides), []
    for rotation in team.rotations:
        around = rota.shifts(rotation, every, now - timedelta(seconds=1), now + SHIFT_NOTICE)
        for before, shift in pairwise(around):
            mate = team.teammate(shift.teammate or "")
            if mate is not None and before.teammate != shift.teammate:
                key = f"shift/{rotation.id}/{shift.start.astimezone(UTC):%Y%m%dT%H%M%S}/{mate.id}"
                found.append(Tell(key, mate, News.SHIFT, Because.HAPPENED, shift.start))
    return tuple(found)


# -- nobody has claimed


def _changed(case: Case) -> Decision:
    """Opened, open again, let go, or graver: the escalation begins, unless it goes on already or somebody owns it."""
    occasion, owner, escalation = case.occasion, case.incident.owner, case.escalation
    minute = _after_mark_fail(case)
    if owner is not None:
        news = case.tell_owner(owner, News.WORSE, Because.HAPPENED) if occasion.what is What.WORSE else ()
        return Decision(Because.CLAIMED, (*news, *minute))
    if escalation is None:
        return Decision(Because.NO_ESCALATION, minute)
    goes_on = case.team.escalation(_severity_before(case)) is escalation
    if occasion.what is What.WORSE and goes_on and not _wakes(case):
        return Decision(Because.UNCLAIMED, minute)
    freed: tuple[Planned, ...] = ()
    if occasion.what is What.RELEASE:
        freed = case.tell_groups(case.known.told, News.RELEASE, Because.HAPPENED)
    first = case.at(what=What.STEP, severity=escalation.severity, round=0, step=0, held=None)
    due = occasion.since + escalation.steps[0].after
    if due > case.now:
        again = first.again(due, Because.UNCLAIMED)
        return Decision(Because.UNCLAIMED, (*freed, again, *minute))
    began = _step(first)
    return replace(began, planned=(*freed, *began.planned, *minute))


def _severity_before(case: Case) -> Severity:
    """What the incident's severity was before the alert that this occasion is about."""
    older = tuple(alert for alert in case.incident.sightings if alert.seen_at < case.occasion.since)
    return severity_of(replace(case.incident, sightings=older))


def _wakes(case: Case) -> bool:
    """Whether the alert this is about may call people in quiet hours, and those before it might not."""
    quiet = case.team.quiet
    if quiet is None or not severity_of(case.incident).rank <= quiet.below.rank < _severity_before(case).rank:
        return False
    zones = {None, *(mate.zone for mate in case.team.people)}
    return any(rota.quiet_until(quiet, case.now, zone) for zone in zones)


def _step(case: Case) -> Decision:
    """Call whom a step names; where it names nobody who is on call, the next one at once."""
    occasion, escalation = case.occasion, case.escalation
    if case.incident.owner is not None:
        return Decision(Because.CLAIMED)
    if escalation is None or escalation.severity is not occasion.severity:
        return Decision(Because.OTHER_ESCALATION)
    muted = case.incident.muted_until
    if muted is not None and muted > case.now:
        return Decision(Because.MUTED, (case.again(muted, Because.MUTED),))
    if occasion.step >= len(escalation.steps):
        return _end_of_round(case, escalation)
    step = escalation.steps[occasion.step]
    wanted = _people(case, step.targets)
    if occasion.held is not None:
        wanted = [mate for mate in case.team.people if mate.id == occasion.held]
    asleep = {mate.id: until for mate in wanted if (until := _asleep_until(case, mate))}
    awake = [mate for mate in wanted if mate.id not in asleep]
    resting = _asleep_until(case, None) if not wanted else None
    if not awake and (until := min(filter(None, [*asleep.values(), resting]), default=None)):
        return Decision(Because.QUIET_HOURS, (case.again(until, Because.QUIET_HOURS),))
    if step.targets and not wanted:
        return _nobody(case, escalation, step.group)
    return _call(case, escalation, awake, asleep)


def _call(
    case: Case, escalation: Escalation, awake: Sequence[Teammate], asleep: dict[str, datetime]
) -> Decision:
    """Page those who are awake, the others when their night is over, tell the group, and plan the next step."""
    occasion = case.occasion
    following = None if occasion.held else _following(case, escalation)
    next_at = following.due_at if following else None
    pages = [
        Page(case.key("page", mate.id), mate, Because.UNCLAIMED, occasion.round, occasion.step, next_at)
        for mate in awake
    ]
    later = [case.again(until, Because.QUIET_HOURS, held=id_) for id_, until in asleep.items()]
    group = None if occasion.held else escalation.steps[occasion.step].group
    names = tuple(mate.id for mate in awake)
    told = case.tell_groups(
        [group] if group else [], News.CALLED, Because.UNCLAIMED, called=names, next_at=next_at
    )
    return Decision(Because.UNCLAIMED, (*pages, *told, *later, *([following] if following else [])))


def _nobody(case: Case, escalation: Escalation, group: str | None) -> Decision:
    """Say so where it is read, and go on with the next step now; behind the last one everybody is called."""
    occasion = case.occasion
    groups = [group] if group else escalation.groups or [item.id for item in case.team.groups]
    told = case.tell_groups(groups, News.NOBODY, Because.NOBODY_ON_CALL)
    if occasion.step + 1 < len(escalation.steps):
        further = _step(case.at(step=occasion.step + 1))
    else:
        everybody = [mate for mate in case.team.people if not _asleep_until(case, mate)]
        further = _call(case, escalation, everybody, {})
    return Decision(Because.NOBODY_ON_CALL, (*told, *further.planned))


def _following(case: Case, escalation: Escalation) -> Again | None:
    """The next step, as long after this one as the file says; behind the last one the end of the round."""
    steps, step = escalation.steps, case.occasion.step
    if step + 1 < len(steps):
        due = case.now + (steps[step + 1].after - steps[step].after)
        return case.again(due, Because.UNCLAIMED, step=step + 1, held=None)
    if not escalation.calls_people:
        return None
    return case.again(case.now + ROUND_PAUSE, Because.UNCLAIMED, step=len(steps), held=None)


def _end_of_round(case: Case, escalation: Escalation) -> Decision:
    """Begin again, as often as the file says; then tell that nobody has claimed, and watch for new alerts."""
    occasion = case.occasion
    if occasion.round < case.team.repeat:
        return _step(case.at(round=occasion.round + 1, step=0))
    watch = case.again(case.now + WATCH, Because.ALL_CALLED, what=What.WATCH, since=case.now)
    groups = escalation.groups or tuple(group.id for group in case.team.groups)
    told: tuple[Planned, ...] = case.tell_groups(groups, News.EXHAUSTED, Because.ALL_CALLED)
    if not told:
        told = case.tell_called(News.EXHAUSTED, Because.ALL_CALLED)
    return Decision(Because.ALL_CALLED, (*told, watch))


def _watch(case: Case) -> Decision:
    """All were called in vain: begin again if there are new alerts, else look again later."""
    occasion, escalation = case.occasion, case.escalation
    if case.incident.owner is not None:
        return Decision(Because.CLAIMED)
    if escalation is None or escalation.severity is not occasion.severity:
        return Decision(Because.OTHER_ESCALATION)
    if case.incident.last_seen > occasion.since:
        return _step(case.at(what=What.STEP, since=case.now, round=0, step=0))
    return Decision(Because.ALL_CALLED, (case.again(case.now + WATCH, Because.ALL_CALLED),))


def _asleep_until(case: Case, mate: Teammate | None) -> datetime | None:
    """When the night ends of a teammate, or of the team for None; None where they may be called now."""
    quiet = case.team.quiet
    if quiet is None or severity_of(case.incident).rank <= quiet.below.rank:
        return None
    return rota.quiet_until(quiet, case.now, mate.zone if mate else None)


def _people(case: Case, targets: Sequence[Target]) -> list[Teammate]:
    """Whom the targets of a step name now, each once."""
    ids = [id_ for target in targets for id_ in _named(case, target)]
    return [mate for mate in map(case.team.teammate, dict.fromkeys(ids)) if mate is not None]


def _named(case: Case, target: Target) -> Sequence[str]:
    team = case.team
    match target.kind:
        case TargetKind.ALL:
            return [mate.id for mate in team.people]
        case TargetKind.TEAMMATE:
            return (target.id,)
        case TargetKind.OWNERS:
            account = team.account(case.incident.appid, case.incident.callback)
            return account.owners if account else ()
        case TargetKind.ROTATION:
            rotation = team.rotation(target.id)
            found = rotation and rota.after(rotation, case.overrides, case.now, target.ahead)
            return (found,) if found else ()


# -- somebody has claimed


def _claimed(case: Case) -> Decision:
    """Those who heard of it hear that it is in hands; after a while the owner is asked."""
    occasion, owner = case.occasion, case.incident.owner
    if owner is None:
        return Decision(Because.UNOWNED)
    news = News(occasion.what)
    told: tuple[Planned, ...] = (
        *case.tell_groups(case.known.told, news, Because.HAPPENED),
        *case.tell_called(news, Because.HAPPENED),
    )
    mate = case.team.find(owner)
    heard = mate is not None and any(item.to == mate for item in told if isinstance(item, Tell))
    if not owner.is_same(occasion.who) and not heard:
        told = (*told, *case.tell_owner(owner, news, Because.HAPPENED))
    rules = case.team.claim
    if rules is None:
        return Decision(Because.CLAIMED, told)
    ask = case.again(case.now + rules.remind, Because.CLAIMED, what=What.REMIND, who=owner, since=case.now)
    return Decision(Because.CLAIMED, (*told, ask))


def _owned(case: Case) -> Decision:
    """Remind an owner after whose claim nothing happens; let go what still gets alerts then."""
    occasion, rules, owner = case.occasion, case.team.claim, case.incident.owner
    if rules is None or owner is None or not owner.is_same(occasion.who):
        return Decision(Because.UNOWNED)
    touched = case.known.touched_at
    if touched is not None and touched > occasion.since:
        later = _remind(case, rules, touched, round=0)
        return Decision(Because.OWNER_ACTIVE, (later,))
    quiet = is_quiet(case.incident, case.now)
    if occasion.what is What.LET_GO and not quiet:
        let_go = LetGo(case.key("let_go"), owner, Because.OWNER_SILENT)
        return Decision(Because.OWNER_SILENT, (let_go,))
    if quiet and (occasion.what is What.LET_GO or occasion.round):
        return Decision(Because.NO_NEW_ALERT, (_remind(case, rules, case.now, round=occasion.round),))
    until = case.now + rules.release
    told = case.tell_owner(owner, News.REMIND, Because.OWNER_SILENT, None if quiet else until)
    again = case.again(
        until, Because.OWNER_SILENT, what=What.LET_GO, since=case.now, round=occasion.round + 1
    )
    return Decision(Because.OWNER_SILENT, (*told, again))


def _remind(case: Case, rules: ClaimRules, since: datetime, **changes: Any) -> Again:
    due = max(since + rules.remind, case.now)
    return case.again(due, Because.CLAIMED, what=What.REMIND, since=since, **changes)


# -- the end, and the minute after a MarkFail


def _all_clear(case: Case) -> Decision:
    """Everybody who heard of it hears that it is over, but for who closed it."""
    told = case.tell_groups(case.known.told, News.CLOSE, Because.HAPPENED)
    return Decision(Because.HAPPENED, (*told, *case.tell_called(News.CLOSE, Because.HAPPENED)))


def _after_mark_fail(case: Case) -> tuple[Again, ...]:
    """A question for when the minute is over, where the newest MarkFail is this occasion's."""
    marks = [alert.seen_at for alert in case.incident.sightings if alert.kind == MARK_FAIL]
    if not marks or case.occasion.what is What.RELEASE:
        return ()
    due = max(marks) + MARK_FAIL_MINUTE
    return (case.again(due, Because.HAPPENED, what=What.MINUTE, since=max(marks)),)


def _minute_over(case: Case) -> Decision:
    """Ask the owner, else those who heard of it, whether it still fails; a later alert or a probe is the answer."""
    is_failing = _has_failed_since(case.incident, case.occasion.since)
    probed = None if is_failing else case.known.probed
    news = News.STILL_FAILING if is_failing else News.MINUTE_OVER
    if probed is not None:
        news = News.ANSWERS_AGAIN if probed.is_well else News.STILL_SICK
    owner = case.incident.owner
    told: tuple[Tell | GroupNotice, ...]
    if owner is not None:
        told = case.tell_owner(owner, news, Because.HAPPENED)
    else:
        groups = case.tell_groups(case.known.told, news, Because.HAPPENED)
        told = (*groups, *case.tell_called(news, Because.HAPPENED))
    note = probed.found if probed else ""
    return Decision(Because.HAPPENED, tuple(replace(item, note=note) for item in told))


def _has_failed_since(incident: Incident, since: datetime) -> bool:
    """Whether alerts say that pushes failed after the MarkFail that was forwarded at `since`, in whichever order."""
    marks = [alert for alert in incident.sightings if alert.kind == MARK_FAIL and alert.seen_at <= since]
    blocked = max([alert.first_seen or alert.seen_at for alert in marks], default=since)
    return any(
        alert.first_seen > blocked if alert.first_seen else alert.seen_at > since
        for alert in incident.sightings
    )
