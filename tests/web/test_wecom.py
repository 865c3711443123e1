"""WeCom over HTTP: every push is answered as WeCom takes it, and what is not WeCom's leaves nothing behind."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.platform import with_query
from tests.support.sealed import OF_APP, OF_BOT
from tests.support.service import ALERT, Served, serving
from tests.support.wecom import APP, BOT, ENVIRONMENT, RANDOM, SECRET
from triage.channels.sealed import close_sealed
from triage.channels.wecom_app import platform_side as app_side
from triage.channels.wecom_bot import platform_side as bot_side
from triage.channels.xml import write_fields
from triage.message import Request

APP_PATH, BOT_PATH = "/callback/wecom", "/callback/wecom_bot"
GROUP_TEXT = {"text": {"content": "@报警助手 看看"}, "quote": {"msgtype": "text", "text": {"content": ALERT}}}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("wecom"), ENVIRONMENT) as running:
        yield running


def _now() -> datetime:
    return datetime.now(UTC)


def _app_push(name: str, number: int, now: datetime | None = None, **fields: str) -> Request:
    return app_side.compose(
        name, APP, now or _now(), sender="lilei", nonce=f"n{number}", random16=RANDOM, fields=fields,
        message_id=str(number) if name in app_side.MESSAGES else None,
    )  # fmt: skip


def _bot_push(
    name: str, number: int, now: datetime | None = None, fields: Mapping[str, object] | None = None
) -> Request:
    chat = "C1" if name in bot_side.IN_GROUPS else None
    return bot_side.compose(
        name, BOT, now or _now(), sender="lilei", nonce=f"n{number}", random16=RANDOM, chat=chat, fields=fields or {},
        message_id=f"M{number}==",
    )  # fmt: skip


def _stored(served: Served) -> int:
    with closing(sqlite3.connect(served.folder / "triage.db")) as connection:
        tables = ("messages", "alerts", "conversations", "gaps", "timeline")
        return sum(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables)  # noqa: S608


# -- what is not WeCom's


def _hostile() -> Iterator[tuple[str, str, Request]]:
    hour, now = timedelta(hours=1), _now()
    for path, push in ((APP_PATH, _app_push("text", 900)), (BOT_PATH, _bot_push("text", 900))):
        for name in ("msg_signature", "timestamp", "nonce"):
            yield f"{path}: {name} changed", path, with_query(push, name, "1" + push.query[name][1:][::-1])
            yield f"{path}: no {name}", path, with_query(push, name, None)
        swapped = {"timestamp": push.query["nonce"], "nonce": push.query["timestamp"]}
        yield f"{path}: swapped", path, replace(push, query={**push.query, **swapped})
        yield f"{path}: oversized", path, replace(push, body=push.body.ljust(200_000))
        yield f"{path}: empty", path, replace(push, body=b"")
        yield f"{path}: cut", path, replace(push, body=push.body[:-60])
        yield f"{path}: garbage", path, replace(push, body=b"\xff\x00" * 500)
        yield f"{path}: an echo of nobody", path, Request("GET", {**push.query, "echostr": "AAAA"})
    yield "stale", APP_PATH, _app_push("text", 901, now - hour)
    yield "stale for the bot", BOT_PATH, _bot_push("text", 901, now - hour)
    yield "the app's push at the bot", BOT_PATH, _app_push("text", 902)
    yield "the bot's push at the app", APP_PATH, _bot_push("text", 902)
    other = close_sealed(
        write_fields({"MsgType": "text"}), replace(OF_APP, receiveid="wwOther"), now, "n903", RANDOM
    )
    query = {"msg_signature": other.signature, "timestamp": other.timestamp, "nonce": "n903"}
    yield (
        "another corporation's",
        APP_PATH,
        Request("POST", query, write_fields({"Encrypt": other.encrypted}).encode()),
    )
    for path, seal in ((APP_PATH, OF_APP), (BOT_PATH, OF_BOT)):
        strange = close_sealed("\0garbage", replace(seal, aes_key=seal.aes_key[::-1]), now, "n904", RANDOM)
        query = {"msg_signature": strange.signature, "timestamp": strange.timestamp, "nonce": "n904"}
        body = {"encrypt": strange.encrypted}
        packed = write_fields({"Encrypt": strange.encrypted}) if path == APP_PATH else json.dumps(body)
        yield f"{path}: encrypted garbage", path, Request("POST", query, packed.encode())


def test_what_is_not_wecom_s_is_refused_and_nothing_is_stored(served: Served) -> None:
    before = _stored(served)
    for name, path, request in _hostile():
        status = served.send(request, path).status
        assert (status == 200) == name.endswith("encrypted garbage"), f"{name}: {status}"
        assert status < 500, name
    assert _stored(served) == before


def test_a_push_that_is_sent_twice_is_kept_once_and_answered_alike(served: Served) -> None:
    of_app, of_bot = _app_push("text", 500, Content=ALERT), _bot_push("text", 500, fields=GROUP_TEXT)
    for path, push in ((APP_PATH, of_app), (BOT_PATH, of_bot)):
        first = served.send(push, path)
        stored = _stored(served)
        again = served.send(push, path)
        assert _stored(served) == stored
        assert first.status == again.status == 200
        assert len(first.body) == len(again.body) > 500


# -- what is


def test_the_addresses_are_verified(served: Served) -> None:
    for path, seal in ((APP_PATH, OF_APP), (BOT_PATH, OF_BOT)):
        sealed = close_sealed("1616140317555161061", seal, _now(), "n1", RANDOM)
        query = {"msg_signature": sealed.signature, "timestamp": sealed.timestamp, "nonce": "n1"}
        response = served.send(Request("GET", {**query, "echostr": sealed.encrypted}), path)
        assert (response.status, response.body) == (200, b"1616140317555161061")


@pytest.mark.parametrize("name", [*app_side.MESSAGES, *app_side.EVENTS])
def test_an_app_answers_every_push_as_wecom_takes_it(served: Served, name: str) -> None:
    number = [*app_side.MESSAGES, *app_side.EVENTS].index(name)
    push = _app_push(name, number)
    accepted = app_side.accepts(served.send(push, APP_PATH), name, APP, sender="lilei")
    assert accepted.problem is None
    if name in app_side.MESSAGES:
        assert accepted.text


@pytest.mark.parametrize("name", [*bot_side.MESSAGES, *bot_side.EVENTS])
def test_a_bot_answers_every_push_as_wecom_takes_it(served: Served, name: str) -> None:
    number = [*bot_side.MESSAGES, *bot_side.EVENTS].index(name)
    push = _bot_push(name, number)
    accepted = bot_side.accepts(served.send(push, BOT_PATH), name, BOT, nonce=f"n{number}")
    assert accepted.problem is None
    if name in bot_side.MESSAGES and name != "stream":
        assert accepted.text


def _said(served: Served, number: int, who: str, text: str, quote: str | None = None) -> str:
    """What the bot answers in the group."""
    fields: dict[str, object] = {"text": {"content": f"@报警助手 {text}"}, "from": {"userid": who}}
    if quote is not None:
        fields["quote"] = {"msgtype": "text", "text": {"content": quote}}
    response = served.send(_bot_push("text", number, fields=fields), BOT_PATH)
    accepted = bot_side.accepts(response, "text", BOT, nonce=f"n{number}")
    assert accepted.problem is None
    return accepted.text or ""


def _clicked(served: Served, number: int, key: str) -> app_side.Accepted:
    """What the app answers to a click of 李雷."""
    push = _app_push("template_card_event", number, EventKey=key, TaskId=f"inc-{number}")
    return app_side.accepts(served.send(push, APP_PATH), "template_card_event", APP, sender="lilei")


def test_an_alert_quoted_in_the_group_is_claimed_there_and_the_card_in_the_app_says_by_whom(
    tmp_path: Path,
) -> None:
    members = "wecom_bot/*/han=韩梅梅,wecom_bot/*/lilei=李雷,wecom/*/lilei=李雷"
    with serving(tmp_path, {**ENVIRONMENT, "TRIAGE_MEMBERS": members}) as running:
        assert _said(running, 1, "guest", "关闭 1").startswith("「关闭」只有成员能用")
        assert "#1" not in _said(running, 2, "lilei", "", quote="关闭 1")
        checklist = _said(running, 3, "lilei", "", quote=ALERT)
        assert "先做" in checklist
        assert checklist.splitlines()[-1].startswith("#1（")
        assert _said(running, 4, "han", "认领", quote=checklist).startswith("事件 #1 归韩梅梅了")
        assert _clicked(running, 5, "claim:1") == app_side.Accepted(label="韩梅梅已认领")
        assert "先做" in (_clicked(running, 6, "steps:1").text or "")
        assert _clicked(running, 7, "close:1") == app_side.Accepted(label="李雷已关闭")
        assert "已经关闭" in _said(running, 8, "han", "认领 1")


def test_no_secret_and_nobody_s_words_are_logged(tmp_path: Path) -> None:
    with serving(tmp_path, {**ENVIRONMENT, "TRIAGE_LOG_LEVEL": "debug"}) as running:
        of_app, of_bot = _app_push("text", 1, Content=ALERT), _bot_push("text", 1, fields=GROUP_TEXT)
        for path, push in ((APP_PATH, of_app), (BOT_PATH, of_bot)):
            assert running.send(push, path).status == 200
            running.send(with_query(push, "msg_signature", "0" * 40), path)
        said = "".join(running.stop())
    assert "/callback/<channel>" in said
    for secret in (SECRET, OF_APP.token, OF_APP.aes_key, "0" * 40, "lilei", ALERT[:20]):
        assert secret not in said
