"""Who is on call, from when until when, and why.

A shift begins at a time of the local clock. Moments are compared in UTC, so that a day of 23 or 25 hours is one shift.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from triage.incidents.team import Every, Hours, Override, QuietHours, Rotation

_DAY = timedelta(days=1)
_WEEK = 7 * _DAY


class Because(enum.StrEnum):
    """Why somebody is on call, or nobody."""

    TURN = "turn"
    """It is their turn."""
    OVERRIDE = "override"
    """Somebody said so."""
    NOT_YET = "not_yet"
    """The rotation has not begun."""
    OFF_HOURS = "off_hours"
    """The rotation has hours, and these are others."""


@dataclass(frozen=True, slots=True)
class Shift:
    """A time for which one teammate is on call, or nobody."""

    rotation: str
    teammate: str | None
    """None: a hole."""
    start: datetime
    end: datetime
    because: Because


def on_call(rotation: Rotation, overrides: Sequence[Override], at: datetime) -> Shift:
    """The shift, or the hole, that a moment lies in; of overrides that overlap the last one holds."""
    return next(shift for shift in _around(rotation, overrides, at) if shift.end > at)


def next_shift(rotation: Rotation, overrides: Sequence[Override], at: datetime) -> Shift | None:
    """The first shift of somebody else than who is on call; None for one that is far away."""
    now = on_call(rotation, overrides, at).teammate
    later = (shift for shift in _around(rotation, overrides, at) if shift.start > at)
    return next((shift for shift in later if shift.teammate not in (None, now)), None)


def _around(rotation: Rotation, overrides: Sequence[Override], at: datetime) -> tuple[Shift, ...]:
    """The shifts from the one at a moment until the end of the next turn, and a week more for its hours."""
    held = [item for item in overrides if item.rotation == rotation.id and item.start <= at < item.end]
    begins = turn_start(rotation, max(0, _turn(rotation, at)))
    ends = turn_start(rotation, max(0, _turn(rotation, at)) + 2) + _WEEK
    start = min([at, begins, *(item.start for item in held)])
    return shifts(rotation, overrides, start, max([ends, *(item.end + _WEEK for item in held)]))


def after(rotation: Rotation, overrides: Sequence[Override], at: datetime, ahead: int) -> str | None:
    """Who comes `ahead` turns after the one on call; None where nobody is on call, or there is nobody else."""
    current = on_call(rotation, overrides, at).teammate
    if ahead == 0 or current is None:
        return current
    order, turn = rotation.people, _turn(rotation, at) if at >= turn_start(rotation, 0) else 0
    place = order.index(current) if current in order else turn % len(order)
    following = order[(place + ahead) % len(order)]
    return following if following != current else None


def shifts(
    rotation: Rotation, overrides: Sequence[Override], start: datetime, end: datetime
) -> tuple[Shift, ...]:
    """What lies between two moments, without a gap: shifts and holes in their order."""
    start, end = start.astimezone(UTC), end.astimezone(UTC)  # adding hours to a local time skips none
    own = [item for item in overrides if item.rotation == rotation.id]
    handovers = set(_handovers(rotation, start, end))
    cuts = {start, end, *handovers, *_edges(rotation, start, end)}
    cuts |= {edge for item in own for edge in (item.start, item.end) if start < edge < end}
    found: list[Shift] = []
    ordered = sorted(cuts)
    for begins, ends in pairwise(ordered):
        teammate, because = _holder(rotation, own, begins)
        last = found[-1] if found else None
        is_same = last and (last.teammate, last.because) == (teammate, because)
        if last and is_same and not (because is Because.TURN and begins in handovers):
            found[-1] = replace(last, end=ends)
        else:
            found.append(Shift(rotation.id, teammate, begins, ends, because))
    return tuple(found)


def holes(
    rotation: Rotation, overrides: Sequence[Override], start: datetime, end: datetime
) -> tuple[Shift, ...]:
    """When nobody is on call."""
    return tuple(shift for shift in shifts(rotation, overrides, start, end) if shift.teammate is None)


def _holder(rotation: Rotation, own: Sequence[Override], at: datetime) -> tuple[str | None, Because]:
    for item in reversed(own):
        if item.start <= at < item.end:
            return item.teammate, Because.OVERRIDE
    if at < turn_start(rotation, 0) or not rotation.people:
        return None, Because.NOT_YET
    if rotation.hours and not _covers(rotation.hours, rotation.zone, at):
        return None, Because.OFF_HOURS
    return rotation.people[_turn(rotation, at) % len(rotation.people)], Because.TURN


# -- turns


def turn_start(rotation: Rotation, turn: int) -> datetime:
    """When a turn begins; the first one is 0."""
    first, count = _first_day(rotation), turn * rotation.length
    if rotation.every is Every.HOUR:
        return _local(first, rotation.at, rotation.zone) + timedelta(hours=count)
    if rotation.every is Every.MONTH:
        months = first.year * 12 + first.month - 1 + count
        return _local(date(months // 12, months % 12 + 1, first.day), rotation.at, rotation.zone)
    days = count * (7 if rotation.every is Every.WEEK else 1)
    return _local(first + timedelta(days=days), rotation.at, rotation.zone)


def _first_day(rotation: Rotation) -> date:
    day, wanted = rotation.start, rotation.on
    while wanted is not None and (day.day if rotation.every is Every.MONTH else day.weekday()) != wanted:
        day += _DAY
    return day


_ABOUT = {Every.HOUR: timedelta(hours=1), Every.DAY: _DAY, Every.WEEK: _WEEK, Every.MONTH: 30.4 * _DAY}


def _turn(rotation: Rotation, at: datetime) -> int:
    """The turn that a moment lies in; negative before the first."""
    turn = (at - turn_start(rotation, 0)) // (_ABOUT[rotation.every] * rotation.length)
    while turn_start(rotation, turn) > at:
        turn -= 1
    while turn_start(rotation, turn + 1) <= at:
        turn += 1
    return turn


def _handovers(rotation: Rotation, start: datetime, end: datetime) -> Iterator[datetime]:
    """The beginnings of turns between two moments."""
    turn = max(0, _turn(rotation, start) + 1)
    while (begins := turn_start(rotation, turn)) < end:
        if begins > start:
            yield begins
        turn += 1


def _local(day: date, at: time, zone: ZoneInfo) -> datetime:
    """A moment of the local clock, in UTC; one that the clock skips is as long after it as it would have been."""
    return datetime.combine(day, at, zone).astimezone(UTC)


# -- hours


def _covers(hours: Hours, zone: ZoneInfo, at: datetime) -> bool:
    """Whether a moment lies in the hours."""
    day = at.astimezone(zone).date()
    return any(start <= at < end for begin in (day - _DAY, day) for start, end in _span(hours, zone, begin))


def _span(hours: Hours, zone: ZoneInfo, day: date) -> Iterator[tuple[datetime, datetime]]:
    """From when until when the hours of a day last; nothing where it has none."""
    if day.weekday() in hours.days:
        ends_on = day if hours.start < hours.end else day + _DAY
        yield _local(day, hours.start, zone), _local(ends_on, hours.end, zone)


def _edges(rotation: Rotation, start: datetime, end: datetime) -> Iterator[datetime]:
    """The beginnings and ends of hours between two moments."""
    if rotation.hours is None:
        return
    day = start.astimezone(rotation.zone).date() - _DAY
    while day <= end.astimezone(rotation.zone).date():
        for span in _span(rotation.hours, rotation.zone, day):
            yield from (edge for edge in span if start < edge < end)
        day += _DAY


EVERY_DAY = frozenset(range(7))


def quiet_until(quiet: QuietHours, at: datetime, zone: ZoneInfo | None = None) -> datetime | None:
    """When the quiet hours end that a moment lies in, by the clock of `zone` if one is given; None: it lies in none."""
    zone = zone or quiet.zone
    hours = Hours(EVERY_DAY, quiet.start, quiet.end)
    day = at.astimezone(zone).date()
    spans = (span for begin in (day - _DAY, day) for span in _span(hours, zone, begin))
    return next((end for start, end in spans if start <= at < end), None)
