"""A way to a server that can be blocked, held and delayed."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress

from sqlalchemy.engine import make_url


class Road:
    """A port that leads to a server, until it is closed, or nothing moves on it any more."""

    def __init__(self, url: str) -> None:
        self._moving = threading.Event()
        self._moving.set()
        self.ends_behind_login = False
        self.delay = 0.0
        self.connections = 0
        parsed = make_url(url)
        self._target = (
            parsed.host or "",
            parsed.port or {"postgresql": 5432}.get(parsed.get_backend_name(), 3306),
        )
        self._open: list[socket.socket] = []
        self.port = 0
        self.unblock()
        self.url = parsed.set(host="127.0.0.1", port=self.port).render_as_string(hide_password=False)

    def unblock(self) -> None:
        listener = socket.create_server(("127.0.0.1", self.port))
        self.port = listener.getsockname()[1]
        self._open = [listener]
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def block(self) -> None:
        for each in self._open:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def hold(self) -> None:
        self._moving.clear()

    def release(self) -> None:
        self._moving.set()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            self.connections += 1
            far = socket.create_connection(self._target)
            self._open += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(source, sink), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                self._moving.wait()
                time.sleep(self.delay)
                if self.ends_behind_login and b"Z\0\0\0\5" in data:  # PostgreSQL's "ready for a query"
                    sink.sendall(data)
                    while source.recv(65536):  # swallowed
                        pass
                    return
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            return
