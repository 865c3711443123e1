"""Where the values of alerts stand in their text, and what of it was not understood: for showing it in parts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from triage.alerts.parser import Alert, Reading

UNREAD = "unread"
"""What looks like a part of an alert and was not understood."""


class Place(NamedTuple):
    """A value: a half-open range of characters in `Reading.text`."""

    start: int
    end: int
    what: str
    """The value's name in the contract (`appid`, `count`, `callback_url`), or `UNREAD`."""


def places_of(reading: Reading) -> tuple[Place, ...]:
    """The values of all alerts and what was not understood, in order; none lies in another one.

    The text of a place is the value as written; of a bracket without a value (`[decrypt fail]`) it is the bracket.
    """
    unread = [Place(start, end, UNREAD) for start, end in reading.unread if start < end]
    found = [place for alert in reading.alerts for place in _places(reading.text, alert)]
    return tuple(_apart(sorted([*unread, *found])))


def _places(text: str, alert: Alert) -> Iterator[Place]:
    for name, start, end in alert.parts:
        if name == "guide_url":
            start = max(start, text.lower().rfind("http", start, end))
        start, end = _trimmed(text, start, end)
        if start < end:
            yield Place(start, end, name)


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return start, end


def _apart(places: list[Place]) -> Iterator[Place]:
    """The places without those that begin inside the one before."""
    end = 0
    for place in places:
        if place.start >= end:
            yield place
            end = place.end
