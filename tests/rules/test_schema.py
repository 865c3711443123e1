"""The JSON Schema says of a file's shape what the reader says, and is a schema of draft 7."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from tests.support.paths import DATA, ROOT
from tests.support.rules import SOURCES
from triage.alerts.facts import FACTS
from triage.rules.loader import find_rule_files, load_valid_rules
from triage.rules.schema import json_schema

SCHEMA: Any = json_schema(SOURCES)
VALIDATOR = Draft7Validator(SCHEMA)
BUNDLED = find_rule_files(ROOT / "rules")
BROKEN = sorted((DATA / "broken_rules").glob("*.yml"))
NOT_OF_THE_SHAPE = {
    *("bad-template", "bad-regex", "heavy-regex", "wide-regex", "bad-network", "unknown-list"),
    *(
        "short-sentence",
        "short-phrase",
        "duplicate-step",
        "duplicate-id",
        "duplicate-number",
        "duplicate-key",
    ),
    "unknown-rule",
}
"""Findings about what a schema cannot see: what values mean, against each other and against other files."""
OF_VALUES = {
    *("unknown_kind", "unknown_phrase", "template_unknown_cause", "template_unknown_kind"),
    "unreachable_empty",
}
"""Files whose mistake is of the same kind, although others with that finding are of the shape."""
NOT_READ = {"bad-yaml", "empty", "bad-key"}
"""Findings where there is no YAML, or none that is JSON too."""


class _Yaml12(yaml.SafeLoader):
    """What editors read: YAML 1.2, in which `no` and `12:30` are texts, and `040001` a number."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - as PyYAML declares it


for _tag, _pattern in (
    ("bool", "true|True|TRUE|false|False|FALSE"),
    ("null", "~|null|Null|NULL|"),
    ("int", "[-+]?[0-9]+"),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*)(?:[eE][-+]?[0-9]+)?"),
):
    _Yaml12.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), None)


def _read(path: Path) -> Any:
    return yaml.load(path.read_text(encoding="utf-8"), _Yaml12)  # noqa: S506 - it is a safe one


def test_it_is_a_schema() -> None:
    Draft7Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("path", BUNDLED, ids=lambda path: path.stem)
def test_a_bundled_file_fits(path: Path) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(_read(path))] == []


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_a_broken_file_fits_only_where_its_shape_is_right(path: Path) -> None:
    (finding,) = load_valid_rules([path], SOURCES)[1]
    if finding.id in NOT_READ:
        return
    fits = finding.id in NOT_OF_THE_SHAPE or path.stem in OF_VALUES
    assert VALIDATOR.is_valid(_read(path)) == fits


def test_every_fact_is_completed_with_its_operators() -> None:
    definitions = SCHEMA["definitions"]
    offered = set(definitions["condition"]["properties"])
    assert {*FACTS, "any", "not", "ip|cidr", "count|gte", "text|regex", "cause|exists"} <= offered
    assert not {"count|contains", "cause|cidr", "kind|gte"} & offered
    assert "receipt_flood" in str(definitions["causes"])
    assert {"4.c", "R1", 4, "field"} <= set(definitions["sources"]["anyOf"][0]["enum"])


def test_only_one_shape_of_a_file_is_asked_for_at_a_time() -> None:
    """An editor shows what is wrong with a step, not that the file is no table of codes."""
    rule = _read(ROOT / "rules/dns_timeout.yml")
    rule["steps"][1]["hea1thy"] = "好"
    (error,) = VALIDATOR.iter_errors(rule)
    assert list(error.absolute_path) == ["steps", 1]
    assert "hea1thy" in error.message
