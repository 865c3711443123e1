"""Matching: the index finds what a plain evaluation finds, best first, with the words that prove it."""

from __future__ import annotations

import json
from typing import Any

import pytest
import re2
from hypothesis import given, settings
from hypothesis import strategies as st

from triage.alerts.causes import find_causes
from triage.alerts.cleaning import fold
from triage.alerts.facts import facts_of
from triage.alerts.parser import Alert, parse
from triage.rules.conditions import View, compiled, holds
from triage.rules.index import required_literals
from triage.rules.matching import Diagnosis, Matcher
from triage.rules.model import Rule, RuleSet
from triage.rules.parser import parse_rules

SENTENCE = "微信服务器向公众号推送消息或事件后，开发者5秒内没有返回"


def rule(id_: str, **values: Any) -> dict[str, Any]:
    return {
        "id": id_,
        "title": id_,
        "severity": "high",
        "meaning": "一句话",
        "steps": [{"id": "first", "do": "看日志", "source": "field"}],
        "examples": {"match": [{"query": "样例"}], "ignore": [{"query": "吃什么"}]},
        **values,
    }


def rule_set(*rules: dict[str, Any]) -> RuleSet:
    parsed, findings = parse_rules(json.dumps({"rules": rules}, ensure_ascii=False), "x.yml")
    assert not findings
    return RuleSet(parsed, "test")


def alert(
    description: str | None = SENTENCE,
    count: str = "5分钟 40次",
    sample: str = "[IP=203.0.113.9][Event=Click]",
) -> Alert:
    lines = ["Appid: wx352e1c916f58ea3b", "昵称: 样例商城", "时间: 2025-09-25 15:01:22"]
    lines += [f"内容: {description}"] if description else []
    (found,) = parse("\n".join([*lines, f"次数: {count}", f"错误样例: {sample}"])).alerts
    return found


def ids(diagnosis: Diagnosis) -> list[str]:
    return [match.rule.id for match in diagnosis.matches]


# -- the index against a plain evaluation

WORDS = ["click", "CLICK", "５秒", "没有返回", "样例", "203.0.113", "zzz", "a"]
PATTERNS = [
    r"\d秒内",
    "(click|scan)",
    "^内容",
    "wx[0-9a-f]{16}",
    ".",
    "zz+",
    "[一-龥]{4}",
    "^$",
    "(?:ab)?c",
    "样例$",
]
TESTS: list[tuple[str, list[str]]] = [
    ("kind", ["unknown", "timeout", "other"]),
    ("event", ["Click", "click", "Subscribe"]),
    ("count", ["40", "41", "7"]),
    ("count|gte", ["1", "40", "1000"]),
    ("rate|lte", ["1", "8", "500"]),
    ("ip|cidr", ["203.0.113.0/24", "203.0.113.9", "0.0.0.0/0", "10.0.0.0/8", "2001:db8::/32"]),
    ("host|exists", ["yes", "no"]),
    ("cause", ["http_status", "provider_side"]),
    ("cause|exists", ["yes", "no"]),
    ("text|contains", WORDS),
    ("event|startswith", WORDS),
    ("nickname|endswith", WORDS),
    ("text|regex", PATTERNS),
    ("event|regex", PATTERNS),
]


@st.composite
def plain_tests(draw: st.DrawFn) -> dict[str, Any]:
    chosen = draw(st.lists(st.sampled_from(TESTS), min_size=1, max_size=3, unique_by=lambda item: item[0]))
    return {key: draw(st.lists(st.sampled_from(values), min_size=1, max_size=2)) for key, values in chosen}


@st.composite
def conditions(draw: st.DrawFn, depth: int = 2) -> dict[str, Any]:
    condition = draw(plain_tests()) if depth == 0 or draw(st.booleans()) else {}
    if depth and (not condition or draw(st.booleans())):
        parts = draw(st.lists(conditions(depth - 1), min_size=1, max_size=2))
        condition[draw(st.sampled_from(["any", "not"]))] = parts
    return condition


@st.composite
def advice(draw: st.DrawFn) -> dict[str, Any]:
    unless = draw(st.none() | plain_tests())
    return {"when": draw(conditions())} | ({"unless": unless} if unless else {})


alerts = st.builds(
    alert,
    st.sampled_from([SENTENCE, "样例", None]),
    st.sampled_from(["5分钟 40次", "1分钟 7次", "30分钟 1000次"]),
    st.sampled_from(
        [
            "[IP=203.0.113.9][Event=Click]",
            "[IP=203.0.113.9][http code=500]",
            "[ip=10.3.1.2][Event=Scan QRCode][response_length=1][response_content=a][第三方平台:x]",
            "[Host=wx.example.com][Event=Subscribe][IP=2001:db8::1]",
        ]
    ),
)


@given(st.lists(advice(), min_size=1, max_size=8), alerts)
@settings(derandomize=True, deadline=None, max_examples=150)
def test_the_index_finds_the_rules_that_hold_and_no_others(
    advices: list[dict[str, Any]], given_alert: Alert
) -> None:
    named = rule("timeout", sentences=["开发者…内没有返回"])
    rules = rule_set(named, *(rule(f"r{number}", **item) for number, item in enumerate(advices)))
    kind = "timeout" if given_alert.description == SENTENCE else "unknown"
    causes = [cause.id for cause in find_causes(given_alert.sample)]
    view = View(facts_of(given_alert, kind, causes))

    def is_naive_match(item: Rule) -> bool:
        if item.sentences:
            return item.id == kind
        return holds(item.when, view) and (item.unless is None or not holds(item.unless, view))

    diagnosis = Matcher(rules).match(given_alert)
    assert diagnosis.kind == kind
    assert sorted(ids(diagnosis)) == sorted(item.id for item in rules.rules if is_naive_match(item))


PIECES = st.sampled_from(
    [
        *"aBb5秒σ-.^$|]}ks",
        r"\.",
        r"\d",
        r"\x61",
        r"\141",
        r"\Qa.b\E",
        r"\pL",
        r"\b",
        "[ab]",
        "[^a]",
        "[[:^alpha:]]",
    ]
)
GROUPS = st.sampled_from(["[]a]", "(ab)", "(a|b)", "(?:b5)", "(?i:B)", "{}", "{,2}"])
REPEATS = st.sampled_from(["", "", "", "*", "+", "?", "{2}", "{0,1}", "{1,2}", "{0}", "*?", "+?", "{,2}"])
EXPRESSIONS = st.lists(st.tuples(PIECES | GROUPS, REPEATS).map("".join), min_size=1, max_size=6).map("".join)


@given(EXPRESSIONS, st.lists(st.text("aAbB5.-秒σς] }{,12kKſs", max_size=12), min_size=1, max_size=12))
@settings(derandomize=True, deadline=None, max_examples=1_500)
def test_a_required_literal_stands_in_every_text_that_matches(expression: str, texts: list[str]) -> None:
    try:
        pattern = compiled(expression)
    except re2.error:
        return
    literals = required_literals(expression)
    for text in map(fold, texts):
        if pattern.search(text):
            assert all(literal in text for literal in literals)


LITERALS = {
    "an alternative needs neither side": ("abc|def", []),
    "a literal by number is not plain to see": (r"\141bc", []),
    "a quoted literal is not plain to see": (r"(x|\Q)\Eabc)y((\Q(\E))", []),
    "a class without its own": ("[[:^alpha:]]x", ["x"]),
    "an optional letter is not needed": ("abc?", ["ab"]),
    "an optional group is not needed": ("ab(cd)?ef", ["ab", "ef"]),
    "a repeated letter ends a run": ("ab{2}cd", ["ab", "cd"]),
    "a letter repeated no times": ("ab{0}cd", ["a", "cd"]),
    "empty braces are themselves": ("a{}b", ["a{}b"]),
    "a letter of many shapes": ("aσb", ["a", "b"]),
    "letters are folded": ("ABC", ["abc"]),
    "an escaped dot": (r"a\.b", ["a.b"]),
}


@pytest.mark.parametrize(("expression", "literals"), LITERALS.values(), ids=LITERALS)
def test_the_literals_of_an_expression(expression: str, literals: list[str]) -> None:
    assert required_literals(expression) == literals


# -- sentences

FOLDED = {
    "another kind's sentence": (False, "微信服务器向公众号推送消息或事件后，得到的回应不合法"),
    "the parts in another order": (False, "没有返回，推送消息或事件后，开发者"),
    "only its end": (False, "内没有返回"),
    "nothing that is known": (False, "域名未备案"),
    "the guide's own words": (True, SENTENCE),
    "服务号 for 公众号": (True, SENTENCE.replace("公众号", "服务号")),
    "3 seconds": (True, SENTENCE.replace("5", "3")),
    "full-width digits": (True, SENTENCE.replace("5", "５")),
    "a half-width comma": (True, SENTENCE.replace("，", ",")),
    "no comma": (True, SENTENCE.replace("，", "")),
    "white space between": (True, SENTENCE.replace("，", " ， ").replace("开发者", "开发者 ")),
    "something before and after": (True, f"【{SENTENCE}】谢谢"),
}


@pytest.mark.parametrize(("fits", "description"), FOLDED.values(), ids=FOLDED)
def test_a_sentence_is_compared_folded(fits: bool, description: str) -> None:
    rules = rule_set(rule("timeout", sentences=["微信服务器向…推送消息或事件后，开发者…秒内没有返回"]))
    assert Matcher(rules).match(alert(description)).kind == ("timeout" if fits else "unknown")


def test_the_sentence_with_the_most_literal_characters_names_the_kind() -> None:
    short, long = "没有返回", "开发者…秒内没有返回"
    for names in (("a", "b"), ("b", "a")):
        pair = [rule(names[0], sentences=[short], priority=50), rule(names[1], sentences=[long])]
        assert Matcher(rule_set(*pair)).match(alert()).kind == names[1]


def test_of_equal_sentences_the_priority_decides_then_the_id() -> None:
    same = {"sentences": ["秒内没有返回"]}
    assert Matcher(rule_set(rule("a", **same), rule("b", **same))).match(alert()).kind == "a"
    assert Matcher(rule_set(rule("a", **same), rule("b", priority=1, **same))).match(alert()).kind == "b"


def test_of_equal_sentences_of_one_rule_the_same_one_is_told_everywhere() -> None:
    parts = [SENTENCE[start : start + 4] for start in range(4, 12)]
    match = Matcher(rule_set(rule("a", sentences=parts))).match(alert()).matches[0]
    assert match.sentence == min(parts)


def test_new_wording_needs_a_rule_and_nothing_else(rules: RuleSet) -> None:
    text = "微信服务器向公众号推送消息或事件时，开发者服务器开小差了"
    assert Matcher(rules).match(alert(text)).kind == "unknown"
    added = rule_set(rule("nap", sentences=["开发者服务器开小差了"]))
    assert Matcher(RuleSet((*rules.rules, *added.rules), "more")).match(alert(text)).kind == "nap"


def test_signs_name_the_kind_only_where_the_line_is_missing() -> None:
    rules = rule_set(rule("click", sentences=["点击失败了"], signs={"event": "Click"}))
    assert Matcher(rules).match(alert(None)).kind == "click"
    assert Matcher(rules).match(alert()).kind == "unknown"


# -- order and reasons


def test_matches_are_ordered_by_priority_then_conditions_then_kind_then_id() -> None:
    rules = rule_set(
        rule("z_low", when={"kind": "timeout"}, priority=-1),
        rule("b_one", when={"kind": "timeout"}),
        rule("a_one", when={"kind": "timeout"}),
        rule("two", when={"kind": "timeout", "event": "Click"}),
        rule("timeout", sentences=["秒内没有返回"]),
        rule("first", when={"kind": "timeout"}, priority=1),
    )
    assert ids(Matcher(rules).match(alert())) == ["first", "two", "a_one", "b_one", "timeout", "z_low"]


def test_a_rule_with_a_sentence_and_a_condition_matches_once_with_both_reasons() -> None:
    rules = rule_set(rule("timeout", sentences=["秒内没有返回"], when={"count|gte": "1"}))
    (match,) = Matcher(rules).match(alert()).matches
    assert [item.test for item in match.because] == ["内容: 秒内没有返回", "count|gte: 1"]


def test_a_reason_shows_where_its_words_stand() -> None:
    given_alert = alert()
    rules = rule_set(
        rule(
            "timeout",
            sentences=["秒内没有返回"],
            when={"event": "click", "count": "40", "window_minutes": "5"},
        )
    )
    (match,) = Matcher(rules).match(given_alert).matches
    shown = {item.test: given_alert.text[slice(*item.span)] if item.span else None for item in match.because}
    assert shown == {
        "内容: 秒内没有返回": SENTENCE,
        "event: click": "Click",
        "count: 40": "40",
        "window_minutes: 5": "5",
    }


def test_signs_and_conditions_are_told_with_what_was_known_when_they_held() -> None:
    rules = rule_set(
        rule(
            "click",
            sentences=["点击失败了"],
            signs={"event": "Click", "cause|exists": "no"},
            when={"kind": "click", "cause": "http_status"},
        )
    )
    (match,) = (
        Matcher(rules).match(alert(None, sample="[IP=203.0.113.9][Event=Click][http code=500]")).matches
    )
    assert [(item.test, item.found) for item in match.because] == [
        ("event: click", "Click"),
        ("cause|exists: no", None),
        ("kind: click", "click"),
        ("cause: http_status", "http_status"),
    ]


def test_a_number_that_stands_in_several_places_has_none() -> None:
    given_alert = alert(sample="[IP=203.0.113.9][http code=40]")
    rules = rule_set(rule("forty", when={"count": "40"}))
    assert Matcher(rules).match(given_alert).matches[0].because[0].span is None


WHY_NOT: dict[str, tuple[dict[str, Any], str | None, str | None]] = {
    "a condition that fails": ({"when": {"event": "Scan"}}, SENTENCE, "event: scan (here Click)"),
    "an exception that holds": (
        {"when": {"event": "Click"}, "unless": {"count": "40"}},
        SENTENCE,
        "unless: count: 40",
    ),
    "a sentence that does not fit": ({"sentences": ["回应不合法"]}, SENTENCE, "no sentence fits"),
    "a sentence that another beats": ({"sentences": ["没有返回"]}, SENTENCE, "another sentence fits better"),
    "no sentence to compare": ({"sentences": ["没有返回"]}, None, "the alert has no description"),
    "signs that fail": (
        {"sentences": ["回应不合法"], "signs": {"event": "Scan"}},
        None,
        "event: scan (here Click)",
    ),
    "a topic": ({"aliases": ["样例"]}, SENTENCE, "a topic to ask for, not for alerts"),
    "a rule that fits": ({"when": {"event": "Click"}}, SENTENCE, None),
}


@pytest.mark.parametrize(("values", "description", "reason"), WHY_NOT.values(), ids=WHY_NOT)
def test_why_a_rule_does_not_fit(values: dict[str, Any], description: str | None, reason: str | None) -> None:
    matcher = Matcher(rule_set(rule("other", **values), rule("timeout", sentences=["开发者…秒内没有返回"])))
    assert matcher.why_not(matcher.match(alert(description)), matcher.rule_set.rules[0]) == reason


def test_every_bundled_rule_says_why_it_does_not_fit(rules: RuleSet) -> None:
    matcher = Matcher(rules)
    diagnosis = matcher.match(alert())
    assert diagnosis.kind == "request_timeout"
    assert {item.id for item in rules.rules if matcher.why_not(diagnosis, item) is None} == set(
        ids(diagnosis)
    )


# -- what a kind is about


@pytest.mark.parametrize("id_", ["box_office", "ticket_office", "payment_office", "component_office"])
def test_the_id_of_a_rule_does_not_decide_how_a_reply_is_judged(id_: str) -> None:
    found = Matcher(rule_set(rule(id_, sentences=[SENTENCE]))).match(alert(sample=EMPTY_REPLY))
    assert (found.kind, found.causes) == (id_, ())


@pytest.mark.parametrize(
    ("push", "causes"),
    [
        ("message", []),
        ("ticket", ["empty_reply"]),
        ("component", ["empty_reply"]),
        ("payment", ["empty_reply"]),
    ],
)
def test_the_push_of_a_rule_decides_how_a_reply_is_judged(push: str, causes: list[str]) -> None:
    rules = rule_set(rule("office", sentences=[SENTENCE], push=push, signs={"event": "Click"}))
    for description in (SENTENCE, None):  # named by its sentence, named by its signs
        found = Matcher(rules).match(alert(description, sample=EMPTY_REPLY))
        assert found.kind == "office"
        assert [cause.id for cause in found.causes] == causes


EMPTY_REPLY = "[IP=203.0.113.9][Event=Click][response_length=0][response_content=]"


# -- what heads the reply

KIND = rule("timeout", title="请求超时", sentences=["开发者…内没有返回"])
TITLES: dict[str, tuple[list[dict[str, Any]], str | None, str]] = {
    "an alert that no rule knows": ([rule("other", sentences=["没见过的事"])], SENTENCE, "unknown"),
    "a kind alone": ([KIND], SENTENCE, "请求超时"),
    "a rule that leads stands behind the kind": (
        [KIND, rule("room", title="支付机房", when={"ip": "203.0.113.9"})],
        SENTENCE,
        "请求超时 · 支付机房",
    ),
    "one that does not lead is not named": (
        [KIND, rule("room", title="支付机房", when={"ip": "203.0.113.9"}, priority="-1")],
        SENTENCE,
        "请求超时",
    ),
    "a rule without a kind has its own title": (
        [
            KIND,
            rule("unknown", title="未知报警", when={"kind": "unknown"}),
            rule("room", when={"count": "40"}),
        ],
        None,
        "room",
    ),
    "what is called the same is said once": (
        [KIND, rule("room", title="请求超时", when={"count": "40"})],
        SENTENCE,
        "请求超时",
    ),
}


@pytest.mark.parametrize(("given", "description", "title"), TITLES.values(), ids=TITLES)
def test_the_kind_comes_first_whichever_rule_leads(
    given: list[dict[str, Any]], description: str | None, title: str
) -> None:
    assert Matcher(rule_set(*given)).match(alert(description)).title == title
