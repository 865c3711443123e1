"""YAML text to rules; every mistake in a file is a finding with its place.

The format is described in docs/rules.md. Scalars are text and conditions are data: a file from strangers runs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace

import yaml

from triage.alerts.facts import FACTS
from triage.errors import TooManyMistakesError
from triage.findings import Finding, Location, Severity
from triage.platform.pushes import AlertedPush
from triage.rules import templates
from triage.rules.checks import CHECKS
from triage.rules.codes import CODE_TABLE_KEY, parse_code_table
from triage.rules.conditions import parse_condition
from triage.rules.lexicon import LEXICON_KEY, parse_lexicon
from triage.rules.model import Change, Example, Rule, RuleFile, Step
from triage.rules.stages import STAGES, expand
from triage.rules.strict_yaml import (
    CITATIONS,
    IDENTIFIER,
    IDENTIFIERS,
    TEXT,
    TEXTS,
    Key,
    Pair,
    Reader,
    Shape,
    compose,
    mapping_of,
    one_or_more,
    ref,
    similar,
    whole_number,
    word_of,
)
from triage.rules.templates import Template
from triage.wording import Wording


def parse_file(source: str, file: str) -> tuple[RuleFile, tuple[Finding, ...]]:
    """What one file holds, and all mistakes in it. `file` is named in the findings."""
    reader = Reader(file)
    parsed = RuleFile()
    with suppress(TooManyMistakesError):
        root = compose(source, reader)
        parsed = _file(reader, root) if root is not None else parsed
    return replace(parsed, references=tuple(reader.references)), tuple(reader.findings)


def parse_rules(source: str, file: str) -> tuple[tuple[Rule, ...], tuple[Finding, ...]]:
    """The rules of one file, without those that have mistakes, and all mistakes. `file` is named in the findings."""
    parsed, findings = parse_file(source, file)
    return parsed.rules, findings


def _file(reader: Reader, root: yaml.Node) -> RuleFile:
    pairs = reader.mapping(root, Wording("a file"))
    names = {name for name, _, _ in pairs}
    if CODE_TABLE_KEY in names:
        table = parse_code_table(reader, root, pairs)
        return RuleFile(tables=(table,) if table else ())
    if LEXICON_KEY in names:
        return RuleFile(lexicon=parse_lexicon(reader, root, pairs))
    if names & _CHANGES.keys():
        return RuleFile(changes=_changes(reader, root, pairs))
    return RuleFile(tuple(_rules(reader, root, pairs)))


def _rules(reader: Reader, root: yaml.Node, pairs: list[Pair]) -> Iterator[Rule]:
    rest = _without_head(reader, root, pairs)
    packs = [(key, value) for name, key, value in rest if name == "rules"]
    if packs:
        ((key, value),) = packs
        if len(rest) > 1:
            reader.report(key, "mixed-pack", Wording("a pack holds 'version', 'lists' and 'rules' only"))
        if isinstance(value, yaml.SequenceNode) and not value.value:
            reader.report(value, "empty", Wording("the pack holds no rule"))
        nodes = [(node, reader.mapping(node, Wording("a rule"))) for node in reader.items(value)]
    else:
        nodes = [(root, rest)]
    for node, own in nodes:
        if rule := _rule(reader, node, own):
            yield rule


def _without_head(reader: Reader, root: yaml.Node, pairs: list[Pair]) -> list[Pair]:
    """The pairs behind the version and the lists of a file, which are read."""
    reader.parse(root, [pair for pair in pairs if pair[0] in _HEAD], _HEAD, Wording("a file"))
    return [pair for pair in pairs if pair[0] not in _HEAD]


def _version(reader: Reader, node: yaml.Node) -> None:
    if reader.text(node) not in (_VERSION, ""):
        message = Wording(
            "unknown version of the rule format; this program reads version {version}", version=_VERSION
        )
        reader.report(node, "bad-version", message)


_VERSION = "1"


def _lists(reader: Reader, node: yaml.Node) -> None:
    """Keep the lists for the conditions of the file."""
    reader.lists = {name: reader.texts(item) for name, _, item in reader.mapping(node, Wording("lists"))}


def _changes(reader: Reader, root: yaml.Node, pairs: list[Pair]) -> tuple[Change, ...]:
    values = reader.parse(root, _without_head(reader, root, pairs), _CHANGES, Wording("a file of changes"))
    return (*values["off"], *values["override"])


def _off(reader: Reader, node: yaml.Node) -> tuple[Change, ...]:
    items = [node] if isinstance(node, yaml.ScalarNode) else reader.items(node)
    named = ((item, _target(reader, item, reader.text(item))) for item in items)
    return tuple(Change(*target, {}, reader.location(item), {}) for item, target in named if target)


def _override(reader: Reader, node: yaml.Node) -> tuple[Change, ...]:
    changes = (_replacement(reader, *pair) for pair in reader.mapping(node, "'override'"))
    return tuple(change for change in changes if change)


def _replacement(reader: Reader, name: str, key: yaml.Node, node: yaml.Node) -> Change | None:
    """The fields of a rule or step that are replaced; None, with findings, where one has a mistake."""
    before = len(reader.findings)
    target = _target(reader, key, name)
    pairs = reader.mapping(node, f"'{name}'")
    table = _STEP_CHANGE if target and target[1] else _RULE_CHANGE
    values = reader.parse(node, pairs, table, name)
    if not pairs and len(reader.findings) == before:
        reader.report(key, "useless-key", Wording("nothing of '{name}' is replaced", name=name))
    if target is None or len(reader.findings) > before:
        return None
    given = {field: values[field] for field, _, _ in pairs}
    if "examples" in given:
        given["match"], given["ignore"] = given.pop("examples")
    return Change(*target, given, reader.location(key), _places(reader, pairs))


def _target(reader: Reader, node: yaml.Node, name: str) -> tuple[str, str | None] | None:
    """The ids of a rule and of its step in `rule` or `rule/step`; None, with a finding, for anything else."""
    if found := _TARGET.fullmatch(name):
        return found[1], found[2]
    if name:
        reader.report(
            node, "bad-id", Wording("'{name}' is neither the id of a rule nor rule/step", name=name)
        )
    return None


_RULE_ID = "[a-z][a-z0-9_]{0,63}"
_TARGET = re.compile(rf"({_RULE_ID})(?:/({_RULE_ID}))?")


def _places(reader: Reader, pairs: list[Pair]) -> dict[str, Location]:
    return {name: reader.location(value) for name, _, value in pairs if name in _LOCATED_KEYS}


def _rule(reader: Reader, node: yaml.Node, pairs: list[Pair]) -> Rule | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    before = len(reader.findings)
    values = reader.parse(node, pairs, _RULE, Wording("rule"))
    keys = {name: key for name, key, _ in pairs}
    if not any(values[name] for name in ENTRY_KEYS) and (
        before == len(reader.findings) or not ENTRY_KEYS & keys.keys()
    ):
        reader.report(
            node,
            "unreachable",
            Wording("a rule needs 'sentences', 'when', 'aliases' or 'phrases', or nothing leads to it"),
        )
    for name, needed in NEEDED_BY.items():
        if name in keys and not values[needed]:
            reader.report(
                keys[name],
                "useless-key",
                Wording("'{name}' has no effect without '{needed}'", name=name, needed=needed),
            )
    if len(reader.findings) > before:
        return None
    match, ignore = values.pop("examples")
    place = reader.location(node)
    return Rule(**values, match=match, ignore=ignore, location=place, places=_places(reader, pairs))


MIN_SENTENCE_LETTERS = 4
"""A shorter sentence stands in other kinds' sentences too."""
MIN_PHRASE_LETTERS = 6
"""A shorter phrase stands in ordinary talk too."""
ENTRY_KEYS = {"sentences", "when", "aliases", "phrases"}
NEEDED_BY = {"signs": "sentences", "push": "sentences", "unless": "when"}
_LOCATED_KEYS = ("id", "number", "see")


def _steps(reader: Reader, node: yaml.Node) -> tuple[Step, ...]:
    steps: list[Step] = []
    for item in reader.items(node):
        values = reader.parse(item, reader.mapping(item, Wording("a step")), _STEP, Wording("step"))
        if values["id"] and any(step.id == values["id"] for step in steps):
            reader.report(item, "duplicate-step", Wording("step id '{id}' is used twice", id=values["id"]))
        steps.append(Step(**values))
    if not steps and isinstance(node, yaml.SequenceNode):
        reader.report(node, "no-steps", Wording("a rule needs at least one step"))
    return tuple(steps)


def _examples(reader: Reader, node: yaml.Node) -> tuple[tuple[Example, ...], tuple[Example, ...]]:
    values = reader.parse(node, reader.mapping(node, Wording("examples")), _EXAMPLES, Wording("examples"))
    return values["match"], values["ignore"]


def _example_list(reader: Reader, node: yaml.Node) -> tuple[Example, ...]:
    examples = tuple(_example(reader, item) for item in reader.items(node))
    if not examples and isinstance(node, yaml.SequenceNode):
        reader.report(node, "no-example", Wording("at least one example is needed here"))
    return examples


def _example(reader: Reader, node: yaml.Node) -> Example:
    values = reader.parse(node, reader.mapping(node, Wording("an example")), _EXAMPLE, Wording("example"))
    texts = [values[name] for name in ("alert", "query") if values[name] is not None]
    if len(texts) != 1 and isinstance(node, yaml.MappingNode):
        reader.report(node, "bad-example", Wording("an example holds either 'alert' or 'query'"))
    return Example(
        "".join(texts),
        values["query"] is not None,
        values["renders"],
        values["steps"],
        reader.location(node),
    )


def _sentences(reader: Reader, node: yaml.Node) -> tuple[str, ...]:
    sentences = reader.texts(node)
    for sentence in sentences:
        if sentence and sum(map(str.isalnum, sentence)) < MIN_SENTENCE_LETTERS:
            reader.report(
                node,
                "short-sentence",
                Wording("'{sentence}' is too short to tell a kind by", sentence=sentence),
            )
    return sentences


def _phrases(reader: Reader, node: yaml.Node) -> tuple[str, ...]:
    phrases = reader.texts(node)
    for phrase in phrases:
        if phrase and sum(_letters(char) for char in phrase) < MIN_PHRASE_LETTERS:
            message = Wording(
                "'{phrase}' is too short to be told from other words; make it an alias", phrase=phrase
            )
            reader.report(node, "short-phrase", message)
    return phrases


def _letters(char: str) -> int:
    """What a character adds to the length of a phrase: a Chinese one says as much as two letters."""
    return char.isalnum() * (1 if char.isascii() else 2)


def _severity(reader: Reader, node: yaml.Node) -> Severity:
    value = reader.text(node)
    if value in set(Severity):
        return Severity(value)
    if value:
        message = Wording(
            "'{value}' is no severity: {severities}", value=value, severities=", ".join(Severity)
        )
        reader.report(node, "bad-severity", message, similar(value, Severity))
    return Severity.INFO


def _push(reader: Reader, node: yaml.Node) -> AlertedPush:
    value = reader.text(node)
    if value in set(AlertedPush):
        return AlertedPush(value)
    if value:
        message = Wording(
            "'{value}' is no kind of push: {pushes}", value=value, pushes=", ".join(AlertedPush)
        )
        reader.report(node, "bad-push", message, similar(value, AlertedPush))
    return AlertedPush.MESSAGE


def _template(reader: Reader, node: yaml.Node, *, command: bool = False) -> Template:
    source = expand(reader.text(node)) if command else reader.text(node)
    for problem in templates.check(source, command=command):
        hint = similar(problem.unknown_fact, (*FACTS, *STAGES)) if problem.unknown_fact else None
        reader.report(node, "bad-template", problem.message, hint)
    for fact, name in templates.compared_names(source):
        reader.refer(node, fact, name)
    return Template(source, command)


def _check(reader: Reader, node: yaml.Node) -> str | None:
    value = reader.text(node)
    if value and value not in CHECKS:
        hint = similar(value, CHECKS) or Wording(
            "docs/rules.md lists the checks; leave the key out where no machine can look"
        )
        reader.report(node, "unknown-name", Wording("there is no check '{value}'", value=value), hint)
    return value or None


_CONDITION = Shape(parse_condition, ref("condition"))
_TEMPLATE = Shape(_template, TEXT.schema)
_COMMAND = Shape(lambda reader, node: _template(reader, node, command=True), TEXT.schema)
_SEVERITY = Shape(_severity, word_of(Severity))
_PUSH = Shape(_push, word_of(AlertedPush))
_STEPS = Shape(_steps, {"type": "array", "minItems": 1, "items": ref("step")})
_CHECK = Shape(_check, word_of(CHECKS))
_EXAMPLE_LIST = Shape(_example_list, {"type": "array", "minItems": 1, "items": ref("example")})
_OVERRIDDEN = {
    "type": "object",
    "patternProperties": {
        f"^{_RULE_ID}$": ref("rule_override"),
        f"^{_RULE_ID}/{_RULE_ID}$": ref("step_override"),
    },
    "additionalProperties": False,
}

_HEAD = {
    "version": Key(Shape(_version, {"enum": [int(_VERSION), _VERSION]})),
    "lists": Key(Shape(_lists, mapping_of(TEXTS.schema))),
}
_CHANGES = {
    "off": Key(Shape(_off, one_or_more({"type": "string", "pattern": f"^{_TARGET.pattern}$"})), default=()),
    "override": Key(Shape(_override, _OVERRIDDEN), default=()),
}
_RULE = {
    "id": Key(IDENTIFIER, needed=True),
    "title": Key(TEXT, needed=True),
    "title_en": Key(TEXT),
    "number": Key(whole_number(1, 99)),
    "severity": Key(_SEVERITY, needed=True),
    "owner": Key(TEXT),
    "meaning": Key(TEXT, needed=True),
    "impact": Key(TEXT),
    "sentences": Key(Shape(_sentences, TEXTS.schema), default=()),
    "signs": Key(_CONDITION),
    "push": Key(_PUSH, default=AlertedPush.MESSAGE),
    "when": Key(_CONDITION),
    "unless": Key(_CONDITION),
    "aliases": Key(TEXTS, default=()),
    "phrases": Key(Shape(_phrases, TEXTS.schema), default=()),
    "symptoms": Key(TEXTS, default=()),
    "priority": Key(whole_number(-100, 100), default=0),
    "steps": Key(_STEPS, needed=True),
    "see": Key(IDENTIFIERS, default=()),
    "examples": Key(Shape(_examples, ref("examples")), needed=True, default=((), ())),
}
_STEP = {
    "id": Key(IDENTIFIER, needed=True),
    "do": Key(_TEMPLATE, needed=True),
    "when": Key(_CONDITION),
    "run": Key(_COMMAND),
    "healthy": Key(_TEMPLATE),
    "source": Key(CITATIONS, needed=True, default=()),
    "check": Key(_CHECK),
    "erratum": Key(TEXT),
}
_RULE_CHANGE, _STEP_CHANGE = (
    {name: replace(key, needed=False) for name, key in table.items() if name not in ("id", "number")}
    for table in (_RULE, _STEP)
)
_EXAMPLES = {
    "match": Key(_EXAMPLE_LIST, needed=True, default=()),
    "ignore": Key(_EXAMPLE_LIST, needed=True, default=()),
}
_EXAMPLE = {
    "alert": Key(TEXT),
    "query": Key(TEXT),
    "renders": Key(TEXTS, default=()),
    "steps": Key(IDENTIFIERS, default=()),
}
_RULES = Shape(Reader.items, {"type": "array", "minItems": 1, "items": ref("rule")})

KEYS: Mapping[str, Mapping[str, Key]] = {
    "rule": _RULE,
    "step": _STEP,
    "examples": _EXAMPLES,
    "example": _EXAMPLE,
    "head": _HEAD,
    "pack": {**_HEAD, "rules": Key(_RULES, needed=True)},
    "changes": {**_HEAD, **_CHANGES},
    "rule_override": _RULE_CHANGE,
    "step_override": _STEP_CHANGE,
}
"""Every key of the format, by where it stands."""
