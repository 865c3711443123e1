"""Tables of codes and lexicons: what a file may hold, and every mistake at its place."""

from __future__ import annotations

import json

import pytest

from triage.alerts.facts import FACTS
from triage.rules.codes import FAMILIES
from triage.rules.joining import join
from triage.rules.lexicon import Lexicon
from triage.rules.parser import parse_file

ROW = {"meaning": "出口 IP 不在白名单", "check": "看 errmsg 里的 IP"}
TABLE = {
    "family": "errcode",
    "title": "接口错误码",
    "topic": "api_errcode",
    "near": ["errcode"],
    "source": "field",
    "codes": {"40164": ROW | {"topic": "ip_whitelist", "source": ["FAQ4"]}, "-1": ROW},
}


def _without(key: str) -> dict[str, object]:
    return {name: value for name, value in TABLE.items() if name != key}


def _parse(value: object) -> tuple[str, ...]:
    return tuple(finding.id for finding in parse_file(json.dumps(value), "codes.yml")[1])


@pytest.mark.parametrize(
    ("value", "ids"),
    [
        pytest.param(TABLE | {"family": "errcod"}, ("bad-family",), id="an unknown family"),
        pytest.param(TABLE | {"codes": {"4016x": ROW}}, ("bad-code",), id="a word is no code"),
        pytest.param(TABLE | {"codes": {"40164": {}}}, ("missing-key",), id="a code without a meaning"),
        pytest.param(TABLE | {"codes": {"40164": ROW | {"cur": "x"}}}, ("unknown-key",), id="an unknown key"),
        pytest.param(_without("source") | {"codes": {"1": ROW}}, ("missing-key",), id="no source at all"),
        pytest.param(_without("codes"), ("missing-key",), id="a table without codes"),
        pytest.param(TABLE | {"rules": []}, ("unknown-key",), id="rules do not stand in a table"),
        pytest.param(
            {"lexicon": {"everyday": ["外卖"], "heart": {}}}, ("unknown-key",), id="a lexicon's key"
        ),
        pytest.param({"lexicon": ["外卖"]}, ("not-a-mapping",), id="a lexicon that is a list"),
    ],
)
def test_a_mistake_in_a_table_is_a_finding(value: object, ids: tuple[str, ...]) -> None:
    assert _parse(value) == ids


def test_a_code_with_a_mistake_does_not_take_the_others_along() -> None:
    parsed, _ = parse_file(json.dumps(TABLE | {"codes": {"1": {}, "40164": ROW}}), "codes.yml")
    assert [code.code for table in parsed.tables for code in table.codes] == ["40164"]


def test_rows_take_topic_and_source_from_the_table() -> None:
    (table,) = parse_file(json.dumps(TABLE), "codes.yml")[0].tables
    assert [(code.family, code.code, code.topic, code.source) for code in table.codes] == [
        ("errcode", "40164", "ip_whitelist", ("FAQ4",)),
        ("errcode", "-1", "api_errcode", ("field",)),
    ]


def test_a_code_of_two_tables_and_a_topic_that_is_none_are_findings() -> None:
    parsed, _ = parse_file(json.dumps(TABLE), "a.yml")
    _, findings = join([parsed, parsed], "")
    assert [finding.id for finding in findings].count("duplicate-code") == 2
    assert [finding.id for finding in findings].count("unknown-rule") == 4


def test_a_lexicon_maps_what_is_heard_and_lists_everyday_words() -> None:
    parsed, findings = parse_file(
        json.dumps({"lexicon": {"heard": {"托肯": "token"}, "everyday": ["外卖"]}}), "lexicon.yml"
    )
    assert not findings
    assert parsed.lexicon == Lexicon({"托肯": "token"}, ("外卖",))
    assert Lexicon.joined([parsed.lexicon, Lexicon({"托肯": "x"}, ("高铁",))]) == Lexicon(
        {"托肯": "x"}, ("外卖", "高铁")
    )


def test_every_family_is_a_fact() -> None:
    assert set(FAMILIES) <= set(FACTS)
