"""The steps of a checklist as values, for pages that show more of them than lines of text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from triage.advice.rendering import Shown
from triage.advice.ticks import ticks_of
from triage.alerts.facts import Fact
from triage.evidence.checks import Tick
from triage.evidence.judgement import Part
from triage.rules.model import Step


@dataclass(frozen=True, slots=True)
class ShownStep:
    """One thing to do, with the alert's facts filled in and masked."""

    id: str
    number: int
    do: str
    run: str | None
    """The command to copy."""
    healthy: str | None
    """The output of `run` that shows that this step finds nothing wrong."""
    source: tuple[str, ...]
    tick: Tick | None
    """What the machine found; None where no machine can look, and where nothing was looked at."""


def shown_steps(
    steps: Sequence[Step], facts: Mapping[str, Fact], parts: Sequence[Part]
) -> tuple[ShownStep, ...]:
    """The steps, ticked by the evidence in `parts`."""
    shown = Shown(facts)
    return tuple(
        ShownStep(
            step.id,
            number,
            shown.fill(step.do),
            shown.fill(step.run) if step.run else None,
            shown.fill(step.healthy) if step.healthy else None,
            step.source,
            tick,
        )
        for number, (step, tick) in enumerate(zip(steps, ticks_of(steps, parts), strict=True), start=1)
    )
