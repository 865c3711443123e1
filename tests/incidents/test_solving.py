"""Which step came last before incidents were closed."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from triage.incidents.solving import FEWEST, Solved, StepCount, solving


def _closed(*last: int, kind: str = "connect_timeout") -> list[Solved]:
    """Incidents in which people went on to these steps."""
    return [Solved(kind, tuple(map(str, range(1, step + 1)))) for step in last]


@pytest.mark.parametrize(
    "closed",
    [[], _closed(*[3] * (FEWEST - 1)), [Solved("connect_timeout", ())] * 50],
    ids=["none", "one too few to say anything", "none that a step was recorded of"],
)
def test_nothing_is_said_of_too_few(closed: Sequence[Solved]) -> None:
    assert solving(closed) == ()


@pytest.mark.parametrize(
    ("last", "order", "leading"),
    [
        ([3, 3, 3, 1, 2], [3, 1, 2], "3"),
        ([3, 3, 1, 1, 2], [1, 3, 2], None),
        ([3, 3, 3, 1, 1, 2], [3, 1, 2], None),
        ([1, 1, 1, 1, 2], [1, 2], "1"),
    ],
    ids=[
        "a step that ended most of them",
        "as often as the first one",
        "in half of them, which is not most",
        "the first one",
    ],
)
def test_the_step_that_came_last_most_often_is_first(
    last: Sequence[int], order: Sequence[int], leading: str | None
) -> None:
    (found,) = solving(_closed(*last))
    assert found.incidents == len(last)
    assert [int(one.step) for one in found.steps] == order
    assert found.leading == leading


def test_the_last_tick_counts() -> None:
    (found,) = solving([Solved("dns_failure", ("resolve", "whois"))] * FEWEST)
    assert found.steps == (StepCount("whois", FEWEST),)


def test_kinds_are_told_apart_the_most_frequent_first() -> None:
    closed = _closed(*[1] * FEWEST) + _closed(*[2] * (FEWEST + 1), kind="dns_failure")
    assert [(one.kind, one.incidents) for one in solving(closed)] == [
        ("dns_failure", FEWEST + 1),
        ("connect_timeout", FEWEST),
    ]
