"""`/hooks/<name>`: alerts of programs open incidents; nobody else gets in, and nothing is a command."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.support.asgi import Exchange, body, exchange
from tests.support.talk import CONNECT
from tests.support.upgraded import new_file
from triage.settings import load_settings
from triage.web import create_app
from triage.web.asgi import Application

KEY, OTHER_KEY = "0123456789abcdef", "fedcba9876543210"
WECOM = json.dumps({"msgtype": "text", "text": {"content": CONNECT}})
FEISHU = json.dumps({"msg_type": "text", "content": {"text": CONNECT}})
DINGTALK = json.dumps(
    {"msgtype": "markdown", "markdown": {"title": "报警", "text": f"**报警**\n\n> {CONNECT}"}}
)


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Application]:
    url = new_file(tmp_path / "triage.db")
    hooks = f"monitor={KEY},cron={OTHER_KEY}"
    app = create_app(load_settings({"TRIAGE_DATABASE_URL": url, "TRIAGE_HOOKS": hooks}))
    app.service.open()
    yield app
    if app.service.store:
        app.service.store.close()


def post(
    app: Application, text: str | bytes, name: str = "monitor", method: str = "POST", **query: str
) -> Exchange:
    said = text if isinstance(text, bytes) else text.encode()
    return exchange(app, f"/hooks/{name}", method=method, query=urlencode(query), events=body(said))


def stored(app: Application, table: str = "messages") -> list[dict[str, object]]:
    assert app.service.store
    return [dict(row) for row in app.service.store.export(table)]


# -- who is refused


@pytest.mark.parametrize(
    ("name", "query", "status"),
    [
        pytest.param("monitor", {}, 403, id="no key"),
        pytest.param("monitor", {"key": ""}, 403, id="an empty key"),
        pytest.param("monitor", {"key": KEY[:-1]}, 403, id="half a key"),
        pytest.param("monitor", {"key": "é" * 16}, 403, id="a key of other letters"),
        pytest.param("monitor", {"key": OTHER_KEY}, 403, id="the key of another hook"),
        pytest.param(
            "monitor", {"key": "wrong", "access_token": KEY}, 403, id="a wrong key before the right one"
        ),
        pytest.param("nobody", {"key": KEY}, 404, id="a hook that is not there"),
        pytest.param("monitor/more", {"key": KEY}, 404, id="a longer path"),
    ],
)
def test_a_stranger_is_refused_and_leaves_nothing(
    app: Application, name: str, query: dict[str, str], status: int
) -> None:
    assert post(app, CONNECT, name, **query).status == status
    assert stored(app) == stored(app, "incidents") == []


@pytest.mark.parametrize("path", ["/callback/hook", "/callback/hook/monitor"])
def test_a_hook_has_no_second_door(app: Application, path: str) -> None:
    done = exchange(app, path, query=f"key={KEY}&account=monitor", events=body(CONNECT.encode()))
    assert (done.status, stored(app)) == (404, [])


@pytest.mark.parametrize(
    ("text", "status"),
    [
        pytest.param("", 400, id="nothing"),
        pytest.param("帮助", 400, id="a question"),
        pytest.param("移除 阿珍", 400, id="a command"),
        pytest.param(
            '{"msgtype": "text", "text": {"content": "认领 1"}}', 400, id="a command in a robot's body"
        ),
        pytest.param("{", 400, id="half of an object"),
        pytest.param(b"\xff", 400, id="no UTF-8"),
        pytest.param("x" * (64 * 1024 + 1), 413, id="more than 64 KB"),
    ],
)
def test_a_body_without_an_alert_is_told_so_and_leaves_nothing(
    app: Application, text: str | bytes, status: int
) -> None:
    assert post(app, text, key=KEY).status == status
    assert stored(app) == []


@pytest.mark.parametrize(("method", "status"), [("GET", 400), ("PUT", 405), ("DELETE", 405)])
def test_alerts_are_posted(app: Application, method: str, status: int) -> None:
    assert post(app, CONNECT, method=method, key=KEY).status == status


def test_an_alert_that_begins_with_a_command_is_an_alert(app: Application) -> None:
    post(app, CONNECT, key=KEY)
    post(app, f"认领 1\n{CONNECT}", key=KEY)
    post(app, f"记 1\n{CONNECT}", key=KEY)
    (incident,) = stored(app, "incidents")
    assert incident["owner"] is None
    assert [row for row in stored(app, "timeline") if row["what"] in ("claim", "note")] == []


def test_while_the_database_is_away_a_program_is_told_to_try_again(app: Application) -> None:
    assert app.service.store
    app.service.store.close()
    app.service.store = None
    for text, status, code in ((WECOM, 200, -1), (FEISHU, 200, -1), (CONNECT, 503, None)):
        done = post(app, text, key=KEY)
        assert done.status == status
        assert code is None or json.loads(done.body)["errcode"] == json.loads(done.body)["code"] == code


def test_no_key_is_ever_logged(app: Application, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    post(app, CONNECT, key=KEY)
    post(app, CONNECT, key="wrong-wrong-wrong")
    assert KEY not in caplog.text
    assert "wrong-wrong" not in caplog.text
    assert "secret1" not in caplog.text


# -- what is taken


@pytest.mark.parametrize("parameter", ["key", "access_token"])
@pytest.mark.parametrize(
    ("text", "zero"),
    [
        pytest.param(WECOM, "errcode", id="as to a robot of WeCom"),
        pytest.param(DINGTALK, "errcode", id="as to one of DingTalk, in Markdown"),
        pytest.param(FEISHU, "code", id="as to one of Feishu"),
        pytest.param(CONNECT, None, id="plain text"),
    ],
)
def test_an_alert_opens_an_incident_as_a_member_s_does(
    app: Application, parameter: str, text: str, zero: str | None
) -> None:
    done = post(app, text, **{parameter: KEY})
    assert done.status == 200
    if zero is None:
        assert "先做" in done.body.decode()
        assert "secret1" not in done.body.decode()
    else:
        assert json.loads(done.body)[zero] == 0
    (incident,) = stored(app, "incidents")
    (alert,) = stored(app, "alerts")
    assert (alert["kind"], alert["incident_id"]) == ("connect_timeout", incident["id"])
    (message,) = stored(app)
    assert (message["channel"], message["account"], message["sender"]) == ("hook", "monitor", "monitor")
    assert stored(app, "conversations") == []


def test_the_same_body_again_is_a_retry_and_another_is_not(app: Application) -> None:
    first, again = post(app, CONNECT, key=KEY), post(app, CONNECT, key=KEY)
    assert first.body == again.body
    assert len(stored(app)) == 1
    post(app, CONNECT.replace("86", "90"), key=KEY)
    assert (len(stored(app)), len(stored(app, "incidents"))) == (2, 1)


def test_two_programs_with_the_same_alert_make_one_incident(app: Application) -> None:
    post(app, CONNECT, key=KEY)
    post(app, CONNECT, "cron", key=OTHER_KEY)
    assert (len(stored(app)), len(stored(app, "incidents"))) == (2, 1)


def test_requests_are_counted_by_the_endpoint_alone(app: Application) -> None:
    post(app, CONNECT, key=KEY)
    metrics = exchange(app, "/metrics", method="GET", events=body(b"")).body.decode()
    assert 'endpoint="/hooks/<name>"' in metrics
    assert "monitor" not in metrics
