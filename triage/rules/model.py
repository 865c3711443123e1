"""What rules are: values, read once and never changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from triage.findings import Location, Severity
from triage.platform.pushes import AlertedPush
from triage.rules.codes import CodeTable
from triage.rules.conditions import Condition
from triage.rules.lexicon import Lexicon
from triage.rules.strict_yaml import Reference
from triage.rules.templates import Template

MARK_FAIL = "mark_fail"
"""The kind that follows from other alerts: the platform stops pushing after many failures."""
HELP_TOPIC = "help"
"""The topic that the command 帮助 shows."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do; its fields are described in docs/rules.md, "Keys of a step"."""

    id: str
    do: Template
    when: Condition | None
    run: Template | None
    healthy: Template | None
    source: tuple[str, ...]
    check: str | None
    erratum: str | None


@dataclass(frozen=True, slots=True)
class Example:
    """A text that a rule must match, or must not match."""

    text: str
    query: bool
    """Whether the text is typed words; else it is a pasted alert."""
    renders: tuple[str, ...]
    """What the reply must contain."""
    steps: tuple[str, ...]
    """Ids of the steps that the reply must begin with."""
    location: Location


@dataclass(frozen=True, slots=True)
class Rule:
    """One topic: how it is recognised, and what to do. Its fields are described in docs/rules.md, "Keys of a rule"."""

    id: str
    title: str
    title_en: str | None
    number: int | None
    severity: Severity
    owner: str | None
    meaning: str
    impact: str | None
    sentences: tuple[str, ...]
    signs: Condition | None
    push: AlertedPush
    when: Condition | None
    unless: Condition | None
    aliases: tuple[str, ...]
    phrases: tuple[str, ...]
    symptoms: tuple[str, ...]
    priority: int
    steps: tuple[Step, ...]
    see: tuple[str, ...]
    match: tuple[Example, ...]
    ignore: tuple[Example, ...]
    location: Location
    places: Mapping[str, Location]
    """Where its id, its number and its `see` stand, for findings about what contradicts other rules."""

    @property
    def names_kind(self) -> bool:
        """Whether alerts that fit one of its sentences are of this kind."""
        return bool(self.sentences)


@dataclass(frozen=True, slots=True)
class Change:
    """What a file changes in a rule of another file, or in one of its steps."""

    rule: str
    step: str | None
    """None where the rule itself is changed."""
    values: Mapping[str, Any]
    """The fields that are replaced; none where the rule or step is switched off."""
    location: Location
    places: Mapping[str, Location]
    """As in a rule."""

    @property
    def target(self) -> str:
        """As written: `rule` or `rule/step`."""
        return self.rule if self.step is None else f"{self.rule}/{self.step}"

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys that are replaced, as written."""
        examples = {"match": "examples", "ignore": "examples"}
        return tuple(dict.fromkeys(examples.get(name, name) for name in self.values))

    @property
    def is_off(self) -> bool:
        """Whether the rule or step is switched off."""
        return not self.values


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Rules that may be used together: ids are unique, references resolve."""

    rules: tuple[Rule, ...]
    version: str
    """A digest of their files."""
    tables: tuple[CodeTable, ...] = ()
    """The tables of codes, as their files hold them: several may be of one family."""
    lexicon: Lexicon = field(default_factory=Lexicon)
    changes: tuple[Change, ...] = ()
    """What teams have changed; made already in `rules`."""

    def get(self, rule_id: str) -> Rule | None:
        """The rule of this id."""
        return next((rule for rule in self.rules if rule.id == rule_id), None)

    def changes_of(self, rule_id: str) -> tuple[Change, ...]:
        """What is changed in this rule and its steps."""
        return tuple(change for change in self.changes if change.rule == rule_id)


@dataclass(frozen=True, slots=True)
class RuleFile:
    """What one file holds: rules, or changes, a table of codes, a lexicon; parts with mistakes are left out."""

    rules: tuple[Rule, ...] = ()
    tables: tuple[CodeTable, ...] = ()
    lexicon: Lexicon = field(default_factory=Lexicon)
    references: tuple[Reference, ...] = ()
    changes: tuple[Change, ...] = ()
