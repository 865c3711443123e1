"""A channel that is registered is served: its path, its accounts, its answers, its limits; nothing of WeChat's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.support.asgi import Exchange, body, exchange
from tests.support.other_channel import OtherAccount, OtherChannel
from tests.support.talk import CONNECT
from tests.support.upgraded import new_file
from triage.bot.bot import Bot
from triage.channels.registry import CHANNELS
from triage.settings.model import Settings
from triage.web import create_app
from triage.web.asgi import Application

PATH = "/callback/other"
SECRET = "hush"  # noqa: S105  # nobody's


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Application]:
    monkeypatch.setitem(CHANNELS, "other", OtherChannel())
    url = new_file(tmp_path / "triage.db")
    app = create_app(Settings(database_url=url))
    app.service.accounts = {**app.service.accounts, "other": {"team": OtherAccount("team", SECRET)}}
    app.service.open()
    yield app
    if app.service.store:
        app.service.store.close()


def _push(app: Application, path: str = PATH, secret: str = SECRET, **fields: Any) -> Exchange:
    pushed = json.dumps({"id": "1", "from": "lilei", "text": CONNECT, **fields}).encode()
    return exchange(app, path, query=urlencode({"secret": secret}), events=body(pushed))


@pytest.mark.parametrize("path", ["/callback/another", "/callback/other/nobody", "/callback/other/wxdemo"])
def test_no_account_of_another_channel_is_found(path: str, app: Application) -> None:
    assert _push(app, path).status == 404


def test_a_stranger_is_refused_by_the_channel_s_own_rule(app: Application) -> None:
    assert _push(app, secret="guessed").status == 403  # noqa: S106  # nobody's


def test_a_body_above_the_channel_s_own_limit_is_refused(app: Application) -> None:
    assert _push(app, text="x" * 4096).status == 413


def test_the_address_is_verified_by_the_channel_s_own_echo(app: Application) -> None:
    done = exchange(app, PATH, method="GET", query=f"secret={SECRET}&challenge=abc", events=body(b""))
    assert (done.status, done.body) == (200, b"abc")


@pytest.mark.parametrize("path", [PATH, f"{PATH}/team", f"{PATH}?account=team"])
def test_an_alert_gets_its_checklist_in_the_channel_s_own_page(path: str, app: Application) -> None:
    path, _, query = path.partition("?")
    pushed = json.dumps({"id": "1", "from": "lilei", "text": CONNECT}).encode()
    done = exchange(app, path, query=f"secret={SECRET}&{query}", events=body(pushed))
    text = json.loads(done.body)["text"]
    assert done.status == 200
    assert "先做" in text
    assert len(text) <= OtherChannel.page_size.limit
    assert text.splitlines()[-1].startswith("「更多」"), "it ends where a page ends, not where it was cut off"
    assert "secret1" not in text
    assert app.service.store
    (row,) = app.service.store.export("messages")
    assert (row["channel"], row["account"], row["sender"]) == ("other", "team", "lilei")


def test_a_failure_is_answered_by_the_channel_s_own_silence(
    app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("unforeseen")

    monkeypatch.setattr(Bot, "handle", fail)
    done = _push(app)
    assert (done.status, done.body) == (200, b"")
