"""Failures in portions of time: short ones where that is possible, empty ones among them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from triage.incidents.failures import MOST_BARS, Bar, in_bars

NOON = datetime(2026, 5, 12, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_no_failure_has_no_bar() -> None:
    assert in_bars([]).bars == ()


def test_failures_of_the_same_five_minutes_are_added_and_empty_portions_are_shown() -> None:
    failures = [(NOON, 3), (NOON + 4 * MINUTE, 4), (NOON + 12 * MINUTE, 5), (NOON - MINUTE, 1)]
    bars = in_bars(failures)
    assert bars.width == 5 * MINUTE
    assert bars.bars == (
        Bar(NOON - 5 * MINUTE, 1),
        Bar(NOON, 7),
        Bar(NOON + 5 * MINUTE, 0),
        Bar(NOON + 10 * MINUTE, 5),
    )


@pytest.mark.parametrize(
    ("lasted", "width"),
    [
        pytest.param(timedelta(), timedelta(minutes=5), id="a moment"),
        pytest.param(timedelta(hours=5, minutes=55), timedelta(minutes=5), id="just under six hours"),
        pytest.param(timedelta(hours=6), timedelta(minutes=15), id="six hours"),
        pytest.param(timedelta(hours=18), timedelta(hours=1), id="eighteen hours"),
        pytest.param(timedelta(days=3), timedelta(hours=6), id="three days"),
        pytest.param(timedelta(days=18), timedelta(days=1), id="eighteen days"),
        pytest.param(timedelta(days=90), timedelta(days=7), id="three months"),
        pytest.param(timedelta(days=9_999), timedelta(days=7), id="an alert with an absurd time"),
    ],
)
def test_the_longer_the_story_the_longer_the_portions(lasted: timedelta, width: timedelta) -> None:
    bars = in_bars([(NOON, 1), (NOON + lasted, 1)])
    assert bars.width == width
    assert len(bars.bars) <= MOST_BARS
    assert bars.bars[-1].failures >= 1
