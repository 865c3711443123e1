"""Pushes beside a picture that is being read: `python -m bench.pictures`, three minutes."""

from __future__ import annotations

import secrets
import statistics
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from bench.load import Result, push, run
from bench.servers import ACCOUNT, TRIAGE, Server, serving
from bench.table import Row, show
from triage.store import OutgoingKind, OutgoingState, Store

_RATE = 50.0
"""Pushes a second."""
_SECONDS = 10
_ROUNDS = 5
_PICTURES = 30
"""That are sent before each round: more than are read in it."""
_PICTURE = Path(__file__).parent.parent / "tests/data/pictures/pale_bubbles.jpg"


def main() -> int:
    """Print the table; 1 if a goal is missed."""
    with tempfile.TemporaryDirectory() as name, _platform() as address:
        folder = Path(name)
        database = f"sqlite:///{folder / 'bench.db'}"
        with serving(TRIAGE, folder, TRIAGE_DATABASE_URL=database, TRIAGE_WECHAT_API_URL=address) as server:
            return show(_rows(server, database, f"{address}/picture"))


def _rows(server: Server, database: str, picture: str) -> list[Row]:
    """Alone and beside pictures by turns, the first of which warm up."""
    alone: list[Result] = []
    beside: list[Result] = []
    read = 0
    with closing(Store.open(database)) as store:
        for _ in range(_ROUNDS + 1):
            alone.append(_load(server))
            sent = {"PicUrl": picture, "MediaId": ""}
            run([server.port], [push(ACCOUNT, "image", sent) for _ in range(_PICTURES)], connections=1)
            before = _waiting(store)
            beside.append(_load(server))
            read += before - _waiting(store)
            _forget(store)
    quiet, busy = (statistics.median(result.p99 for result in results[1:]) for results in (alone, beside))
    failures = sum(result.failures for result in (*alone, *beside))
    at = f"at {_RATE:.0f} pushes a second"
    return [
        ("pictures read beside, a second", read / (_ROUNDS + 1) / _SECONDS, "shown", True),
        (f"p99 {at}, milliseconds", quiet * 1000, "shown", True),
        (f"p99 {at} while a picture is read, milliseconds", busy * 1000, "shown", True),
        (f"p99 {at} while a picture is read: without = 1", busy / quiet, "at most 2", busy / quiet <= 2),
        ("answers that were no 200", failures, "0", failures == 0),
    ]


def _load(server: Server) -> Result:
    return server.at_rate(secrets.randbelow(2**31), int(_SECONDS * _RATE), _RATE)


def _waiting(store: Store) -> int:
    rows = store.outbox.rows([OutgoingState.DUE], 1000)
    return sum(row.kind is OutgoingKind.PICTURE for row in rows)


def _forget(store: Store) -> None:
    """What is still to be read, and the incidents of the load."""
    store.purge(datetime.max.replace(tzinfo=UTC))


@contextmanager
def _platform() -> Iterator[str]:
    """A server that gives out the picture."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Picture) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


class _Picture(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """The picture, whatever is asked for."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(_PICTURE.read_bytes())

    def log_message(self, *args: object) -> None:
        """Nothing: the table says it all."""


if __name__ == "__main__":
    sys.exit(main())
