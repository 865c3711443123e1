"""Pictures on their way through a served node: pushed, acknowledged, fetched, read, answered, by real HTTP."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
import requests

from tests.support.asgi import sender
from tests.support.customer_messages import CustomerMessages
from tests.support.fetching import ResponseUrls, drip, sealed_file, until
from tests.support.loopback import Clock, Given, Loopback
from tests.support.paths import DATA, ROOT
from tests.support.platform import FAN, Platform
from tests.support.service import Served, serving
from tests.support.talk import CONNECT
from tests.support.upgraded import new_file, new_store
from tests.support.wechat_api import APPID, SECRET
from tests.support.wecom import APP, BOT, ENVIRONMENT, RANDOM
from tests.support.wecom_api import AGENTID, Wecom
from triage.advice.adviser import Adviser
from triage.bot.bot import Bot
from triage.bot.pictures import Promise
from triage.bot.reading import MOST_TRIES, Reading
from triage.channels.apis import Apis
from triage.channels.registry import CHANNELS
from triage.channels.wechat.account import Account
from triage.channels.wecom_app import platform_side as app_side
from triage.channels.wecom_bot import platform_side as bot_side
from triage.message import Message, MessageKind, Picture, Request
from triage.pictures.reading import read_picture
from triage.pictures.values import PictureText
from triage.settings import load_settings
from triage.store import OutgoingKind, OutgoingState, Queued, Store
from triage.web import create_app

ACCOUNT = Account(APPID, "hush-token", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG")
SHOT = (DATA / "pictures/ticket_failure.png").read_bytes()
PUSH_SECONDS = 2.5
"""A push is answered within these, whatever a picture costs."""
WECHAT = {
    "TRIAGE_WECHAT_TOKEN": ACCOUNT.token,
    "TRIAGE_WECHAT_APPID": APPID,
    "TRIAGE_WECHAT_AES_KEY": str(ACCOUNT.aes_key),
}
TEAM = """\
people:
  li: {name: 李雷, wecom: lilei}
rotations:
  main: {people: [li], every: week, at: Mon 10:00, from: 2026-01-05}
escalation:
  low: [{after: 0m, to: main}]
"""
OUR_APP = replace(APP, agentid=AGENTID)


def _rows(served: Served, kind: OutgoingKind) -> list[Queued]:
    with closing(Store.open(f"sqlite:///{served.folder}/triage.db")) as store:
        return [row for row in store.outbox.rows(list(OutgoingState), 99) if row.kind is kind]


def _incidents(served: Served) -> list[tuple[str | None, str]]:
    """Account and kind of each incident."""
    with closing(Store.open(f"sqlite:///{served.folder}/triage.db")) as store:
        found = store.recent_incidents(datetime.now(UTC) - timedelta(hours=1))
        return [(incident.appid, incident.sightings[0].kind) for incident in found]


@contextmanager
def _wechat(folder: Path, secret: str | None) -> Iterator[tuple[Served, Platform, CustomerMessages]]:
    """A node for an Official Account; a member follows it."""
    api = CustomerMessages(Clock(datetime.now(UTC)))
    api.given["/shot"] = Given([SHOT])
    environment = {
        **WECHAT,
        "TRIAGE_WECHAT_API_URL": api.url,
        "TRIAGE_MEMBERS": f"wechat/*/{FAN}=小赵",
        **({"TRIAGE_WECHAT_SECRET": secret} if secret else {}),
    }
    with api.serving(), serving(folder, environment) as served:
        yield served, Platform(ACCOUNT, served.send, now=datetime.now(UTC)), api


def _shown(platform: Platform, url: str) -> str:
    """What a follower reads at once who sends a picture."""
    started = time.monotonic()
    exchange = platform.push("image", {"PicUrl": url, "MediaId": ""}, "1")
    assert time.monotonic() - started < PUSH_SECONDS
    assert not any(finding.is_fault for finding in exchange.accepted.findings)
    return exchange.accepted.text or ""


def test_an_alert_in_a_picture_is_answered_by_a_customer_message_and_opens_its_incident(
    tmp_path: Path,
) -> None:
    with _wechat(tmp_path, SECRET) as (served, platform, api):
        api.hears(FAN)
        said = _shown(platform, f"{api.url}/shot")
        assert said == "收到图，正在读，读完发你。没等到就回任意字来看"
        assert _shown(platform, f"{api.url}/shot") == said, "pushed again"
        until(lambda: api.shown)
        [(who, checklist)] = api.shown
        assert who == FAN
        assert checklist.startswith("图读好了")
        assert "先做" in checklist
        assert _incidents(served) == [("wxd05be41bd77ee4cf", "ticket_failure")]
        assert (platform.say("认领").accepted.text or "").startswith("事件 #1 归你了")
        assert [row.state for row in _rows(served, OutgoingKind.PICTURE)] == [OutgoingState.DONE]


def test_where_nothing_can_be_sent_the_answer_waits_for_any_word(tmp_path: Path) -> None:
    with _wechat(tmp_path, None) as (served, platform, api):
        assert "回任意字" in _shown(platform, f"{api.url}/shot")
        until(lambda: _rows(served, OutgoingKind.LATE))
        answers: list[str] = []

        def asked() -> bool:
            answers.append(platform.say("1").accepted.text or "")
            return answers[-1].startswith("图读好了")

        until(asked)
        assert "先做" in answers[-1]
        assert not (platform.say("1").accepted.text or "").startswith("图读好了")


def test_an_account_that_may_not_send_keeps_the_answer_for_any_word(tmp_path: Path) -> None:
    with _wechat(tmp_path, SECRET) as (served, platform, api):
        api.is_verified = False
        _shown(platform, f"{api.url}/shot")
        until(lambda: [row for row in _rows(served, OutgoingKind.LATE) if row.state is OutgoingState.FAILED])
        until(lambda: (platform.say("好").accepted.text or "").startswith("图读好了"))


@pytest.mark.parametrize(
    ("given", "says"),
    [
        pytest.param(
            Given(status=302, headers={"Location": "http://169.254.169.254/latest/meta-data"}),
            "不是平台自己的",
            id="an address that leads inside",
        ),
        pytest.param(Given(status=404), "过期或取不到", id="a picture that has gone"),
        pytest.param(Given([b"<svg xmlns='http://www.w3.org/2000/svg'/>"]), "没读成", id="a drawing"),
        pytest.param(Given([SHOT[:3000]]), "没读成", id="half a picture"),
        pytest.param(Given([b"\x89PNG\r\n\x1a\n" + bytes(11 * 1024 * 1024)]), "太大", id="eleven megabytes"),
    ],
)
def test_what_cannot_be_read_ends_in_an_answer(tmp_path: Path, given: Given, says: str) -> None:
    with _wechat(tmp_path, SECRET) as (served, platform, api):
        api.hears(FAN)
        api.given["/other"] = given
        _shown(platform, f"{api.url}/other")
        until(lambda: api.shown)
        assert says in api.shown[0][1]
        [row] = _rows(served, OutgoingKind.PICTURE)
        assert (row.state, bool(row.reason)) == (OutgoingState.DONE, True)
        assert _incidents(served) == []


def test_where_the_reader_is_not_installed_the_push_asks_for_text_and_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("triage.web.outgoing.is_available", lambda: False)
    url = new_file(tmp_path / "t.db")
    app = create_app(load_settings({**WECHAT, "TRIAGE_DATABASE_URL": url}))
    app.service.open()
    said = _shown(
        Platform(ACCOUNT, sender(app, "/callback/wechat"), now=datetime.now(UTC)), "http://mmbiz.qpic.cn/1"
    )
    assert said.splitlines()[0].startswith("图片我读不了")
    assert "pip install 'wechat-triage[pictures]'" in said.splitlines()[1]
    assert app.service.store
    assert list(app.service.store.export("outbox")) == []


def test_whoever_is_on_call_never_waits_behind_a_picture(tmp_path: Path) -> None:
    clock, team = Clock(datetime.now(UTC)), tmp_path / "team.yml"
    wecom, api = Wecom(clock), CustomerMessages(clock)
    api.given["/slow"] = drip()
    team.write_text(TEAM, encoding="utf-8")
    environment = {
        **WECHAT,
        **ENVIRONMENT,
        "TRIAGE_WECHAT_API_URL": api.url,
        "TRIAGE_WECOM_AGENTID": str(AGENTID),
        "TRIAGE_WECOM_API_URL": wecom.url,
        "TRIAGE_TEAM": str(team),
        "TRIAGE_HOOKS": "monitor=0123456789abcdef",
    }
    with wecom.serving(), api.serving(), serving(tmp_path, environment) as served:
        platform = Platform(ACCOUNT, served.send, now=datetime.now(UTC))
        for number in range(4):
            platform.sender = f"{FAN[:-1]}{number}"
            platform.push("image", {"PicUrl": f"{api.url}/slow", "MediaId": ""}, str(number))
        until(lambda: api.asked)
        handed_in = Request("POST", {"key": "0123456789abcdef"}, CONNECT.encode())
        assert served.send(handed_in, "/hooks/monitor").status == 200
        until(lambda: wecom.shown)
        assert {row.state for row in _rows(served, OutgoingKind.PICTURE)} == {OutgoingState.DUE}


def test_a_slow_host_is_given_up_with_an_answer(adviser: Adviser, tmp_path: Path) -> None:
    host, clock = Loopback(), Clock(datetime.now(UTC))
    host.given["/slow"] = drip()
    with (
        host.serving(),
        requests.Session() as session,
        closing(new_store(tmp_path / "t.db")) as store,
    ):
        fetcher = CHANNELS["wechat"].fetcher(ACCOUNT, Apis(session, {"wechat": host.url}))
        bot = Bot(adviser, store, lambda: "gulu", promise=lambda message: Promise.WAITS)
        sent = Message("wechat", APPID, FAN, "gh", MessageKind.IMAGE, 0, "1", encrypted=True)
        bot.handle(replace(sent, pictures=(Picture(f"{host.url}/slow"),)), clock())
        started = time.monotonic()
        for _ in range(MOST_TRIES):
            Reading(
                store.outbox, lambda: bot, lambda _: fetcher, read_picture, clock, "a", fetch_seconds=0.3
            ).run()
            clock.now += timedelta(minutes=1)
        assert time.monotonic() - started < MOST_TRIES
        [answer] = [row for row in store.outbox.rows(list(OutgoingState), 9) if row.kind is OutgoingKind.LATE]
        assert "没读成" in answer.payload["text"]


def test_a_node_that_is_killed_while_it_reads_loses_nothing(adviser: Adviser, tmp_path: Path) -> None:
    url, clock = f"sqlite:///{tmp_path}/t.db", partial(datetime.now, UTC)
    with closing(Store.open(url, upgrade=True)) as store:
        bot = Bot(adviser, store, lambda: "gulu", promise=lambda message: Promise.WAITS)
        sent = Message("wechat", APPID, FAN, "gh", MessageKind.IMAGE, 0, "1", encrypted=True)
        bot.handle(replace(sent, pictures=(Picture("https://mmbiz.qpic.cn/1"),)), clock())
        command = [sys.executable, "-m", "tests.support.fetching", url]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as node:
            assert node.stdout
            assert node.stdout.readline() == b"begun\n"
            os.kill(node.pid, signal.SIGKILL)

        class Shot:
            def fetch(self, picture: Picture, seconds: float) -> bytes:
                return SHOT

        found = PictureText(CONNECT, (), 1, 1)
        reading = Reading(store.outbox, lambda: bot, lambda _: Shot(), lambda data: found, clock, "b")
        until(reading.run)
        answers = [row for row in store.outbox.rows(list(OutgoingState), 9) if row.kind is OutgoingKind.LATE]
        assert len(answers) == 1
        assert "先做" in answers[0].payload["text"]
        assert reading.run() == 0


def test_a_picture_to_the_wecom_app_is_answered_by_a_message_of_the_app(tmp_path: Path) -> None:
    wecom = Wecom(Clock(datetime.now(UTC)))
    wecom.given["/shot"] = Given([SHOT])
    environment = {
        **ENVIRONMENT,
        "TRIAGE_WECOM_AGENTID": str(AGENTID),
        "TRIAGE_WECOM_API_URL": wecom.url,
        "TRIAGE_MEMBERS": "wecom/*/lilei=李雷",
    }
    with wecom.serving(), serving(tmp_path, environment) as served:
        push = app_side.compose(
            "image", OUR_APP, datetime.now(UTC), sender="lilei", nonce="n1", random16=RANDOM,
            fields={"PicUrl": f"{wecom.url}/shot", "MediaId": "m1"}, message_id="1",
        )  # fmt: skip
        accepted = app_side.accepts(served.send(push, "/callback/wecom"), "image", OUR_APP, sender="lilei")
        assert "正在读" in (accepted.text or "")
        until(lambda: wecom.shown)
        [(who, shown)] = wecom.shown
        assert who == "lilei"
        assert "先做" in shown["content"]
        assert _incidents(served) == [("wxd05be41bd77ee4cf", "ticket_failure")]


def test_a_picture_in_a_group_is_answered_there_once_by_the_bot(tmp_path: Path) -> None:
    group = ResponseUrls()
    group.given["/shot"] = Given([sealed_file(SHOT, BOT.seal)])
    environment = {
        **ENVIRONMENT,
        "TRIAGE_WECOM_API_URL": group.url,
        "TRIAGE_MEMBERS": "wecom_bot/*/lilei=李雷,wecom_bot/*/han=韩梅梅",
    }
    with group.serving(), serving(tmp_path, environment) as served:

        def said(number: int, **fields: object) -> str:
            push = bot_side.compose(
                "text", BOT, datetime.now(UTC), sender="lilei", nonce=f"n{number}", random16=RANDOM, chat="C1",
                fields={
                    "text": {"content": "@报警助手 看看"},
                    "response_url": f"{group.url}/cgi-bin/aibot/response?response_code=R{number}",
                    **fields,
                },
                message_id=f"M{number}",
            )  # fmt: skip
            response = served.send(push, "/callback/wecom_bot")
            return bot_side.accepts(response, "text", BOT, nonce=f"n{number}").text or ""

        quote = {"msgtype": "image", "image": {"url": f"{group.url}/shot"}}
        assert "读完发在这里" in said(1, quote=quote)
        until(lambda: group.shown)
        [checklist] = group.shown
        assert "先做" in checklist
        assert checklist.splitlines()[-1].startswith("\\#1") or checklist.splitlines()[-1].startswith("#1")
        assert said(2, text={"content": "@报警助手 认领 1"}).startswith("事件 #1 归李雷了")
        assert group.shown == [checklist]
