"""Links to the console: the one that 登录 asks for, and the one behind a reply about an incident."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from tests.support.talk import BLOCKED, CONNECT, LIN, NOW, STRANGER, ZHAO, message_of, person
from triage.bot.bot import Bot
from triage.bot.links import INCIDENT_LASTS, Links
from triage.channels.registry import CHANNELS
from triage.message import MessageKind, Person
from triage.store import Outgoing, OutgoingKind, Store
from triage.store.columns import person_key

TOKEN = "T" * 43
LINKS = Links("https://triage.example.cn", "key", lambda: TOKEN)
PEOPLE = [person(STRANGER), person(LIN), person(ZHAO)]
LARGEST = 10**9


@pytest.fixture
def linked(bot: Bot) -> Bot:
    return replace(bot, links=LINKS)


def answer(bot: Bot, text: str, sender: str = ZHAO, chat: str | None = None, now: datetime = NOW) -> str:
    return bot.handle(replace(message_of(text, sender), chat=chat), now).text or ""


def detail(reply: str) -> str:
    """The token of the link that a reply ends with; `""` where it has none."""
    last = reply.splitlines()[-1]
    return last.removeprefix(f"详情 {LINKS.console}/i/") if last.startswith("详情 ") else ""


class TestSigningIn:
    def test_a_stranger_gets_no_link(self, linked: Bot, store: Store) -> None:
        assert "只有成员能用" in answer(linked, "登录", STRANGER)
        assert list(store.export("sign_ins")) == []

    @pytest.mark.parametrize("sender", [ZHAO, STRANGER])
    def test_no_link_is_sent_where_others_read_it(self, linked: Bot, store: Store, sender: str) -> None:
        assert "单独给我发「登录」" in answer(linked, "登录", sender, chat="C1")
        assert list(store.export("sign_ins")) == []

    def test_where_the_console_has_no_address_it_says_what_to_set(self, bot: Bot, store: Store) -> None:
        assert "TRIAGE_PUBLIC_URL" in answer(bot, "登录")
        assert list(store.export("sign_ins")) == []

    @pytest.mark.parametrize("typed", ["登录", "login", " 登录。"])
    def test_a_member_gets_a_link_that_signs_them_in_for_ten_minutes(
        self, linked: Bot, store: Store, typed: str
    ) -> None:
        assert f"\nhttps://triage.example.cn/l/{TOKEN}\n" in answer(linked, typed)
        soon = NOW + timedelta(minutes=10) - timedelta(seconds=1)
        assert store.sign_ins.link_holder(TOKEN, soon) == person(ZHAO)
        assert store.sign_ins.link_holder(TOKEN, NOW + timedelta(minutes=10)) is None

    def test_a_retry_gets_the_same_link(self, linked: Bot, store: Store) -> None:
        message = message_of("登录")
        assert linked.handle(message, NOW) == linked.handle(message, NOW)
        assert len(list(store.export("sign_ins"))) == 1


class TestDetails:
    def test_without_an_address_replies_are_as_ever(self, bot: Bot) -> None:
        assert "详情" not in answer(bot, CONNECT)

    def test_without_being_asked_for_replies_have_none_either(self, bot: Bot) -> None:
        assert "详情" not in answer(replace(bot, links=replace(LINKS, are_in_replies=False)), CONNECT)

    def test_an_alert_ends_with_a_link_to_its_incident_for_its_sender(
        self, linked: Bot, store: Store
    ) -> None:
        for text in (CONNECT, CONNECT, BLOCKED):
            link = LINKS.read(detail(answer(linked, text)), NOW)
            assert link
            assert store.incident(link.incident)
            assert LINKS.find(link, PEOPLE) == person(ZHAO)

    @pytest.mark.parametrize("typed", ["状态 1", "认领"])
    def test_an_answer_about_an_incident_ends_with_its_link(self, linked: Bot, typed: str) -> None:
        answer(linked, CONNECT)
        link = LINKS.read(detail(answer(linked, typed)), NOW)
        assert link
        assert link.incident == 1

    def test_nobody_else_gets_one(self, linked: Bot) -> None:
        assert "/i/" not in answer(linked, CONNECT, STRANGER)
        assert "/i/" not in answer(linked, CONNECT, chat="C1")
        assert "/i/" not in answer(linked, "认领", chat="C1")
        handed_in = message_of(CONNECT, kind=MessageKind.ALERT)
        assert "/i/" not in (linked.handle(handed_in, NOW).text or ""), "a program may show it to anybody"

    def test_no_openid_stands_in_an_address(self, linked: Bot) -> None:
        token = detail(answer(linked, CONNECT))
        assert ZHAO not in str(LINKS.read(token, NOW))

    @pytest.mark.parametrize("channel", CHANNELS)
    def test_a_page_leaves_room_for_it_on_every_channel(
        self, linked: Bot, store: Store, channel: str
    ) -> None:
        long = "\n".join([CONNECT, *("错误样例: [3rdUrl=http://wx.example.org/" + "很长" * 300 + "]",) * 3])
        admins = {Person(channel, "wxbot", ZHAO): "小赵"}
        message = replace(message_of(long), channel=channel)
        reply = replace(linked, admins=admins).handle(message, NOW).text or ""
        assert LINKS.read(detail(reply), NOW)
        assert CHANNELS[channel].page_size.holds(reply)

    def test_late_answers_stand_before_a_reply_with_a_link(self, linked: Bot, store: Store) -> None:
        late = Outgoing(
            "late/1", OutgoingKind.LATE, person_key(person(ZHAO)), NOW, NOW + timedelta(hours=1),
            payload={"to": str(person(ZHAO)), "text": "刚才那条已经记下"},
        )  # fmt: skip
        store.outbox.put([late], NOW)
        reply = answer(replace(linked, has_late_answers=lambda: True), CONNECT)
        assert reply.startswith("刚才那条已经记下\n\n")
        assert LINKS.read(detail(reply), NOW)


class TestReading:
    GOOD = LINKS.to_incident(12, person(ZHAO), NOW).rpartition("/")[2]

    def test_a_link_says_its_incident_and_holder_for_a_day(self) -> None:
        end = NOW.replace(microsecond=0) + INCIDENT_LASTS
        link = LINKS.read(self.GOOD, end - timedelta(seconds=1))
        assert link
        assert (link.incident, link.made_at) == (12, NOW.replace(microsecond=0))
        assert LINKS.find(link, PEOPLE) == person(ZHAO)
        assert LINKS.find(link, PEOPLE[:2]) is None
        assert LINKS.read(self.GOOD, end) is None

    @pytest.mark.parametrize(
        "token",
        [
            pytest.param("", id="nothing"),
            pytest.param("12", id="a number"),
            pytest.param(GOOD[:-1], id="a cut signature"),
            pytest.param(GOOD.swapcase(), id="other letters"),
            pytest.param("WzEzLDE3NzY3Njc2NDAsImEiXQ" + GOOD[GOOD.index(".") :], id="another incident"),
            pytest.param("." + GOOD, id="a compressed one"),
            pytest.param("A" * 10_000, id="a long one"),
            pytest.param("\ud800.\x00", id="no text"),
            pytest.param(
                replace(LINKS, key="other").to_incident(12, person(ZHAO), NOW).rpartition("/")[2],
                id="signed by another service",
            ),
        ],
    )
    def test_a_forged_link_says_nothing(self, token: str) -> None:
        assert LINKS.read(token, NOW) is None

    def test_the_largest_number_fits(self) -> None:
        assert len(LINKS.to_incident(LARGEST, person("o" * 64), NOW)) < 130
