"""Runs the examples of rules against all rules, and measures which steps and conditions they cover."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from triage.advice.adviser import Adviser, Answer
from triage.advice.rendering import steps_for, steps_of
from triage.findings import Finding, Severity
from triage.rules.conditions import Condition, View, holds
from triage.rules.model import Example, Rule, RuleSet
from triage.wording import Wording


@dataclass(frozen=True, slots=True)
class Coverage:
    """What the examples of a rule set cover."""

    examples: int
    steps: int
    unshown: tuple[str, ...]
    """Steps that no example shows."""
    conditions: int
    one_sided: tuple[str, ...]
    """Conditions that were true for all examples, or false for all."""


def run_examples(
    rules: RuleSet, adviser: Adviser, tested: Iterable[Rule] | None = None
) -> tuple[tuple[Finding, ...], Coverage]:
    """Findings about examples that fail, and the coverage: of all rules, or of those that are to be tested alone."""
    tested = rules.rules if tested is None else tuple(tested)
    findings: list[Finding] = []
    shown: set[tuple[str, str]] = set()
    seen: list[Answer] = []
    for rule in tested:
        for example in (*rule.match, *rule.ignore):
            answer = adviser.answer(example.text)
            seen.append(answer)
            wanted = example in rule.match
            findings += [
                Finding("example-failed", Severity.HIGH, problem, example.location)
                for problem in (_must(rule, example, answer) if wanted else _must_not(rule, example, answer))
            ]
            if wanted:
                shown |= {(rule.id, id_) for id_ in _steps(rule, answer)}
    return tuple(findings), _coverage(rules, tested, seen, shown)


def _must(rule: Rule, example: Example, answer: Answer) -> Iterator[str]:
    """Why a `match` example fails: another rule wins it, or the reply lacks what it promises."""
    winner = _winner(example, answer)
    if winner is None:
        yield Wording(
            "{example} must be won by '{id}', but nothing answers it", example=_what(example), id=rule.id
        )
        return
    if winner != rule.id:
        yield Wording(
            "{example} must be won by '{id}', but '{winner}' wins",
            example=_what(example),
            id=rule.id,
            winner=winner,
        )
        return
    reply = "\n".join(answer.pages)
    for text in example.renders:
        if text not in reply:
            yield Wording("the reply does not contain '{text}'", text=text)
    steps = _steps(rule, answer)
    if example.steps and steps[: len(example.steps)] != example.steps:
        shown = ", ".join(steps[: len(example.steps) + 1])
        yield Wording(
            "the steps must begin with {steps}, but are {shown}", steps=", ".join(example.steps), shown=shown
        )


def _must_not(rule: Rule, example: Example, answer: Answer) -> Iterator[str]:
    """Why an `ignore` example fails: its rule matches."""
    reached = {match.rule.id for diagnosis in answer.diagnoses for match in diagnosis.matches}
    reached |= {candidate.rule.id for candidate in answer.asked.candidates}
    if not example.query and not answer.diagnoses:
        yield Wording("no alert is found in this example; write words that must not match as 'query'")
    if rule.id in reached:
        yield Wording("{example} must not match '{id}', but does", example=_what(example), id=rule.id)


def _what(example: Example) -> str:
    return Wording("this query") if example.query else Wording("this alert")


def _winner(example: Example, answer: Answer) -> str | None:
    if example.query:
        topic = answer.asked.topic
        return topic.id if topic and not answer.diagnoses else None
    best = [diagnosis.best for diagnosis in answer.diagnoses]
    return best[0].id if best and best[0] else None


def _steps(rule: Rule, answer: Answer) -> tuple[str, ...]:
    if answer.diagnoses:
        return tuple(step.id for step in steps_for(answer.diagnoses[0]))
    return tuple(step.id for step in steps_of(rule, answer.asked.facts))


def _coverage(
    rules: RuleSet, tested: Sequence[Rule], seen: list[Answer], shown: set[tuple[str, str]]
) -> Coverage:
    steps = [(rule.id, step.id) for rule in tested for step in rule.steps]
    conditions = list(_conditions(tested))
    views: dict[str, list[View]] = {rule.id: [] for rule in rules.rules}
    everywhere = []
    for answer in seen:
        if answer.asked.topic:
            rule = answer.asked.topic
            views[rule.id].append(View({**answer.asked.facts, "kind": rule.id}))
        for diagnosis in answer.diagnoses:
            view = View(diagnosis.facts)
            everywhere.append(view)
            for match in diagnosis.matches:
                views[match.rule.id].append(view)
    one_sided = []
    for rule_id, name, condition in conditions:
        results = {holds(condition, view) for view in (views[rule_id] if name else everywhere)}
        if len(results) < 2:
            always = Wording("always true") if True in results else Wording("never true")
            one_sided.append(
                Wording("{condition}: {always}", condition=f"{rule_id}/{name}".rstrip("/"), always=always)
            )
    unshown = tuple("/".join(step) for step in steps if step not in shown)
    return Coverage(
        sum(len(rule.match) + len(rule.ignore) for rule in tested),
        len(steps),
        unshown,
        len(conditions),
        tuple(one_sided),
    )


def _conditions(rules: Iterable[Rule]) -> Iterator[tuple[str, str, Condition]]:
    """Rule id, step id (empty for the rule's own condition) and condition."""
    for rule in rules:
        if rule.when:
            yield rule.id, "", rule.when
        yield from ((rule.id, step.id, step.when) for step in rule.steps if step.when)
