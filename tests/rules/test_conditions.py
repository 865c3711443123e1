"""Conditions: what holds of which facts, which words made it hold, and what is said of a condition that does not."""

from __future__ import annotations

import pytest
import yaml

from triage.alerts.facts import Fact
from triage.rules.conditions import Condition, View, first_failure, parse_condition, passing_tests, prove
from triage.rules.strict_yaml import Reader

FACTS: dict[str, Fact] = {
    "kind": "request_timeout",
    "cause": ("provider_side", "receipt_flood"),
    "nickname": "ＡＢＣ商城",
    "text": "内容: 开发者５秒内没有返回（应返回success）",
    "event": "Template Send Job Finish",
    "platform": "",
    "ip": "203.0.113.9",
    "host": "not an address",
    "outer_ip": "2001:db8::1",
    "count": 1272,
    "rate": 254.4,
    "http_code": 0,
}


def condition(source: str) -> Condition:
    reader = Reader("x.yml")
    node = yaml.compose(source)
    assert node is not None
    read = parse_condition(reader, node)
    assert not reader.findings
    return read


FALSE = {
    "a missing fact equals nothing": "appid: x",
    "a missing fact contains nothing": "appid|contains: x",
    "a missing fact matches no expression": "appid|regex: .*",
    "a missing fact is not at most a number": "curl_error|lte: 99",
    "a missing fact is in no network": "openid|cidr: 0.0.0.0/0",
    "a missing fact is not there": "appid|exists: yes",
    "a fact that is there is not missing": "ip|exists: no",
    "an empty value is not missing": "platform|exists: no",
    "zero is not missing": "http_code|exists: no",
    "a part is not the whole": "event: Template",
    "what is no address is in no network": "host|cidr: 0.0.0.0/0",
    "an IPv6 address is in no IPv4 network": "outer_ip|cidr: 0.0.0.0/0",
    "an address next to the network": "ip|cidr: 203.0.113.0/29",
    "one test of two fails": "{count|gte: 100, kind: dns_failure}",
    "no value of a list fits": "kind: [dns_failure, dns_timeout]",
    "the number is too small": "count|gte: 1273",
    "the number is too large": "rate|lte: 254.3",
    "one of the excluded holds": "{count|gte: 1, not: [{ip|exists: no}, {kind: request_timeout}]}",
    "what is excluded holds": "{count|gte: 1, not: {kind: request_timeout}}",
    "none of any holds": "any: [{count: 1}, {kind: dns_failure}]",
    "a cause the sample does not prove": "cause: html_page",
    "the word stands elsewhere": "nickname|startswith: 商城",
    "an expression is not anchored in the middle": "text|regex: '^开发者'",
}
TRUE = {
    "a missing fact is missing": "appid|exists: no",
    "an empty value is there": "platform|exists: yes",
    "width and letter case do not count": "nickname: abc商城",
    "nor in the value": "event: ＴＥＭＰＬＡＴＥ send job finish",
    "a word is contained, half width or not": "text|contains: 5秒内没有返回(应返回SUCCESS)",
    "it begins with it": "event|startswith: [x, template]",
    "it ends with it": "event|endswith: Finish",
    "an expression fits the folded text": r"text|regex: '\d秒内.*\(应返回SUCCESS\)'",
    "an address is in the network": "ip|cidr: [10.0.0.0/8, 203.0.113.0/28]",
    "an address is a network of one": "ip|cidr: 203.0.113.9",
    "an IPv6 address is in its network": "outer_ip|cidr: 2001:db8::/32",
    "a number is equal": "count: [1, 1272]",
    "a number is equal whatever its zeros": "count: 1272.0",
    "a number is in a range": "{count|gte: 1272, count|lte: 1272}",
    "one cause of several": "cause: receipt_flood",
    "a cause is missing where the alert has some": "cause|exists: yes",
    "nothing excluded holds": "{count|gte: 1, not: {kind: dns_failure}}",
    "one of any holds": "any: [{count: 1}, {kind: request_timeout}]",
    "only exclusions": "not: {text|contains: 压测}",
    "any inside not inside any": "any: [{not: {any: [{count: 1}, {count: 2}]}}]",
}


@pytest.mark.parametrize("source", FALSE.values(), ids=FALSE)
def test_a_condition_that_is_false_says_what_fails(source: str) -> None:
    read = condition(source)
    assert passing_tests(read, View(FACTS)) is None
    assert first_failure(read, View(FACTS))


@pytest.mark.parametrize("source", TRUE.values(), ids=TRUE)
def test_a_condition_that_is_true_fails_nowhere(source: str) -> None:
    assert passing_tests(condition(source), View(FACTS)) is not None
    assert first_failure(condition(source), View(FACTS)) is None


def test_no_condition_is_true() -> None:
    assert passing_tests(None, View({})) == ()


PROOFS = {
    "a number and the part of any that held": (
        "{count|gte: 100, any: [{count: 1}, {event|contains: job}]}",
        [("count|gte: 100", "1272"), ("event|contains: job", "Template Send Job Finish")],
    ),
    "a number as the alert writes it": ("rate|exists: yes", [("rate|exists: yes", "254.4")]),
    "a text as it is written, not as it is folded": (
        "nickname: abc商城",
        [("nickname: abc商城", "ＡＢＣ商城")],
    ),
    "the one of a list that fits": ("cause|startswith: re", [("cause|startswith: re", "receipt_flood")]),
    "a whole list where it has to be there": (
        "cause|exists: yes",
        [("cause|exists: yes", "provider_side、receipt_flood")],
    ),
    "an address": ("ip|cidr: 203.0.113.0/24", [("ip|cidr: 203.0.113.0/24", "203.0.113.9")]),
    "no words where a fact is missing": ("appid|exists: no", [("appid|exists: no", None)]),
    "no words for what is excluded": ("{count: 1272, not: {count: 1}}", [("count: 1272", "1272")]),
}


@pytest.mark.parametrize(("source", "proofs"), PROOFS.values(), ids=PROOFS)
def test_what_held_is_told_with_the_words(source: str, proofs: list[tuple[str, str | None]]) -> None:
    view = View(FACTS)
    held = passing_tests(condition(source), view)
    assert held is not None
    assert [(proof.test, proof.found) for proof in (prove(test, view) for test in held)] == proofs


REASONS = {
    "a missing fact is called so": ("appid: x", "appid: x (here missing)"),
    "a value is shown": ("count|gte: 2000", "count|gte: 2000 (here 1272)"),
    "causes are joined": ("cause: html_page", "cause: html_page (here provider_side、receipt_flood)"),
    "an exclusion is named": ("{count: 1272, not: {kind: request_timeout}}", "not kind: request_timeout"),
    "alternatives are counted": ("any: [{count: 1}, {count: 2}]", "none of 2 under 'any'"),
    "a long value is cut": ("text: x", f"text: x (here {FACTS['text']})"),
}


@pytest.mark.parametrize(("source", "reason"), REASONS.values(), ids=REASONS)
def test_a_reason_is_one_sentence(source: str, reason: str) -> None:
    assert first_failure(condition(source), View(FACTS)) == reason


def test_a_condition_is_as_special_as_it_has_tests() -> None:
    assert condition("{count: 1, any: [{ip: a}, {ip: b, host: c}], not: {kind: d}}").size == 5
