"""Hours that come back every day or every week."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from triage.incidents.campaigns import FEWEST, WEEKS, Busy, Campaign, campaigns
from triage.incidents.weeks import Week

WEEK = Week.parse("2026-W48")
assert WEEK


def _hour(day: int, hour: int, alerts: int, receipts: int = 0) -> Busy:
    """An hour of the week; a day below 0 is of the weeks before."""
    assert WEEK
    return Busy(WEEK.begins + timedelta(days=day, hours=hour), alerts, receipts)


NOISE = [_hour(day, hour, 1) for day in range(-21, 7) for hour in range(24)]


@pytest.mark.parametrize(
    "hours",
    [
        [],
        NOISE,
        [_hour(day, 10, FEWEST - 1) for day in range(7)],
        [_hour(0, 10, 50), _hour(1, 10, 50)],
        [_hour(0, 10, 50), _hour(-7, 10, 50)],
        [_hour(-14, 10, 50), _hour(-13, 10, 50), _hour(-12, 10, 50)],
        [_hour(0, 10, 50), _hour(1, 11, 50), _hour(2, 12, 50)],
        [_hour(day, hour, 20) for day in range(-21, 7) for hour in range(24)],
    ],
    ids=[
        "no alert",
        "as many in every hour",
        "too few to stand out",
        "two days alone",
        "two weeks alone",
        "three days of an earlier week",
        "three days, at another hour each",
        "many, but in every hour",
    ],
)
def test_what_does_not_come_back_is_no_campaign(hours: Sequence[Busy]) -> None:
    assert WEEK
    assert campaigns(WEEK, hours) == ()


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        ([_hour(day, 10, FEWEST) for day in (0, 2, 4)], Campaign(10, None, 3, 15, False)),
        ([_hour(day, 20, 40, 21) for day in (3, -4, -11)], Campaign(20, 3, 3, 120, True)),
        ([_hour(day, 20, 40, 20) for day in (3, -4, -11)], Campaign(20, 3, 3, 120, False)),
        ([_hour(day, 0, 9) for day in range(-21, 7)], Campaign(0, None, 7, 63, False)),
    ],
    ids=[
        "three days of the week at the same hour",
        "the same weekday of three weeks, most of it receipts",
        "half of it receipts is not most",
        "every day is told once, and not for each weekday",
    ],
)
def test_an_hour_that_stands_out_three_times_is_one(hours: Sequence[Busy], expected: Campaign) -> None:
    assert WEEK
    assert campaigns(WEEK, [*NOISE, *hours] if expected.weekday else hours) == (expected,)


def test_the_one_with_most_alerts_comes_first() -> None:
    assert WEEK
    hours = [_hour(day, hour, 10 + hour) for day in range(3) for hour in (9, 21)]
    assert [campaign.hour for campaign in campaigns(WEEK, hours)] == [21, 9]


def test_an_hour_is_measured_by_the_mean_of_all_that_are_looked_at() -> None:
    assert WEEK
    three_each = [Busy(hour.starts_at, 3, 0) for hour in NOISE]
    six_each = [Busy(hour.starts_at, 6, 0) for hour in NOISE]
    daily = [_hour(day, 10, 12) for day in range(3)]
    assert campaigns(WEEK, [*three_each, *daily])
    assert not campaigns(WEEK, [*six_each, *daily])
    assert len(NOISE) == WEEKS * 7 * 24
