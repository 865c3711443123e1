"""One set of rules from what many files hold, and the mistakes that only show between files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from triage.findings import Finding, Location, Severity
from triage.rules.codes import CodeTable, code_conflicts
from triage.rules.lexicon import Lexicon
from triage.rules.parser import Rule, RuleSet
from triage.rules.strict_yaml import MAX_FINDINGS, similar


def join(
    parts: Iterable[tuple[Rule, ...]],
    version: str,
    tables: Iterable[CodeTable] = (),
    lexicons: Iterable[Lexicon] = (),
) -> tuple[RuleSet, tuple[Finding, ...]]:
    """One set from what many files hold, and the mistakes between them: same ids, numbers or codes, unknown ids.

    Of the mistakes MAX_FINDINGS are listed.
    """
    rules = tuple(rule for part in parts for rule in part)
    tables = tuple(tables)
    conflicts = tuple(islice(_conflicts(rules, tables), MAX_FINDINGS + 1))
    if len(conflicts) > MAX_FINDINGS and (place := conflicts[-1].location):
        more = _finding(place, "too-many", f"{MAX_FINDINGS} mistakes between files so far; there are more")
        conflicts = (*conflicts[:-1], more)
    return RuleSet(rules, version, tables, Lexicon.joined(lexicons)), conflicts


def _conflicts(rules: tuple[Rule, ...], tables: tuple[CodeTable, ...]) -> Iterator[Finding]:
    ids: dict[str, Rule] = {}
    numbers: dict[int, Rule] = {}
    for rule in rules:
        if rule.id in ids:
            taken_by = ids[rule.id].location
            yield _finding(rule.places["id"], "duplicate-id", f"rule id '{rule.id}' is taken by {taken_by}")
        ids.setdefault(rule.id, rule)
        if rule.number is not None and rule.number in numbers:
            taken = numbers[rule.number]
            message = f"number {rule.number} is taken by '{taken.id}'"
            yield _finding(rule.places["number"], "duplicate-number", message)
        if rule.number is not None:
            numbers.setdefault(rule.number, rule)
    for rule in rules:
        for other in rule.see:
            if other not in ids:
                message = f"'see' names no rule: '{other}'"
                yield _finding(rule.places["see"], "unknown-rule", message, similar(other, ids))
    yield from code_conflicts(tables, ids)


def _finding(location: Location, id_: str, message: str, hint: str | None = None) -> Finding:
    return Finding(id_, Severity.HIGH, message, location, hint)
