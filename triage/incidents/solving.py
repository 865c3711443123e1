"""Which step of a checklist people had reached when an incident was closed, and the order that follows from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

FEWEST = 5
"""Closed incidents of a kind from which on anything is said of it: of fewer chance would speak."""


@dataclass(frozen=True, slots=True)
class Solved:
    """A closed incident."""

    kind: str
    """Of its first alert."""
    steps: tuple[str, ...]
    """The steps that were ticked, by their ids, or reached by typed words, by their numbers in digits; in this order.

    The checklists of a kind differ by what is known of an alert, and so do the numbers.
    """


@dataclass(frozen=True, slots=True)
class StepCount:
    """How often a step was the last one before the incident was closed."""

    step: str
    """An id, or a number in digits; see `Solved`."""
    times: int


@dataclass(frozen=True, slots=True)
class Solving:
    """What solved the incidents of a kind."""

    kind: str
    incidents: int
    """How many it is said of: those that were closed after some step."""
    steps: tuple[StepCount, ...]
    """The step that most often came last first: the order in which the checklist would have been shortest."""

    @property
    def leading(self) -> str | None:
        """The step that ended more incidents than all others together; None where there is none."""
        first = self.steps[0]
        return first.step if first.times * 2 > self.incidents else None


def solving(closed: Iterable[Solved]) -> tuple[Solving, ...]:
    """For each kind that has `FEWEST` incidents which were closed after some step, the most frequent kind first."""
    last: dict[str, Counter[str]] = {}
    for one in closed:
        if one.steps:
            last.setdefault(one.kind, Counter())[one.steps[-1]] += 1
    found = [_solving(kind, steps) for kind, steps in last.items() if steps.total() >= FEWEST]
    return tuple(sorted(found, key=lambda one: (-one.incidents, one.kind)))


def _solving(kind: str, steps: Counter[str]) -> Solving:
    ordered: Sequence[tuple[str, int]] = sorted(steps.items(), key=lambda item: (-item[1], item[0]))
    return Solving(kind, steps.total(), tuple(StepCount(*item) for item in ordered))
