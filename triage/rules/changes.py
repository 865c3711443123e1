"""What a team changes in rules that are not its own: rules and steps switched off, and keys replaced."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from triage.findings import Finding, Location, Severity
from triage.rules.model import Change, Rule
from triage.rules.strict_yaml import similar
from triage.wording import Wording


def sort_out(
    changes: Iterable[Change], rules: Iterable[Rule]
) -> tuple[tuple[Change, ...], tuple[Finding, ...]]:
    """The changes that can be made, and a finding for each other: nothing has that id, or it is changed already."""
    known = {rule.id: rule for rule in rules}
    changes = tuple(changes)
    whole = {change.rule: change for change in changes if change.step is None and _has_own_steps(change)}
    made: dict[str, Change] = {}
    findings: list[Finding] = []
    for change in changes:
        if finding := _problem(change, known, made, whole):
            findings.append(finding)
        else:
            made[change.target] = change
    findings += _left_without_steps(made.values(), known)
    return tuple(made.values()), tuple(findings)


def _problem(
    change: Change, known: Mapping[str, Rule], made: Mapping[str, Change], whole: Mapping[str, Change]
) -> Finding | None:
    rule = known.get(change.rule)
    if rule is None:
        message = Wording("there is no rule '{rule}'", rule=change.rule)
        return _finding(change.location, "unknown-rule", message, similar(change.rule, known))
    if change.target in made:
        message = Wording(
            "'{target}' is changed already at {location}",
            target=change.target,
            location=made[change.target].location,
        )
        return _finding(change.location, "duplicate-change", message, Wording("change it in one place"))
    if change.step is not None and change.rule in whole:
        message = Wording(
            "the steps of '{rule}' are replaced or off at {location}",
            rule=change.rule,
            location=whole[change.rule].location,
        )
        return _finding(change.location, "duplicate-change", message, Wording("change them in one place"))
    steps = [step.id for step in rule.steps]
    if change.step is not None and change.step not in steps:
        message = Wording("rule '{rule}' has no step '{step}'", rule=change.rule, step=change.step)
        return _finding(change.location, "unknown-step", message, similar(change.step, steps))
    return None


def _has_own_steps(change: Change) -> bool:
    return change.is_off or "steps" in change.values


def _left_without_steps(changes: Iterable[Change], known: Mapping[str, Rule]) -> Iterator[Finding]:
    off: dict[str, list[Change]] = {}
    for change in changes:
        if change.step is not None and change.is_off:
            off.setdefault(change.rule, []).append(change)
    for id_, steps in off.items():
        if len(steps) == len(known[id_].steps):
            message = Wording("rule '{id}' is left without a step; switch it off whole", id=id_)
            yield _finding(steps[-1].location, "no-steps", message)


def changed_rules(rules: Iterable[Rule], changes: Iterable[Change]) -> tuple[Rule, ...]:
    """The rules as changed, without those that are off; the changes are those that `sort_out` lets pass.

    The examples of a rule whose steps are changed no longer say what the reply holds, unless they are replaced too.
    """
    by_rule: dict[str, list[Change]] = {}
    for change in changes:
        by_rule.setdefault(change.rule, []).append(change)
    changed = (_changed(rule, by_rule[rule.id]) if rule.id in by_rule else rule for rule in rules)
    return tuple(rule for rule in changed if rule is not None)


def _changed(rule: Rule, changes: list[Change]) -> Rule | None:
    """The rule as changed; None where it is off."""
    steps = {step.id: step for step in rule.steps}
    for change in changes:
        if change.step is not None and change.is_off:
            del steps[change.step]
        elif change.step is not None:
            steps[change.step] = replace(steps[change.step], **change.values)
        elif change.is_off:
            return None
    match = rule.match
    if any(change.step is not None or "steps" in change.values for change in changes):
        match = tuple(replace(example, renders=(), steps=()) for example in match)
    rule = replace(rule, steps=tuple(steps.values()), match=match)
    for change in changes:
        if change.step is None:
            rule = replace(rule, **change.values, places={**rule.places, **change.places})
    return rule


def _finding(location: Location, id_: str, message: str, hint: str | None = None) -> Finding:
    return Finding(id_, Severity.HIGH, message, location, hint)
