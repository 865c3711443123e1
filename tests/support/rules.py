"""Rules of a test beside others."""

from __future__ import annotations

from triage.findings import Finding
from triage.rules.joining import join
from triage.rules.model import RuleFile, RuleSet
from triage.rules.parser import parse_file
from triage.settings.directories import load_sources

SOURCES = load_sources().ids
"""What may be cited."""


def with_added(rules: RuleSet, source: str, file: str = "own.yml") -> tuple[RuleSet, tuple[Finding, ...]]:
    """The rules with those of a text beside them, and every mistake in it or between them."""
    added, findings = parse_file(source, file)
    bundled = RuleFile(rules.rules, rules.tables, rules.lexicon)
    together, between = join([bundled, added], "test", SOURCES)
    return together, (*findings, *between)
