"""gunicorn's threaded worker, which waits for a push without a thread and answers it without one where it can.

On SQLite the answers of a process follow each other anyway: there is one writer, and the rest is computing. So there
the pushes that have come in whole are answered, all together, by the thread that saw them come.
"""

from __future__ import annotations

import contextlib
import re
import socket
import struct
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Any

from gunicorn.glogging import Logger  # type: ignore[import-untyped]  # without types
from gunicorn.http.errors import (  # type: ignore[import-untyped]  # without types
    InvalidHeader,
    UnsupportedTransferCoding,
)
from gunicorn.workers.gthread import _DEFER, ThreadWorker  # type: ignore[import-untyped]  # without types

from triage.channels.wechat.callback import MAX_BODY_BYTES
from triage.cohort import together

_STALLED = 3
"""Seconds that a client may be silent while a thread reads from it or writes to it."""
_COHORT = 16
"""Pushes answered together at most; more gain little, and each waits for the others."""
_LONGEST_HEAD = 16 * 1024
"""Bytes of a head that are waited for without a thread."""
_PUSH = b"POST /callback/"
_OTHERWISE = (b"\r\ntransfer-encoding", b"\r\nexpect")
"""Headers of bodies that do not simply follow."""
_DRAINED = 64 * 1024
"""Bytes that are thrown away at most behind the last request of a connection."""
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,6})[ \t]*(?=\r\n|\Z)")


def awaited(begun: bytes) -> int | None:
    """How many bytes there must be, of which these are the first, until there is a whole push, or more is known.

    None for what is no push, or not one that is read to its end, or whose end is not plain to see.
    """
    head, end, _ = begun.partition(b"\r\n\r\n")
    if not end:
        is_head = begun[:1].isalpha() or not begun  # the beginning of TLS is none
        return len(begun) + 1 if is_head and len(begun) < _LONGEST_HEAD else None
    lower = head.lower()
    length = _LENGTH.search(lower)
    if not head.startswith(_PUSH) or length is None or int(length[1]) > MAX_BODY_BYTES:
        return None
    if lower.count(b"\r\ncontent-length") > 1 or any(sign in lower for sign in _OTHERWISE):
        return None
    return len(head) + len(end) + int(length[1])


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
    """Gives each request a thread when its head has come in, a push when all of it has."""

    def enqueue_req(self, conn: Any) -> None:
        if hasattr(conn, "undrained"):
            self._drain(conn)
            return
        if not conn.initialized:
            _limit(conn.sock)
        come, needed = _look(conn)
        if needed is None or not self.alive:
            super().enqueue_req(conn)
        elif come < needed:
            self.finish_request(conn, _Done(_DEFER))  # until there is more
        else:
            conn.data_ready = True
            self.answer(conn)

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
        if come == b"" or conn.undrained <= 0 or not self.alive:
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

    def accept(self, listener: socket.socket) -> None:
        """Accept all that wait, for their pushes belong together."""
        for _ in range(_COHORT):
            before = self.nr_conns
            super().accept(listener)
            if self.nr_conns == before or self.nr_conns >= self.worker_connections:
                return

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


def worker_for(database_url: str) -> type[Worker]:
    """The worker for a database."""
    return PromptWorker if database_url.startswith("sqlite") else Worker


class JsonLog(Logger):  # type: ignore[misc]  # without types
    """gunicorn's own words go the way of all others."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


def _limit(sock: socket.socket) -> None:
    pause = struct.pack("ll", _STALLED, 0)
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, pause)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, pause)


def _look(conn: Any) -> tuple[int, int | None]:
    """How many bytes have come in, and how many must (`awaited`); the poller keeps quiet until there are so many."""
    if conn.parser is not None and conn.parser.unreader.buf.getvalue():
        return 0, None  # it begins with what was read together with the request before
    asked = getattr(conn, "asked", 1)
    try:
        begun = conn.sock.recv(max(asked, _LONGEST_HEAD), socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return 0, 1
    except OSError:
        return 0, None
    needed = awaited(begun) if len(begun) >= asked else None  # fewer: the client has gone
    conn.asked = needed if needed is not None and needed > len(begun) else 1
    if conn.asked != asked:
        conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, conn.asked)
    return len(begun), needed
