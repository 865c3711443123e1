"""The demo's team on call: from an alert in the group to all clear, over real callbacks, outbox and wire formats."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.console import console
from tests.support.talk import CONNECT
from tests.support.upgraded import new_file
from triage.incidents.team import Team
from triage.settings.model import Settings
from triage.simulator.wecom import PlayedWecom
from triage.web.console import demo_service
from triage.web.console.demo_team import ON_CALL, SECOND_AFTER, DemoTeam, make_team
from triage.web.service import Service

NOW = datetime(2026, 4, 21, 10, 40, tzinfo=UTC)
WINDOW = timedelta(minutes=5)


class Desk:
    """The page's requests, and the thread that sends, run by hand."""

    def __init__(self, client: FlaskClient, service: Service) -> None:
        self.client = client
        self._send = service.sender()

    def post(self, what: str, **body: object) -> int:
        status = self.client.post(f"/demo/duty/{what}", json=body).status_code
        self._send()
        return status

    def shown(self, chat: str, since: int = 0) -> list[Mapping[str, Any]]:
        answer = self.client.get(f"/demo/duty/news?since={since}").get_json()
        return [item for item in answer["shown"] if item["chat"] == chat]

    def texts(self, chat: str) -> str:
        return "\n".join(item["text"] for item in self.shown(chat))

    def card(self, chat: str) -> Mapping[str, Any]:
        return next(item for item in self.shown(chat) if item["card"])

    def click(self, chat: str, text: str) -> int:
        card = self.card(chat)
        (key,) = (button["key"] for button in card["card"]["button_list"] if button["text"] == text)
        return self.post("click", id=card["id"], key=key)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Of a demo whose second teammate is called at once."""
    url = new_file(tmp_path / "demo.db")
    settings = Settings.model_validate({"database_url": url, "demo": True})
    service, _, pages = demo_service.make(settings, datetime.now(UTC), timedelta(0))
    app = Flask("demo")
    service.install(app)
    for page in pages:
        app.register_blueprint(page)
    assert service.open() is None
    yield Desk(app.test_client(), service)
    assert service.store
    service.store.close()


def test_from_the_alert_in_the_group_to_all_clear(desk: Desk) -> None:
    assert desk.post("say", chat="group", who="wang", quote=CONNECT) == 200
    assert "先做" in desk.texts("group")
    assert "正在叫：小王" in desk.texts("group")
    assert "正在叫：小李" in desk.texts("group")
    for chat in ("wang", "li"):
        card = desk.card(chat)
        assert card["card"]["main_title"]["title"].startswith("#1 ")
        assert [button["text"] for button in card["card"]["button_list"]] == ["认领", "看步骤", "关闭"]

    assert desk.click("li", "看步骤") == 200
    assert "先做" in desk.texts("li")
    assert desk.card("li")["label"] is None

    assert desk.click("li", "认领") == 200
    assert "小李" in desk.card("li")["label"]
    assert desk.card("wang")["label"] == "已由小李认领"
    assert "小李认领了" in desk.texts("group")

    assert desk.post("say", chat="li", text="关闭 切回旧版本") == 200
    assert "事件 #1 已关闭" in desk.texts("li")
    assert "关闭了：切回旧版本" in desk.texts("group")
    assert "关闭了：切回旧版本" in desk.texts("wang")


def test_a_claim_in_the_group_takes_the_buttons_from_both_phones(desk: Desk) -> None:
    desk.post("say", chat="group", who="wang", quote=CONNECT)
    desk.post("say", chat="group", who="li", text="认领 #1")
    assert [desk.card(chat)["label"] for chat in ("wang", "li")] == ["已由小李认领"] * 2


def test_an_alert_that_is_forwarded_to_the_account_calls_too(desk: Desk) -> None:
    assert desk.client.post("/demo/send", json={"who": "li", "text": CONNECT}).status_code == 200
    desk.post("say", chat="wang", text="值班")
    assert desk.card("wang")["card"]["main_title"]["title"].startswith("#1 ")


def test_a_stranger_s_alert_calls_nobody(desk: Desk) -> None:
    desk.client.post("/demo/send", json={"who": "guest", "text": CONNECT})
    desk.post("say", chat="wang", text="值班")
    assert not any(item["card"] for item in desk.shown("wang"))


def test_only_what_is_new_is_told(desk: Desk) -> None:
    desk.post("say", chat="wang", text="值班")
    newest = max(item["version"] for item in desk.shown("wang"))
    assert desk.shown("wang", newest) == []


@pytest.mark.parametrize(
    ("what", "body", "status"),
    [
        pytest.param("say", {"chat": "boss", "text": "a"}, 400, id="a chat that there is not"),
        pytest.param("say", {"chat": "wang", "text": "a", "more": 1}, 400, id="a field that nobody knows"),
        pytest.param("click", {"id": "1", "key": "claim:1"}, 400, id="a number that is a text"),
        pytest.param("click", {"id": 1, "key": "x" * 65}, 400, id="a key longer than any"),
        pytest.param("click", {"id": 99, "key": "claim:1"}, 409, id="a message that there is not"),
        pytest.param("click", {"id": 1, "key": "claim:1"}, 409, id="a message without buttons"),
    ],
)
def test_what_no_page_of_ours_sends_is_refused(
    what: str, body: Mapping[str, object], status: int, desk: Desk
) -> None:
    desk.post("say", chat="wang", text="值班")
    assert desk.post(what, **body) == status


def test_a_card_is_claimed_once(desk: Desk) -> None:
    desk.post("say", chat="group", who="wang", quote=CONNECT)
    assert desk.click("wang", "认领") == 200
    assert desk.click("wang", "认领") == 409


@pytest.mark.parametrize("path", ["say", "click"])
def test_a_page_of_somebody_else_s_writes_nothing(path: str, desk: Desk) -> None:
    foreign = {"Origin": "https://evil.example"}
    answer = desk.client.post(f"/demo/duty/{path}", json={"chat": "wang", "text": "值班"}, headers=foreign)
    assert answer.status_code == 403
    assert desk.shown("wang") == []


def test_news_since_something_that_is_no_number_is_refused(desk: Desk) -> None:
    assert desk.client.get("/demo/duty/news?since=x").status_code == 400
    assert desk.client.get(f"/demo/duty/news?since={'9' * 400}").get_json() == {"shown": []}


def test_with_a_team_of_its_own_the_demo_plays_none(tmp_path: Path) -> None:
    with console(tmp_path, demo=True, team=Team()) as application:
        client = application.pages.test_client()
        assert client.get("/duty").status_code == 404
        assert "全队值班" not in client.get("/").get_data(as_text=True)


def test_without_one_both_pages_lead_to_each_other(tmp_path: Path) -> None:
    with console(tmp_path, demo=True) as application:
        client = application.pages.test_client()
        assert 'href="/duty"' in client.get("/").get_data(as_text=True)
        page = client.get("/duty").get_data(as_text=True)
        assert 'href="/"' in page
        assert f"{SECOND_AFTER.seconds} 秒没人认领" in page


# -- WeCom as the demo plays it


@pytest.fixture
def team() -> DemoTeam:
    return make_team(NOW, WINDOW)


@pytest.fixture
def wecom(team: DemoTeam) -> PlayedWecom:
    return PlayedWecom(team.app, team.robot, ON_CALL, lambda: NOW)


def _token(wecom: PlayedWecom, team: DemoTeam) -> Mapping[str, str]:
    keys = {"corpid": team.app.corpid, "corpsecret": str(team.app.secret)}
    return {"access_token": str(wecom.answer("/cgi-bin/gettoken", keys, {})["access_token"])}


def _text(team: DemoTeam, to: str = "li", content: str = "x", **more: object) -> Mapping[str, Any]:
    return {
        "touser": to,
        "msgtype": "text",
        "agentid": team.app.agentid,
        "text": {"content": content},
        **more,
    }


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param({"touser": "boss"}, 81013, id="nobody by that name"),
        pytest.param({"agentid": 1}, 40056, id="another app"),
        pytest.param({"text": {"content": "长" * 683}}, 45002, id="2,049 bytes"),
        pytest.param({"text": {"content": "长" * 682}}, 0, id="2,046 bytes"),
    ],
)
def test_a_message_is_taken_by_the_rules_of_the_platform(
    body: Mapping[str, Any], code: int, wecom: PlayedWecom, team: DemoTeam
) -> None:
    answer = wecom.answer("/cgi-bin/message/send", _token(wecom, team), {**_text(team), **body})
    assert answer["errcode"] == code
    assert len(wecom.since(0)) == (code == 0)


@pytest.mark.parametrize("query", [{}, {"access_token": "guessed"}])
def test_without_the_token_nothing_is_sent(
    query: Mapping[str, str], wecom: PlayedWecom, team: DemoTeam
) -> None:
    assert wecom.answer("/cgi-bin/message/send", query, _text(team))["errcode"] == 40014
    wrong = {"corpid": team.app.corpid, "corpsecret": "wrong"}
    assert wecom.answer("/cgi-bin/gettoken", wrong, {})["errcode"] == 40001
    assert wecom.answer("/cgi-bin/other", _token(wecom, team), _text(team))["errcode"] == 40001
    assert wecom.since(0) == []


def test_the_group_s_robot_takes_twenty_a_minute_by_its_key(wecom: PlayedWecom, team: DemoTeam) -> None:
    body = {"msgtype": "text", "text": {"content": "x", "mentioned_list": ["li", "boss"]}}
    path, key = "/cgi-bin/webhook/send", {"key": team.robot}
    assert wecom.answer(path, {"key": "guessed"}, body)["errcode"] == 93000
    assert wecom.answer(path, key, {"msgtype": "text", "text": {"content": "长" * 683}})["errcode"] == 45002
    codes = [wecom.answer(path, key, body)["errcode"] for _ in range(21)]
    assert codes == [0] * 20 + [45009]
    assert wecom.since(0)[0]["mentions"] == ("小李",)


def test_a_later_answer_and_a_card_s_receipt_work_once(wecom: PlayedWecom, team: DemoTeam) -> None:
    code = wecom.response_url().rpartition("=")[2]
    answer = ("/cgi-bin/aibot/response", {"response_code": code}, {"markdown": {"content": "x"}})
    assert [wecom.answer(*answer)["errcode"] for _ in range(2)] == [0, 60140]
    token = _token(wecom, team)
    card = {**_text(team), "msgtype": "template_card", "template_card": {"task_id": "t"}}
    receipt = wecom.answer("/cgi-bin/message/send", token, card)["response_code"]
    change = {
        "agentid": team.app.agentid,
        "response_code": receipt,
        "button": {"replace_name": "已关闭"},
    }
    update = ("/cgi-bin/message/update_template_card", token, change)
    assert [wecom.answer(*update)["errcode"] for _ in range(2)] == [0, 40058]
    assert [item["label"] for item in wecom.since(0) if item["card"]] == ["已关闭"]
