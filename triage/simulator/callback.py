"""A sick callback: a real HTTP server on loopback that has one of the illnesses.

The caller's `now` is its clock, and a wait of n seconds lasts n / speed. It verifies what it receives as
any callback should, so a wrong signature is refused before the illness shows.
"""

from __future__ import annotations

import http.server
import socket
import socketserver
import struct
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from types import TracebackType
from urllib.parse import parse_qsl, urlsplit

from triage.channels.channel import Echo
from triage.channels.wechat.account import Account
from triage.channels.wechat.callback import receive
from triage.errors import BadMessageError, RefusedError, UnreadableMessageError
from triage.message import Message, Request
from triage.simulator.illnesses import HEALTHY, Illness, TransportFault
from triage.simulator.replies import ReceivedPush

LOOPBACK = "127.0.0.1"
_POLL = 0.02
_BACKLOG = 512
_MAX_QUEUE_WAIT = timedelta(seconds=30)
"""The longest that a push waits in the queue of a busy callback; a longer queue does not grow further."""
_IDLE_TIMEOUT = 60.0
"""Real seconds after which an idle connection is closed."""


class SickCallback:
    """Serves on a free port of loopback between enter and exit; `become` changes its illness meanwhile."""

    def __init__(
        self, illness: Illness, account: Account, now: Callable[[], datetime], *, speed: float = 1.0
    ) -> None:
        self.illness = illness
        self.account = account
        self.now = now
        self.speed = speed
        self.stopped = threading.Event()
        self._since = now()
        self._free_at = self._since
        self._server = _Server(self)
        self._thread: threading.Thread | None = None
        self._fillers: list[socket.socket] = []
        self._waits: dict[tuple[str, int], timedelta] = {}

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        return LOOPBACK, self._server.server_address[1]

    def __enter__(self) -> SickCallback:
        self._open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopped.set()
        self._empty()
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def become(self, illness: Illness) -> None:
        """Change the illness; a callback that listens goes on listening."""
        self.illness = illness
        self._since = self._free_at = self.now()
        self._open()

    def _open(self) -> None:
        """Listen as the illness has it: not at all, with a full queue, or well."""
        if self._thread is not None or self.illness.fault is TransportFault.REFUSES:
            return
        if self.illness.fault is TransportFault.NO_ROOM:
            self._fill()
            return
        self._empty()
        self._server.server_activate()
        self._thread = threading.Thread(target=self._server.serve_forever, args=(_POLL,), daemon=True)
        self._thread.start()

    def _fill(self) -> None:
        """Fill the queue of connections to accept: Linux then drops the SYN of the next ones, and they time out."""
        self._server.socket.listen(0)
        for _ in range(4):  # a backlog of 0 still takes one or two
            filler = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            filler.setblocking(False)
            filler.connect_ex(self.address)
            self._fillers.append(filler)

    def _empty(self) -> None:
        while self._fillers:
            self._fillers.pop().close()

    def current(self) -> Illness:
        """The illness while its spell lasts, then HEALTHY."""
        spell = self.illness.spell
        is_over = spell is not None and self.now() - self._since >= timedelta(minutes=spell)
        return HEALTHY if is_over else self.illness

    def queue(self) -> float:
        """Seconds that a push which arrives now waits for its turn. Call it in order of arrival."""
        capacity = self.current().capacity
        if capacity is None:
            return 0.0
        now = self.now()
        self._free_at = max(self._free_at, now)
        wait = self._free_at - now
        if wait < _MAX_QUEUE_WAIT:
            self._free_at += timedelta(seconds=1 / capacity)
        return wait.total_seconds()

    @property
    def has_room(self) -> bool:
        """Whether a connection is accepted or refused at once; without room it times out."""
        return not self._fillers

    def waited(self, client: tuple[str, int]) -> timedelta:
        """How long the illness has kept the push of this client address waiting, as far as known by now."""
        return self._waits.get(client, timedelta())

    def arrive(self, client: tuple[str, int]) -> None:
        """Note an accepted connection."""
        self._waits[client] = timedelta()

    def leave(self, client: tuple[str, int]) -> None:
        """Forget a connection that is about to end; a later one may come from the same address."""
        self._waits.pop(client, None)

    def pause(self, client: tuple[str, int], seconds: float) -> None:
        """Wait `seconds` of simulated time, or until the callback stops."""
        self._waits[client] = self.waited(client) + timedelta(seconds=seconds)
        if seconds > 0:
            self.stopped.wait(seconds / self.speed)

    def hold(self, client: tuple[str, int]) -> None:
        """Note that this client never gets an answer."""
        self._waits[client] = timedelta.max


_Connection = socket.socket | tuple[bytes, socket.socket]


class _Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """One thread for each connection; its turn in the queue is taken on arrival."""

    daemon_threads = True
    request_queue_size = _BACKLOG

    def __init__(self, callback: SickCallback) -> None:
        super().__init__((LOOPBACK, 0), _Handler, bind_and_activate=False)
        self.callback = callback
        self.turns: dict[tuple[str, int], float] = {}
        self.server_bind()

    def process_request(self, request: _Connection, client_address: tuple[str, int]) -> None:
        self.callback.arrive(client_address)
        self.turns[client_address] = self.callback.queue()
        super().process_request(request, client_address)

    def handle_error(self, request: _Connection, client_address: tuple[str, int]) -> None:
        """Ignore a peer that hung up, which is expected here; print any other error."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _Handler(http.server.BaseHTTPRequestHandler):
    """Reads a request and answers it as the illness has it."""

    server: _Server
    timeout = _IDLE_TIMEOUT

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
        """Log nothing: a URL may carry a signature."""

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        self._answer(self.rfile.read(int(length)) if length.isdecimal() else b"")

    def _answer(self, body: bytes) -> None:
        callback = self.server.callback
        illness = callback.current()
        wait = self.server.turns.pop(self.client_address, 0.0)
        if illness.fault is TransportFault.CLOSES:
            return
        if illness.fault is TransportFault.RESETS:
            self._reset()
            return
        if illness.fault is TransportFault.SILENT:
            self._hold()
            return
        status, reply = self._reply(illness, body)
        callback.pause(self.client_address, wait + illness.after)
        self._write(illness.fault, status, reply)

    def _reply(self, illness: Illness, body: bytes) -> tuple[int, bytes]:
        """Status and body: a wrong signature is refused, an echo answered, a push gets the illness's reply."""
        callback = self.server.callback
        query = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        message: Message | None = None
        if b"<transaction_id>" not in body:
            try:
                received = receive(Request(self.command, query, body), callback.account, callback.now())
            except RefusedError:
                return 403, b"forbidden"
            except UnreadableMessageError:
                return 200, b"success"
            except BadMessageError:
                return 400, b"bad request"
            if isinstance(received, Echo):
                return illness.status, received.text.encode()
            message = received
        pushed = ReceivedPush(body, message, callback.account, callback.now(), query.get("nonce", ""))
        return illness.status, illness.reply(pushed)

    def _write(self, fault: TransportFault, status: int, body: bytes) -> None:
        """Write the answer as raw bytes, so that no library corrects it."""
        if fault is TransportFault.NO_HTTP:
            self.wfile.write(b"hello\r\n")
            return
        head = f"HTTP/1.1 {status} \r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n"
        self.wfile.write(f"{head}Connection: close\r\n\r\n".encode())
        if fault is TransportFault.DRIPS:
            for byte in body:
                self.wfile.write(bytes([byte]))
                self.server.callback.pause(self.client_address, 1)
        elif fault in (TransportFault.BREAKS_OFF, TransportFault.CUT_SHORT):
            self.wfile.write(body[: len(body) // 2])
        else:
            self.wfile.write(body)
        if fault is TransportFault.BREAKS_OFF:
            self.server.callback.pause(self.client_address, 0.5)
            self._reset()

    def _reset(self) -> None:
        """Close with RST in place of FIN."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def _hold(self) -> None:
        """Keep the connection and say nothing until the other side gives up."""
        self.server.callback.hold(self.client_address)
        with suppress(OSError):
            while self.connection.recv(4096):
                pass
