"""Cited ids: read from the page, asked for by typing them, named beside the steps."""

from __future__ import annotations

import pytest

from tests.support.rules import with_added
from triage.advice.adviser import Adviser
from triage.advice.rendering import Renderer
from triage.advice.sources import Source, Sources, parse_sources
from triage.rules.model import RuleSet

PAGE = """\
| id | name | what it says | page |
|---|---|---|---|
| `R4` | 不加修饰 | `success` 就是 7 个字节。 | [被动回复][reply] |
| `F.1` | 回执洪峰 | 回执压垮回调。 | 实践报告 |
| `field` | 实战经验 | 不在指引里。 | 实践报告 |
| R5 | 没有反引号 | 不是一行。 | 实践报告 |

[reply]: https://example.com/reply
"""
R4 = Source("R4", "不加修饰", "success 就是 7 个字节。", "被动回复", "https://example.com/reply")


@pytest.fixture(scope="module")
def page() -> Sources:
    return parse_sources(PAGE)


def test_a_row_is_a_source_with_the_address_of_its_page(page: Sources) -> None:
    assert [source.id for source in page] == ["R4", "F.1", "field"]
    assert page.get("R4") == R4
    f1 = page.get("F.1")
    assert f1
    assert (f1.page, f1.url) == ("实践报告", None)


@pytest.mark.parametrize("typed", ["R40", "R 5", "4", "R4 和 F.1", "R4" * 20, "", "。", "为什么 R4 会失败"])
def test_other_words_name_no_source(typed: str, page: Sources) -> None:
    assert page.typed(typed) is None


@pytest.mark.parametrize(
    "typed",
    ["R4", "r4", " Ｒ４ ", "〔R4〕", "R.4", "R4？", "R4 是什么", "r4什么意思", "什么是 R4", "出处：R4"],
)
def test_a_typed_id_names_its_source_in_any_spelling(typed: str, page: Sources) -> None:
    assert page.typed(typed) == R4


def test_an_item_is_named_where_it_is_cited_first(page: Sources) -> None:
    steps = [("F.1", "R4"), ("R4",), ("field",), ("field", "A9.9")]
    assert list(page.named(steps)) == [
        "〔F.1〕回执洪峰 〔R4〕不加修饰",
        "〔R4〕",
        "实战经验",
        "实战经验 〔A9.9〕",
    ]


# -- typed in chat


@pytest.mark.parametrize(
    ("typed", "topic"),
    [
        pytest.param("4", "request_timeout", id="a number of the guide stays its topic"),
        pytest.param("第4条", "request_timeout", id="and so it does in words"),
        pytest.param("10", "component_message_failure", id="and so does the last one"),
        pytest.param("uptime", "server_load", id="a tool stays its topic although an item is named after it"),
    ],
)
def test_a_topic_is_not_taken_for_a_source(typed: str, topic: str, adviser: Adviser) -> None:
    asked = adviser.ask(typed)
    assert asked.source is None
    assert adviser.answer(typed).topic == topic


@pytest.mark.parametrize("typed", ["R4", "4.b", "4b", "FAQ3.1", "A3.4", "e.12", "T.0", "3.f", "13"])
def test_an_id_answers_with_its_item(typed: str, adviser: Adviser, renderer: Renderer) -> None:
    source = renderer.sources.typed(typed)
    assert source
    answer = adviser.answer(typed)
    assert (answer.topic, answer.diagnoses) == (None, ())
    (page,) = answer.pages
    assert page.startswith(f"{source.label}\n{source.sentence}\n")
    assert source.page in page


def test_no_two_items_are_typed_alike(renderer: Renderer) -> None:
    assert all(renderer.sources.typed(source.id) == source for source in renderer.sources)


def test_every_item_fits_one_page(adviser: Adviser, renderer: Renderer) -> None:
    for source in renderer.sources:
        assert len(renderer.source(source, adviser.rules).encode()) <= 1000


def test_an_item_names_the_checklists_that_rest_on_it(adviser: Adviser) -> None:
    assert "用到它的检查：请求超时、未知报警\n" in adviser.answer("4.b").pages[0]
    assert "等 16 项" in adviser.answer("A3.4").pages[0]
    assert "用到它的检查" not in adviser.answer("R12").pages[0]


def test_a_team_s_own_topic_of_that_name_comes_first(rules: RuleSet, renderer: Renderer) -> None:
    own = """
id: rack_four
title: 四号机柜
severity: low
meaning: 四号机柜的检查。
aliases: [R4]
steps: [{id: look, do: 去看一眼, source: field}]
examples: {match: [{query: R4}], ignore: [{query: 机房}]}
"""
    together, findings = with_added(rules, own)
    assert findings == ()
    assert Adviser(together, renderer).answer("R4").topic == "rack_four"


def test_an_item_has_no_steps_and_no_why(adviser: Adviser) -> None:
    assert adviser.steps("R4") is None
    assert adviser.why("R4") == ()


def test_without_the_page_ids_are_shown_bare(rules: RuleSet, renderer: Renderer) -> None:
    assert Sources().typed("R4") is None
    assert list(Sources().named([("R4", "F.1")])) == ["〔R4〕 〔F.1〕"]
