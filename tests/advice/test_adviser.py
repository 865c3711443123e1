"""The order of things: alerts before queries, a hint for the rest, an answer whatever comes."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.rules import with_added
from triage.advice.adviser import Adviser
from triage.advice.rendering import Renderer
from triage.channels.registry import DEFAULT_CHANNEL
from triage.platform.limits import MAX_CONTENT_BYTES
from triage.rules.loader import load_templates
from triage.rules.model import RuleSet
from triage.settings.directories import data_directory

ALERT = (
    "时间: 2021-03-23 15:46:02\n内容: 推送“支付完成事件”给开发者后，开发者5秒内没有返回\n次数: 5分钟 114次\n"
    "错误样例: [transaction_id=4200064772202103232780373606]"
)


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        pytest.param("今天中午吃什么", None, id="small talk gets a hint"),
        pytest.param("", None, id="nothing at all gets a hint"),
        pytest.param("499", "nginx_status_499", id="a word is a query"),
        pytest.param(f"4\n{ALERT}\n499 是什么", "payment_timeout", id="an alert beats the words around it"),
    ],
)
def test_topic_of_a_text(text: str, topic: str | None, adviser: Adviser) -> None:
    assert adviser.answer(text).topic == topic


def test_json_is_that_of_the_contract(adviser: Adviser) -> None:
    answer = adviser.answer(ALERT).as_json()
    assert set(answer) == {"reply", "pages", "alerts", "topic", "topics", "facts", "parts", "matches"}
    assert answer["reply"] == answer["pages"][0]
    assert answer["matches"][0]["rule"] == "payment_timeout"
    assert list(answer["alerts"][0]) == [
        *("kind", "appid", "nickname", "first_seen", "description", "window_minutes", "count"),
        *("sample", "guide_url", "causes"),
    ]
    assert answer["alerts"][0]["first_seen"] == "2021-03-23T15:46:02+08:00"


def test_several_alerts_are_explained_in_the_order_of_their_checklists(adviser: Adviser) -> None:
    milder = ALERT.replace("4200064772103202232780", "4200064772103202232781").replace("114次", "31次")
    worse = "内容: 微信服务器向公众号推送消息或事件发生多次失败后，暂时不推送消息，一分钟后解除屏蔽\n次数: 5分钟 88次"
    text = f"{milder}\n\n{worse}\n\n{ALERT}\n\n{worse.replace('88次', '99次')}"
    heads = [page for page in adviser.answer(text).pages if "先做" in page]
    reasons = [page for page in adviser.why(text) if page.startswith("为什么是")]
    titles = [re.findall("MarkFail|支付完成事件超时", page)[0] for page in (*heads, *reasons)]
    assert titles == ["MarkFail", "支付完成事件超时"] * 2
    assert "99 次" in heads[0]
    assert "114 次" in heads[1]


def test_the_same_text_gets_the_same_answer(adviser: Adviser) -> None:
    assert adviser.answer(ALERT).as_json() == adviser.answer(ALERT).as_json()


def test_a_text_that_is_too_long_is_refused_with_the_limit(adviser: Adviser) -> None:
    page = adviser.answer("x" * 2_000_001).pages[0]
    assert "2,000,001" in page
    assert "2,000,000" in page


def test_without_rules_an_alert_is_still_answered(renderer: Renderer) -> None:
    answer = Adviser(RuleSet((), "none"), renderer).answer(ALERT)
    assert answer.topic == "unknown"
    assert "没有规则认得它" in answer.pages[0]
    assert "支付完成事件" in answer.pages[0]


def test_a_rule_that_leads_does_not_hide_the_kind(rules: RuleSet, renderer: Renderer) -> None:
    own = """
id: pay_room
title: 支付机房
severity: critical
meaning: 支付机房的报警。
when: {kind: payment_timeout}
steps: [{id: call, do: 打机房电话, source: field}]
examples: {match: [{query: 支付机房}], ignore: [{query: 机柜}]}
"""
    together, findings = with_added(rules, own)
    assert findings == ()
    leads = Adviser(together, renderer)
    kind = together.get("payment_timeout")
    assert kind
    title = f"{kind.title} · 支付机房"
    assert leads.answer(ALERT).pages[0].startswith(f"🆘 {title} · ")
    assert f"🆘 {title} · " in leads.answer(f"{ALERT}\n{ALERT.replace('wx', 'wy')}").pages[0]
    assert leads.why(ALERT)[0].startswith(f"为什么是「{title}」")


def test_a_broken_template_falls_back_to_the_plain_list(rules: RuleSet) -> None:
    templates = load_templates(data_directory("templates") / "reply") | {"alert.txt": "{{ nobody_knows }}"}
    broken: list[str] = []
    renderer = Renderer(
        templates, DEFAULT_CHANNEL.page_size, on_broken=lambda name, error: broken.append(f"{name}: {error}")
    )
    page = Adviser(rules, renderer).answer(ALERT).pages[0]
    rule = rules.get("payment_timeout")
    assert rule
    assert broken == ["alert: 'nobody_knows' is undefined"]
    assert rule.title in page.splitlines()
    assert "\n1 先救订单" in page
    assert "{{" not in page


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    st.text(max_size=300) | st.text("Appid昵称时间内容次数错误样例:：[]=\n 0123456789微信推送", max_size=300)
)
def test_any_text_gets_a_legal_answer(adviser: Adviser, text: str) -> None:
    pages = adviser.answer(text).pages
    assert pages
    assert all(page and len(page.encode()) <= MAX_CONTENT_BYTES for page in pages)
