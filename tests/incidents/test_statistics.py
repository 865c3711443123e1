"""The numbers of a week, from the counts that the store gives."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from triage.incidents.statistics import (
    TOP,
    AccountDay,
    Handled,
    KindDay,
    Place,
    Waits,
    by_account,
    by_callback,
    by_kind,
    host_and_path,
    time_to_claim,
    time_to_close,
)

OPENED = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)


def _minutes(*minutes: int | None) -> list[Handled]:
    """Incidents that were claimed after so many minutes, and closed after twice as many."""
    return [
        Handled(
            OPENED,
            None if wait is None else OPENED + timedelta(minutes=wait),
            None if wait is None else OPENED + timedelta(minutes=2 * wait),
        )
        for wait in minutes
    ]


@pytest.mark.parametrize(
    ("waits", "done", "never", "median", "tenth"),
    [
        ([], 0, 0, None, None),
        ([None, None], 0, 2, None, None),
        ([7], 1, 0, 7, 7),
        ([-3], 1, 0, 0, 0),
        ([30, 2, None], 2, 1, 2, 30),
        ([*range(1, 11)], 10, 0, 5, 9),
        ([*range(1, 12)], 11, 0, 6, 10),
    ],
    ids=[
        "no incident",
        "none that was claimed",
        "one",
        "one that a clock behind ours claimed before it began",
        "two, of which the shorter is the middle one",
        "ten, nine of which are within the ninth",
        "eleven",
    ],
)
def test_waits_are_told_by_the_middle_and_by_the_slowest_tenth(
    waits: Sequence[int | None], done: int, never: int, median: int | None, tenth: int | None
) -> None:
    expected = [None if minutes is None else timedelta(minutes=minutes) for minutes in (median, tenth)]
    assert time_to_claim(_minutes(*waits)) == Waits(done, never, *expected)
    doubled = [None if span is None else 2 * span for span in expected]
    assert time_to_close(_minutes(*waits)) == Waits(done, never, *doubled)


def test_kinds_are_counted_day_by_day_the_most_frequent_first() -> None:
    counted = [KindDay("b", 0, 1), KindDay("a", 6, 2), KindDay("b", 0, 2), KindDay("a", 0, 1)]
    assert [(one.kind, one.days, one.total) for one in by_kind(counted)] == [
        ("a", (1, 0, 0, 0, 0, 0, 2), 3),
        ("b", (3, 0, 0, 0, 0, 0, 0), 3),
    ]


def test_an_account_keeps_its_name_on_a_day_that_has_none() -> None:
    counted = [
        AccountDay("wx1", "时令果蔬", 0, 1),
        AccountDay("wx1", None, 1, 4),
        AccountDay("wx2", None, 1, 9),
    ]
    assert [(one.appid, one.nickname, one.total) for one in by_account(counted)] == [
        ("wx2", None, 9),
        ("wx1", "时令果蔬", 5),
    ]


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://A.example/cb", "a.example/cb"),
        ("http://a.example:8080/cb?token=1", "a.example:8080/cb"),
        ("https://[::1/cb", "https://[::1/cb"),
        ("javascript:alert(1)", "javascript:alert(1)"),
        ("", ""),
    ],
    ids=["a host in capitals", "a port and a query", "an address that is none", "no host", "nothing"],
)
def test_a_callback_is_called_by_host_and_path(url: str, name: str) -> None:
    assert host_and_path(url) == name


def test_callbacks_that_differ_in_their_scheme_alone_are_one() -> None:
    places = [
        Place("http://a.example/cb", 3, 1),
        Place("https://b.example/", 4, 2),
        Place("https://a.example/cb", 2, 2),
    ]
    assert by_callback(places) == (Place("a.example/cb", 5, 2), Place("b.example/", 4, 2))


def test_no_more_callbacks_are_named_than_people_read() -> None:
    assert len(by_callback([Place(f"https://{number}.example/", 1, 1) for number in range(TOP + 1)])) == TOP
