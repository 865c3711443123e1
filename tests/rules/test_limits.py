"""Every limit of the rule format, one step on either side of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.rules import SAMPLE, SOURCES
from triage.alerts.facts import Fact
from triage.rules import conditions
from triage.rules.conditions import View, compiled, prove
from triage.rules.loader import load_rules
from triage.rules.parser import parse_rules
from triage.rules.templates import check


def rule(id_: str = "sample", title: str = "样例", sentence: str = "没见过的一句话", more: str = "") -> str:
    return SAMPLE.format(id=id_, title=title) + f"sentences: [{sentence}]\n" + more


def findings(source: str) -> list[str]:
    return [finding.id for finding in parse_rules(source, "x.yml")[1]]


@pytest.mark.parametrize(
    ("allowed", "refused", "id_"),
    [
        pytest.param(rule("a" * 64), rule("a" * 65), "bad-id", id="an id has 64 characters"),
        pytest.param(
            rule(title="长" * 20_000), rule(title="长" * 20_001), "long-text", id="a text has 20,000"
        ),
        pytest.param(
            rule(sentence="四个字啊"), rule(sentence="三个字"), "short-sentence", id="a sentence has 4"
        ),
        pytest.param(
            rule(more="number: 99"), rule(more="number: 100"), "bad-number", id="a number is 99 at most"
        ),
        pytest.param(
            rule(more="number: 1"), rule(more="number: 0"), "bad-number", id="a number is 1 at least"
        ),
        pytest.param(
            rule(more="priority: 100"), rule(more="priority: 101"), "bad-number", id="priority up to 100"
        ),
        pytest.param(
            rule(more="priority: -100"), rule(more="priority: -101"), "bad-number", id="priority from -100 on"
        ),
    ],
)
def test_a_value_is_refused_beyond_its_limit(allowed: str, refused: str, id_: str) -> None:
    assert findings(allowed) == []
    assert findings(refused) == [id_]


def test_a_file_of_a_megabyte_is_read_and_one_more_byte_is_refused() -> None:
    source = rule()
    padding = "#" * (1_000_000 - len(source.encode()))
    assert findings(source + padding) == []
    assert findings(source + padding + "#") == ["too-large"]


@pytest.mark.parametrize(("levels", "ids"), [(32, []), (33, ["bad-yaml"])])
def test_a_file_has_thirty_two_levels_at_most(levels: int, ids: list[str]) -> None:
    depth = levels - 2
    condition = "{not: " * depth + "{count: 3}" + "}" * depth
    assert findings(rule(more=f"when: {condition}\n")) == ids


def test_what_a_message_quotes_is_cut_behind_four_hundred_characters() -> None:
    (finding,) = parse_rules(rule(id_="x" * 500), "x.yml")[1]
    assert finding.message.startswith(f"'{'x' * 400}…' is no id")


@pytest.mark.parametrize(("length", "problems"), [(4_000, 0), (4_001, 1)])
def test_a_template_has_four_thousand_characters_at_most(length: int, problems: int) -> None:
    assert len(list(check("长" * length))) == problems


@pytest.mark.parametrize(("depth", "problems"), [(37, 0), (38, 1)])
def test_a_template_has_forty_levels_at_most(depth: int, problems: int) -> None:
    source = "{{ " + "not " * depth + "ip }}"
    assert len(list(check(source))) == problems


@pytest.mark.parametrize(("size", "ids"), [(2_500, []), (2_501, ["heavy-regex"])])
def test_an_expression_has_two_thousand_five_hundred_instructions_at_most(size: int, ids: list[str]) -> None:
    own = compiled("a" * 1_000).programsize - 1_000
    pattern = "a" * (size - own)
    assert compiled(pattern).programsize == size
    assert findings(rule(more=f"when: {{kind: x, text|regex: {pattern}}}\n")) == ids


@pytest.mark.parametrize(("length", "shown"), [(60, "x" * 60), (61, "x" * 60 + "…")])
def test_a_proof_quotes_sixty_characters(length: int, shown: str) -> None:
    facts: dict[str, Fact] = {"text": "x" * length}
    assert prove(conditions.Test("text", "contains", ("x",)), View(facts)).found == shown


def test_the_version_of_a_rule_set_has_twelve_digits(tmp_path: Path) -> None:
    (tmp_path / "x.yml").write_text(rule(), encoding="utf-8")
    assert len(load_rules([tmp_path], SOURCES).version) == 12
