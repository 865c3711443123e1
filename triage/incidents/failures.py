"""How many failures an incident had, in equal portions of time: five minutes each, longer ones in a long story."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

MOST_BARS = 72
"""Portions that a chart shows at most."""
_WIDTHS = tuple(timedelta(minutes=minutes) for minutes in (5, 15, 60, 360, 1_440, 10_080))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Bar:
    """The failures that alerts counted in a portion of time."""

    start: datetime
    failures: int


@dataclass(frozen=True, slots=True)
class Bars:
    """The portions of an incident's time, those without a failure among them, the oldest first."""

    width: timedelta
    bars: tuple[Bar, ...]


def in_bars(failures: Sequence[tuple[datetime, int]]) -> Bars:
    """The failures by their times, in portions of the least width of which there are no more than `MOST_BARS`.

    Where even weeks are too many, the newest are shown.
    """
    if not failures:
        return Bars(_WIDTHS[0], ())
    first, last = min(at for at, _ in failures), max(at for at, _ in failures)
    fitting = (width for width in _WIDTHS if _number(last, width) - _number(first, width) < MOST_BARS)
    width = next(fitting, _WIDTHS[-1])
    counted: dict[int, int] = {}
    for at, count in failures:
        number = _number(at, width)
        counted[number] = counted.get(number, 0) + count
    end = _number(last, width) + 1
    numbers = range(max(_number(first, width), end - MOST_BARS), end)
    return Bars(width, tuple(Bar(_EPOCH + number * width, counted.get(number, 0)) for number in numbers))


def _number(at: datetime, width: timedelta) -> int:
    return (at - _EPOCH) // width
