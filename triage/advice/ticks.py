"""Steps and checks with what the machine has found: ✓ healthy, ✗ sick, ! suspect, ? not looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from triage.advice.headline import excerpt
from triage.evidence.checks import NOT_LOOKED_AT, Tick, tick_checks, tick_step
from triage.evidence.judgement import Part, Verdict
from triage.evidence.transcript import MARKS
from triage.masking import mask
from triage.rules.checks import CHECKS
from triage.rules.model import Rule, Step


@dataclass(frozen=True, slots=True)
class Lines:
    """The steps of a checklist as text."""

    count: int
    line: Callable[[int], str]
    """Renders the step of an index from 0."""
    ticks: tuple[Tick | None, ...] = ()
    """The state of each; None where no machine can look, and for all of them without evidence."""


def ticks_of(steps: Sequence[Step], parts: Sequence[Part]) -> tuple[Tick | None, ...]:
    """For each step its state; None where no machine can look, and for every step where nothing was looked at."""
    if not parts:
        return (None,) * len(steps)
    return tuple(tick_step(step.check, step.run.source if step.run else "", parts) for step in steps)


def shown(tick: Tick) -> dict[str, str]:
    """The mark and the proof of templates/reply/ticked.txt."""
    proof = excerpt(mask(tick.proof))
    if tick.verdict is Verdict.HEALTHY:
        proof = f"正常（{proof}）" if proof else "正常"
    return {"mark": MARKS[tick.verdict], "proof": proof}


def next_step(ticks: Sequence[Tick | None], walked: Iterable[int]) -> int | None:
    """The number of the step that comes next: first what a finding points to, never what is healthy or was answered.

    `walked` are the numbers of those that have been shown. None at the end.
    """
    left = [
        (_urgency(tick), number)
        for number, tick in enumerate(ticks, start=1)
        if number not in {*walked} and not _is_done(tick)
    ]
    return min(left)[1] if left else None


def answered(before: Sequence[Tick | None], after: Sequence[Tick | None]) -> list[str]:
    """The steps that new output has decided: `第 3 步 ✗`."""
    return [
        f"第 {number} 步 {MARKS[now.verdict]}"
        for number, (then, now) in enumerate(zip(before, after, strict=True), start=1)
        if now and now.verdict is not Verdict.UNREADABLE and (then is None or then.verdict is not now.verdict)
    ]


def check_lines(rules: Iterable[Rule], parts: Sequence[Part]) -> list[str]:
    """The checks of some rules' steps, and all others that were looked at; none without evidence."""
    if not parts:
        return []
    ticks = tick_checks(parts)
    wanted = dict.fromkeys(step.check for rule in rules for step in rule.steps if step.check)
    return list(_lines({check: ticks.get(check, NOT_LOOKED_AT) for check in (*wanted, *ticks)}))


def _lines(ticks: dict[str, Tick]) -> Iterator[str]:
    """The bad ones with their proof, the healthy ones on one line, what is still open on another."""
    for verdict in (Verdict.SICK, Verdict.SUSPECT):
        for check, tick in ticks.items():
            if tick.verdict is verdict:
                yield f"{MARKS[verdict]} {CHECKS[check]}：{excerpt(mask(tick.proof))}"
    for verdict in (Verdict.HEALTHY, Verdict.UNREADABLE):
        if names := [CHECKS[check] for check, tick in ticks.items() if tick.verdict is verdict]:
            yield f"{MARKS[verdict]} {'、'.join(names)}"


def _urgency(tick: Tick | None) -> int:
    order = (Verdict.SICK, Verdict.SUSPECT)
    return order.index(tick.verdict) if tick and tick.verdict in order else len(order)


def _is_done(tick: Tick | None) -> bool:
    return tick is not None and (tick.is_answered or tick.verdict is Verdict.HEALTHY)
