"""Rules of a test beside others."""

from __future__ import annotations

from triage.findings import Finding
from triage.rules.joining import join
from triage.rules.model import RuleFile, RuleSet
from triage.rules.parser import parse_file
from triage.settings.directories import load_sources

SAMPLE = """\
id: {id}
title: {title}
severity: high
meaning: 一句话
aliases: [样例]
steps:
  - id: first
    do: 看日志
    source: field
examples:
  match: [{{query: 样例}}]
  ignore: [{{query: 今天中午吃什么}}]
"""
"""A rule without a mistake, to be given an id and a title."""
PLAIN = SAMPLE.format(id="sample", title="样例")
SOURCES = load_sources().ids
"""What may be cited."""


def with_added(
    rules: RuleSet, source: str, file: str = "own.yml", *others: str
) -> tuple[RuleSet, tuple[Finding, ...]]:
    """The rules with those of one or more texts beside them, and every mistake in these or between them."""
    parsed = [parse_file(text, file) for text in (source, *others)]
    bundled = RuleFile(rules.rules, rules.tables, rules.lexicon)
    together, between = join([bundled, *(added for added, _ in parsed)], "test", SOURCES)
    return together, (*(finding for _, findings in parsed for finding in findings), *between)
