"""The server's workers: what is answered at once, and that no client holds up another."""

from __future__ import annotations

import contextlib
import signal
import socket
import sys
import time
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.support.platform import Platform
from tests.support.service import ACCOUNT, ALERT, ENVIRONMENT, Served, serving
from triage.advice.adviser import Adviser
from triage.channels.envelope import decrypt
from triage.channels.xml import read_fields
from triage.cohort import pause
from triage.message import Response
from triage.store import Store

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="gunicorn needs fork")

HEAD = b"POST /callback/wechat?signature=1 HTTP/1.1\r\nHost: a\r\n"


LENGTH = b"Content-Length: 3\r\n"


@pytest.mark.parametrize(
    "begun",
    [
        pytest.param(b"GET /callback/wechat HTTP/1.1\r\n\r\n", id="another method"),
        pytest.param(b"POST /api/triage HTTP/1.1\r\nContent-Length: 3\r\n\r\n", id="another path"),
        pytest.param(b"\r\n" + HEAD + LENGTH + b"\r\nabc", id="something before it"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00", id="TLS"),
        pytest.param(HEAD + b"\r\nabc", id="a body of unknown length"),
        pytest.param(HEAD + LENGTH + b"Transfer-Encoding: chunked\r\n\r\nabc", id="in chunks"),
        pytest.param(HEAD + LENGTH + b"Content-Length: 9\r\n\r\nabc", id="two lengths"),
        pytest.param(HEAD + LENGTH + b"Expect: 100-continue\r\n\r\n", id="a body that is asked for"),
        pytest.param(HEAD + b"Content-Length: 3, 9\r\n\r\nabc", id="a list of lengths"),
        pytest.param(HEAD + b"Content-Length: -3\r\n\r\nabc", id="a length below nothing"),
        pytest.param(HEAD + b"Content-Length: 131073\r\n\r\nabc", id="more than is read"),
        pytest.param(HEAD + b"X: content-length: 3\r\n\r\nabc", id="a length within another header"),
        pytest.param(HEAD + b"X: " + b"x" * 20_000, id="a head without an end"),
    ],
)
def test_what_is_no_push_or_has_no_plain_end_is_not_waited_for(begun: bytes) -> None:
    from triage.web.serving.worker import awaited

    assert awaited(begun) is None


@pytest.mark.parametrize(
    ("begun", "missing"),
    [
        pytest.param(b"", 1, id="nothing yet"),
        pytest.param(b"POST /call", 1, id="half a line"),
        pytest.param(b"GET /healthz HTTP/1.1\r\nHost", 1, id="half a head of something else"),
        pytest.param(HEAD, 1, id="half a head"),
        pytest.param(HEAD + LENGTH + b"\r\n", 3, id="no body yet"),
        pytest.param(HEAD + LENGTH + b"\r\nab", 1, id="half a body"),
        pytest.param(HEAD + b"Content-Length: 131072\r\n\r\n", 131_072, id="a long one"),
        pytest.param(HEAD + LENGTH + b"\r\nabc", 0, id="whole"),
        pytest.param(HEAD + b"content-length:3 \r\nX: y\r\n\r\nabc", 0, id="spelled otherwise"),
        pytest.param(HEAD + b"Content-Length: 0\r\n\r\n", 0, id="without a body"),
        pytest.param(HEAD + LENGTH + b"\r\nabcPOST", -4, id="the next one behind it"),
    ],
)
def test_what_has_begun_is_waited_for(begun: bytes, missing: int) -> None:
    from triage.web.serving.worker import awaited

    assert awaited(begun) == len(begun) + missing


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("served"), ENVIRONMENT, "--workers", "1") as running:
        yield running


def _push(number: int, text: str = ALERT) -> bytes:
    platform = Platform(ACCOUNT, lambda request: Response(200, b""), now=datetime.now(UTC))
    request = platform.request("text", {"Content": text}, str(number))
    head = f"POST /callback/wechat?{urlencode(request.query)} HTTP/1.1\r\nHost: a\r\n"
    return f"{head}Content-Length: {len(request.body)}\r\n\r\n".encode() + request.body


@contextlib.contextmanager
def _connected(served: Served) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as connection:
        yield connection


def _answers(connection: socket.socket, expected: int) -> int:
    """How many answers with a 200 and an encrypted reply came, waiting for so many."""
    came = b""
    while came.count(b"</xml>") < expected and (piece := connection.recv(65536)):
        came += piece
    return min(came.count(b"HTTP/1.1 200 OK"), came.count(b"<Encrypt>"))


def test_pushes_in_one_piece_on_one_connection_are_all_answered(served: Served) -> None:
    with _connected(served) as connection:
        connection.sendall(b"".join(_push(number) for number in range(100, 105)))
        assert _answers(connection, 5) == 5


def _reply(connection: socket.socket) -> str:
    """What the one answer says that comes."""
    came = b""
    while b"</xml>" not in came and (piece := connection.recv(65536)):
        came += piece
    body = came.partition(b"\r\n\r\n")[2].decode()
    return decrypt(read_fields(body)["Encrypt"], str(ACCOUNT.aes_key), ACCOUNT.appid)


def test_a_crowd_that_comes_at_once_is_answered_each_with_its_own(served: Served, adviser: Adviser) -> None:
    asked = {number: str(number % 10 + 1) for number in range(150, 180)}
    expected = {text: adviser.answer(text).pages[0] for text in set(asked.values())}
    numbers = [*asked, *range(150, 160)]  # ten of them twice
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(_connected(served)) for _ in numbers]
        for number, connection in zip(numbers, connections, strict=True):
            connection.sendall(_push(number, asked[number]))
        for number, connection in zip(numbers, connections, strict=True):
            assert expected[asked[number]] in _reply(connection)
    rows = Store.open(f"sqlite:///{served.folder}/triage.db").export("messages")
    kept = [row["message_id"] for row in rows]
    assert sorted(kept) == sorted(set(kept))
    assert {str(number) for number in numbers} <= set(kept)


def test_a_push_in_pieces_is_answered(served: Served) -> None:
    with _connected(served) as connection:
        push = _push(200)
        for start in range(0, len(push), 400):
            connection.sendall(push[start : start + 400])
            time.sleep(0.005)
        assert _answers(connection, 1) == 1
        connection.sendall(push[:300])
        time.sleep(0.05)
        connection.sendall(push[300:] + _push(201))
        assert _answers(connection, 2) == 2


def test_half_pushes_hold_up_no_whole_one(served: Served) -> None:
    with contextlib.ExitStack() as stack:
        halves = [stack.enter_context(_connected(served)) for _ in range(12)]  # more than there are threads
        pushes = [_push(300 + number) for number in range(12)]
        for half, push in zip(halves, pushes, strict=True):
            half.sendall(push[:-10])
        time.sleep(0.2)
        with _connected(served) as whole:
            started = time.monotonic()
            whole.sendall(_push(320))
            assert _answers(whole, 1) == 1
            assert "ok" in served.get("/healthz")  # which needs a thread
            assert time.monotonic() - started < 1
        halves[0].sendall(pushes[0][-10:])
        assert _answers(halves[0], 1) == 1
        halves[1].shutdown(socket.SHUT_WR)  # it will not come any more
        assert b"</xml>" not in halves[1].recv(65536)


def test_a_long_push_in_pieces_is_answered(served: Served) -> None:
    push = _push(335, "长" * 20_000)
    assert len(push) > 64 * 1024
    with _connected(served) as connection:
        for start in range(0, len(push), 9_000):
            connection.sendall(push[start : start + 9_000])
            time.sleep(0.002)
        assert _answers(connection, 1) == 1


def test_a_push_that_trickles_in_is_answered(served: Served) -> None:
    with _connected(served) as connection:
        push = _push(330)
        connection.sendall(push[:-200])
        for place in range(len(push) - 200, len(push)):
            connection.sendall(push[place : place + 1])
        assert _answers(connection, 1) == 1


def test_while_it_stops_pushes_in_one_piece_cost_nobody_else_an_answer(tmp_path: Path) -> None:
    with serving(tmp_path, ENVIRONMENT, "--workers", "1") as running:
        with _connected(running) as greedy, _connected(running) as other:
            for number, connection in ((350, greedy), (351, other)):
                connection.sendall(_push(number))
                assert _answers(connection, 1) == 1
            running.process.send_signal(signal.SIGTERM)
            time.sleep(0.2)
            greedy.sendall(_push(352) + _push(353))
            time.sleep(0.2)
            other.sendall(_push(354))
            assert _answers(other, 1) == 1
        running.process.communicate(timeout=15)
        assert running.process.returncode == 0


def test_a_client_that_asks_first_is_told_to_go_on(served: Served) -> None:
    with _connected(served) as connection:
        head, end, body = _push(345).partition(b"\r\n\r\n")
        connection.sendall(head + b"\r\nExpect: 100-continue" + end)
        connection.settimeout(2)
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        connection.sendall(body)
        assert _answers(connection, 1) == 1


@pytest.mark.parametrize(
    ("url", "name"),
    [
        pytest.param("sqlite:///triage.db", "PromptWorker", id="one writer: without a thread"),
        pytest.param("postgresql://db/triage", "Worker", id="a server: a thread for each"),
        pytest.param("mysql://db/triage", "Worker", id="another server"),
    ],
)
def test_the_worker_fits_the_database(url: str, name: str) -> None:
    from triage.web.serving.worker import worker_for

    assert worker_for(url).__name__ == name


def test_what_has_come_in_is_answered_step_by_step_together(monkeypatch: pytest.MonkeyPatch) -> None:
    from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]  # without types

    from triage.web.serving.worker import PromptWorker

    steps: list[str] = []

    def handle(worker: PromptWorker, conn: str) -> bool:
        for step in range(2):
            steps.append(f"{conn}{step}")
            pause()
        return True

    monkeypatch.setattr(ThreadWorker, "wait_for_and_dispatch_events", lambda worker, timeout: None)
    monkeypatch.setattr(ThreadWorker, "handle", handle)
    monkeypatch.setattr(ThreadWorker, "finish_request", lambda worker, conn, fs: steps.append(f"{conn} done"))
    worker = object.__new__(PromptWorker)
    worker._come = deque("abc")
    worker.wait_for_and_dispatch_events(1.0)
    assert steps == ["a0", "b0", "c0", "a1", "b1", "c1", "a done", "b done", "c done"]


def test_a_stop_does_not_wait_long_for_what_never_comes(tmp_path: Path) -> None:
    with serving(tmp_path, ENVIRONMENT, "--workers", "1") as running:
        with _connected(running), _connected(running) as half:
            half.sendall(_push(340)[:-10])
            time.sleep(0.2)
            started = time.monotonic()
            running.stop()
        assert time.monotonic() - started < 5
        assert running.process.returncode == 0


def _status(connection: socket.socket) -> int:
    """That of the answer to what is not finished; 0 for a closed connection."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_WR)
        said = connection.recv(65536)
        return int(said.split()[1]) if said else 0
    return 0


def test_a_head_that_belies_its_body_holds_up_nobody(served: Served) -> None:
    lies = (
        b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc",
        b"Content-Length: 3\r\nContent-Length: 900\r\n\r\nabc",
        b"Content-Length: 3, 900\r\n\r\nabc",
        b"Content_Length: 3\r\nTransfer_Encoding: chunked\r\n\r\nabc",
        b"Content-Length : 3\r\n\r\nabc",
        b"Content-Length: 3\r\nExpect: 100-continue\r\n\r\nabc",
        b"Content-Length:\r\n 3\r\n\r\nabc",
        b"Transfer-Encoding: xchunked\r\n\r\nabc",
        b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nabc",
        b"SCRIPT_NAME: /x\r\nContent-Length: 3\r\n\r\nabc",
        b"PATH_INFO: /metrics\r\nContent-Length: 3\r\n\r\nabc",
        b"Upgrade: h2c\r\nConnection: Upgrade\r\nContent-Length: 3\r\n\r\nabc",
        b"\x00: x\r\nContent-Length: 3\r\n\r\nabc",
        b"X: " + b"x" * 70_000 + b"\r\nContent-Length: 3\r\n\r\nabc",
    )
    for lie in lies:
        with _connected(served) as liar, _connected(served) as honest:
            liar.sendall(HEAD + lie)
            time.sleep(0.02)
            started = time.monotonic()
            honest.sendall(_push(400 + lies.index(lie)))
            assert _answers(honest, 1) == 1
            assert time.monotonic() - started < 1
            assert _status(liar) in (0, 100, 400, 403, 431), lie
