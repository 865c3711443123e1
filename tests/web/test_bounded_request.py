"""A request that does not become whole in time ends its connection; one that has become so is timed no more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvicorn

from triage.web.http import read_body
from triage.web.serving import bounded_request
from triage.web.serving.bounded_request import BoundedRequest

SECONDS = 0.3
WHOLE = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab"
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


async def _app(scope: Any, receive: Any, send: Any) -> None:
    await read_body(scope, receive, 10)
    head = [(b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": b"ok"})


def _talk(client: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]) -> None:
    """Let a client talk to a server of these requests."""

    async def talk() -> None:
        config = uvicorn.Config(_app, lifespan="off", log_config=None, server_header=False, date_header=False)
        config.load()
        server = uvicorn.Server(config)
        state = server.server_state
        listening = await asyncio.get_running_loop().create_server(
            lambda: BoundedRequest(config, state, {}), "127.0.0.1", 0
        )
        async with listening, asyncio.timeout(20):
            reader, writer = await asyncio.open_connection(*listening.sockets[0].getsockname())
            await client(reader, writer)
            writer.close()

    asyncio.run(talk())


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_request, "REQUEST_SECONDS", SECONDS)


@pytest.mark.parametrize("before", [b"", WHOLE], ids=["the first", "a further one"])
@pytest.mark.parametrize(
    "part", [WHOLE[:10], WHOLE[:-2], WHOLE[:-1]], ids=["half a head", "a head alone", "half a body"]
)
def test_a_part_of_a_request_ends_the_connection(before: bytes, part: bytes) -> None:
    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(before + part)
        assert await reader.read() == (ANSWER if before else b"")

    _talk(client)


def test_nothing_at_all_ends_the_connection() -> None:
    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.read() == b""

    _talk(client)


def test_a_byte_now_and_then_gains_no_time() -> None:
    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reading = asyncio.create_task(reader.read())
        for byte in WHOLE * 10:
            if reading.done():
                break
            writer.write(bytes([byte]))
            await asyncio.sleep(SECONDS / 4)
        assert await reading == b""

    _talk(client)


@pytest.mark.parametrize("before", [b"", WHOLE], ids=["at first", "behind a request"])
def test_blank_lines_alone_keep_no_connection(before: bytes) -> None:
    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(before)
        if before:
            await reader.readexactly(len(ANSWER))
        reading = asyncio.create_task(reader.read())
        for _ in range(10):
            if reading.done():
                break
            writer.write(b"\r\n")
            await asyncio.sleep(SECONDS / 4)
        assert await reading == b""

    _talk(client)


def test_who_has_sent_a_request_may_send_another_one_later() -> None:
    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for pieces in ([WHOLE], [WHOLE[:50], WHOLE[50:]], [WHOLE[:-1], WHOLE[-1:]]):
            for piece in pieces:
                writer.write(piece)
                await asyncio.sleep(SECONDS / 10)
            assert await reader.readexactly(len(ANSWER)) == ANSWER
            await asyncio.sleep(2 * SECONDS)

    _talk(client)
