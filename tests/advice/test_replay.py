"""Alerts on two rule sets: only what a reader would notice counts as a difference, and memory stays small."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.alerts import ALERT_TEXTS
from tests.support.rules import with_added
from triage.advice import replay as replaying
from triage.advice.adviser import Adviser
from triage.advice.rendering import Renderer
from triage.advice.replay import Replay, replay
from triage.alerts.parser import MAX_CHARACTERS
from triage.rules.model import RuleSet

ALERT = """\
Appid: wx352e1c916f58ea3b
时间: 2025-09-25 15:01:22
内容: 微信服务器向公众号推送消息或事件后，开发者5秒内没有返回
次数: 5分钟 30次
错误样例: [OpenID=oRxqg5UFBdN7PnrBiNK9o4mEn61s][3rdUrl=https://mp.example.cn/wx][IP=203.0.113.202][Event=Subscribe]
"""
OTHER = ALERT.replace("wx352e1c916f58ea3b", "wx9c41d7e08ab25f36").replace("30次", "31次")
FORGOTTEN = "微信服务器向公众号推送消息或事件时，开发者服务器证书校验失败"
RULE = """\
id: own
title: 自己的
severity: high
meaning: 一句话
{how}
steps:
  - id: our_own
    do: 看我们的网关
    source: field
examples:
  match: [{{query: 我们的网关那一步}}]
  ignore: [{{query: 今天中午吃什么}}]
"""
ADVICE = RULE.format(how="when: {kind: request_timeout, appid: wx352e1c916f58ea3b}\npriority: 10")
LATE_ADVICE = RULE.format(how="when: {kind: request_timeout}\npriority: -10")
NAMING = RULE.format(how=f"sentences: [{FORGOTTEN}]")


def on(adviser: Adviser, renderer: Renderer, source: str, *texts: str) -> Replay:
    changed, findings = with_added(adviser.rules, source)
    assert not findings
    return replay(adviser, Adviser(changed, renderer), texts)


@pytest.mark.parametrize(
    "text", ["", "今天中午吃什么", "x" * (MAX_CHARACTERS + 1), "\x00\ud800[Event=", *ALERT_TEXTS.values()]
)
def test_the_same_rules_conclude_the_same_of_every_text(adviser: Adviser, text: str) -> None:
    found = replay(adviser, adviser, [text])
    assert (found.changed, found.differences, found.not_told_apart) == (0, {}, 0)


@pytest.mark.parametrize(
    ("source", "text", "changed"),
    [
        (ADVICE, ALERT, ("rule", "because", "step", "says")),
        (ADVICE, OTHER, ()),
        (LATE_ADVICE, ALERT, ()),
        (
            NAMING,
            ALERT.replace("微信服务器向公众号推送消息或事件后，开发者5秒内没有返回", FORGOTTEN),
            ("kind", "rule", "because", "step", "says"),
        ),
        ("override: {request_timeout/event_handler: {do: 换了一句}}", ALERT, ("says",)),
        ("override: {request_timeout: {title: 换了标题}}", ALERT, ()),
        ("off: [request_timeout]", ALERT, ("kind", "rule", "because", "step", "says")),
    ],
    ids=[
        "advice for this account leads",
        "advice for another account is none for this one",
        "advice that comes last changes nothing at the beginning",
        "a sentence that nobody knew has a name",
        "the first step has other words",
        "a title is not a verdict",
        "the rule is off",
    ],
)
def test_what_counts_as_a_difference(
    adviser: Adviser, renderer: Renderer, source: str, text: str, changed: tuple[str, ...]
) -> None:
    found = on(adviser, renderer, source, text)
    assert found.alerts == 1
    assert [difference.changed for difference in found.most_frequent_first] == ([changed] if changed else [])


def test_causes_follow_the_push_that_a_kind_is_about(adviser: Adviser, renderer: Renderer) -> None:
    sample = "[3rdUrl=https://mp.example.cn/wx][IP=203.0.113.202][response_length=0][response_content=]"
    text = (
        ALERT.partition("错误样例")[0].replace("开发者5秒内没有返回", "得到的回应不合法")
        + f"错误样例: {sample}"
    )
    [difference] = on(
        adviser, renderer, "override: {bad_response: {push: payment}}", text
    ).most_frequent_first
    assert difference.changed == ("causes",)
    assert (difference.live.causes, difference.new.causes) == ((), ("empty_reply",))


def test_alike_differences_are_counted_the_most_frequent_first(adviser: Adviser, renderer: Renderer) -> None:
    unknown = ALERT.replace("开发者5秒内没有返回", "发生了没见过的事").replace("推送消息或事件后，", "")
    named = "sentences: [微信服务器向公众号发生了没见过的事]"
    found = on(adviser, renderer, RULE.format(how=named), OTHER, unknown, unknown, f"{unknown}\n{unknown}")
    assert (found.alerts, found.changed) == (5, 4)
    assert [difference.count for difference in found.most_frequent_first] == [4]
    found = on(adviser, renderer, ADVICE, ALERT)
    assert found.alerts == 1


def test_an_example_is_short_and_without_an_openid(adviser: Adviser, renderer: Renderer) -> None:
    [difference] = on(adviser, renderer, ADVICE, ALERT).most_frequent_first
    assert "oRxqg5UFBdN7PnrBiNK9o4mEn61s" not in difference.example
    assert len(difference.example) < 60


def test_what_somebody_may_not_see_is_left_out(adviser: Adviser, renderer: Renderer, rules: RuleSet) -> None:
    changed, _ = with_added(rules, LATE_ADVICE.replace("-10", "10"))
    found = replay(
        adviser,
        Adviser(changed, renderer),
        [f"{ALERT}\n{OTHER}"],
        is_wanted=lambda alert: alert.appid == "wx9c41d7e08ab25f36",
    )
    assert (found.alerts, found.changed) == (1, 1)
    [difference] = found.most_frequent_first
    assert "wx35" not in difference.example


def test_texts_are_taken_one_by_one(adviser: Adviser) -> None:
    taken: list[str] = []
    read: list[str] = []

    def texts() -> Iterator[str]:
        for number in range(3):
            assert len(taken) == len(read) == number
            taken.append(ALERT)
            yield ALERT

    replay(adviser, adviser, texts(), lambda: read.append(ALERT))
    assert len(read) == 3


def test_more_differences_than_are_told_apart_are_counted(
    adviser: Adviser, renderer: Renderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert replaying.MAX_DIFFERENCES == 500
    monkeypatch.setattr(replaying, "MAX_DIFFERENCES", 1)
    off = "off: [request_timeout, connect_timeout]"
    other = ALERT.replace(
        "推送消息或事件后，开发者5秒内没有返回", "连接公众号开发者服务器时发生超时，超时时间为5秒"
    ).replace("向公众号连接", "连接")
    found = on(adviser, renderer, off, ALERT, ALERT, other)
    assert (found.changed, len(found.differences), found.not_told_apart) == (3, 1, 1)
