"""docs/rules.md says what the program does: its tables are the schema, its example is a rule that works."""

from __future__ import annotations

import re

import pytest

from tests.support.paths import ROOT
from tests.support.rules import with_added
from triage.advice.adviser import Adviser
from triage.advice.examples import run_examples
from triage.advice.rendering import Renderer
from triage.alerts.facts import FACTS
from triage.rules.checks import CHECKS
from triage.rules.codes import CODE_KEYS, FAMILIES
from triage.rules.conditions import OPERATORS
from triage.rules.lexicon import LEXICON_KEYS
from triage.rules.model import RuleSet
from triage.rules.parser import KEYS, parse_rules
from triage.rules.strict_yaml import MAX_BYTES, MAX_DEPTH
from triage.rules.templates import FILTERS

DOC = (ROOT / "docs/rules.md").read_text(encoding="utf-8")
SECTIONS = {part.partition("\n")[0]: part for part in re.split(r"(?m)^## ", DOC)}
TABLES = {"rule": "Keys of a rule", "step": "Keys of a step", "example": "Examples"}


def _rows(section: str) -> list[list[str]]:
    """The cells of a section's table, without its head."""
    lines = [line for line in SECTIONS[section].splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines[2:]]


def _words(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


@pytest.mark.parametrize(("what", "section"), TABLES.items(), ids=TABLES)
def test_a_table_of_keys_names_what_the_reader_knows_and_nothing_else(what: str, section: str) -> None:
    assert {key for row in _rows(section) for key in _words(row[0])} == set(KEYS[what])


@pytest.mark.parametrize("what", CODE_KEYS)
def test_the_table_of_keys_of_codes_is_that_of_the_reader(what: str) -> None:
    named = [_words(row[0])[0] for row in _rows("Tables of codes") if row[1] == what]
    assert named == list(CODE_KEYS[what])


def test_the_families_and_the_keys_of_a_lexicon_are_named() -> None:
    section = SECTIONS["Tables of codes"]
    assert all(f"`{word}" in section for word in (*FAMILIES, "lexicon", *LEXICON_KEYS["lexicon"]))


def test_the_lists_of_examples_are_named() -> None:
    assert all(f"`{key}`" in SECTIONS["Examples"] for key in KEYS["examples"])


def test_the_keys_that_must_be_there_are_marked_so() -> None:
    for what in ("rule", "step"):
        needed = {key for row in _rows(TABLES[what]) if row[1] == "yes" for key in _words(row[0])}
        _, findings = parse_rules("title_en: x\nsteps: [{erratum: x}]", "x.yml")
        missing = {str(finding) for finding in findings if f" {what} without " in str(finding)}
        assert needed - {"steps"} == {re.findall(r"without '(\w+)'", line)[0] for line in missing}


def test_the_table_of_operators_is_that_of_the_conditions() -> None:
    named = [word for row in _rows("Conditions") for word in _words(row[0])]
    assert sorted(named) == sorted(OPERATORS)


def test_the_table_of_facts_has_every_fact_with_its_type() -> None:
    named = {fact: row[1] for row in _rows("Facts") for fact in _words(row[0])}
    assert named == {name: fact.type.value for name, fact in FACTS.items()}


def test_the_filters_of_templates_are_named() -> None:
    listed = re.search(r"the filters ((?:`\w+`[,\s]*(?:and\s)?)+)", SECTIONS["Templates"])
    assert listed
    assert sorted(_words(listed[1])) == sorted(FILTERS)


def test_the_limits_are_those_of_the_reader() -> None:
    assert f"at most {MAX_BYTES // 1_000_000} MB and {MAX_DEPTH} levels" in DOC


def test_the_example_is_a_rule_that_passes_its_own_examples(rules: RuleSet, renderer: Renderer) -> None:
    source = re.findall(r"```yaml\n(.*?)```", SECTIONS["A rule in five minutes"], re.DOTALL)[0]
    together, findings = with_added(rules, source, "tls_failure.yml")
    assert findings == ()
    failed, _ = run_examples(together, Adviser(together, renderer))
    assert [str(finding) for finding in failed if "tls_failure" in str(finding)] == []


def test_the_changes_in_the_text_are_made(rules: RuleSet) -> None:
    source = re.findall(r"```yaml\n(.*?)```", SECTIONS["Changing a bundled rule in five minutes"], re.DOTALL)[
        0
    ]
    together, findings = with_added(rules, source)
    assert findings == ()
    assert [change.target for change in together.changes] == [
        "dns_timeout",
        "connect_timeout/carrier",
        "request_timeout",
        "request_timeout/find_request",
    ]


def test_the_table_of_keys_of_a_file_is_that_of_the_reader() -> None:
    assert {key for row in _rows("Keys of a file") for key in _words(row[0])} == {
        *KEYS["pack"],
        *KEYS["changes"],
    }


def test_the_condition_in_the_text_is_one() -> None:
    example = re.findall(r"```yaml\n(.*?)```", SECTIONS["Conditions"], re.DOTALL)[0]
    _, findings = parse_rules(f"lists: {{pay_ips: [10.3.0.0/16]}}\n{example}", "x.yml")
    assert {finding.id for finding in findings} == {"missing-key"}


def test_the_table_of_checks_names_what_steps_may_name() -> None:
    assert {row[0].strip("`"): row[1] for row in _rows("Checks")} == CHECKS
