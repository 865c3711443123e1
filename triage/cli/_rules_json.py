"""Rules, and why they match, as JSON."""

from __future__ import annotations

from typing import Any

from triage.advice.adviser import Adviser
from triage.advice.query import Asked
from triage.rules.conditions import Condition
from triage.rules.matching import Diagnosis
from triage.rules.model import Change, Rule, RuleSet, Step


def rule_head_as_json(rule: Rule, rules: RuleSet) -> dict[str, Any]:
    """What a list says of a rule."""
    return {
        "id": rule.id,
        "title": rule.title,
        "number": rule.number,
        "severity": rule.severity,
        "names_kind": rule.names_kind,
        "steps": len(rule.steps),
        "file": rule.location.file,
        "line": rule.location.line,
        "changes": [_change(change) for change in rules.changes_of(rule.id)],
    }


def _change(change: Change) -> dict[str, Any]:
    """What a file changes in a rule: which keys of it or of a step; no key where a step is off."""
    return {
        "step": change.step,
        "off": change.is_off,
        "keys": list(change.keys),
        "file": change.location.file,
        "line": change.location.line,
    }


def rule_as_json(rule: Rule, rules: RuleSet) -> dict[str, Any]:
    """A rule under the names of its keys; conditions as words, templates as written."""
    return rule_head_as_json(rule, rules) | {
        "title_en": rule.title_en,
        "owner": rule.owner,
        "meaning": rule.meaning,
        "impact": rule.impact,
        "sentences": list(rule.sentences),
        "aliases": list(rule.aliases),
        "phrases": list(rule.phrases),
        "symptoms": list(rule.symptoms),
        "push": rule.push,
        "priority": rule.priority,
        "signs": _condition(rule.signs),
        "when": _condition(rule.when),
        "unless": _condition(rule.unless),
        "see": list(rule.see),
        "steps": [_step(step) for step in rule.steps],
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "id": step.id,
        "do": step.do.source,
        "when": _condition(step.when),
        "run": step.run.source if step.run else None,
        "healthy": step.healthy.source if step.healthy else None,
        "source": list(step.source),
        "check": step.check,
        "erratum": step.erratum,
    }


def _condition(condition: Condition | None) -> dict[str, Any] | None:
    """The tests in words, and the conditions under `any` and `not` likewise."""
    if condition is None:
        return None
    return {
        "all": list(map(str, condition.tests)),
        "any": [_condition(part) for part in condition.any],
        "not": [_condition(part) for part in condition.none],
    }


def diagnosis_as_json(diagnosis: Diagnosis, adviser: Adviser) -> dict[str, Any]:
    """Which rules fit an alert, what its sample proves, and why the other rules do not fit."""
    return {
        "kind": diagnosis.kind,
        "matches": [
            {
                "rule": match.rule.id,
                "because": [
                    {"test": item.test, "found": item.found, "span": item.span} for item in match.because
                ],
            }
            for match in diagnosis.matches
        ],
        "causes": [
            {"id": cause.id, "field": cause.field, "span": cause.span, "meaning": cause.meaning}
            for cause in diagnosis.causes
        ],
        "others": [{"rule": id_, "reason": reason} for id_, reason in adviser.why_not(diagnosis)],
    }


def question_as_json(asked: Asked) -> dict[str, Any]:
    """Which rules a question asks for, or may ask for, and by which words."""
    return {
        "clear": asked.is_clear,
        "candidates": [
            {"rule": item.rule.id, "score": item.score, "because": list(item.because)}
            for item in asked.candidates
        ],
        "facts": dict(asked.facts),
    }
