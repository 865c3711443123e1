"""An alert quoted in the team's group, until the all clear: who is called, by which platform, and when it is quiet.

The platforms are servers on loopback that keep their limits, the clock is put forward by the test.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support.groups import CHAT
from tests.support.loopback import Clock
from tests.support.probing import LOOPBACK, says
from tests.support.robots import Robots
from tests.support.sick_peer import PLAIN, Answer, healthy, serving
from tests.support.talk import BLOCKED, CONNECT
from tests.support.team import HAN, LI, MAIN, NEXT, ON_CALL, SHANGHAI, TEAM
from tests.support.upgraded import new_store
from tests.support.wecom_api import AGENTID, CORPID, SECRET, SEND, Wecom
from triage.advice.adviser import Adviser
from triage.bot.bot import Bot
from triage.bot.links import Links
from triage.bot.paging import EXPIRES, Paging
from triage.bot.reaching import Reaching
from triage.bot.sending import LEASE, Sending
from triage.channels.apis import Apis
from triage.channels.sealed import Seal
from triage.channels.wecom_app.account import Account
from triage.errors import StoreDownError
from triage.findings import Severity
from triage.incidents.team import (
    CallbackProbe,
    ClaimRules,
    Escalation,
    EscalationStep,
    Team,
    TeamAccount,
    TeamGroup,
    Teammate,
)
from triage.message import ANY_ACCOUNT, Message, MessageKind, Person, Response
from triage.probe.recovery import probe_callback
from triage.store import OutgoingKind, OutgoingState, Queued, Store

APP = Account(CORPID, AGENTID, Seal("QDG6eK", "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C", CORPID), SECRET)
MINUTE = timedelta(minutes=1)


def _in_wecom(mate: Teammate, id_: str) -> Teammate:
    """Somebody of the app and of the bot in groups."""
    return replace(
        mate, addresses=tuple(Person(channel, ANY_ACCOUNT, id_) for channel in ("wecom", "wecom_bot"))
    )


LILEI, HANMEI = _in_wecom(LI, "lilei"), _in_wecom(HAN, "han")


def team(robots: Robots) -> Team:
    """李雷 is on call this week, 韩梅 comes next; the group hears of both."""
    steps = (EscalationStep(timedelta(), (ON_CALL,), "ops"), EscalationStep(10 * MINUTE, (NEXT,), "ops"))
    return replace(
        TEAM,
        people=(LILEI, HANMEI),
        rotations=(replace(MAIN, people=("han", "li")),),
        escalations=(Escalation(Severity.LOW, steps),),
        repeat=0,
        quiet=None,
        claim=ClaimRules(60 * MINUTE, 30 * MINUTE),
        groups=(TeamGroup("ops", "wecom_webhook", robots.address("wecom_webhook"), keyword="报警"),),
    )


@dataclass
class OnCall:
    """The bot, the platforms, and a node that sends."""

    bot: Bot
    store: Store
    clock: Clock
    wecom: Wecom
    robots: Robots
    desk: Paging
    sending: Sending
    _seen: list[int] = field(default_factory=lambda: [0, 0])
    _ids: int = 0

    def say(self, text: str, who: str, quote: str | None = None, chat: str | None = CHAT) -> str:
        return self._handle("wecom_bot", who, MessageKind.TEXT, text=text, quote=quote, chat=chat)

    def click(self, key: str, who: str) -> str:
        """Somebody clicks on the card that the app sent them."""
        return self._handle(
            "wecom", who, MessageKind.EVENT, event="template_card_event", event_key=key, task_id="inc-1-1"
        )

    def _handle(self, channel: str, who: str, kind: MessageKind, **values: Any) -> str:
        self._ids += 1
        account = CORPID if channel == "wecom" else "B"
        message = Message(
            channel, account, who, account, kind, int(self.clock().timestamp()), f"M{self._ids}==",
            encrypted=True, **values,
        )  # fmt: skip
        return self.bot.handle(message, self.clock()).text or ""

    def wait(self, time: timedelta) -> None:
        """Time passes, and the node looks each minute."""
        until = self.clock() + time
        self.sending.run()
        while self.clock() < until:
            self.clock.now += MINUTE
            self.sending.run()

    def paged(self) -> list[str]:
        """Who was sent something alone since this was last asked."""
        shown, self._seen[0] = self.wecom.shown[self._seen[0] :], len(self.wecom.shown)
        return [who for who, _ in shown]

    def posted(self) -> list[str]:
        """What the group reads since this was last asked."""
        posted, self._seen[1] = self.robots.posted[self._seen[1] :], len(self.robots.posted)
        return posted

    def rows(self, kind: OutgoingKind) -> list[Queued]:
        return [row for row in self.store.outbox.rows(list(OutgoingState), 999)[::-1] if row.kind is kind]


@pytest.fixture
def on_call(adviser: Adviser, tmp_path: Path) -> Iterator[OnCall]:
    clock = Clock()
    wecom, robots = Wecom(clock), Robots(clock)
    ours = team(robots)
    store = new_store(tmp_path / "t.db", has_team=True)
    with wecom.serving(), robots.serving(), requests.Session() as session:
        apis = Apis(session, {"wecom_app": wecom.url, "wecom": wecom.url}, clock=clock)
        reaching = Reaching({"wecom": {CORPID: APP}}, ours, apis)
        desk = Paging(store, ours, reaching, adviser.say, {})
        bot = Bot(adviser, store, lambda: "gulu", ours.members)
        yield OnCall(bot, store, clock, wecom, robots, desk, Sending(store.outbox, desk, clock, "a"))
    store.close()


def cards(on_call: OnCall) -> list[Mapping[str, Any]]:
    return [shown for _, shown in on_call.wecom.shown if "button_list" in shown]


def play(on_call: OnCall) -> None:
    """The whole story; after each step it is quiet until the next."""
    assert "#1" in on_call.say("", "lilei", quote=CONNECT)
    on_call.wait(9 * MINUTE)
    assert on_call.paged() == ["lilei"]
    [first] = on_call.posted()
    assert first.startswith("报警 #1 14:31 时令果蔬 wx01…2781，连接超时")
    assert "正在叫：李雷；14:41 还没人认领就叫别人" in first
    on_call.wait(2 * MINUTE)
    assert on_call.paged() == ["han"]
    assert "正在叫：韩梅" in on_call.posted()[0]
    assert [card["main_title"]["title"] for card in cards(on_call)] == [
        "#1 14:31 连接超时",
        "#1 14:41 连接超时",
    ]
    notes = [card["horizontal_content_list"][2]["value"] for card in cards(on_call)]
    assert notes[0] == "14:41 还没人认领就叫别人", "it stays on the card when somebody has claimed"
    assert "韩梅" in on_call.click("claim:1", "han")
    on_call.wait(30 * MINUTE)
    assert on_call.paged() == ["lilei"], "who was called hears that it is in hands"
    assert "\n韩梅认领了" in on_call.posted()[0]
    assert {label for _, label in on_call.wecom.updated} == {"已由韩梅认领"}
    assert len(on_call.wecom.updated) == 2
    assert "韩梅" in on_call.say("状态 1", "lilei", chat=None), "seen in the other chat"
    assert on_call.say("关闭 1 换了证书", "han", chat=None)
    on_call.wait(180 * MINUTE)
    assert on_call.paged() == ["lilei"]
    assert "关闭了：换了证书" in on_call.posted()[0]
    assert on_call.posted() == []
    assert on_call.store.outbox.backlog(on_call.clock(), on_call.clock() - timedelta(days=1)).due == 0
    assert {row.state for row in on_call.rows(OutgoingKind.PAGE)} == {OutgoingState.SENT}


def test_from_the_quoted_alert_to_the_all_clear(on_call: OnCall) -> None:
    play(on_call)


def test_with_an_address_of_the_console_the_card_and_the_group_lead_to_the_incident(on_call: OnCall) -> None:
    links = Links("https://triage.example.cn", "key", lambda: "T")
    desk = replace(on_call.desk, links=links)
    on_call.sending = replace(on_call.sending, desk=desk)
    on_call.say("", "lilei", quote=CONNECT)
    on_call.wait(MINUTE)
    [card] = cards(on_call)
    token = card["horizontal_content_list"][-1]["url"].removeprefix("https://triage.example.cn/i/")
    link = links.read(token, on_call.clock())
    assert link
    assert links.find(link, [Person("wecom", CORPID, "han"), Person("wecom", CORPID, "lilei")]) == Person(
        "wecom", CORPID, "lilei"
    )
    [posted] = on_call.posted()
    assert posted.endswith("\n详情 https://triage.example.cn/incidents/1")


def test_a_claim_before_anybody_was_called_calls_nobody(on_call: OnCall) -> None:
    on_call.say("", "lilei", quote=CONNECT)
    on_call.say("认领 1", "lilei", chat=None)
    on_call.wait(30 * MINUTE)
    assert [who for who, shown in on_call.wecom.shown if "button_list" in shown] == []


def test_a_claim_while_a_page_waits_takes_it_back(on_call: OnCall) -> None:
    on_call.wecom.instead = [(503, b"{}")]
    on_call.say("", "lilei", quote=CONNECT)
    on_call.sending.run()
    assert [row.state for row in on_call.rows(OutgoingKind.PAGE)] == [OutgoingState.DUE]
    on_call.say("认领 1", "lilei", chat=None)
    on_call.wait(30 * MINUTE)
    assert [row.state for row in on_call.rows(OutgoingKind.PAGE)] == [OutgoingState.CANCELLED]
    assert cards(on_call) == []


def test_the_same_with_the_database_away_in_the_middle(
    on_call: OnCall, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the node asks fails for five minutes, twice; what was due then goes out afterwards, once."""
    outbox, put_off = on_call.store.outbox, on_call.wait

    def wait_with_gaps(time: timedelta) -> None:
        for name in ("lanes", "settle"):
            with monkeypatch.context() as away:
                away.setattr(outbox, name, _gone)
                if name == "lanes" or outbox.lanes(on_call.clock(), 1):
                    with pytest.raises(StoreDownError):
                        on_call.sending.run()
        on_call.clock.now += LEASE
        put_off(time - LEASE)

    assert "#1" in on_call.say("", "lilei", quote=CONNECT)
    wait_with_gaps(9 * MINUTE)
    assert on_call.paged() == ["lilei"]
    wait_with_gaps(3 * MINUTE)
    assert on_call.paged() == ["han"]
    on_call.click("claim:1", "han")
    wait_with_gaps(30 * MINUTE)
    on_call.say("关闭 1 好了", "han", chat=None)
    wait_with_gaps(180 * MINUTE)
    assert on_call.paged() == ["lilei", "lilei"], "of the claim, and of the end"
    assert [row.state for row in on_call.rows(OutgoingKind.PAGE)] == [OutgoingState.SENT] * 2
    assert on_call.wecom.count(SEND) == 4


def _gone(*_: object) -> None:
    raise StoreDownError("away")


def test_who_is_given_an_incident_reads_that_it_is_theirs(on_call: OnCall) -> None:
    on_call.bot = replace(on_call.bot, team=on_call.desk.team)
    on_call.say("", "lilei", quote=CONNECT)
    on_call.wait(MINUTE)
    assert "转给韩梅了" in on_call.say("转给 1 韩梅", "lilei", chat=None)
    on_call.wait(MINUTE)
    who, shown = on_call.wecom.shown[-1]
    assert (who, "转给你处理了" in str(shown)) == ("han", True)
    assert "转给韩梅处理了" in on_call.posted()[-1]


def test_a_silent_owner_is_reminded_then_it_is_let_go_and_others_are_called(on_call: OnCall) -> None:
    on_call.say("", "lilei", quote=CONNECT)
    on_call.say("认领 1", "lilei", chat=None)
    on_call.wait(62 * MINUTE)
    texts = [shown.get("content", "") for who, shown in on_call.wecom.shown if who == "lilei"]
    assert any("你认领后一直没动静" in text for text in texts)
    assert cards(on_call) == []
    on_call.wait(20 * MINUTE)
    on_call.say("", "han", quote=CONNECT.replace("86次", "99次"))
    on_call.wait(12 * MINUTE)
    incident = on_call.store.incident(1)
    assert incident
    assert incident.owner is None
    assert "release" in [event.what for event in on_call.store.timeline(1)]
    assert len(cards(on_call)) == 1, "who is on call is called again"


def test_who_cannot_be_reached_is_named_in_the_group(on_call: OnCall) -> None:
    on_call.wecom.members = {"han"}
    on_call.say("", "lilei", quote=CONNECT)
    on_call.wait(MINUTE)
    assert any("叫不到李雷：" in text for text in on_call.posted())
    [page] = on_call.rows(OutgoingKind.PAGE)
    assert (page.state, page.reason and page.reason.partition(":")[0]) == (OutgoingState.FAILED, "other_way")


def test_a_wrong_setting_is_told_to_the_group_once_and_the_page_goes_out_when_it_is_mended(
    on_call: OnCall,
) -> None:
    on_call.wecom.trusted = False
    on_call.say("", "lilei", quote=CONNECT)
    on_call.wait(6 * MINUTE)
    assert [text for text in on_call.posted() if "203.0.113.9" in text]
    on_call.wecom.trusted = True
    on_call.wait(5 * MINUTE)
    assert "lilei" in on_call.paged()
    assert not [text for text in on_call.posted() if "203.0.113.9" in text]


def test_a_page_that_comes_too_late_is_not_sent_and_says_so(on_call: OnCall) -> None:
    on_call.wecom.instead = [(503, b"{}")] * 500
    on_call.say("", "lilei", quote=CONNECT)
    on_call.wait(EXPIRES + MINUTE)
    expired = [row for row in on_call.rows(OutgoingKind.PAGE) if row.state is OutgoingState.EXPIRED]
    assert expired
    assert "too late to help anybody; before: later" in (expired[0].reason or "")


def test_many_incidents_at_once_are_one_summary_for_the_group(on_call: OnCall) -> None:
    for number in range(30):
        alert = CONNECT.replace("wx014d339f79c92781", f"wx014d339f79c927{number:02}").replace(
            "wx.example.org", f"wx{number}.example.org"
        )
        on_call.say("", "lilei", quote=alert)
    on_call.sending.run()
    posted = on_call.posted()
    assert len(posted) == 20
    assert posted[-1].startswith("报警 14:31 短时间内消息太多，合成一条：")
    assert all(any(f"#{number} 14:31" in text for text in posted) for number in range(1, 31))


def test_who_comes_next_is_told_half_an_hour_before_and_once(on_call: OnCall) -> None:
    on_call.clock.now = datetime(2026, 4, 27, 9, 29, tzinfo=SHANGHAI)
    for _ in range(5):
        on_call.desk.announce_shifts(on_call.clock())
        on_call.wait(MINUTE)
    assert [(who, shown["content"]) for who, shown in on_call.wecom.shown if "content" in shown] == [
        ("han", "09:31 你从 10:00 起值班")
    ]


@pytest.mark.parametrize(
    ("answer", "part"),
    [
        (healthy(PLAIN), "回应正常"),
        (says(lambda came, _: Response(502, b"")), "还是不行："),
    ],
    ids=["it answers again", "it is still sick"],
)
def test_after_the_minute_of_a_mark_fail_the_callback_itself_is_asked(
    on_call: OnCall, answer: Answer, part: str
) -> None:
    with serving(answer) as peer:
        account = TeamAccount("wx014d339f79c92781", "水果店", probe=CallbackProbe(peer.url, PLAIN.token))
        desk = replace(
            on_call.desk,
            team=replace(on_call.desk.team, accounts=(account,)),
            probe=lambda account: probe_callback(account, LOOPBACK),
        )
        on_call.sending = replace(on_call.sending, desk=desk)
        on_call.say("", "lilei", quote=BLOCKED)
        on_call.wait(3 * MINUTE)
    asked = [text for text in on_call.posted() if "停推" in text]
    assert len(asked) == 1
    assert part in asked[0]
    assert PLAIN.token not in asked[0]


def test_a_page_calls_an_account_as_the_team_does(on_call: OnCall) -> None:
    ours = replace(on_call.desk.team, accounts=(TeamAccount("wx014d339f79c92781", "水果店"),))
    on_call.say("", "lilei", quote=CONNECT)
    replace(on_call.sending, desk=replace(on_call.desk, team=ours)).run()
    assert "水果店 wx01…2781，连接超时" in on_call.posted()[0]
