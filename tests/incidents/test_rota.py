"""Who is on call: by turns, by overrides, by hours, across changes of the clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from tests.support.team import MAIN, SHANGHAI
from triage.findings import Severity
from triage.incidents.rota import Because, after, holes, next_shift, on_call, quiet_until, shifts, turn_start
from triage.incidents.team import Every, Hours, Override, QuietHours

BERLIN = ZoneInfo("Europe/Berlin")
WORKDAYS = frozenset(range(5))


def _at(text: str, zone: ZoneInfo = SHANGHAI) -> datetime:
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=zone)


def _override(start: str, end: str, teammate: str | None = "wang") -> Override:
    return Override("main", teammate, _at(start), _at(end))


@pytest.mark.parametrize(
    ("at", "teammate", "end"),
    [
        ("01-05T09:59", None, "01-05T10:00"),
        ("01-05T10:00", "li", "01-12T10:00"),
        ("01-12T09:59", "li", "01-12T10:00"),
        ("01-12T10:00", "han", "01-19T10:00"),
        ("01-26T10:00", "li", "02-02T10:00"),
        ("12-31T23:00", "li", "12-31T23:00"),
    ],
    ids=[
        "nobody before the first turn",
        "the first from its first moment",
        "the first until the last minute",
        "the second at ten",
        "the first again after three weeks",
        "in a year's time too",
    ],
)
def test_turns_follow_each_other_by_the_week(at: str, teammate: str | None, end: str) -> None:
    shift = on_call(MAIN, (), _at(at))
    assert shift.teammate == teammate
    assert shift.end >= _at(end)


def test_shift_says_from_when_until_when() -> None:
    shift = on_call(MAIN, (), _at("01-14T00:00"))
    assert (shift.start, shift.end) == (_at("01-12T10:00"), _at("01-19T10:00"))
    assert shift.because is Because.TURN


def test_rotation_on_a_weekday_begins_on_the_first_such_day() -> None:
    assert turn_start(replace(MAIN, on=2), 0) == _at("01-07T10:00")


def test_month_begins_on_its_day_whatever_its_length() -> None:
    monthly = replace(MAIN, every=Every.MONTH, on=28)
    assert [turn_start(monthly, turn) for turn in range(3)] == [
        _at("01-28T10:00"), _at("02-28T10:00"), _at("03-28T10:00"),
    ]  # fmt: skip
    assert on_call(monthly, (), _at("03-28T09:59")).teammate == "han"


def test_month_turns_over_the_end_of_the_year() -> None:
    assert turn_start(replace(MAIN, every=Every.MONTH, on=5), 12) == datetime(2027, 1, 5, 10, tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 28), 23), (date(2026, 10, 24), 25), (date(2026, 6, 1), 24)],
    ids=["in spring", "in autumn", "in between"],
)  # fmt: skip
def test_handover_is_at_the_same_hour_of_the_clock_when_the_clock_changes(day: date, hours: int) -> None:
    daily = replace(MAIN, every=Every.DAY, on=None, zone=BERLIN, start=day)
    shift = on_call(daily, (), turn_start(daily, 0))
    assert shift.end.astimezone(BERLIN).time() == time(10)
    assert shift.end - shift.start == timedelta(hours=hours)


def test_handover_that_the_clock_skips_is_still_one() -> None:
    daily = replace(MAIN, every=Every.DAY, on=None, zone=BERLIN, start=date(2026, 3, 28), at=time(2, 30))
    found = shifts(daily, (), turn_start(daily, 0), turn_start(daily, 3))
    assert [shift.teammate for shift in found] == ["li", "han", "wang"]
    assert found[1].start.astimezone(BERLIN).time() == time(3, 30)


def test_hours_are_hours_when_the_clock_changes() -> None:
    hourly = replace(
        MAIN, every=Every.HOUR, length=2, on=None, zone=BERLIN, start=date(2026, 3, 28), at=time(0)
    )
    begins = [turn_start(hourly, turn) for turn in range(30)]
    assert {b - a for a, b in pairwise(begins)} == {timedelta(hours=2)}


# -- overrides


def test_override_of_another_rotation_changes_nothing() -> None:
    other = replace(_override("01-06T00:00", "01-07T00:00"), rotation="other")
    assert on_call(MAIN, (other,), _at("01-06T12:00")).teammate == "li"


def test_override_holds_from_its_start_until_before_its_end() -> None:
    taken = _override("01-06T00:00", "01-07T00:00")
    got = [on_call(MAIN, (taken,), _at(at)).teammate for at in ("01-05T23:59", "01-06T00:00", "01-07T00:00")]
    assert got == ["li", "wang", "li"]


def test_running_shift_ends_where_it_is_taken_over() -> None:
    taken = _override("01-06T00:00", "01-07T00:00")
    assert on_call(MAIN, (taken,), _at("01-05T12:00")).end == _at("01-06T00:00")
    shift = on_call(MAIN, (taken,), _at("01-06T12:00"))
    assert (shift.start, shift.end, shift.because) == (taken.start, taken.end, Because.OVERRIDE)


def test_later_of_two_overrides_holds() -> None:
    first, second = _override("01-06T00:00", "01-08T00:00"), _override("01-07T00:00", "01-07T12:00", "han")
    got = [shift.teammate for shift in shifts(MAIN, (first, second), _at("01-06T00:00"), _at("01-09T00:00"))]
    assert got == ["wang", "han", "wang", "li"]


def test_override_over_a_handover_is_one_shift() -> None:
    taken = _override("01-11T00:00", "01-13T00:00")
    shift = on_call(MAIN, (taken,), _at("01-12T12:00"))
    assert (shift.start, shift.end) == (taken.start, taken.end)


def test_override_by_nobody_is_a_hole() -> None:
    gone = _override("01-06T00:00", "01-07T00:00", None)
    (hole,) = holes(MAIN, (gone,), _at("01-05T10:00"), _at("01-19T10:00"))
    assert (hole.start, hole.end) == (gone.start, gone.end)


def test_shifts_leave_no_time_out() -> None:
    taken = (_override("01-06T01:30", "01-13T02:00"), _override("01-12T00:00", "01-12T11:00", None))
    found = shifts(MAIN, taken, _at("01-01T00:00"), _at("02-01T00:00"))
    assert found[0].start == _at("01-01T00:00")
    assert found[-1].end == _at("02-01T00:00")
    assert all(a.end == b.start for a, b in pairwise(found))


# -- who comes next


def test_next_shift_is_somebody_elses() -> None:
    shift = next_shift(MAIN, (), _at("01-06T12:00"))
    assert shift is not None
    assert (shift.teammate, shift.start) == ("han", _at("01-12T10:00"))


def test_next_shift_after_taking_over_is_of_whose_turn_it_was() -> None:
    shift = next_shift(MAIN, (_override("01-06T00:00", "01-07T00:00"),), _at("01-06T12:00"))
    assert shift is not None
    assert (shift.teammate, shift.start) == ("li", _at("01-07T00:00"))


def test_nobody_comes_next_where_there_is_one_person() -> None:
    alone = replace(MAIN, people=("li",))
    assert next_shift(alone, (), _at("01-06T12:00")) is None
    assert after(alone, (), _at("01-06T12:00"), 1) is None


@pytest.mark.parametrize(
    ("ahead", "teammate"), [(0, "li"), (1, "han"), (2, "wang"), (3, None)],
    ids=["the one on call", "the one after", "two after", "not the one on call again"],
)  # fmt: skip
def test_turns_ahead(ahead: int, teammate: str | None) -> None:
    assert after(MAIN, (), _at("01-06T12:00"), ahead) == teammate


def test_turn_after_an_override_is_the_one_after_whoever_took_over() -> None:
    taken = _override("01-06T00:00", "01-07T00:00", "han")
    assert after(MAIN, (taken,), _at("01-06T12:00"), 1) == "wang"


# -- hours


def test_nobody_is_on_call_outside_the_hours() -> None:
    office = replace(MAIN, hours=Hours(WORKDAYS, time(9), time(18)))
    found = shifts(office, (), _at("01-09T09:00"), _at("01-12T18:00"))  # a Friday until Monday
    assert [(shift.teammate, shift.because) for shift in found] == [
        ("li", Because.TURN), (None, Because.OFF_HOURS), ("li", Because.TURN), ("han", Because.TURN),
    ]  # fmt: skip
    assert (found[1].start, found[1].end) == (_at("01-09T18:00"), _at("01-12T09:00"))


def test_hours_past_midnight_belong_to_the_day_they_begin_on() -> None:
    nights = replace(MAIN, hours=Hours(WORKDAYS, time(18), time(9)))
    assert on_call(nights, (), _at("01-10T08:59")).teammate == "li"  # of Friday's night
    assert on_call(nights, (), _at("01-10T20:00")).teammate is None


# -- quiet hours


@pytest.mark.parametrize(
    ("at", "until"),
    [
        ("01-06T22:59", None),
        ("01-06T23:00", "01-07T08:00"),
        ("01-07T07:59", "01-07T08:00"),
        ("01-07T08:00", None),
    ],
    ids=["not before they begin", "from their first minute", "until their last", "not at their end"],
)
def test_quiet_hours_end_in_the_morning(at: str, until: str | None) -> None:
    quiet = QuietHours(time(23), time(8), SHANGHAI, Severity.HIGH)
    assert quiet_until(quiet, _at(at)) == (None if until is None else _at(until))


def test_quiet_hours_go_by_the_clock_of_who_is_asleep() -> None:
    quiet = QuietHours(time(23), time(8), SHANGHAI, Severity.HIGH)
    noon = datetime(2026, 1, 6, 4, tzinfo=UTC)
    assert quiet_until(quiet, noon) is None
    assert quiet_until(quiet, noon, BERLIN) == datetime(2026, 1, 6, 7, tzinfo=UTC)
