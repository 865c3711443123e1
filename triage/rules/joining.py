"""One set of rules from what many files hold, and the mistakes that only show between files."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import chain, islice

from triage.alerts.causes import CAUSES
from triage.alerts.cleaning import fold
from triage.findings import Finding, Location, Severity
from triage.rules.changes import changed_rules, sort_out
from triage.rules.codes import code_conflicts
from triage.rules.lexicon import Lexicon
from triage.rules.matching import UNKNOWN
from triage.rules.model import Rule, RuleFile, RuleSet
from triage.rules.strict_yaml import MAX_FINDINGS, Reference, similar
from triage.wording import Wording


def join(
    files: Iterable[RuleFile], version: str, sources: Collection[str] = ()
) -> tuple[RuleSet, tuple[Finding, ...]]:
    """One set from what many files hold, and the mistakes between them: same ids, numbers or codes, unknown names.

    `sources` are the ids that may be cited. Of the mistakes MAX_FINDINGS are listed.
    """
    files = tuple(files)
    written = tuple(rule for file in files for rule in file.rules)
    tables = tuple(table for file in files for table in file.tables)
    references = (reference for file in files for reference in file.references)
    changes, problems = sort_out((change for file in files for change in file.changes), written)
    rules = changed_rules(written, changes)
    found = chain(
        problems,
        _same_ids(written),
        _conflicts(rules, {rule.id for rule in written}),
        code_conflicts(tables, {rule.id for rule in written}),
        _unknown_names(references, written, sources),
    )
    conflicts = tuple(islice(found, MAX_FINDINGS + 1))
    if len(conflicts) > MAX_FINDINGS and (place := conflicts[-1].location):
        more = _finding(
            place,
            "too-many",
            Wording("{most} mistakes between files so far; there are more", most=MAX_FINDINGS),
        )
        conflicts = (*conflicts[:-1], more)
    lexicon = Lexicon.joined(file.lexicon for file in files)
    return RuleSet(rules, version, tables, lexicon, changes), conflicts


def _same_ids(rules: tuple[Rule, ...]) -> Iterator[Finding]:
    ids: dict[str, Rule] = {}
    for rule in rules:
        if rule.id in ids:
            taken_by = ids[rule.id].location
            yield _finding(
                rule.places["id"],
                "duplicate-id",
                Wording("rule id '{id}' is taken by {taken_by}", id=rule.id, taken_by=taken_by),
            )
        ids.setdefault(rule.id, rule)


def _conflicts(rules: tuple[Rule, ...], ids: Collection[str]) -> Iterator[Finding]:
    numbers: dict[int, Rule] = {}
    for rule in rules:
        if rule.number is not None and rule.number in numbers:
            taken = numbers[rule.number]
            message = Wording("number {number} is taken by '{id}'", number=rule.number, id=taken.id)
            yield _finding(rule.places["number"], "duplicate-number", message)
        if rule.number is not None:
            numbers.setdefault(rule.number, rule)
    for rule in rules:
        for other in rule.see:
            if other not in ids:
                message = Wording("'see' names no rule: '{other}'", other=other)
                yield _finding(rule.places["see"], "unknown-rule", message, similar(other, ids))


def _unknown_names(
    references: Iterable[Reference], rules: tuple[Rule, ...], sources: Collection[str]
) -> Iterator[Finding]:
    """References to what is not there: a condition that tests for it never holds, a citation cannot be looked up."""
    known = {
        "kind": {UNKNOWN, *(rule.id for rule in rules)},
        "cause": CAUSES,
        "phrase": {_folded(phrase) for rule in rules for phrase in rule.phrases},
        "source": sources,
    }
    for what, name, location in references:
        written = name if what == "source" else _folded(name)
        if written not in known[what]:
            hint = similar(written, known[what]) or _SEE.get(what)
            yield _finding(
                location,
                "unknown-name",
                Wording("there is no {what} '{name}'", what=_KINDS[what], name=name),
                hint,
            )


_KINDS = {
    "kind": Wording("kind"),
    "cause": Wording("cause"),
    "phrase": Wording("phrase"),
    "source": Wording("source"),
}
_SEE = {
    "kind": Wording("a kind is the id of a rule: triage rules list"),
    "cause": Wording("the causes are {names}", names=", ".join(sorted(CAUSES))),
    "phrase": Wording("add it to the 'phrases' of a rule, or nothing finds it"),
    "source": Wording("docs/sources.md lists them; your own experience is 'field'"),
}


def _folded(name: str) -> str:
    return fold(name).strip()


def _finding(location: Location, id_: str, message: str, hint: str | None = None) -> Finding:
    return Finding(id_, Severity.HIGH, message, location, hint)
