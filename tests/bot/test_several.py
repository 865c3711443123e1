"""Several alerts in one message: digits, the story they share, each of them reachable."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from tests.support.talk import BLOCKED, CONNECT, LIN, NOW, REQUEST, STRANGER, Say, message_of
from triage.advice.adviser import Adviser
from triage.advice.rendering import Renderer
from triage.bot.bot import Bot
from triage.rules.model import RuleSet
from triage.store import Store

OUTAGE = CONNECT + REQUEST + BLOCKED
MALL = CONNECT.replace("wx014d339f79c92781", "wx7a1e5c3b9d2f4068").replace("时令果蔬", "满仓商城")


def _times(number: int) -> str:
    """So many alerts of one callback, the last with the fewest failures."""
    return "".join(
        CONNECT.replace("18:31:00", f"18:{at // 60:02}:{at % 60:02}").replace("86次", f"{400 - at}次")
        for at in range(number)
    )


def test_a_digit_means_the_alert_with_that_number_in_the_list(say: Say) -> None:
    listed = say(OUTAGE).splitlines()
    for digit, title in (("3", "请求超时"), ("1", "MarkFail"), ("2", "连接超时"), ("02", "连接超时")):
        assert any(line.startswith(f"{int(digit)} ") and title in line for line in listed)
        shown = say(digit).splitlines()
        assert title in shown[0]
        assert "先做" in shown
        assert not any("回调地址" in line for line in shown), "no placeholder of the guide's topic"


@pytest.mark.parametrize("digit", ["0", "4", "10"])
def test_a_digit_that_the_list_does_not_have_is_the_guide_s(digit: str, say: Say) -> None:
    alone = say(digit, STRANGER)
    say(OUTAGE)
    assert say(digit) == alone


def test_a_digit_after_a_choice_of_topics_is_no_alert_of_before(say: Say) -> None:
    say(OUTAGE)
    say("DNS")
    assert "MarkFail" not in say("1").splitlines()[0]


def test_a_batch_is_told_its_incident_its_path_and_its_root(say: Say, store: Store) -> None:
    shown = say(OUTAGE)
    assert "事件 #1，还没人认领" in shown
    assert "经过 18:31 连接超时 → 18:36 请求超时 → 18:40 MarkFail" in shown
    assert "根子多半是 18:31 的连接超时（第 2 条），先按它查" in shown
    (incident,) = store.recent_incidents(NOW - timedelta(hours=1))
    assert len(incident.sightings) == 3


@pytest.mark.parametrize("order", ["321", "213", "132"])
def test_the_order_within_the_message_does_not_matter(order: str, say: Say) -> None:
    texts = {"1": CONNECT, "2": REQUEST, "3": BLOCKED}
    shown = say("".join(texts[each] for each in order))
    assert "经过 18:31 连接超时 → 18:36 请求超时 → 18:40 MarkFail" in shown
    assert "根子多半是 18:31 的连接超时" in shown


def test_a_batch_gets_the_checklist_that_single_forwards_get(say: Say) -> None:
    say(OUTAGE)
    batch = [say("1"), *(say("更多") for _ in range(2))]
    other = str.maketrans({"2": "3"})
    for text in (CONNECT, REQUEST):
        say(text.translate(other))
    single = [say(BLOCKED.translate(other)), *(say("更多") for _ in range(2))]
    steps = [
        [line for line in "\n".join(pages).splitlines() if re.match(r"\d+ ", line)]
        for pages in (batch, single)
    ]
    assert [line.translate(other) for line in steps[0]] == [line.translate(other) for line in steps[1]]


def test_a_mark_fail_whose_root_is_known_asks_nobody_to_look_for_it(say: Say, adviser: Adviser) -> None:
    rule = adviser.rules.get("mark_fail")
    assert rule
    assert "previous_alert" in [step.id for step in rule.steps]
    say(OUTAGE)
    pages = [say("1")]
    while "请求超时 · " not in (page := say("更多")) and "连接超时 · " not in page:
        pages.append(page)
    assert "转发给我" not in "\n".join(pages)
    assert "转发给我" in say(BLOCKED.replace("wx014d339f79c92781", "wx7a1e5c3b9d2f4068"))


def test_why_explains_the_alert_that_led_or_the_one_that_was_chosen(say: Say) -> None:
    say(OUTAGE)
    assert "为什么是「MarkFail" in say("为什么")
    say("3")
    assert "为什么是「请求超时" in say("为什么")
    assert "为什么是" not in say("更多")


def test_steps_are_those_of_the_chosen_alert(say: Say) -> None:
    say(OUTAGE)
    say("3")
    first = say("下一步").splitlines()[1]
    say(REQUEST, LIN)
    assert first == say("下一步", LIN).splitlines()[1]


def test_more_lists_the_rest_and_then_goes_through_the_checklists(say: Say) -> None:
    assert "另有 13 条未列出" in say(_times(23))
    assert "另有 3 条未列出" in say("更多")
    last = say("更多")
    assert last.splitlines()[-2].startswith("23 ")
    assert "未列出" not in last
    assert "先做" in say("更多")
    assert "5 分钟 378 次" in say("23").splitlines()[0]


def test_more_after_the_last_step_goes_to_the_next_alert_and_ends(say: Say) -> None:
    say(CONNECT + MALL)
    shown = []
    while "没有下一页了" not in (page := say("更多")):
        shown.append(page)
    heads = [page.splitlines()[1] for page in shown if "先做" in page]
    assert heads == ["公众号 时令果蔬 wx01…2781", "公众号 满仓商城 wx7a…4068"]
    assert len(shown) < 10


def test_alerts_of_several_incidents_name_them_and_claiming_says_which(say: Say) -> None:
    shown = say(BLOCKED + MALL).splitlines()
    assert shown[1].endswith("事件 #1")
    assert shown[2].endswith("事件 #2")
    assert not any(line.startswith("事件") for line in shown), "which of them would that be?"
    assert "事件 #1 归你了：时令果蔬" in say("认领")
    say("2")
    assert "事件 #2 归你了：满仓商城" in say("认领")


def test_alerts_of_several_incidents_say_beside_each_who_has_it(say: Say) -> None:
    say(BLOCKED + MALL)
    say("认领 #2")
    assert [line.rpartition(" · ")[2] for line in say(BLOCKED + MALL, LIN).splitlines()[1:3]] == [
        "事件 #1",
        "事件 #2，小赵在处理",
    ]


def test_alerts_of_several_incidents_say_beside_each_that_it_is_closed(say: Say) -> None:
    say(BLOCKED + MALL)
    say("认领 #2")
    say("关闭 #2 好了")
    assert say(BLOCKED + MALL).splitlines()[2].endswith("事件 #2，已关闭")


def test_a_list_of_several_incidents_leaves_the_past_of_each_to_its_checklist(say: Say) -> None:
    say(CONNECT)
    say(BLOCKED)
    shown = say(BLOCKED + MALL)
    assert "经过" not in shown, "whose would that be?"
    assert "已经转来过" not in shown
    assert "经过 18:31 连接超时 → 18:40 MarkFail" in say("1")


def test_a_retry_gets_the_reply_with_the_numbers(bot: Bot) -> None:
    message = message_of(BLOCKED + MALL)
    first = bot.handle(message, NOW).text
    assert first
    assert "事件 #2" in first
    assert bot.handle(message, NOW + timedelta(seconds=5)).text == first


def test_a_batch_that_was_forwarded_before_says_by_whom_and_who_has_it(say: Say, store: Store) -> None:
    say(OUTAGE)
    say("认领")
    shown = say(OUTAGE, LIN)
    assert "同一条报警 18:40（刚刚）小赵已经转来过" in shown
    assert "事件 #1，小赵在处理" in shown
    assert len(store.recent_incidents(NOW - timedelta(hours=1))) == 1


def test_incidents_that_a_batch_opens_again_say_how_they_were_closed(say: Say, store: Store) -> None:
    say(CONNECT)
    say("关闭 加了带宽")
    say(MALL)
    say("关闭 换了证书")
    later = NOW + timedelta(minutes=60)
    shown = say(REQUEST + BLOCKED + MALL.replace("18:31:00", "19:38:00"), LIN, later)
    assert "已重新打开；18:40（1 小时前）关闭时写：加了带宽" in shown
    assert "事件 #2 刚关闭又报了，已重新打开；18:40（1 小时前）关闭时写：换了证书" in shown
    for number in (1, 2):
        incident = store.incident(number)
        assert incident
        assert incident.state == "open"
        assert [event.what for event in store.timeline(number)] == ["open", "close", "reopen"]


def test_a_repeated_alert_before_a_new_one_opens_the_incident_again(say: Say, store: Store) -> None:
    say(CONNECT)
    say("关闭 加了带宽")
    assert "关闭时写：加了带宽" in say(CONNECT + BLOCKED)
    incident = store.incident(1)
    assert incident
    assert incident.state == "open"


def test_five_accounts_of_one_message_on_one_machine_are_a_shape(say: Say) -> None:
    texts = [CONNECT.replace("wx014d339f79c92781", f"wx014d339f79c9278{at}") for at in range(5)]
    assert "192.0.2.126 上已有 5 个号在报警" in say("".join(texts))


def test_a_stranger_s_batch_has_its_path_and_no_incident(say: Say) -> None:
    say(CONNECT)
    say("认领")
    shown = say(OUTAGE, STRANGER) + say("1", STRANGER)
    assert "根子多半是 18:31 的连接超时" in shown
    for members_own in ("事件 #", "小赵", "认领"):
        assert members_own not in shown


def test_an_alert_of_a_kind_that_nobody_knows_is_reached_too(say: Say) -> None:
    unknown = CONNECT.replace("微信服务器连接公众号开发者服务器时发生超时，超时时间为5秒", "推送时遇到新问题")
    assert "2 🟠 未知报警" in say(CONNECT + unknown)
    assert "推送时遇到新问题" in say("2")


def test_without_a_rule_for_any_alert_more_goes_through_them_and_ends(
    store: Store, renderer: Renderer
) -> None:
    bot = Bot(Adviser(RuleSet((), "none"), renderer), store, lambda: "gulu")
    say = [bot.handle(message_of(text), NOW).text or "" for text in (CONNECT + MALL, *["更多"] * 3)]
    assert "1 没有规则认得" in say[0]
    assert ["没有规则认得它" in text for text in say[1:]] == [True, True, False]
    assert "没有下一页了" in say[3]
