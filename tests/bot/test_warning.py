"""What WeCom warns our app of reaches every lead, by itself or with the answer to their next word."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.sealed import CORPID
from tests.support.talk import person
from tests.support.wecom import APP, NOW, RANDOM
from triage.advice.adviser import Adviser
from triage.bot.bot import Bot
from triage.bot.warning import WARNING_EXPIRES
from triage.channels.wecom_app.callback import receive
from triage.channels.wecom_app.platform_side import compose
from triage.message import ANY_ACCOUNT, Message, Person
from triage.store import Member, OutgoingKind, OutgoingState, Role, Store

LI, HAN, ZHEN = (Person("wecom", CORPID, name) for name in ("lilei", "han", "zhen"))
ADMINS = {replace(LI, account=ANY_ACCOUNT): "李雷", Person("wechat", ANY_ACCOUNT, "oLi"): "李雷"}


def _pushed(name: str, sender: Person, **fields: str) -> Message:
    request = compose(
        name,
        APP,
        NOW,
        sender=sender.id,
        nonce="n1",
        random16=RANDOM,
        fields=fields,
        message_id=fields.get("Content"),
    )
    message = receive(request, APP, NOW)
    assert isinstance(message, Message)
    return message


WARNING = _pushed("inactive_alert", Person("wecom", CORPID, "sys"))


@pytest.fixture
def bot(adviser: Adviser, store: Store) -> Bot:
    store.add_member(Member(HAN, "韩梅梅", None, (), NOW, Role.LEAD))
    store.add_member(Member(ZHEN, "阿珍", None, (), NOW))
    return Bot(adviser, store, lambda: "gulu", ADMINS, has_late_answers=lambda: True)


def test_nobody_but_leads_is_told_and_the_platform_gets_no_answer(bot: Bot, store: Store) -> None:
    assert bot.handle(WARNING, NOW).text is None
    rows = store.outbox.rows([OutgoingState.DUE], 9)
    assert {row.payload["to"] for row in rows} == {str(LI), str(HAN)}
    assert {row.kind for row in rows} == {OutgoingKind.LATE}
    assert {row.expires_at for row in rows} == {NOW + WARNING_EXPIRES}
    assert all("停用" in row.payload["text"] for row in rows)
    assert "停用" not in (bot.handle(_pushed("text", ZHEN, Content="499"), NOW).text or "")


def test_a_warning_that_is_pushed_again_is_told_once(bot: Bot, store: Store) -> None:
    for _ in range(3):
        bot.handle(WARNING, NOW)
    assert len(store.outbox.rows([OutgoingState.DUE], 9)) == 2


def test_a_lead_reads_it_before_the_answer_to_the_next_word(bot: Bot) -> None:
    bot.handle(WARNING, NOW)
    answer = bot.handle(_pushed("text", LI, Content="499"), NOW).text or ""
    assert answer.startswith("这个应用很久没人用，企业微信从 2026-01-01 00:00 起停用它")
    assert "499" in answer


def test_a_click_is_answered_on_the_button_and_the_warning_waits(bot: Bot, store: Store) -> None:
    bot.handle(WARNING, NOW)
    click = bot.handle(_pushed("template_card_event", HAN, EventKey="claim:7"), NOW).text or ""
    assert "停用" not in click
    assert len(store.outbox.rows([OutgoingState.DUE], 9)) == 2


def test_without_a_memory_a_warning_is_met_by_silence(adviser: Adviser) -> None:
    assert Bot(adviser, None, lambda: "gulu", {person("oLi"): "李雷"}).handle(WARNING, NOW).text is None
