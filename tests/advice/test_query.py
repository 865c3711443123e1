"""What people type: numbers, names, error words and typing errors lead to a topic; small talk leads nowhere."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.paths import DATA
from triage.advice.query import MAX_QUERY, TopicIndex
from triage.rules.model import RuleSet


def records(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DATA / name).read_text(encoding="utf-8").splitlines()]


TYPED, QUERIES, SMALL_TALK = records("typed.jsonl"), records("queries.jsonl"), records("small_talk.jsonl")


@pytest.fixture(scope="module")
def names(rules: RuleSet) -> TopicIndex:
    return TopicIndex(rules)


def asked(names: TopicIndex, text: str) -> list[str]:
    return [candidate.rule.id for candidate in names.ask(text).candidates]


NOTHING = {
    "nothing": "",
    "white space": " \n\t",
    "punctuation": "。。。！！",
    "an emoji": "😀",
    "a number without a topic": "11",
    "a large number": "99",
    "zero": "0",
    "a filler word": "请问",
    "thanks": "谢谢老师",
    "good morning": "早上好",
    "lunch": "今天中午吃什么",
    "a train ticket": "帮我抢张高铁票",
    "an order number": "4200000000202407120000000001",
    "a fan": "oQ7dXk2VbnTzLr5WfGh8JmPs3YcA",
    "a lone letter": "x",
    "a long text": "请求超时" * (MAX_QUERY // 4 + 1),
    "half of a surrogate pair": "\ud83d",
}


@pytest.mark.parametrize("text", NOTHING.values(), ids=NOTHING)
def test_what_asks_for_nothing_gets_no_topic(text: str, names: TopicIndex) -> None:
    assert asked(names, text) == []


@pytest.mark.parametrize("record", SMALL_TALK, ids=lambda record: record["id"])
def test_small_talk_gets_no_topic_or_a_sensible_one(record: dict[str, Any], names: TopicIndex) -> None:
    assert set(asked(names, record["text"])) <= set(record["may"])


@pytest.mark.parametrize("record", TYPED, ids=lambda record: f"{record['text']} asks for {record['topic']}")
def test_a_typed_text_leads_to_its_topic(record: dict[str, Any], names: TopicIndex) -> None:
    assert asked(names, record["text"])[:1] == [record["topic"]]


def test_the_queries_of_the_corpus_are_understood(names: TopicIndex) -> None:
    right = [
        record
        for record in QUERIES
        if asked(names, record["text"])[:1] in [[topic] for topic in record["topics"]]
    ]
    assert len(right) >= 0.97 * len(QUERIES)


def test_every_topic_answers_to_its_title_and_all_its_names(rules: RuleSet, names: TopicIndex) -> None:
    deaf = [
        (rule.id, name)
        for rule in rules.rules
        for name in (rule.id, rule.title, *rule.aliases, *filter(None, [rule.title_en]))
        if rule.id not in asked(names, name)
    ]
    assert deaf == []


def test_every_topic_answers_to_its_number(rules: RuleSet, names: TopicIndex) -> None:
    numbered = {rule.number: rule.id for rule in rules.rules if rule.number}
    assert sorted(numbered) == list(range(1, 11))
    assert {number: asked(names, str(number))[0] for number in numbered} == numbered


AMBIGUOUS = {
    "组件消息": {"component_message_timeout", "component_message_failure"},
    "支付回调": {"payment_timeout", "payment_bad_response"},
    "超时了怎么办": {"connect_timeout", "request_timeout"},
    "连接超时和请求超时有什么区别？": {"connect_timeout", "request_timeout"},
}


@pytest.mark.parametrize(("text", "topics"), AMBIGUOUS.items(), ids=AMBIGUOUS)
def test_where_two_topics_fit_both_are_offered(text: str, topics: set[str], names: TopicIndex) -> None:
    answer = names.ask(text)
    assert not answer.is_clear
    assert {candidate.rule.id for candidate in answer.candidates} == topics


def test_a_topic_is_told_with_the_words_that_led_to_it(names: TopicIndex) -> None:
    (number,) = names.ask("第4条").candidates
    (name,) = names.ask("请求超时").candidates
    (error,) = names.ask("markfial").candidates
    assert (number.because, name.because, error.because) == (
        ("编号 4",),
        ("「请求超时」",),
        ("近似「markfail」",),
    )


@given(st.text(max_size=60))
@settings(derandomize=True, deadline=None, max_examples=100)
def test_whatever_is_typed_is_borne(names: TopicIndex, text: str) -> None:
    assert all(candidate.score > 0 for candidate in names.ask(text).candidates)
