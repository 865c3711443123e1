"""Alerts that were answered without the memory are recorded when it is there again; nothing else is done late."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import pytest

from tests.support.asgi import sender
from tests.support.paths import ROOT
from tests.support.platform import FAN, Platform
from tests.support.upgraded import new_file
from triage.channels.wechat.account import Account
from triage.errors import StoreDownError
from triage.settings import load_settings
from triage.store import Store
from triage.web import create_app
from triage.web.asgi import Application
from triage.web.unrecorded import MOST_KEPT, Unrecorded

ALERT = (ROOT / "docs/alert.txt").read_text(encoding="utf-8")
SAFE = Account("wx5f3a09c27be1d846", "a-token", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG")


@dataclass
class Bench:
    """A service whose database can be taken away, and the platform that pushes to it."""

    app: Application
    platform: Platform
    patch: pytest.MonkeyPatch

    @property
    def unrecorded(self) -> Unrecorded:
        return self.app.service.unrecorded

    def away(self) -> AbstractContextManager[None]:
        @contextmanager
        def taken() -> Iterator[None]:
            with self.patch.context() as patch:
                for method in ("reply_to", "record", "incidents_for", "signature_used", "conversation"):
                    patch.setattr(Store, method, _down)
                yield

        return taken()

    def stored(self, table: str) -> list[dict[str, object]]:
        assert self.app.service.store
        return [dict(row) for row in self.app.service.store.export(table)]


def _down(*_: object, **__: object) -> NoReturn:
    raise StoreDownError("the database does not answer")


def _bench(folder: Path, monkeypatch: pytest.MonkeyPatch, account: Account) -> Bench:
    url = new_file(folder / "triage.db")
    environment = {
        "TRIAGE_DATABASE_URL": url,
        "TRIAGE_WECHAT_TOKEN": account.token,
        "TRIAGE_WECHAT_APPID": account.appid,
        "TRIAGE_MEMBERS": f"{FAN}=小王",
        **({"TRIAGE_WECHAT_AES_KEY": account.aes_key} if account.aes_key else {}),
    }
    app = create_app(load_settings(environment))
    app.service.open()
    mode = "safe" if account.aes_key else "plain"
    return Bench(
        app, Platform(account, sender(app, "/callback/wechat"), mode, now=datetime.now(UTC)), monkeypatch
    )


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return _bench(tmp_path, monkeypatch, SAFE)


@pytest.mark.parametrize(
    "text", ["关闭 1 好了", "认领", "邀请 阿珍", "移除 小王", "1", "更多", "499 是什么", "free -m"], ids=str
)
def test_what_is_no_alert_is_never_done_late(bench: Bench, text: str) -> None:
    bench.platform.say(ALERT)
    before = {
        table: bench.stored(table)
        for table in ("incidents", "messages", "timeline", "members", "invitations")
    }
    with bench.away():
        bench.platform.say(text)
    bench.unrecorded.catch_up()
    assert {table: bench.stored(table) for table in before} == before


def test_an_alert_opens_its_incident_when_the_database_is_back(bench: Bench) -> None:
    with bench.away():
        assert "回应失败" in (bench.platform.say(ALERT).accepted.text or "")
        assert bench.unrecorded.catch_up() == 2, "seconds until the next try"
        assert bench.stored("incidents") == []
    bench.unrecorded.catch_up()
    (incident,) = bench.stored("incidents")
    (alert,) = bench.stored("alerts")
    assert alert["incident_id"] == incident["id"]
    bench.unrecorded.catch_up()
    assert len(bench.stored("messages")) == 1


def test_it_is_recorded_for_the_moment_it_came_in(bench: Bench) -> None:
    before = datetime.now(UTC)
    with bench.away():
        bench.platform.say(ALERT)
    after = datetime.now(UTC)
    bench.unrecorded.catch_up()
    (message,) = bench.stored("messages")
    received = datetime.fromisoformat(str(message["received_at"])).replace(tzinfo=UTC)
    assert before <= received <= after


def test_the_oldest_is_recorded_first_and_the_sender_s_next_word_is_about_the_newest(bench: Bench) -> None:
    with bench.away():
        bench.platform.say(ALERT)
        bench.platform.say(ALERT.replace("wx71419d29a96bc420", "wx014d339f79c92781"))
    bench.unrecorded.catch_up()
    assert [row["appid"] for row in bench.stored("alerts")] == ["wx71419d29a96bc420", "wx014d339f79c92781"]
    assert "#2 归你了" in (bench.platform.say("认领").accepted.text or "")


def test_a_retry_that_another_node_has_recorded_is_not_recorded_again(bench: Bench) -> None:
    with bench.away():
        bench.platform.say(ALERT, "77")
    bench.platform.say(ALERT, "77")
    bench.unrecorded.catch_up()
    assert len(bench.stored("messages")) == len(bench.stored("alerts")) == 1


def test_a_database_that_goes_away_again_leaves_the_rest_for_later(bench: Bench) -> None:
    with bench.away():
        bench.platform.say(ALERT)
        bench.platform.say(ALERT.replace("得到的回应不合法", "开发者5秒内没有返回"))
    record, calls = Store.record, []

    def once(store: Store, entry: object) -> object:
        calls.append(entry)
        return record(store, entry) if len(calls) == 1 else _down()  # type: ignore[arg-type]

    with bench.patch.context() as patch:
        patch.setattr(Store, "record", once)
        bench.unrecorded.catch_up()
    assert len(bench.stored("alerts")) == 1
    bench.unrecorded.catch_up()
    assert len(bench.stored("alerts")) == 2


def test_a_signature_that_was_used_before_records_nothing_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = _bench(tmp_path, monkeypatch, replace(SAFE, aes_key=None))
    first = bench.platform.say(ALERT)
    forged = replace(
        first.request, body=first.request.body.replace(b"33", b"99").replace(b"<MsgId>2", b"<MsgId>3")
    )
    with bench.away():
        assert bench.platform.send(forged).status == 200
    bench.unrecorded.catch_up()
    assert len(bench.stored("messages")) == 1


def test_at_most_500_messages_are_kept_and_the_oldest_go(bench: Bench) -> None:
    with bench.away():
        for number in range(MOST_KEPT + 1):
            bench.platform.say("提问" if number else ALERT)
    bench.unrecorded.catch_up()
    assert (MOST_KEPT, bench.stored("alerts")) == (500, [])


def test_the_sender_hears_of_it_with_the_answer_to_the_next_word(bench: Bench) -> None:
    with bench.away():
        bench.platform.say(ALERT)
    bench.unrecorded.catch_up()
    assert bench.app.service.look_for_late_answers(datetime.now(UTC)) == 10, "seconds until the next look"
    first, second = (bench.platform.say("状态").accepted.text or "" for _ in range(2))
    assert "刚才没能记下，现在记下了" in first
    assert "刚才没能记下" not in second


def test_while_the_database_is_away_nobody_is_looked_up(bench: Bench) -> None:
    def away(*_: object) -> NoReturn:
        raise StoreDownError("the database does not answer")

    assert bench.app.service.store
    bench.patch.setattr(bench.app.service.store.outbox, "has_late_answers", away)
    assert bench.app.service.look_for_late_answers(datetime.now(UTC)) == 10
