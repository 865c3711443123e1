"""What a forwarded alert is answered with, over a real SQLite store: the story so far, roots, shapes, storms."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.support.rules import with_added
from tests.support.talk import BLOCKED, CONNECT, LIN, NOW, REQUEST, STRANGER, ZHAO, Say, message_of, person
from triage.advice.adviser import Adviser
from triage.advice.rendering import Renderer
from triage.bot.bot import Bot
from triage.channels.registry import DEFAULT_CHANNEL
from triage.rules.loader import load_templates
from triage.rules.model import RuleSet
from triage.settings.directories import data_directory
from triage.store import Store


def test_the_second_forwarder_is_told_who_was_first_who_owns_it_and_where_it_is(say: Say) -> None:
    say(CONNECT)
    assert "归你了" in say("认领")
    say("下一步")
    say("下一步")
    shown = say(CONNECT, LIN)
    assert "同一条报警 18:40（刚刚）小赵已经转来过" in shown
    assert "小赵在处理，到第 2 步" in shown
    shown = say(CONNECT)
    assert "同一条报警 18:40（刚刚）你已经转来过" in shown
    assert "事件 #1，你在处理，到第 2 步" in shown


def test_words_added_to_the_story_are_shown_where_nothing_is_known_too(rules: RuleSet, store: Store) -> None:
    templates = load_templates(data_directory("templates") / "reply")
    templates["story.txt"] = "值班电话 8000\n" + templates["story.txt"]
    bot = Bot(
        Adviser(rules, Renderer(templates, DEFAULT_CHANNEL.page_size)),
        store,
        lambda: "gulu",
        {person(ZHAO): "小赵"},
    )
    assert "值班电话 8000\n先做" in (bot.handle(message_of(CONNECT), NOW).text or "")
    assert "值班电话 8000\n事件 #1，还没人认领\n经过" in (bot.handle(message_of(REQUEST), NOW).text or "")
    other = CONNECT.replace("wx", "wy")
    assert "值班电话 8000\n先做" in (bot.handle(message_of(other), NOW).text or "")


def test_timeouts_that_led_to_a_mark_fail_are_one_story(say: Say, store: Store) -> None:
    say(CONNECT)
    assert "经过 18:31 连接超时 → 18:36 请求超时" in say(REQUEST)
    shown = say(BLOCKED)
    assert "经过 18:31 连接超时 → 18:36 请求超时 → 18:40 MarkFail" in shown
    assert "根子多半是 18:31 的连接超时，先按它查" in shown
    (incident,) = store.recent_incidents(NOW - timedelta(hours=1))
    assert [sighting.kind for sighting in incident.sightings] == [
        "connect_timeout",
        "request_timeout",
        "mark_fail",
    ]


def test_the_story_and_the_lists_say_the_kind_where_another_rule_leads(
    rules: RuleSet, renderer: Renderer, store: Store
) -> None:
    own = """
id: pay_room
title: 支付机房
severity: high
meaning: 支付机房的报警。
when: {kind: connect_timeout}
steps: [{id: call, do: 打机房电话, source: field}]
examples: {match: [{query: 支付机房}], ignore: [{query: 机柜}]}
"""
    bot = Bot(Adviser(with_added(rules, own)[0], renderer), store, lambda: "gulu", {person(ZHAO): "小赵"})
    bot.handle(message_of(CONNECT), NOW)
    assert "经过 18:31 连接超时 · 支付机房 → 18:36 请求超时" in (
        bot.handle(message_of(REQUEST), NOW).text or ""
    )
    assert "#1 连接超时 · 支付机房、请求超时" in (bot.handle(message_of("状态"), NOW).text or "")


def test_a_mark_fail_begins_with_the_checklist_of_its_root(say: Say, adviser: Adviser) -> None:
    say(CONNECT)
    rule = adviser.rules.get("connect_timeout")
    assert rule
    first = [step.do.source for step in rule.steps if step.when is None]
    shown = say(BLOCKED).split("先做\n", 1)[1]
    assert f"1 {first[0][:3]}" in shown
    rest = "\n".join(say("更多") for _ in range(3))
    own = adviser.rules.get("mark_fail")
    assert own
    assert own.steps[-1].do.source[:8] in rest


def test_a_mark_fail_without_a_root_says_so(say: Say) -> None:
    assert "没收到它之前的报警" in say(BLOCKED)


def test_a_lesser_alert_after_the_mark_fail_is_folded_in(say: Say) -> None:
    say(BLOCKED)
    assert "推送一分钟后会恢复，不修好还会再被屏蔽" in say(REQUEST)


def test_an_alert_of_a_closed_incident_says_that_it_is_closed_and_nobody_has_it(say: Say) -> None:
    say(CONNECT)
    say("认领")
    say("下一步")
    say("关闭 加了带宽")
    shown = say(CONNECT)
    assert "事件 #1 已经关闭；18:40（刚刚）关闭时写：加了带宽" in shown
    assert "在处理" not in shown
    assert "上次出事" not in shown, "that is this very incident"
    told = say(CONNECT, STRANGER)
    assert "已经关闭" not in told
    assert "加了带宽" not in told


def test_a_closed_incident_is_recalled_with_what_closed_it(say: Say) -> None:
    say(CONNECT)
    assert "已关闭" in say("关闭 加了带宽")
    later = NOW + timedelta(days=9)
    shown = say(CONNECT.replace("04-21", "04-30"), now=later)
    assert "上次出事 2026-04-21（9 天前），关闭时写：加了带宽" in shown


def test_one_address_with_many_accounts_asks_for_the_host_first(say: Say) -> None:
    for number in range(3):
        shown = say(CONNECT.replace("wx014d339f79c92781", f"wx014d339f79c9278{number}"))
    assert "192.0.2.126 上已有 3 个号在报警：先问这台机器" in shown


def test_a_storm_becomes_a_summary(say: Say) -> None:
    for number in range(25):
        shown = say(CONNECT.replace("192.0.2.126", f"192.0.2.{number}").replace("86次", f"{100 + number}次"))
    assert "一分钟里来了" in shown
    assert "先做" not in shown
    assert "先做" in say("更多")
    assert "归你了" in say("认领")


def test_no_stranger_makes_a_storm(say: Say) -> None:
    for number in range(25):
        say(CONNECT.replace("86次", f"{100 + number}次"), STRANGER)
    say("\n".join([CONNECT] * 25), STRANGER)
    assert "先做" in say(CONNECT)


def test_a_stranger_gets_the_checklist_but_nothing_about_others(say: Say) -> None:
    say(CONNECT)
    say("认领")
    shown = say(CONNECT, STRANGER)
    assert "先做" in shown
    for secret in ("小赵", "转来过", "事件 #"):
        assert secret not in shown
    for word in ("状态", "历史", "我的", "认领", "关闭 好了", "备注 x", "邀请"):
        assert "只有成员能用" in say(word, STRANGER), word


def test_an_alert_nobody_knows_is_kept_as_a_gap(say: Say, store: Store) -> None:
    say(
        CONNECT.replace(
            "微信服务器连接公众号开发者服务器时发生超时，超时时间为5秒", "微信服务器向公众号推送时遇到新问题"
        )
    )
    (gap,) = store.export("gaps")
    assert "新问题" in gap["text"]


def test_a_stranger_is_not_told_how_an_incident_of_their_own_alert_was_closed(say: Say) -> None:
    say(CONNECT, STRANGER)
    say("确认 #1")
    assert "已关闭" in say("关闭 1 换了机房")
    shown = say(CONNECT.replace("04-21", "04-30"), STRANGER, NOW + timedelta(days=9))
    assert "先做" in shown
    assert "换了机房" not in shown


def test_what_several_incidents_have_in_common_is_counted_without_those_of_other_teams(
    say: Say, teammate: str
) -> None:
    for number in (2, 3):
        say(CONNECT.replace("wx014d339f79c92781", f"wx014d339f79c9278{number}"))
    assert "个号在报警" not in say(CONNECT, teammate)
    assert "3 个号在报警" in say(CONNECT)


def test_other_teams_make_no_storm(say: Say, teammate: str) -> None:
    for number in range(25):
        say(CONNECT.replace("wx014d339f79c92781", f"wx014d339f79c927{number:02}a"))
    assert "先做" in say(CONNECT, teammate)
    assert "先做" not in say(CONNECT)


def test_in_a_storm_several_alerts_begin_with_their_first_page_and_gaps_are_kept(
    say: Say, store: Store
) -> None:
    for number in range(25):
        say(CONNECT.replace("86次", f"{100 + number}次"))
    unknown = CONNECT.replace("微信服务器连接公众号开发者服务器时发生超时，超时时间为5秒", "推送时遇到新问题")
    assert "一分钟里来了" in say(CONNECT + unknown)
    assert "一共 2 条报警" in say("更多")
    (gap,) = store.export("gaps")
    assert "新问题" in gap["text"]


@pytest.mark.parametrize("word", ["关闭\n", "认领\n", "备注 ", "关闭 "])
def test_an_alert_behind_a_command_is_read_and_closes_no_other_incident(
    word: str, say: Say, store: Store
) -> None:
    say(CONNECT)
    other = REQUEST.replace("wx014d339f79c92781", "wx114d339f79c92781")
    assert "请求超时" in say(word + other).splitlines()[0]
    assert [event.what for event in store.timeline(1)] == ["open"]
    assert store.incident(2)
