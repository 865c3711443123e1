"""The server before the application: no client holds up another, however slowly it sends, reads or leaves."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
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
from triage.message import Response
from triage.store import Store
from triage.web.serving.bounded_request import MAX_HEAD_BYTES

HEAD = b"POST /callback/wechat?signature=1 HTTP/1.1\r\nHost: a\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
SLOW = {
    "half a head": HEAD[:-10],
    "a head without an end": HEAD + b"X: ",
    "a body of which little comes": HEAD + b"Content-Length: 5000\r\n\r\n<xml>",
    "chunks without an end": HEAD + CHUNKED + b"1\r\nx\r\n",
    "half a chunk": HEAD + CHUNKED + b"ff\r\nx",
    "a client that asks first": HEAD + b"Content-Length: 5000\r\nExpect: 100-continue\r\n\r\n",
    "a body for the API": b"POST /api/triage HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{",
    "a byte of TLS": b"\x16",
    "nothing at all": b"",
    "a client that does not read": b"GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n" * 20,
}
CROWD = 200


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("served"), ENVIRONMENT) as running:
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
    """How many answers with a 200 and an encrypted reply came, of as many as are expected."""
    came = b""
    while came.count(b"</xml>") < expected and (piece := connection.recv(65536)):
        came += piece
    return min(came.count(b"HTTP/1.1 200 OK"), came.count(b"<Encrypt>"))


def _reply(connection: socket.socket) -> str:
    """What the one answer says that comes."""
    came = b""
    while b"</xml>" not in came and (piece := connection.recv(65536)):
        came += piece
    body = came.partition(b"\r\n\r\n")[2].decode()
    return decrypt(read_fields(body)["Encrypt"], str(ACCOUNT.aes_key), ACCOUNT.appid)


def _status(connection: socket.socket) -> int:
    """That of the answer to what is not finished; 0 for a connection that is closed or keeps silent."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(2)
        said = connection.recv(65536)
        return int(said.split()[1]) if said else 0
    return 0


def test_two_hundred_slow_clients_delay_nobody(served: Served) -> None:
    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(_connected(served)) for _ in range(CROWD)]
        for client, begun in zip(slow, [*SLOW.values()] * (CROWD // len(SLOW)), strict=True):
            client.sendall(begun)
        for number in range(20):
            for client in slow[number::20]:  # a byte more now and then
                with contextlib.suppress(OSError):
                    client.sendall(b"x")
            with _connected(served) as whole:
                started = time.monotonic()
                whole.sendall(_push(1000 + number))
                assert _answers(whole, 1) == 1
                assert "ok" in served.get("/healthz")
                assert time.monotonic() - started < 1


def test_pushes_in_one_piece_on_one_connection_are_all_answered(served: Served) -> None:
    with _connected(served) as connection:
        connection.sendall(b"".join(_push(number) for number in range(100, 105)))
        assert _answers(connection, 5) == 5


def test_a_crowd_that_comes_at_once_is_answered_each_with_its_own(served: Served, adviser: Adviser) -> None:
    asked = {number: str(number % 10 + 1) for number in range(150, 180)}
    expected = {text: adviser.answer(text).pages[0] for text in set(asked.values())}
    numbers = [*asked, *range(150, 160)]  # ten of them twice
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(_connected(served)) for _ in numbers]
        for number, connection in zip(numbers, connections, strict=True):
            connection.sendall(_push(number, asked[number]))
        for number, connection in zip(numbers, connections, strict=True):
            shown = re.sub("</?a[^>]*>", "", _reply(connection))  # words to tap
            assert expected[asked[number]] in shown
    rows = Store.open(f"sqlite:///{served.folder}/triage.db").export("messages")
    kept = [row["message_id"] for row in rows]
    assert sorted(kept) == sorted(set(kept))
    assert {str(number) for number in numbers} <= set(kept)


def test_a_push_in_pieces_is_answered(served: Served) -> None:
    with _connected(served) as connection:
        push = _push(200)
        for start in range(0, len(push), 400):
            connection.sendall(push[start : start + 400])
        assert _answers(connection, 1) == 1
        connection.sendall(push[:300])
        connection.sendall(push[300:] + _push(201))
        assert _answers(connection, 2) == 2


def test_a_long_push_in_pieces_is_answered(served: Served) -> None:
    push = _push(335, "长" * 20_000)
    assert len(push) > 64 * 1024
    with _connected(served) as connection:
        for start in range(0, len(push), 9_000):
            connection.sendall(push[start : start + 9_000])
        assert _answers(connection, 1) == 1


def test_a_client_that_asks_first_is_told_to_go_on(served: Served) -> None:
    with _connected(served) as connection:
        head, end, body = _push(345).partition(b"\r\n\r\n")
        connection.sendall(head + b"\r\nExpect: 100-continue" + end)
        connection.settimeout(2)
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        connection.sendall(body)
        assert _answers(connection, 1) == 1


def test_a_head_that_belies_its_body_gets_no_server_error_and_holds_up_nobody(served: Served) -> None:
    lies = (
        b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc",
        b"Content-Length: 3\r\nContent-Length: 900\r\n\r\nabc",
        b"Content-Length: 3, 900\r\n\r\nabc",
        b"Content-Length: -3\r\n\r\nabc",
        b"Content-Length: 99999999999999999999999\r\n\r\nabc",
        b"Content_Length: 3\r\nTransfer_Encoding: chunked\r\n\r\nabc",
        b"Content-Length : 3\r\n\r\nabc",
        b"Content-Length: 3\r\nExpect: 100-continue\r\n\r\nabc",
        b"Content-Length:\r\n 3\r\n\r\nabc",
        b"Transfer-Encoding: xchunked\r\n\r\nabc",
        b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nabc",
        b"Transfer-Encoding: chunked\r\n\r\n5 x\r\nabc",
        b"SCRIPT_NAME: /x\r\nContent-Length: 3\r\n\r\nabc",
        b"PATH_INFO: /metrics\r\nContent-Length: 3\r\n\r\nabc",
        b"Upgrade: h2c\r\nConnection: Upgrade\r\nContent-Length: 3\r\n\r\nabc",
        b"Upgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 3\r\n\r\nabc",
        b"\x00: x\r\nContent-Length: 3\r\n\r\nabc",
        b"X: " + b"x" * 70_000 + b"\r\nContent-Length: 3\r\n\r\nabc",
        b"X: x\r\n" * 2_000 + b"Content-Length: 3\r\n\r\nabc",
    )
    for lie in lies:
        with _connected(served) as liar, _connected(served) as honest:
            with contextlib.suppress(OSError):
                liar.sendall(HEAD + lie)
            honest.sendall(_push(400 + lies.index(lie)))
            assert _answers(honest, 1) == 1
            assert _status(liar) in (0, 100, 400, 403, 413, 431), lie


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"CONNECT a:80 HTTP/1.1", id="a tunnel"),
        pytest.param(b"GET http://a/healthz HTTP/1.1", id="a whole URL"),
        pytest.param(b"OPTIONS * HTTP/1.1", id="the server itself"),
        pytest.param(b"GET /%ff%fe%00 HTTP/1.1", id="no UTF-8"),
        pytest.param("GET /中?文=\u4e2d HTTP/1.1".encode(), id="raw bytes"),
        pytest.param(b"GET /api/incidents?x=%ff%00 HTTP/1.1", id="a query of no UTF-8"),
        pytest.param(b"GET //callback//wechat HTTP/1.1", id="two slashes"),
        pytest.param(b"GET /../../etc/passwd HTTP/1.1", id="a way up"),
        pytest.param(b"GET /static/%2e%2e/chat.html HTTP/1.1", id="a way up, escaped"),
        pytest.param(b"GET / HTTP/0.9", id="an old version"),
        pytest.param(b"GET / HTTP/3.0", id="a version to come"),
        pytest.param(b"PRI * HTTP/2.0", id="the other protocol"),
        pytest.param(b"FOO / HTTP/1.1", id="a method nobody knows"),
        pytest.param(b"PROPFIND /callback/wechat HTTP/1.1", id="a rare method"),
    ],
)
def test_a_strange_request_line_gets_no_server_error(line: bytes, served: Served) -> None:
    with _connected(served) as connection:
        connection.sendall(line + b"\r\nHost: a\r\n\r\n")
        assert _status(connection) < 500


def test_a_head_without_an_end_is_cut_off(served: Served) -> None:
    with _connected(served) as connection:
        connection.sendall(HEAD)
        with pytest.raises(OSError, match=r"reset|Broken"):
            connection.sendall((b"X: " + b"x" * 1000 + b"\r\n") * 20_000)
    with _connected(served) as connection:
        padding = b"X: " + b"x" * (MAX_HEAD_BYTES - 2000) + b"\r\n"
        connection.sendall(_push(346).replace(b"Host: a\r\n", b"Host: a\r\n" + padding))
        assert _answers(connection, 1) == 1


def test_a_stop_answers_what_is_in_progress_and_waits_for_nobody_else(tmp_path: Path) -> None:
    with serving(tmp_path, ENVIRONMENT) as running:
        with _connected(running) as idle, _connected(running) as half, _connected(running) as beginning:
            idle.sendall(_push(350))
            assert _answers(idle, 1) == 1
            push = _push(351)
            half.sendall(push[:-10])
            beginning.sendall(push[:30])
            served = threading.Event()
            served.wait(0.2)
            started = time.monotonic()
            running.process.terminate()
            served.wait(0.3)
            half.sendall(push[-10:])
            assert _answers(half, 1) == 1
            _, logged = running.process.communicate(timeout=15)
        assert time.monotonic() - started < 9
        assert running.process.returncode == 0
        assert not re.search(r'"level": ?"error"', logged), logged
