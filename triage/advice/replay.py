"""Alerts on two rule sets: what the new rules conclude otherwise than those that are live."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields

from triage.advice.adviser import Adviser
from triage.advice.headline import excerpt
from triage.advice.rendering import steps_for
from triage.alerts.parser import Alert, parse
from triage.errors import TextTooLargeError
from triage.rules.matching import Diagnosis
from triage.rules.model import Step
from triage.rules.templates import Template

MAX_DIFFERENCES = 500
"""Differences that are told apart; what differs in yet another way is counted alone."""


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What rules make of an alert, as far as a reader would notice."""

    kind: str
    causes: tuple[str, ...]
    rule: str | None
    """The id of the rule that leads; None where no rule fits."""
    because: tuple[str, ...]
    """The tests by which it fits."""
    step: str | None
    """The id of the first step."""
    says: tuple[str, ...] = ()
    """What the first step says, as its file has it: what to do, the command, what is healthy."""

    def changed_to(self, other: Conclusion) -> tuple[str, ...]:
        """The names of the fields in which the other one differs."""
        names = (item.name for item in fields(self))
        return tuple(name for name in names if getattr(self, name) != getattr(other, name))


@dataclass(slots=True)
class Difference:
    """Alerts of which the new rules conclude the same, and otherwise than the live ones."""

    live: Conclusion
    new: Conclusion
    example: str
    """The first of them, in short and masked."""
    count: int = 0

    @property
    def changed(self) -> tuple[str, ...]:
        """The names of what is not the same."""
        return self.live.changed_to(self.new)


@dataclass(slots=True)
class Replay:
    """The result of judging stored alerts by two sets of rules: how many there were, and what changed."""

    alerts: int = 0
    changed: int = 0
    differences: dict[tuple[Conclusion, Conclusion], Difference] = field(default_factory=dict)

    @property
    def most_frequent_first(self) -> list[Difference]:
        """The differences, for people."""
        return sorted(self.differences.values(), key=lambda difference: -difference.count)

    @property
    def not_told_apart(self) -> int:
        """The changed alerts that are in none of the differences, of which there were too many."""
        return self.changed - sum(difference.count for difference in self.differences.values())


def replay(
    live: Adviser,
    new: Adviser,
    texts: Iterable[str],
    on_text: Callable[[], object] = lambda: None,
    is_wanted: Callable[[Alert], bool] = lambda alert: True,
) -> Replay:
    """Judge the alerts of the texts by both rule sets. The texts are taken one by one, and none is kept.

    `on_text` is called behind each; alerts that are not wanted are left out.
    """
    found = Replay()
    for text in texts:
        try:
            reading = parse(text)
        except TextTooLargeError:
            continue
        for before, after in zip(live.judge_alerts(reading), new.judge_alerts(reading), strict=True):
            if is_wanted(before.alert):
                _compare(found, before, after)
        on_text()
    return found


def _compare(found: Replay, before: Diagnosis, after: Diagnosis) -> None:
    found.alerts += 1
    key = _conclusion(before), _conclusion(after)
    if key[0] == key[1]:
        return
    found.changed += 1
    difference = found.differences.get(key)
    if difference is None and len(found.differences) < MAX_DIFFERENCES:
        difference = found.differences[key] = Difference(*key, excerpt(before.alert.text))
    if difference:
        difference.count += 1


def _conclusion(diagnosis: Diagnosis) -> Conclusion:
    best = diagnosis.matches[0] if diagnosis.matches else None
    first = next(iter(steps_for(diagnosis)), None)
    return Conclusion(
        kind=diagnosis.kind,
        causes=tuple(cause.id for cause in diagnosis.causes),
        rule=best.rule.id if best else None,
        because=tuple(item.test for item in best.because) if best else (),
        step=first.id if first else None,
        says=_says(first) if first else (),
    )


def _says(step: Step) -> tuple[str, ...]:
    written: tuple[Template | None, ...] = (step.do, step.run, step.healthy)
    return tuple(template.source if template else "" for template in written)
