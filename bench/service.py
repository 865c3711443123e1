"""The service against a bare echo: throughput, answer times, slow clients, two nodes, a full store, memory.

`python -m bench.service` takes some minutes; `--soak` adds five minutes at 70 % of saturation, `--servers` compares
servers under the same application instead. What stands here as one process is one: the service has no workers.
"""

from __future__ import annotations

import argparse
import contextlib
import secrets
import socket
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from bench.caches import slowness_after_pause
from bench.load import Result, pushes, run
from bench.servers import ACCOUNT, ECHO, POSTGRESQL, TRIAGE, Server, postgresql_schema, serving
from bench.table import Row, show
from triage.incidents.correlation import Reason, Sighting, key_of
from triage.message import Message, MessageKind, Person
from triage.store import Change, Entry, Store

_MANY, _FEW = 16, 4
"""Connections."""
_ROUNDS = 6
_PUSHES = 2_000
_RATE = 200.0
"""Pushes a second where answer times are measured: far below saturation, far above any account."""
_SECONDS = 7
"""Of that. A checkpoint follows about 1,000 pushes; in rounds of as many it would always fall between two."""
_FULL = 20_000
_SLOW_CLIENTS = 200
_SOAK_SECONDS = 300
_SOAK_RATE = 0.7


def main() -> int:
    """Print the table; 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--soak", action="store_true", help="add five minutes at 70 %% of saturation")
    parser.add_argument("--servers", action="store_true", help="compare servers under the same application")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if chosen.servers:
            return show(_compare_servers(folder))
        rows = _against_echo(folder, soak=chosen.soak)
        rows += _nodes(folder)
    cold = slowness_after_pause()
    return show([*rows, ("a walk through memory after 4 ms without work: at once = 1", cold, "shown", True)])


def _in_turns(servers: Sequence[Server], measure: Callable[[Server, int], Result]) -> list[list[Result]]:
    """Every server runs all the time and is loaded in its turn, so that a slow minute of the machine hits all.

    The results of each server; the first round, which warms them up, is left out.
    """
    results: list[list[Result]] = [[] for _ in servers]
    for turn in range(_ROUNDS + 1):
        order = range(len(servers)) if turn % 2 else reversed(range(len(servers)))
        for which in order:
            results[which].append(measure(servers[which], secrets.randbelow(2**31)))
    return [taken[1:] for taken in results]


def _against_echo(folder: Path, *, soak: bool) -> list[Row]:
    """Each alert of the load opens an incident; those of the empty store are forgotten before its next turn."""
    empty, filled = (f"sqlite:///{folder / name}.db" for name in ("empty", "filled"))
    with (
        serving(ECHO, folder) as echo,
        serving(TRIAGE, folder, TRIAGE_DATABASE_URL=empty) as ours,
        serving(TRIAGE, folder, TRIAGE_DATABASE_URL=filled) as full,
    ):
        _fill(filled)
        servers = (echo, ours, full)

        def saturate(connections: int) -> list[list[Result]]:
            def measure(server: Server, seed: int) -> Result:
                if server is ours:
                    _forget(empty)
                return server.saturate(seed, _PUSHES, connections)

            return _in_turns(servers, measure)

        many, few = saturate(_MANY), saturate(_FEW)
        timed = _in_turns(
            servers[:2], lambda server, seed: server.at_rate(seed, int(_SECONDS * _RATE), _RATE)
        )
        failures = sum(result.failures for taken in (*many, *few, *timed) for result in taken)
        rows = [
            *_shares(many, few),
            *_times(timed),
            ("answers that were no 200", failures, "0", failures == 0),
        ]
        rows += _beside_slow_clients(ours)
        rows += _soak(full, _rate(many[2])) if soak else []
    return rows


def _rate(results: Sequence[Result]) -> float:
    return statistics.median(result.rate for result in results)


def _shares(many: Sequence[Sequence[Result]], few: Sequence[Sequence[Result]]) -> list[Row]:
    rows: list[Row] = []
    for connections, results, goal in ((_MANY, many, 0.75), (_FEW, few, 0.7)):
        echo, ours, _ = map(_rate, results)
        share, among = ours / echo, f"with {connections} connections"
        rows += [
            (f"echo {among}, pushes per second", echo, "shown", True),
            (f"triage {among}, pushes per second", ours, "shown", True),
            (f"throughput {among}: echo = 1", share, f"at least {goal}", share >= goal),
        ]
    change = _rate(many[2]) / _rate(many[1])
    return [
        *rows,
        (f"throughput with {_FULL:,} incidents: empty store = 1", change, "0.9 or more", change >= 0.9),
    ]


def _times(results: Sequence[Sequence[Result]]) -> list[Row]:
    echo, ours = (statistics.median(result.p99 for result in taken) for taken in results)
    at = f"at {_RATE:.0f} pushes a second"
    return [
        (
            f"p50 {at}, milliseconds",
            statistics.median(item.median for item in results[1]) * 1000,
            "shown",
            True,
        ),
        (f"p99 {at}, milliseconds", ours * 1000, "shown", True),
        (f"p99 {at}: echo = 1", ours / echo, "at most 1.5", ours / echo <= 1.5),
    ]


# -- slow clients

_HEAD = b"POST /callback/wechat?signature=1 HTTP/1.1\r\nHost: a\r\n"
_SLOW = (
    _HEAD[:-10],
    _HEAD + b"X: ",
    _HEAD + b"Content-Length: 100000\r\n\r\n<xml>",
    _HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n",
    _HEAD + b"Content-Length: 100000\r\nExpect: 100-continue\r\n\r\n",
    b"POST /api/triage HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n{",
    b"\x16",
    b"",
)


@contextlib.contextmanager
def _slow_clients(server: Server) -> Iterator[None]:
    """Clients that send a byte now and then, and come again when they are cut off."""
    done = threading.Event()

    def crowd() -> None:
        clients: list[socket.socket | None] = [None] * _SLOW_CLIENTS
        while not done.wait(0.05):
            for number, client in enumerate(clients):
                clients[number] = _trickle(client, server.port, _SLOW[number % len(_SLOW)])
        for client in clients:
            if client is not None:
                client.close()

    thread = threading.Thread(target=crowd)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _trickle(client: socket.socket | None, port: int, begun: bytes) -> socket.socket | None:
    try:
        if client is None:
            client = socket.create_connection(("127.0.0.1", port), timeout=2)
            client.sendall(begun)
        elif begun:
            client.sendall(b"x")
    except OSError:
        if client is not None:
            client.close()
        return None
    return client


def _beside_slow_clients(server: Server) -> list[Row]:
    """Twenty seconds of pushes beside slow clients, who are cut off and come again."""
    before = server.megabytes
    with _slow_clients(server):
        time.sleep(1)
        result = server.at_rate(7, 1_000, 50)
    worst, grown = max(result.seconds), server.megabytes - before
    among = f"among {_SLOW_CLIENTS} slow clients"
    return [
        (f"slowest of 1,000 pushes {among}, seconds", worst, "at most 0.5", worst <= 0.5),
        (f"answers that were no 200 {among}", result.failures, "0", result.failures == 0),
        (f"growth in memory {among}, MB", grown, "at most 5", grown <= 5),
    ]


# -- two nodes


def _nodes(folder: Path) -> list[Row]:
    """One node and two on the same database, each a process, loaded in turns."""
    with postgresql_schema() as url:
        if url is None:
            print(f"{POSTGRESQL} names no server: two nodes are not compared")
            return []
        Store.open(url, upgrade=True).close()
        with (
            serving(TRIAGE, folder, TRIAGE_DATABASE_URL=url) as first,
            serving(TRIAGE, folder, TRIAGE_DATABASE_URL=url) as second,
        ):
            results: dict[int, list[Result]] = {1: [], 2: []}
            for turn in range(_ROUNDS + 1):
                for nodes in (1, 2) if turn % 2 else (2, 1):
                    ports = [first.port, second.port][:nodes]
                    load = pushes(ACCOUNT, _PUSHES, secrets.randbelow(2**31))
                    taken = run(ports, load, connections=_MANY * nodes)
                    if turn:
                        results[nodes].append(taken)
    one, two = _rate(results[1]), _rate(results[2])
    failures = sum(result.failures for taken in results.values() for result in taken)
    return [
        ("one node on PostgreSQL, pushes per second", one, "shown", True),
        ("two nodes on one PostgreSQL: one node = 1", two / one, "at least 1.6", two / one >= 1.6),
        ("nodes, answers that were no 200", failures, "0", failures == 0),
    ]


# -- a full store, and five minutes


def _fill(url: str) -> None:
    """Twenty thousand incidents of the last month, one alert each."""
    store = Store.open(url)
    now = datetime.now(UTC)
    who = Person("wechat", "", "o")
    base = Sighting(
        "", "request_timeout", "请求超时", 1, None, "示例", None, None, "Click", None, 40, (), who, now
    )
    for number in range(_FULL):
        seen = now - timedelta(minutes=2 * number)
        callback, appid = f"https://{number}.example.cn/wx", f"wx{number:016x}"
        sighting = replace(
            base, digest=secrets.token_hex(16), appid=appid, callback=callback, first_seen=seen, seen_at=seen
        )
        message = Message("wechat", "", "o", "gh", MessageKind.TEXT, 0, f"fill{number}", "filled")
        change = Change(key_of(sighting), None, Reason.OPENED)
        store.record(Entry(message, seen, "reply", ((sighting, change),)))
    store.close()


def _forget(url: str) -> None:
    store = Store.open(url)
    store.purge(datetime.now(UTC) + timedelta(days=1))
    store.close()


def _soak(server: Server, saturation: float) -> list[Row]:
    """Five minutes at 70 % of saturation: the worst answer, and what the process holds at the start and the end."""
    rate = _SOAK_RATE * saturation
    worst, failures, memory = 0.0, 0, [server.megabytes]
    end = time.monotonic() + _SOAK_SECONDS
    while time.monotonic() < end:
        result = server.at_rate(secrets.randbelow(2**31), int(rate * 10), rate)
        worst, failures = max(worst, *result.seconds), failures + result.failures
        memory.append(server.megabytes)
    growth = memory[-1] - memory[len(memory) // 5]
    return [
        ("soak, slowest answer in seconds", worst, "at most 1", worst <= 1),
        ("soak, answers that were no 200", failures, "0", failures == 0),
        ("soak, resident memory, MB", max(memory), "at most 120", max(memory) <= 120),
        ("soak, growth in its last four fifths, MB", growth, "at most 5", growth <= 5),
    ]


# -- other servers

_UVICORN = (
    *(sys.executable, "-m", "uvicorn", "bench.asgi:app", "--port", "PORT", "--no-access-log"),
    *("--log-level", "warning", "--timeout-keep-alive", "15"),
)
_GRANIAN = (
    *(sys.executable, "-m", "granian", "--interface", "asgi", "--no-ws", "--port", "PORT"),
    *("--log-level", "warning", "bench.asgi:app"),
)
_SERVERS: Mapping[str, tuple[Sequence[str], Mapping[str, str]]] = {
    "triage serve": (TRIAGE, {}),
    "uvicorn": (_UVICORN, {}),
    "uvicorn, each push on a thread": (_UVICORN, {"BENCH_THREADS": "1"}),
    "granian": (_GRANIAN, {}),
}


def _compare_servers(folder: Path) -> list[Row]:
    """The same application under each server, as a share of the echo."""
    rows: list[Row] = []
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(serving(ECHO, folder))]
        for number, (command, environment) in enumerate(_SERVERS.values()):
            url = f"sqlite:///{folder / str(number)}.db"
            servers.append(
                stack.enter_context(serving(command, folder, TRIAGE_DATABASE_URL=url, **environment))
            )
        for connections in (_MANY, _FEW):
            saturate = partial(_saturate, connections)
            echo, *rates = map(_rate, _in_turns(servers, saturate))
            rows += [
                (f"{name} with {connections} connections: echo = 1", rate / echo, "shown", True)
                for name, rate in zip(_SERVERS, rates, strict=True)
            ]
    return rows


def _saturate(connections: int, server: Server, seed: int) -> Result:
    return server.saturate(seed, _PUSHES, connections)


if __name__ == "__main__":
    sys.exit(main())
