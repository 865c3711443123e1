"""The application: every endpoint, every fallback of the message path, what is counted and what is never logged."""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import parse_qsl, urlencode

import pytest
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from tests.support.asgi import Event, Exchange, body, sender
from tests.support.asgi import exchange as ask
from tests.support.paths import ROOT
from tests.support.platform import FAN, GARBAGE, Platform, with_query
from tests.support.upgraded import new_file
from triage.advice.rendering import Renderer
from triage.bot.bot import Bot
from triage.channels.wechat.account import Account
from triage.errors import StoreBusyError, StoreDownError
from triage.incidents.story import MemberNames
from triage.message import ANY_ACCOUNT, Person, Reply, Request, Response
from triage.rules.loader import load_templates
from triage.settings.directories import data_directory
from triage.settings.model import Settings
from triage.store import Store
from triage.web import create_app
from triage.web.asgi import Application
from triage.web.callback import Callback, read_query
from triage.web.live_rules import LiveRules
from triage.web.logs import JsonFormatter
from triage.web.service import Service

APPID, TOKEN, KEY = "wx5f3a09c27be1d846", "hush-token", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
API_KEY = "hush-api-key"
EVERYWHERE = "0.0.0.0"  # noqa: S104 - nothing listens there
ALERT = (ROOT / "docs/alert.txt").read_text(encoding="utf-8")
STRANGE = ALERT.replace("得到的回应不合法", "开发者服务器证书校验失败")
ACCOUNT = Account(APPID, TOKEN, KEY)
MODES = [("safe", ACCOUNT), ("compatible", ACCOUNT), ("plain", replace(ACCOUNT, aes_key=None))]
BEARER = {"Authorization": f"Bearer {API_KEY}"}


@dataclass
class Bench:
    """An application with its database, and the platform that pushes to it."""

    app: Application
    client: FlaskClient
    platform: Platform
    url: str

    @property
    def service(self) -> Service:
        return self.app.service

    def json(self, path: str, body: object = None, **headers: str) -> Any:
        """What a GET, or with a body a POST, answers."""
        method = "GET" if body is None else "POST"
        return self.client.open(path, method=method, json=body, headers=headers or BEARER).get_json()

    def count(self, name: str, **labels: str) -> float:
        text = self.client.get("/metrics").get_data(as_text=True)
        return sum(
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == f"triage_{name}" and labels.items() <= sample.labels.items()
        )


def _settings(folder: Path, account: Account = ACCOUNT, **more: Any) -> Settings:
    given = {"wechat_token": account.token, "wechat_appid": account.appid, "api_key": API_KEY}
    if account.aes_key:
        given["wechat_aes_key"] = account.aes_key
    return Settings(**{"database_url": f"sqlite:///{folder}/triage.db", **given, **more})


def _bench(
    settings: Settings, account: Account = ACCOUNT, mode: str = "safe", path: str = "/callback/wechat"
) -> Bench:
    if settings.database_url.startswith("sqlite"):
        new_file(Path(settings.database_url.removeprefix("sqlite:///")))
    app = create_app(settings)
    app.service.open()
    platform = Platform(account, sender(app, path), mode, now=datetime.now(UTC))
    return Bench(app, app.pages.test_client(), platform, settings.database_url)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return _bench(_settings(tmp_path))


@pytest.fixture(params=MODES, ids=[mode for mode, _ in MODES])
def any_mode(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    mode, account = request.param
    return _bench(_settings(tmp_path, account), account, mode)


def _fail(*_: object, **__: object) -> NoReturn:
    raise RuntimeError(f"unforeseen: {ALERT} {TOKEN}")


def _down(*_: object, **__: object) -> NoReturn:
    raise StoreDownError("the database (postgresql, db.internal) does not answer: hush-password")


# -- the callback


def test_the_address_is_verified_by_its_echo(any_mode: Bench) -> None:
    exchange = any_mode.platform.verify()
    assert exchange.accepted.findings == ()
    assert exchange.response.status == 200


def test_a_forwarded_alert_gets_its_checklist(any_mode: Bench) -> None:
    exchange = any_mode.platform.say(ALERT)
    assert exchange.accepted.findings == ()
    assert "回应失败" in (exchange.accepted.text or "")
    assert any_mode.count("alerts_total", kind="bad_response") == 1


def test_every_push_of_the_catalogue_gets_a_legal_answer(any_mode: Bench) -> None:
    for exchange in any_mode.platform.catalogue():
        assert exchange.response.status == 200, exchange.push
        assert exchange.accepted.findings == (), exchange.push


def test_a_retry_gets_the_same_reply_and_is_counted(any_mode: Bench) -> None:
    replies = [
        exchange.accepted.text
        for exchange in any_mode.platform.push_with_retries("text", {"Content": ALERT}, "7")
    ]
    assert len(set(replies)) == 1
    assert any_mode.count("deduped_total") == 2
    assert any_mode.count("alerts_total") == 1


def test_forgeries_are_refused_counted_and_not_stored(any_mode: Bench) -> None:
    forgeries = list(any_mode.platform.forgeries())
    for name, request in forgeries:
        response = any_mode.platform.send(request)
        assert response.status == 403, name
        assert response.body == b"refused"
    assert any_mode.count("refused_total") == len(forgeries)
    assert any_mode.count("refused_total", reason="other") == 0
    assert list(Store.open(any_mode.url).export("messages")) == []


@pytest.mark.parametrize(
    ("reason", "change"),
    [
        pytest.param(
            "signature",
            lambda request: with_query(request, "msg_signature", "0" * 40),
            id="a wrong signature",
        ),
        pytest.param("malformed", lambda request: with_query(request, "nonce", None), id="no nonce"),
        pytest.param(
            "stale", lambda request: with_query(request, "timestamp", "1700000000"), id="an old timestamp"
        ),
        pytest.param("plain", lambda request: replace(request, body=b"<xml></xml>"), id="a plain body"),
    ],
)
def test_a_refusal_is_counted_by_its_reason(
    reason: str, change: Callable[[Request], Request], bench: Bench
) -> None:
    assert bench.platform.send(change(bench.platform.request("text"))).status == 403
    assert bench.count("refused_total", reason=reason) == 1


def test_one_signature_does_not_carry_two_messages(tmp_path: Path) -> None:
    account = replace(ACCOUNT, aes_key=None)
    bench = _bench(_settings(tmp_path, account), account, "plain")
    first, other = bench.platform.request("text", {}, "1"), bench.platform.request("text", {}, "2")
    assert bench.platform.send(first).status == 200
    assert bench.platform.send(replace(other, query=first.query)).status == 403
    assert bench.count("refused_total", reason="replayed") == 1


@pytest.mark.parametrize("is_seen", [True, False], ids=["a signature seen before", "another sender"])
def test_a_plain_push_gets_nobody_else_s_reply_by_their_message_id(is_seen: bool, tmp_path: Path) -> None:
    account = replace(ACCOUNT, aes_key=None)
    bench = _bench(_settings(tmp_path, account), account, "plain")
    seen, fresh = bench.platform.request("text", {}, "1"), bench.platform.request("text", {}, "3")
    secret = bench.platform.request("text", {}, "2")
    assert bench.platform.send(seen).status == bench.platform.send(secret).status == 200
    if is_seen:
        forged = replace(secret, query=seen.query)
    else:
        forged = replace(fresh, body=secret.body.replace(FAN.encode(), b"oEve"))
    answer = bench.platform.send(forged)
    assert (answer.status, answer.body) == (403, b"refused")
    assert bench.platform.send(secret).status == 200, "a retry gets its reply all the same"


def test_garbage_never_gets_a_server_error(any_mode: Bench) -> None:
    seen = set()
    for name, request in any_mode.platform.garbage():
        response = any_mode.platform.send(request)
        assert response.status in (200, 400, 403, 413), name
        assert response.status != 200 or response.body == b"success", name
        seen.add(response.status)
    assert 413 in seen
    assert any_mode.count("callback_errors_total") == 0


def test_signed_garbage_gets_an_empty_answer_and_is_counted(tmp_path: Path) -> None:
    account = replace(ACCOUNT, aes_key=None)
    bench = _bench(_settings(tmp_path, account), account, "plain")
    request = replace(bench.platform.request("text"), body=GARBAGE["cut in the middle"])
    assert bench.platform.send(request) == Response(200, b"success", "text/plain; charset=utf-8")
    assert bench.count("bad_messages_total", reason="unreadable") == 1


def _post(bench: Bench, events: list[Event], path: str = "/callback/wechat", **headers: str) -> Exchange:
    """POST a body as it comes in from the network."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return ask(bench.app, path, events=events, headers=named)


@pytest.mark.parametrize("path", ["/callback/wechat", "/api/triage"])
def test_a_large_body_is_refused_before_it_is_read(path: str, bench: Bench) -> None:
    limit = 128 * 1024 if "callback" in path else 1024 * 1024
    events = body(*[b"x" * 1024 * 1024] * 3)
    done = _post(bench, events, path, content_length=str(limit + 1))
    assert done.status == 413
    assert done.headers["connection"] == "close"
    assert done.taken == 1, "what is left of it is thrown away, within limits"
    assert bench.count("bad_messages_total", reason="too_large") == ("callback" in path)


@pytest.mark.parametrize("path", ["/callback/wechat", "/api/triage"])
def test_a_large_body_of_unknown_length_is_refused_while_it_is_read(path: str, bench: Bench) -> None:
    events = body(*[b"x" * 100_000] * 50)
    done = _post(bench, events, path, transfer_encoding="chunked")
    assert done.status == 413
    assert done.taken < 25


@pytest.mark.parametrize("path", ["/callback/wechat", "/api/triage"])
def test_a_body_that_breaks_off_is_refused(path: str, bench: Bench) -> None:
    assert _post(bench, body(b"<xml>", is_whole=False), path, content_length="5000").status == 400
    assert bench.count("bad_messages_total", reason="incomplete") == ("callback" in path)


def test_a_body_in_pieces_is_read_whole(bench: Bench) -> None:
    request = bench.platform.request("text", {"Content": ALERT})
    pieces = [request.body[at : at + 100] for at in range(0, len(request.body), 100)]
    done = ask(bench.app, "/callback/wechat", query=urlencode(request.query), events=body(*pieces))
    assert done.status == 200
    assert b"<Encrypt>" in done.body


@pytest.mark.parametrize(
    "path", ["/callback/telegram", "/callback/_wechat_wire", "/callback/wechat/wxnobody", "/callback"]
)
def test_an_unknown_channel_or_account_is_not_found(path: str, bench: Bench) -> None:
    assert ask(bench.app, path, method="GET", events=body(b"")).status == 404
    assert ask(bench.app, path, events=body(b"x")).status == 404


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE"])
def test_other_methods_are_not_allowed(method: str, bench: Bench) -> None:
    answer = ask(bench.app, "/callback/wechat", method=method, events=body(b""))
    assert answer.status == 405
    assert "POST" in answer.headers["allow"]


@pytest.mark.parametrize(
    ("path", "query"),
    [
        pytest.param("/callback/wechat/wx2b80e6f19d53c7a4", {}, id="in the path"),
        pytest.param("/callback/wechat", {"account": "wx2b80e6f19d53c7a4"}, id="as a parameter"),
    ],
)
def test_of_several_accounts_one_is_named(path: str, query: dict[str, str], tmp_path: Path) -> None:
    other = Account("wx2b80e6f19d53c7a4", "another-token", None)
    settings = _settings(tmp_path, wechat_accounts=[{"appid": other.appid, "token": other.token}])
    assert _bench(settings).platform.verify().response.status == 404
    bench = _bench(settings, other, "plain", path)
    for account, status in ((other, 200), (ACCOUNT, 403)):
        platform = replace(bench.platform, account=account)
        request = platform.request("text", {"Content": "4"}, "5")
        assert bench.platform.send(replace(request, query={**request.query, **query})).status == status


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("", id="nothing"),
        pytest.param("nonce=1&timestamp=2&nonce=3", id="the first of two counts"),
        pytest.param("nonce=&nonce=3&echostr", id="a blank one counts too"),
        pytest.param("&&=&=x&a==b=&", id="ends and signs in odd places"),
        pytest.param("a=1;b=2", id="a semicolon separates nothing"),
        pytest.param("a=\u4e2d&\u6587=\xe9", id="not ASCII"),
        pytest.param("a=1&a=%31&%61=2", id="escapes"),
        pytest.param("a+b=c+d&a=%", id="blanks, and an escape of nothing"),
    ],
)
def test_a_query_is_read_as_every_server_reads_it_and_its_first_values_count(query: str) -> None:
    assert read_query(query) == dict(reversed(parse_qsl(query, keep_blank_values=True)))


# -- what fails


def test_the_last_guard_answers_legally_and_repeats_nothing(
    any_mode: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Bot, "handle", _fail)
    with caplog.at_level(logging.DEBUG):
        exchange = any_mode.platform.say(ALERT)
    assert exchange.response == Response(200, b"success", "text/plain; charset=utf-8")
    assert exchange.accepted.findings == ()
    assert any_mode.count("callback_errors_total") == 1
    (failure,) = [line for line in _lines(caplog) if line["event"] == "callback_failed"]
    assert failure["error"] == "RuntimeError"
    assert any("test_web.py" in frame for frame in failure["where"])
    assert "Appid" not in str(_lines(caplog))


def test_an_answer_that_cannot_be_counted_is_given(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Service, "note", _fail)
    with caplog.at_level(logging.DEBUG):
        exchange = bench.platform.say(ALERT)
    assert "回应失败" in (exchange.accepted.text or "")
    assert [line["error"] for line in _lines(caplog) if line["event"] == "callback_not_counted"] == [
        "RuntimeError"
    ]


def test_a_file_that_stays_locked_costs_the_memory_not_the_answer(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.app.callback = Callback(bench.service, seconds=0.1)
    handle, tried = Bot.handle, []

    def locked(bot: Bot, *arguments: Any) -> Reply:
        if bot.store is None:
            return handle(bot, *arguments)
        tried.append(1)
        raise StoreBusyError("the database (sqlite) is locked")

    monkeypatch.setattr(Bot, "handle", locked)
    assert "回应失败" in (bench.platform.say(ALERT).accepted.text or "")
    assert bench.count("unrecorded_total") == 1
    assert 3 <= len(tried) <= 11, "it is tried again and again, more and more rarely, until the deadline"


def test_a_file_that_is_locked_for_a_moment_costs_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle, left = Bot.handle, [1, 1, 1]

    def locked(bot: Bot, *arguments: Any) -> Reply:
        if left:
            left.pop()
            raise StoreBusyError("the database (sqlite) is locked")
        return handle(bot, *arguments)

    monkeypatch.setattr(Bot, "handle", locked)
    assert "回应失败" in (bench.platform.say(ALERT).accepted.text or "")
    assert bench.count("unrecorded_total") == 0
    assert len(list(Store.open(bench.url).export("messages"))) == 1


def test_a_server_that_hangs_costs_the_memory_not_the_answer(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bench.app.callback = Callback(bench.service, seconds=0.1)
    handle, gate = Bot.handle, threading.Event()

    def hang(bot: Bot, *arguments: Any) -> Reply:
        if bot.store is not None:
            gate.wait(10)
        return handle(bot, *arguments)

    monkeypatch.setattr(Bot, "handle", hang)
    monkeypatch.setattr(Store, "is_local", False)
    assert "回应失败" in (bench.platform.say(ALERT).accepted.text or "")
    gate.set()
    assert bench.count("unrecorded_total") == 1
    (failure,) = [line for line in _lines(caplog) if line["event"] == "store_error"]
    assert "in time" in failure["problem"]


def test_a_broken_template_still_gets_an_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = dict.fromkeys(load_templates(ROOT / "templates/reply"), "{{ nothing }}")
    monkeypatch.setattr("triage.web.service.load_templates", lambda directory: broken)
    exchange = _bench(_settings(tmp_path)).platform.say(ALERT)
    assert exchange.accepted.findings == ()
    assert "回应失败" in (exchange.accepted.text or "")


def test_without_a_database_checklists_go_out_and_are_counted_as_unrecorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = _bench(_settings(tmp_path))
    bench.service.store = None
    monkeypatch.setattr(Store, "open", _down)
    bench.service.open()
    assert "回应失败" in (bench.platform.say(ALERT).accepted.text or "")
    assert bench.count("unrecorded_total", kind="text") == 1
    assert bench.count("store_errors_total", where="open") == 1
    ready = bench.client.get("/readyz")
    assert ready.status_code == 503
    assert ready.json
    assert ready.json["status"] == "unavailable"
    assert "db.internal" not in ready.get_data(as_text=True)
    assert bench.client.get("/healthz").status_code == 200
    assert bench.client.get("/api/incidents", headers=BEARER).status_code == 503


def test_a_database_that_goes_away_costs_the_memory_not_the_answer(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bench.platform.say(ALERT)
    with monkeypatch.context() as patch:
        for method in ("reply_to", "record", "incidents_for", "signature_used", "conversation", "check"):
            patch.setattr(Store, method, _down)
        assert "回应失败" in (bench.platform.say(ALERT).accepted.text or "")
        assert bench.client.get("/readyz").status_code == 503
    assert bench.count("unrecorded_total") == 1
    assert bench.count("store_errors_total", where="message") == 1
    (line,) = [line for line in _lines(caplog) if line["event"] == "store_error"]
    assert line["where"] == "message"
    assert "StoreDownError" in line["problem"]
    assert bench.platform.say(ALERT).response.status == 200
    assert bench.count("unrecorded_total") == 1
    assert bench.client.get("/readyz").status_code == 200


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be deleted there")
def test_a_database_file_that_is_deleted_is_said_and_counted_and_none_is_made(
    bench: Bench, tmp_path: Path
) -> None:
    bench.platform.say(ALERT)
    bench.service.look_at_file()
    assert bench.count("store_errors_total") == 0
    for part in tmp_path.glob("triage.db*"):
        part.unlink()
    assert bench.service.look_at_file() == 10, "seconds until it is looked at again"
    assert bench.count("store_errors_total", where="file") == 1
    assert "回应失败" in (bench.platform.say(ALERT).accepted.text or "")
    assert bench.count("unrecorded_total") == 1
    ready = bench.client.get("/readyz")
    assert ready.status_code == 503
    assert "deleted or replaced" in ready.get_json()["store"]["problem"]
    assert str(tmp_path) not in ready.get_data(as_text=True)
    assert list(tmp_path.glob("triage.db*")) == []
    again = _bench(_settings(tmp_path))
    assert again.client.get("/readyz").status_code == 200


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be deleted there")
def test_a_log_of_the_database_that_is_deleted_is_said_and_counted(bench: Bench, tmp_path: Path) -> None:
    bench.platform.say(ALERT)
    (tmp_path / "triage.db-wal").unlink()
    assert bench.service.look_at_file() == 10, "seconds until it is looked at again"
    assert bench.count("store_errors_total", where="file") == 1
    assert "回应失败" in (bench.platform.say(ALERT).accepted.text or "")
    assert bench.count("unrecorded_total") == 1
    ready = bench.client.get("/readyz")
    assert ready.status_code == 503
    assert "stop triage normally" in ready.get_json()["store"]["problem"]


def test_a_database_that_comes_late_is_used_then(tmp_path: Path) -> None:
    settings = _settings(tmp_path)
    service = create_app(settings).service
    assert service.open() == 2.0, "seconds until it is tried again"
    assert service.store is None
    Store.open(settings.database_url, upgrade=True).close()
    assert service.open() is None
    assert service.store is not None


def test_an_old_schema_names_the_command_in_readyz(tmp_path: Path) -> None:
    app = create_app(_settings(tmp_path))
    app.service.open()
    ready = app.pages.test_client().get("/readyz")
    assert ready.status_code == 503
    assert "triage db upgrade" in ready.get_data(as_text=True)


def test_what_is_older_than_the_retention_is_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = _bench(_settings(tmp_path, retention_days=30))
    bench.platform.say(ALERT)
    now = datetime.now(UTC)
    bench.service.tidy(now + timedelta(days=29))
    assert len(list(Store.open(bench.url).export("messages"))) == 1
    bench.service.tidy(now + timedelta(days=31))
    assert list(Store.open(bench.url).export("messages")) == []
    monkeypatch.setattr(Store, "purge", _down)
    bench.service.tidy(now)
    assert bench.count("store_errors_total", where="purge") == 1


# -- rules that change


@pytest.fixture
def own_rules(tmp_path: Path) -> Path:
    folder = tmp_path / "rules"
    folder.mkdir()
    return folder


def _own_rule(title: str) -> str:
    text = (data_directory("rules") / "dns_timeout.yml").read_text(encoding="utf-8")
    text = re.sub(r"^number:.*\n", "", text, flags=re.MULTILINE)
    text = re.sub(r"^id: .*", "id: own_rule", text, flags=re.MULTILINE)
    text = re.sub(r"^title: .*", f"title: {title}", text, flags=re.MULTILINE)
    return re.sub(r"解析DNS超时", "证书校验失败", text)


def _live(folder: Path, renderer: Renderer) -> tuple[LiveRules, list[int]]:
    failures: list[int] = []
    return LiveRules([data_directory("rules"), folder], renderer, lambda: failures.append(1)), failures


@pytest.mark.parametrize(("took", "rest"), [(0.0, 2.0), (0.04, 2.0), (0.1, 5.0), (3.0, 150.0)])
def test_a_slow_look_is_repeated_more_rarely(
    took: float, rest: float, own_rules: Path, renderer: Renderer
) -> None:
    times = iter([10.0, 10.0 + took])
    live = LiveRules([own_rules], renderer, lambda: None, clock=lambda: next(times))
    assert live.look() == pytest.approx(rest)


def test_a_changed_rule_is_used_after_a_look(own_rules: Path, renderer: Renderer) -> None:
    live, failures = _live(own_rules, renderer)
    before = live.state
    (own_rules / "own.yml").write_text(_own_rule("证书失败"), encoding="utf-8")
    live.look()
    assert len(live.adviser.rules.rules) == before.count + 1
    assert live.state.version != before.version
    (own_rules / "own.yml").unlink()
    live.look()
    assert live.state == before
    assert not failures


def test_what_a_team_switches_off_is_off_after_a_look_and_comes_back(
    own_rules: Path, renderer: Renderer
) -> None:
    live, failures = _live(own_rules, renderer)
    assert live.adviser.rules.get("dns_timeout")
    (own_rules / "team.yml").write_text("off: [dns_timeout]", encoding="utf-8")
    live.look()
    assert live.adviser.rules.get("dns_timeout") is None
    (own_rules / "team.yml").write_text("off: [dns_timeuot]", encoding="utf-8")
    live.look()
    assert live.adviser.rules.get("dns_timeout") is None, "the last good set stays"
    assert failures == [1]
    (own_rules / "team.yml").unlink()
    live.look()
    assert live.adviser.rules.get("dns_timeout")


def test_a_broken_change_keeps_the_last_good_rules_and_is_visible(
    own_rules: Path, renderer: Renderer
) -> None:
    live, failures = _live(own_rules, renderer)
    good = live.adviser
    (own_rules / "own.yml").write_text("id: [", encoding="utf-8")
    live.look()
    live.look()
    assert live.adviser is good
    assert failures == [1], "told once for each change"
    assert live.state.problem
    assert "own.yml:2:1: not YAML" in live.state.problem
    (own_rules / "own.yml").write_text(_own_rule("证书失败"), encoding="utf-8")
    live.look()
    assert live.adviser is not good
    assert live.state.problem is None


def test_many_mistakes_are_a_few_lines_of_the_log(
    own_rules: Path, renderer: Renderer, caplog: pytest.LogCaptureFixture
) -> None:
    (own_rules / "own.yml").write_text("".join(f"k{number}: v\n" for number in range(90_000)))
    live, _ = _live(own_rules, renderer)
    assert len(caplog.records) == 21
    assert live.state.problem
    assert live.state.problem.endswith("(and 100 more)")


def test_a_pipe_among_the_rules_stops_neither_the_start_nor_a_look(
    own_rules: Path, renderer: Renderer
) -> None:
    os.mkfifo(own_rules / "first.yml")
    live, _ = _live(own_rules, renderer)
    os.mkfifo(own_rules / "second.yml")
    live.look()
    assert live.state.count > 20
    assert "first.yml:1:1: no file but a pipe or a device (and 1 more)" in (live.state.problem or "")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("id: [", id="no YAML"),
        pytest.param(_own_rule("证书失败").replace("id: own_rule", "id: dns_timeout"), id="an id twice"),
    ],
)
def test_a_start_with_a_mistake_in_a_rule_still_answers(text: str, own_rules: Path, tmp_path: Path) -> None:
    (own_rules / "own.yml").write_text(text, encoding="utf-8")
    bench = _bench(_settings(tmp_path, rules_dirs=(own_rules,)))
    assert "回应失败" in (bench.platform.say(ALERT).accepted.text or "")
    ready = bench.client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json
    assert ready.json["status"] == "degraded"
    assert "own.yml" in ready.json["rules"]["problem"]
    assert bench.count("rules_stale") == 1
    assert bench.count("rule_reload_failures_total") == 1


def test_no_rules_at_all_is_not_ready(bench: Bench, renderer: Renderer, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    bench.service.rules = LiveRules([tmp_path / "empty"], renderer, lambda: None)
    assert bench.client.get("/readyz").status_code == 503
    assert bench.platform.say(ALERT).response.status == 200


# -- health and metrics


def test_ready_and_healthy(bench: Bench) -> None:
    assert bench.client.get("/healthz").json == {"status": "ok"}
    ready = bench.json("/readyz")
    assert ready["status"] == "ok"
    assert ready["rules"]["count"] == bench.count("rules")
    assert bench.count("rules_info", version=ready["rules"]["version"]) == 1


def test_requests_are_counted_and_timed_by_route_and_status(bench: Bench) -> None:
    bench.platform.say(ALERT)
    ask(bench.app, "/callback/wechat", method="GET", events=body(b""))
    bench.client.get("/no/such/secret-path")
    assert bench.count("requests_total", endpoint="/callback/<channel>", status="200") == 1
    assert bench.count("requests_total", endpoint="/callback/<channel>", status="403") == 1
    assert bench.count("requests_total", endpoint="unknown", status="404") == 1
    assert bench.count("request_seconds_count", endpoint="/callback/<channel>") == 2
    assert "secret-path" not in bench.client.get("/metrics").get_data(as_text=True)


def test_gaps_and_queries_are_counted(bench: Bench) -> None:
    bench.platform.say(STRANGE)
    bench.platform.say("499 是什么")
    assert bench.count("gaps_total") == 1
    assert bench.count("queries_total", topic="nginx_status_499") == 1


def test_two_applications_count_apart(tmp_path: Path) -> None:
    first, second = _bench(_settings(tmp_path)), _bench(_settings(tmp_path))
    first.platform.say(ALERT)
    assert first.count("alerts_total") == 1
    assert second.count("alerts_total") == 0


# -- the API


def test_triage_answers_as_ask_does(bench: Bench) -> None:
    answer = bench.json("/api/triage", {"text": ALERT})
    assert answer == bench.service.rules.adviser.answer(ALERT).as_json()
    assert answer["topic"] == "bad_response"
    assert (
        bench.client.post("/api/triage", json={"text": "4"}, headers={"X-API-Key": API_KEY}).status_code
        == 200
    )


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="no key"),
        pytest.param({"Authorization": "Bearer wrong"}, id="a wrong key"),
        pytest.param({"Authorization": f"Basic {API_KEY}"}, id="another scheme"),
        pytest.param({"Authorization": "Bearer "}, id="an empty key"),
        pytest.param({"X-API-Key": "\u00ff\u00fe"}, id="bytes"),
    ],
)
def test_without_the_key_nothing_is_told(headers: dict[str, str], bench: Bench) -> None:
    for method, path in (
        ("POST", "/api/triage"),
        ("GET", "/api/incidents"),
        ("POST", "/api/incidents/1/close"),
    ):
        answer = bench.client.open(path, method=method, json={}, headers=headers)
        assert answer.status_code == 401
        assert answer.json == {"error": "the API key is missing or wrong"}


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        pytest.param(b'{"text": 7}', "application/json", 422, id="a number for a text"),
        pytest.param(b'{"text": "4", "more": 1}', "application/json", 422, id="a field too many"),
        pytest.param(b"{}", "application/json", 422, id="no text"),
        pytest.param(b"[", "application/json", 422, id="broken JSON"),
        pytest.param(b"[" * 100_000, "application/json", 422, id="JSON nested too deep"),
        pytest.param(b"\xff", "application/json", 422, id="no UTF-8"),
        pytest.param(b"text=4", "application/x-www-form-urlencoded", 415, id="a form"),
        pytest.param(b"x" * 1_048_577, "application/json", 413, id="a megabyte"),
    ],
)
def test_a_wrong_body_is_explained(body: bytes, kind: str, status: int, bench: Bench) -> None:
    answer = bench.client.post("/api/triage", data=body, content_type=kind, headers=BEARER)
    assert answer.status_code == status
    assert answer.json
    assert list(answer.json) == ["error"]


def test_odd_texts_are_answered(bench: Bench) -> None:
    for text in ("", "\ud800", "\0", "[" * 10_000, "=" * 900_000):
        answer = bench.client.post(
            "/api/triage",
            data=json.dumps({"text": text}).encode(),
            content_type="application/json",
            headers=BEARER,
        )
        assert answer.status_code in (200, 422), text[:9]


def test_an_incident_is_listed_claimed_noted_and_closed(tmp_path: Path) -> None:
    bench = _bench(_settings(tmp_path, members={Person("wechat", ANY_ACCOUNT, FAN): "小赵"}))
    bench.platform.say(ALERT)
    (listed,) = bench.json("/api/incidents?hours=1")["incidents"]
    assert (listed["state"], listed["owner"], listed["alerts"][0]["kind"]) == ("open", None, "bad_response")
    assert FAN not in json.dumps(listed)
    path = f"/api/incidents/{listed['id']}"

    def post(verb: str, **body: str) -> Any:
        return bench.client.post(f"{path}/{verb}", json=body, headers=BEARER)

    assert post("claim", by="小王").json["incident"]["owner"] == "小王"
    assert post("claim", by="小王").status_code == 200
    assert post("claim", by="小李").json == {"error": "小王 has claimed it already"}
    assert post("note", by="小李", note="重启了一台").status_code == 200
    closed = post("close", by="小王", note="回滚").json
    assert (closed["incident"]["state"], closed["incident"]["closed_note"]) == ("closed", "回滚")
    assert [event["what"] for event in closed["timeline"]][-3:] == ["claim", "note", "close"]
    assert post("close", by="小王").status_code == 409
    assert bench.client.get(path, headers=BEARER).json == closed
    assert bench.client.get("/api/incidents?appid=wxnobody", headers=BEARER).json == {"incidents": []}


def test_what_a_stranger_forwards_is_no_incident_for_programs(bench: Bench) -> None:
    bench.platform.say(ALERT)
    assert bench.json("/api/incidents?hours=1") == {"incidents": []}
    for verb in ("", "/claim", "/note", "/close"):
        path = f"/api/incidents/1{verb}"
        body = {"by": "小王", **({"note": "看过"} if verb == "/note" else {})}
        post = bench.client.post(path, json=body, headers=BEARER)
        assert (post if verb else bench.client.get(path, headers=BEARER)).status_code == 404, verb


def test_a_member_by_name_is_the_member_of_the_chat(tmp_path: Path) -> None:
    bench = _bench(_settings(tmp_path, members={Person("wechat", ANY_ACCOUNT, FAN): "小王"}))
    bench.platform.say(ALERT)
    (listed,) = bench.json("/api/incidents")["incidents"]
    assert listed["alerts"][0]["forwarded_by"] == "小王"
    bench.client.post(f"/api/incidents/{listed['id']}/claim", json={"by": "小王"}, headers=BEARER)
    assert "1" in (bench.platform.say("我的").accepted.text or "")
    incident = Store.open(bench.url).incident(listed["id"])
    assert incident
    assert incident.owner
    assert incident.owner.id == FAN


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"by": "\0"}, id="a name of a NUL"),
        pytest.param({"by": "小\0王"}, id="a name with a NUL in it"),
        pytest.param({"by": "\u200b"}, id="a name of no width"),
        pytest.param({"by": "\u3164"}, id="a letter that is drawn as nothing"),
        pytest.param({"by": "\u202e王小"}, id="a name that is read backwards"),
        pytest.param({"by": "小王\n小李"}, id="a name of two lines"),
        pytest.param({"by": "小王", "note": "\0\u200b"}, id="a note of nothing"),
    ],
)
def test_what_cannot_be_seen_is_no_name_and_no_note(body: dict[str, str], tmp_path: Path) -> None:
    bench = _bench(_settings(tmp_path, members={Person("wechat", ANY_ACCOUNT, FAN): "小赵"}))
    bench.platform.say(ALERT)

    def post(verb: str, sent: dict[str, str]) -> int:
        answer = bench.client.post(f"/api/incidents/1/{verb}", json=sent, headers=BEARER)
        return answer.status_code

    for verb in ("note", "close") if "note" in body else ("claim", "close"):
        assert post(verb, body) == 422, verb
    assert post("claim", {"by": "小王"}) == 200, "it can still be claimed"
    assert post("close", {"by": "小王", "note": "第一行\n第二行"}) == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        pytest.param("GET", "/api/incidents/99", 404, id="an incident that is not"),
        pytest.param("POST", "/api/incidents/99/claim", 404, id="a claim of none"),
        pytest.param("GET", "/api/incidents/x", 404, id="a number that is none"),
        pytest.param("GET", "/api/incidents/99999999999999999999", 404, id="a number too large"),
        pytest.param("GET", "/api/incidents?hours=0", 422, id="no hours"),
        pytest.param("GET", "/api/incidents?limit=1000", 422, id="too many"),
        pytest.param("GET", "/api/incidents?hourz=1", 422, id="a misspelt parameter"),
        pytest.param("GET", "/api/nothing", 404, id="no such path"),
        pytest.param("PUT", "/api/triage", 405, id="another method"),
    ],
)
def test_what_is_not_there_is_said_as_json(method: str, path: str, status: int, bench: Bench) -> None:
    answer = bench.client.open(
        path, method=method, json={"by": "小王"} if method != "GET" else None, headers=BEARER
    )
    assert answer.status_code == status
    assert answer.json
    assert list(answer.json) == ["error"]


def test_without_a_key_in_the_settings_the_api_is_closed(tmp_path: Path) -> None:
    bench = _bench(_settings(tmp_path, api_key=None))
    for headers in ({}, BEARER, {"X-API-Key": ""}):
        assert bench.client.post("/api/triage", json={"text": "4"}, headers=headers).status_code == 403


def _references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "$ref":
                yield item
            else:
                yield from _references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)


def test_the_description_holds_every_route_and_every_model(bench: Bench) -> None:
    answer = bench.client.get("/openapi.json")
    assert answer.status_code == 200
    document = answer.json
    assert document
    assert document["openapi"] == "3.1.0"
    assert {"title", "version"} <= set(document["info"])
    routes = {
        (rule.rule.replace("<int:number>", "{number}"), method.lower())
        for rule in bench.app.pages.url_map.iter_rules()
        if rule.rule.startswith("/api/")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    described = {(path, method) for path, methods in document["paths"].items() for method in methods}
    assert described == routes
    names = set(document["components"]["schemas"])
    used = set(_references(document))
    assert used == {f"#/components/schemas/{name}" for name in names}
    identifiers = []
    for path, methods in document["paths"].items():
        for operation in methods.values():
            identifiers.append(operation["operationId"])
            assert operation["summary"]
            assert "200" in operation["responses"]
            assert all(response["description"] for response in operation["responses"].values())
            in_path = [item["name"] for item in operation.get("parameters", []) if item["in"] == "path"]
            assert in_path == re.findall(r"\{(\w+)\}", path)
    assert len(identifiers) == len(set(identifiers))
    for requirement in document["security"]:
        assert set(requirement) <= set(document["components"]["securitySchemes"])


# -- logs


def _lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    formatter = JsonFormatter()
    return [json.loads(formatter.format(record)) for record in caplog.records]


def test_logs_are_json_and_hold_no_secret_openid_body_or_query(
    any_mode: Bench, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with caplog.at_level(logging.DEBUG):
        any_mode.platform.verify("2222333344445555")
        any_mode.platform.say(ALERT)
        for _, request in any_mode.platform.forgeries():
            any_mode.platform.send(request)
        for _, request in any_mode.platform.garbage():
            any_mode.platform.send(request)
        any_mode.client.get("/api/incidents?appid=secret-appid", headers=BEARER)
        any_mode.client.post("/api/triage", json={"text": ALERT}, headers=BEARER)
        monkeypatch.setattr("triage.advice.adviser.Adviser.answer", _fail)
        any_mode.client.post("/api/triage", json={"text": ALERT}, headers=BEARER)
        any_mode.client.get("/healthz")
    lines = _lines(caplog)
    everything = json.dumps(lines, ensure_ascii=False)
    signed = any_mode.platform.request("text").query
    hidden = [
        TOKEN,
        KEY,
        API_KEY,
        FAN,
        "晨曦助手",
        "2222333344445555",
        "secret-appid",
        "nonce=",
        signed["signature"],
    ]
    assert [word for word in hidden if word in everything] == []
    requests = [line for line in lines if line["event"] == "request"]
    assert {"/callback/<channel>", "/api/triage"} <= {line["endpoint"] for line in requests}
    assert all({"time", "level", "status", "ms"} <= set(line) for line in requests)
    assert any("reason" in line for line in requests if line["status"] == 403)
    assert any(line["status"] == 500 for line in requests)
    assert all(line["level"] == "debug" for line in requests if line["endpoint"] == "/healthz")


def test_an_unforeseen_error_in_the_api_is_a_plain_500(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("triage.advice.adviser.Adviser.answer", _fail)
    answer = bench.client.post("/api/triage", json={"text": "4"}, headers=BEARER)
    assert answer.status_code == 500
    assert "unforeseen" not in answer.get_data(as_text=True)


# -- pages and the demo


def test_every_answer_carries_safe_headers(bench: Bench) -> None:
    for path in ("/", "/healthz", "/nothing", "/static/console.css"):
        with bench.client.get(path) as answer:
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
            assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_without_the_demo_the_root_leads_to_the_door_of_the_console(bench: Bench) -> None:
    door = bench.client.get("/", follow_redirects=True)
    assert door.request.path == "/login"
    assert APPID not in door.get_data(as_text=True)
    assert bench.client.post("/demo/send", json={"text": "4"}).status_code == 404


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    for name in ("TRIAGE_INTERNAL_DEMO_TOKEN", "TRIAGE_INTERNAL_DEMO_AES_KEY"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    return _bench(Settings(database_url=f"sqlite:///{tmp_path}/demo.db"))


def test_the_demo_goes_the_way_of_a_real_push(demo: Bench) -> None:
    answer = demo.json("/demo/send", {"who": "wang", "push": "text", "text": ALERT})
    assert "回应失败" in answer["reply"]
    assert answer["legal"]
    assert answer["findings"] == []
    assert "晨曦助手" not in answer["sent"]["body"] + answer["received"]["body"], "both ways are encrypted"
    assert demo.count("requests_total", endpoint="/callback/<channel>", status="200") == 1
    assert demo.count("alerts_total", kind="bad_response") == 1
    (kept,) = Store.open(demo.url).export("messages")
    assert kept["encrypted"]


def test_the_demo_shows_every_kind_of_push(demo: Bench) -> None:
    for push in ("subscribe", "image"):
        answer = demo.json("/demo/send", {"who": "guest", "push": push})
        assert answer["reply"]
        assert answer["legal"]


def test_demo_members_may_claim_and_guests_may_not(demo: Bench) -> None:
    def say(who: str, text: str) -> str:
        return str(demo.json("/demo/send", {"who": who, "text": text})["reply"])

    say("wang", ALERT)
    assert "小王" in say("li", ALERT)
    assert "小王" not in say("guest", ALERT)
    assert "成员" in say("guest", "状态")


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        pytest.param(b'{"who": "root"}', "application/json", 400, id="nobody we know"),
        pytest.param(b'{"push": "component_verify_ticket"}', "application/json", 400, id="another push"),
        pytest.param(b"{", "application/json", 400, id="broken JSON"),
        pytest.param(b'{"text": "4"}', "text/plain", 415, id="a form of another site"),
        pytest.param(b"x" * 300_000, "application/json", 413, id="too large"),
    ],
)
def test_the_demo_refuses_what_its_page_does_not_send(
    body: bytes, kind: str, status: int, demo: Bench
) -> None:
    assert demo.client.post("/demo/send", data=body, content_type=kind).status_code == status


def test_the_demo_survives_odd_texts(demo: Bench) -> None:
    for text in ("", "]]>", "\0\ud83d", "x" * 100_000, "长" * 20_000):
        answer = demo.client.post(
            "/demo/send", data=json.dumps({"text": text}), content_type="application/json"
        )
        assert answer.status_code in (200, 400)


@pytest.mark.parametrize(
    ("peer", "headers", "status"),
    [
        pytest.param("127.0.0.1", {}, 200, id="this machine"),
        pytest.param("::1", {"Host": "[::1]:8080"}, 200, id="this machine by IPv6"),
        pytest.param("192.0.2.7", {}, 403, id="another machine"),
        pytest.param("127.0.0.1", {"X-Forwarded-For": "192.0.2.7"}, 403, id="another machine behind a proxy"),
        pytest.param("127.0.0.1", {"Host": "evil.example:8080"}, 403, id="a site that rebinds its name"),
    ],
)
def test_in_the_demo_the_api_is_open_to_this_machine_only(
    peer: str, headers: dict[str, str], status: int, demo: Bench
) -> None:
    answer = demo.client.post(
        "/api/triage", json={"text": "4"}, headers=headers, environ_overrides={"REMOTE_ADDR": peer}
    )
    assert answer.status_code == status


@pytest.mark.parametrize(
    ("listens_on", "peer", "headers", "status"),
    [
        pytest.param("127.0.0.1", "127.0.0.1", {"Host": "evil.example:8080"}, 403, id="a rebound name"),
        pytest.param("127.0.0.1", "192.0.2.7", {}, 403, id="another machine"),
        pytest.param("127.0.0.1", "127.0.0.1", {"X-Forwarded-For": "192.0.2.7"}, 403, id="behind a proxy"),
        pytest.param(
            "127.0.0.1", "127.0.0.1", {"Origin": "https://evil.example"}, 403, id="a page of another site"
        ),
        pytest.param("127.0.0.1", "127.0.0.1", {"Origin": "null"}, 403, id="a page without an origin"),
        pytest.param(
            "127.0.0.1", "127.0.0.1", {"Host": "localhost", "Origin": "http://localhost:3000"}, 403,
            id="another program of this machine",
        ),
        pytest.param(EVERYWHERE, "192.0.2.7", {"Host": "evil.example"}, 403, id="a rebound name in a network"),
        pytest.param(
            EVERYWHERE, "192.0.2.7", {"Host": "192.0.2.1:8080", "Origin": "https://evil.example"}, 403,
            id="a page of another site in a network",
        ),
        pytest.param(
            "127.0.0.1", "127.0.0.1", {"Host": "127.0.0.1:8080", "Origin": "http://127.0.0.1:8080"}, 200,
            id="its own page",
        ),
        pytest.param("127.0.0.1", "::1", {"Host": "[::1]:8080"}, 200, id="its own page by IPv6"),
        pytest.param(
            EVERYWHERE, "192.0.2.7", {"Host": "192.0.2.1:8080", "Origin": "http://192.0.2.1:8080"}, 200,
            id="its own page, where it is meant for a network",
        ),
        pytest.param(EVERYWHERE, "172.17.0.1", {"Host": "localhost:8080"}, 200, id="from outside a container"),
    ],
)  # fmt: skip
def test_the_demo_takes_messages_of_its_own_page_only(
    listens_on: str, peer: str, headers: dict[str, str], status: int, tmp_path: Path
) -> None:
    demo = _bench(Settings(database_url=f"sqlite:///{tmp_path}/demo.db", demo=True, host=listens_on))
    sent = demo.client.post(
        "/demo/send", json={"text": "4"}, headers=headers, environ_overrides={"REMOTE_ADDR": peer}
    )
    assert sent.status_code == status
    assert len(list(Store.open(demo.url).export("messages"))) == (status == 200)


def test_the_demo_account_is_new_for_each_start(demo: Bench) -> None:
    first, later = (
        each.service.account("wechat", None) for each in (demo, _bench(Settings(database_url=demo.url)))
    )
    assert isinstance(first, Account)
    assert isinstance(later, Account)
    assert later.token != first.token
    assert later.aes_key != first.aes_key


def test_a_quiet_incident_is_shown_as_quiet(tmp_path: Path) -> None:
    members = {Person("wechat", ANY_ACCOUNT, FAN): "小赵"}
    bench = _bench(_settings(tmp_path, quiet_minutes=1, members=members))
    bench.platform.say(ALERT)
    store = Store.open(bench.url)
    (incident,) = store.recent_incidents(datetime.now(UTC) - timedelta(hours=1))
    store.close()
    from triage.web.api.bodies import IncidentView

    later = incident.last_seen + timedelta(minutes=2)
    assert IncidentView.of(incident, MemberNames({}), later, timedelta(minutes=1)).state == "quiet"
    assert IncidentView.of(incident, MemberNames({}), later, timedelta(minutes=5)).state == "open"
