"""Typed words are read for what they ask, tell and number, whatever they are about."""

from __future__ import annotations

import pytest

from triage.advice.query import Asked, TopicIndex
from triage.advice.question import read_question
from triage.rules.model import RuleSet


@pytest.fixture(scope="module")
def topics(rules: RuleSet) -> TopicIndex:
    return TopicIndex(rules)


def _ids(asked: Asked) -> list[str]:
    return [candidate.rule.id for candidate in asked.candidates]


@pytest.mark.parametrize(
    "text", ["跳转认不认", "load 25 高不高", "请求到没到", "令牌还能捞回来不", "ticket 推了没"]
)
def test_a_verb_beside_its_negation_asks(text: str) -> None:
    assert read_question(text, {}).asks


@pytest.mark.parametrize("text", ["次数多不多", "晚上好不好", "不用了", "没事"])
def test_an_opinion_is_not_asked_of_a_system(text: str) -> None:
    assert not read_question(text, {}).asks


@pytest.mark.parametrize(
    "text", ["我浏览器能打开", "我接口只要 200ms", "我明明返回了 success", "我看解析好好的"]
)
def test_who_asks_may_speak_of_a_system_as_mine(text: str) -> None:
    assert not read_question(text, {}).is_between_people


@pytest.mark.parametrize("text", ["证书我昨晚续好了", "我把 nginx 升级了", "i restarted nginx"])
def test_what_somebody_has_done_asks_nothing(text: str, topics: TopicIndex) -> None:
    assert read_question(text, {}).reports_work
    assert _ids(topics.ask(text)) == []


@pytest.mark.parametrize(
    "text", ["我们把 nginx 升级了", "证书我昨晚续好了怎么还过期", "昨晚换了证书还是连不上"]
)
def test_what_still_does_not_work_is_no_report(text: str) -> None:
    assert not read_question(text, {}).reports_work


def test_a_number_that_is_no_fault_leads_nowhere_in_ordinary_talk(topics: TopicIndex) -> None:
    assert _ids(topics.ask("奶茶便宜 200")) == []
    assert _ids(topics.ask("HTTP 200"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("四九九一大堆", "499一大堆"),
        ("五零二一直报", "502一直报"),
        ("四零零零一", "40001"),
        ("二零一", "201"),
    ],
)
def test_a_one_behind_spoken_digits_may_begin_the_next_word(text: str, words: str) -> None:
    assert read_question(text, {}).words == words


def test_a_long_code_that_no_table_has_outweighs_a_name(topics: TopicIndex) -> None:
    assert _ids(topics.ask("菜单创建报 49018")) == ["api_errcode"]
    assert _ids(topics.ask("菜单怎么用")) == ["help"]


@pytest.mark.parametrize("text", ["你异步处里", "我被屏弊了"])
def test_no_misspelling_is_looked_for_in_a_statement_about_people(text: str, topics: TopicIndex) -> None:
    assert _ids(topics.ask(text)) == []


@pytest.mark.parametrize(
    "text",
    [
        "用户只发了一句，后台存了三行",
        "扫一次码加了 2 次分",
        "证书没换",
        "磁盘 98%",
        "Parse error: x",
        "too slow",
        "菜单坏了",
        "回复晚",
        "499 一大堆",
    ],
)
def test_trouble_is_told_in_many_words(text: str) -> None:
    assert read_question(text, {}).is_about_trouble


@pytest.mark.parametrize(
    "text", ["没事", "没问题", "老王没来", "over 90% for 5m", "一个人吃两份饭", "notice the door"]
)
def test_what_is_no_trouble(text: str) -> None:
    assert not read_question(text, {}).is_about_trouble


@pytest.mark.parametrize("text", ["第九条", "第九条是什么", "请问第9条怎么处理"])
def test_an_item_of_the_guide_is_asked_for_by_its_number(text: str, topics: TopicIndex) -> None:
    asked = topics.ask(text)
    assert asked.topic
    assert asked.topic.number == 9
    assert read_question("第九条消息超时是什么", {}).item is None
