"""Weeks in Beijing time, and their names."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from triage.alerts.parser import BEIJING
from triage.incidents.weeks import Week


@pytest.mark.parametrize(
    "name",
    ["", "2026", "2026-W00", "2026-W54", "2025-W53", "2026-W1", "2026-w48", "1999-W01", "2026-W48 ", "２０２６-W48"],
    ids=[
        "nothing", "a year", "a week 0", "a week 54", "a week 53 of a year without one", "a digit missing", "a small w",
        "another century", "a blank behind it", "full-width digits",
    ],
)  # fmt: skip
def test_what_names_no_week_is_none(name: str) -> None:
    assert Week.parse(name) is None


@pytest.mark.parametrize(
    ("moment", "name"),
    [
        (datetime(2026, 11, 29, 23, 59, 59, tzinfo=BEIJING), "2026-W48"),
        (datetime(2026, 11, 29, 15, 59, 59, tzinfo=UTC), "2026-W48"),
        (datetime(2026, 11, 29, 16, 0, tzinfo=UTC), "2026-W49"),
        (datetime(2027, 1, 2, 12, 0, tzinfo=BEIJING), "2026-W53"),
        (datetime(2024, 12, 30, 0, 0, tzinfo=BEIJING), "2025-W01"),
    ],
    ids=[
        "Sunday's last second", "the same second in UTC", "UTC's Sunday is Beijing's Monday",
        "a day of January in the old year's last week", "a day of December in the new year's first week",
    ],
)  # fmt: skip
def test_an_instant_is_in_the_week_of_beijing(moment: datetime, name: str) -> None:
    week = Week.of(moment)
    assert str(week) == name
    assert Week.parse(name) == week
    assert week.begins <= moment < week.ends


def test_weeks_follow_each_other_without_a_gap() -> None:
    week = Week(date(2026, 12, 28))
    assert (str(week.before), str(week.after)) == ("2026-W52", "2027-W01")
    assert week.before.ends == week.begins
    assert week.after.before == week
    assert week.ends - week.begins == timedelta(days=7)
    assert [day.weekday() for day in week.days] == list(range(7))
