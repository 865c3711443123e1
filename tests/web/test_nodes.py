"""Several processes on one database, killed and cut off: the same reply to a retry, nothing lost, nothing broken."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import signal
import socket
import sqlite3
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from tests.support.platform import Platform
from tests.support.service import ACCOUNT, ENVIRONMENT, Served, serving
from tests.support.stores import SERVERS, fresh_database
from triage.store import Store

KINDS = ["sqlite", *SERVERS]
ALERT = """\
Appid: wx014d339f79c92781
昵称: 时令果蔬
时间: 2026-04-21 18:31:00
内容: 微信服务器连接公众号开发者服务器时发生超时，超时时间为5秒
次数: 5分钟 {count}次
错误样例: [3rdUrl=http://wx.example.org/cb][IP=192.0.2.126][Msg=Text]
"""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="gunicorn needs fork")


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database with our schema."""
    with fresh_database(request.param, tmp_path) as made:
        Store.open(made, upgrade=True).close()
        yield made


@contextlib.contextmanager
def _node(folder: Path, url: str, **more: str) -> Iterator[Served]:
    folder.mkdir(exist_ok=True)
    environment = {**ENVIRONMENT, "TRIAGE_DATABASE_URL": url, "TRIAGE_LOG_LEVEL": "error", **more}
    with serving(folder, environment, "--workers", "2") as served:
        yield served


def _platform(node: Served) -> Platform:
    return Platform(ACCOUNT, node.send, now=datetime.now(UTC))


def test_a_message_retried_on_another_node_gets_the_same_reply(url: str, tmp_path: Path) -> None:
    """The platform pushes every message to both nodes at the same moment, and then once more."""
    with _node(tmp_path / "a", url) as first, _node(tmp_path / "b", url) as second:
        nodes = [_platform(first), _platform(second)]

        def push(job: tuple[int, Platform]) -> tuple[int, str | None]:
            number, platform = job
            exchange = platform.push(
                "text", {"Content": ALERT.format(count=30 + number)}, str(10**9 + number)
            )
            assert exchange.accepted.findings == ()
            return number, exchange.accepted.text

        jobs = [(number, node) for number in range(12) for node in nodes]
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(push, [*jobs, *jobs]))
    for number in range(12):
        assert len({text for which, text in answers if which == number}) == 1
    store = Store.open(url)
    assert len(list(store.export("messages"))) == 12
    assert len(list(store.export("alerts"))) == 12
    (incident,) = store.recent_incidents(datetime(2020, 1, 1, tzinfo=UTC))
    assert len(incident.sightings) == 12
    store.close()


def test_after_kill_9_every_message_that_got_a_reply_is_in_the_store(url: str, tmp_path: Path) -> None:
    answered: list[str] = []
    killed = threading.Event()
    with _node(tmp_path / "a", url) as node:
        platform = _platform(node)

        def push(number: int) -> None:
            if killed.is_set():
                return
            with contextlib.suppress(OSError, http.client.HTTPException):
                exchange = platform.push("text", {"Content": ALERT.format(count=number)}, str(number))
                if exchange.response.status == 200 and exchange.accepted.text:
                    answered.append(str(number))
            if len(answered) == 60:
                killed.set()
                _kill(node.process.pid)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(push, range(1, 400)))
        node.process.wait(timeout=10)
    assert len(answered) >= 60
    store = Store.open(url)
    recorded = {row["message_id"] for row in store.export("messages")}
    store.close()
    assert set(answered) <= recorded


def _kill(pid: int) -> None:
    """The master and its workers at once, so that nothing is tidied up."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for victim in (pid, *map(int, children)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)


@dataclass
class _Line:
    """A line to a database server that can be cut and mended."""

    target: tuple[str, int]
    listener: socket.socket = field(default_factory=socket.socket)
    open: bool = True
    ends: list[socket.socket] = field(default_factory=list)

    def start(self) -> int:
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(64)
        threading.Thread(target=self._accept).start()
        port: int = self.listener.getsockname()[1]
        return port

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                if not self.open:
                    near.close()
                    continue
                far = socket.create_connection(self.target)
                self.ends += [near, far]
                threading.Thread(target=_carry, args=(near, far)).start()

    def cut(self) -> None:
        self.open = False
        for end in self.ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self.ends.clear()

    def close(self) -> None:
        self.open = False
        self.listener.shutdown(socket.SHUT_RDWR)
        self.cut()


def _carry(near: socket.socket, far: socket.socket) -> None:
    """Both directions of one connection, until either side ends it."""
    with near, far:
        back = threading.Thread(target=_pump, args=(far, near))
        back.start()
        _pump(near, far)
        back.join()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    for end in (source, sink):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def _cut_off(url: str) -> Iterator[tuple[str, _Line | sqlite3.Connection]]:
    """The URL to give the service, and what takes the database away behind it."""
    parts = make_url(url)
    if parts.get_backend_name() == "sqlite":
        with contextlib.closing(sqlite3.connect(str(parts.database), isolation_level=None)) as writer:
            yield url, writer
        return
    line = _Line((parts.host or "127.0.0.1", parts.port or 0))
    with line.listener:
        yield parts.set(port=line.start()).render_as_string(hide_password=False), line
        line.close()


def _take_away(line: _Line | sqlite3.Connection) -> None:
    if isinstance(line, sqlite3.Connection):
        line.execute("BEGIN IMMEDIATE")
    else:
        line.cut()


def _give_back(line: _Line | sqlite3.Connection) -> None:
    if isinstance(line, sqlite3.Connection):
        line.execute("ROLLBACK")
    else:
        line.open = True


def test_while_the_database_is_away_checklists_go_out_and_are_counted(url: str, tmp_path: Path) -> None:
    with _cut_off(url) as (given, line), _node(tmp_path / "a", given) as node:
        platform = _platform(node)
        assert "连接超时" in (platform.say(ALERT.format(count=31)).accepted.text or "")
        _take_away(line)
        for count in (32, 33):
            exchange = platform.say(ALERT.format(count=count))
            assert exchange.response.status == 200
            assert "先做" in (exchange.accepted.text or "")
        counted = node.get("/metrics")
        assert re.search(r"triage_unrecorded_total\S* [1-9]", counted), counted
        _give_back(line)
        back = threading.Event()
        for attempt in range(40):
            platform.say(ALERT.format(count=100 + attempt))
            if _recorded(url) > 1:
                break
            back.wait(0.25)
        assert _recorded(url) > 1


def _recorded(url: str) -> int:
    store = Store.open(url)
    count = len(list(store.export("messages")))
    store.close()
    return count
