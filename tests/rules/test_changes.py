"""What a team changes in bundled rules is changed, and nothing else is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.rules import with_added
from triage.advice.adviser import Adviser
from triage.advice.examples import run_examples
from triage.advice.rendering import Renderer
from triage.rules.model import RuleSet

LATE = """\
Appid: wx352e1c916f58ea3b
时间: 2025-09-25 15:01:22
内容: 微信服务器向公众号推送消息或事件后，开发者5秒内没有返回
次数: 5分钟 30次
错误样例: [OpenID=oAdFXedIqWRgfr63S568PiXzSAYS][3rdUrl=https://a.cn/wx][IP=203.0.113.9][Event=Subscribe]
"""

SAMPLE = """\
id: sample
title: 样例
severity: high
meaning: 一句话
aliases: [样例]
steps: [{id: first, do: 看日志, source: field}]
examples: {match: [{query: 样例}], ignore: [{query: 今天中午吃什么}]}
"""


def _changed(rules: RuleSet, source: str) -> RuleSet:
    together, findings = with_added(rules, source)
    assert findings == ()
    return together


def test_a_rule_that_is_off_names_nothing_answers_nothing_and_explains_no_code(
    rules: RuleSet, renderer: Renderer
) -> None:
    off = _changed(rules, "off: [request_timeout, ip_whitelist]")
    adviser = Adviser(off, renderer)
    assert off.get("request_timeout") is None
    assert adviser.diagnose(LATE)[1][0].kind == "unknown"
    assert "request_timeout" not in [item.rule.id for item in adviser.ask("请求超时").candidates]
    assert adviser.ask("4").topic is None
    assert adviser.answer("40164").pages, "a code of a table whose topic is off"
    assert "ip_whitelist" not in adviser.nearest("40164")


@pytest.mark.parametrize("topic", ["help", "unknown", "mark_fail", "http_status_other", "api_errcode"])
def test_what_the_program_itself_looks_up_may_be_off(topic: str, rules: RuleSet, renderer: Renderer) -> None:
    adviser = Adviser(_changed(rules, f"off: {topic}"), renderer)
    for text in ("帮助", "418", "errcode 99999", "这是什么报警", LATE.replace("没有返回", "出了新错")):
        assert adviser.answer(text).pages


def test_a_step_that_is_off_is_left_out_and_the_others_stay(rules: RuleSet) -> None:
    before = rules.get("connect_timeout")
    after = _changed(rules, "off: connect_timeout/carrier").get("connect_timeout")
    assert before
    assert after
    assert [step.id for step in after.steps] == [step.id for step in before.steps if step.id != "carrier"]
    assert replace(after, steps=before.steps, match=before.match) == before


def test_named_keys_are_replaced_and_the_others_stay(rules: RuleSet, renderer: Renderer) -> None:
    source = """
lists: {ours: [203.0.113.0/24]}
override:
  request_timeout: {title: 后端太慢, see: [database]}
  request_timeout/slow_module:
    do: 看 SkyWalking 上 {{ domain }} 的请求
    when: {ip|cidr: $ours}
"""
    changed = _changed(rules, source)
    before, after = rules.get("request_timeout"), changed.get("request_timeout")
    assert before
    assert after
    assert (after.title, after.see, after.meaning) == ("后端太慢", ("database",), before.meaning)
    (old,) = [step for step in before.steps if step.id == "slow_module"]
    (new,) = [step for step in after.steps if step.id == "slow_module"]
    assert (new.source, new.run, new.healthy) == (old.source, old.run, old.healthy)
    adviser = Adviser(changed, renderer)
    assert "看 SkyWalking 上 a.cn 的请求" in "".join(adviser.answer(LATE).pages)
    assert "SkyWalking" not in "".join(adviser.answer(LATE.replace("203.0.113.9", "198.51.100.1")).pages)


def test_all_steps_of_a_rule_may_be_replaced(rules: RuleSet) -> None:
    source = "override:\n  dns_timeout: {steps: [{id: call, do: 打给域名商, source: field}]}"
    rule = _changed(rules, source).get("dns_timeout")
    assert rule
    assert [step.id for step in rule.steps] == ["call"]


def test_examples_of_changed_steps_are_held_against_who_wins_them_alone(
    rules: RuleSet, renderer: Renderer
) -> None:
    steps = [
        f"request_timeout/{step.id}"
        for rule in rules.rules
        if rule.id == "request_timeout"
        for step in rule.steps
    ]
    changed = _changed(rules, f"off: [{', '.join(steps[1:])}]")
    failed, _ = run_examples(changed, Adviser(changed, renderer))
    assert [str(finding) for finding in failed if "request_timeout.yml" in str(finding)] == []


def test_examples_may_be_replaced_too(rules: RuleSet, renderer: Renderer) -> None:
    source = """
override:
  dns_timeout/spelling: {do: 看域名拼写}
  dns_timeout:
    examples: {match: [{query: dns 超时, renders: [看域名别的]}], ignore: [{query: 今天中午吃什么}]}
"""
    changed = _changed(rules, source)
    failed, _ = run_examples(changed, Adviser(changed, renderer))
    assert [str(finding) for finding in failed] == ["own.yml:5:24: the reply does not contain '看域名别的'"]


def test_a_number_is_free_again_where_its_rule_is_off(rules: RuleSet) -> None:
    own = SAMPLE + "number: 2\n"
    (mistake,) = with_added(rules, own)[1]
    assert "number 2 is taken by 'dns_timeout'" in str(mistake)
    assert with_added(rules, own, "own.yml", "off: [dns_timeout]")[1] == ()


def test_a_change_with_a_mistake_is_not_made(rules: RuleSet) -> None:
    together, findings = with_added(rules, "override:\n  dns_timeout: {severity: hihg, title: 别的}")
    assert [finding.id for finding in findings] == ["bad-severity"]
    assert together.changes == ()
