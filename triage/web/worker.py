"""gunicorn's threaded worker, which waits for a push without a thread and answers it without one where it can.

On SQLite the answers of a process follow each other anyway: there is one writer, and the rest is computing. So there
the pushes that have come in whole are answered, all together, by the thread that saw them come.
"""

from __future__ import annotations

import contextlib
import enum
import re
import socket
import struct
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Any

from gunicorn.http.errors import (  # type: ignore[import-untyped]  # without types
    InvalidHeader,
    UnsupportedTransferCoding,
)
from gunicorn.workers.gthread import _DEFER, ThreadWorker  # type: ignore[import-untyped]  # without types

from triage.cohort import together

_STALLED = 3
"""Seconds that a client may be silent in the middle of a request that is no push."""
_COHORT = 16
"""Pushes answered together at most; more gain little, and each waits for the others."""
_LOOK = 16 * 1024
"""Bytes that are looked at; a push is seldom longer."""
_PUSH = b"POST /callback/"
_DRAINED = 64 * 1024
"""Bytes that are thrown away at most behind the last request of a connection."""
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,5})[ \t]*(?=\r\n|\Z)")


class Come(enum.Enum):
    """How much of a push has come in; `OTHER` is no push, or one whose end is not plain to see."""

    WHOLE = enum.auto()
    BEGUN = enum.auto()
    OTHER = enum.auto()


def how_much(begun: bytes) -> Come:
    """What the first bytes on a connection are."""
    if len(begun) >= _LOOK or not (begun.startswith(_PUSH) or _PUSH.startswith(begun)):
        return Come.OTHER
    head, end, body = begun.partition(b"\r\n\r\n")
    if not end:
        return Come.BEGUN
    head = head.lower()
    length = _LENGTH.search(head)
    if length is None or head.count(b"\r\ncontent-length") > 1 or b"\r\ntransfer-encoding" in head:
        return Come.OTHER
    return Come.WHOLE if len(body) >= int(length[1]) else Come.BEGUN


@dataclass(frozen=True, slots=True)
class _Done:
    """What a thread would have promised."""

    kept: object

    def result(self) -> object:
        return self.kept

    def cancelled(self) -> bool:
        return False

    def exception(self) -> None:
        return None


class Worker(ThreadWorker):  # type: ignore[misc]  # without types
    """Gives each request a thread, a push when it has come in whole, so that no client holds one by being slow."""

    def enqueue_req(self, conn: Any) -> None:
        if hasattr(conn, "undrained"):
            self._drain(conn)
            return
        if not conn.initialized:
            _limit(conn.sock)
        come = _look(conn)
        if come is Come.WHOLE:
            conn.data_ready = True
            self.answer(conn)
        elif come is Come.BEGUN and self.alive:
            self.finish_request(conn, _Done(_DEFER))  # until there is more
        else:
            super().enqueue_req(conn)

    def answer(self, conn: Any) -> None:
        """Answer a push that has come in whole."""
        super().enqueue_req(conn)

    def finish_request(self, conn: Any, fs: Future[object] | _Done) -> None:
        """What comes behind an answer. Where it was the last one, gunicorn itself would wait until the client closes
        its side too, and let everybody else wait as long."""
        if fs.cancelled() or fs.exception() or fs.result():
            super().finish_request(conn, fs)
            return
        conn.undrained = _DRAINED
        with contextlib.suppress(OSError):
            conn.sock.shutdown(socket.SHUT_WR)
        self._drain(conn)

    def _drain(self, conn: Any) -> None:
        """Throw away what still comes in, or the client might lose our answer; close when it has closed, too."""
        try:
            come = conn.sock.recv(_DRAINED, socket.MSG_DONTWAIT)
        except BlockingIOError:
            come = None
        except OSError:
            come = b""
        conn.undrained -= len(come or b"")
        if come == b"" or conn.undrained <= 0:
            self.nr_conns -= 1
            conn.close()
        else:
            super().finish_request(conn, _Done(_DEFER))

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: Exception) -> None:
        """Refuse a request; one in a coding that nobody speaks is the client's mistake, no 501 of ours."""
        if isinstance(exc, UnsupportedTransferCoding):
            exc = InvalidHeader(exc.hdr)
        super().handle_error(req, client, addr, exc)

    def _cap_keepalive(self, deadline: float) -> None:
        """When it stops, it waits no longer for what is begun than for what may begin."""
        super()._cap_keepalive(deadline)
        for conn in self.pending_conns:
            conn.timeout = min(conn.timeout, deadline)


class PromptWorker(Worker):
    """Answers the pushes that have come in by now together; for a database that lets one answer follow the other."""

    def init_process(self) -> None:
        self._come: deque[Any] = deque()
        super().init_process()

    def answer(self, conn: Any) -> None:
        """Answer a push that has come in whole."""
        self._come.append(conn)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        super().wait_for_and_dispatch_events(timeout)
        while self._come:
            cohort = [self._come.popleft() for _ in range(min(_COHORT, len(self._come)))]
            together(partial(self._answer, conn) for conn in cohort)

    def _answer(self, conn: Any) -> None:
        self.finish_request(conn, _Done(self.handle(conn)))


def _limit(sock: socket.socket) -> None:
    pause = struct.pack("ll", _STALLED, 0)
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, pause)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, pause)


def _look(conn: Any) -> Come:
    """What there is to read; the poller is told to say no more until that grows."""
    if conn.parser is not None and conn.parser.unreader.buf.getvalue():
        return Come.OTHER  # it begins with what was read together with the request before
    try:
        begun = conn.sock.recv(_LOOK, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return Come.BEGUN
    except OSError:
        return Come.OTHER
    waited_for = getattr(conn, "waited_for", 1)
    come = how_much(begun) if len(begun) >= waited_for else Come.OTHER  # else the client has gone
    conn.waited_for = len(begun) + 1 if come is Come.BEGUN else 1
    if conn.waited_for != waited_for:
        conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, conn.waited_for)
    return come
