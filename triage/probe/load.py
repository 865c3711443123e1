"""Measures answer times: many pushes over kept connections, at a rate or as fast as possible.

A time runs from the first byte of a request to the last byte of its answer; it does not include composing, judging and
connecting.
"""

from __future__ import annotations

import math
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime

from triage.channels.wechat.account import Account
from triage.probe.connection import TIMEOUT, Connection
from triage.probe.guard import Guard, parse_target
from triage.probe.push import Exchange, Platform, SamplePush, find_sample_push
from triage.probe.report import Times, is_serious, times_of
from triage.probe.resolver import find_address

_MAX_CONNECTIONS = 64


@dataclass(frozen=True, slots=True)
class Load:
    """The outcome of a load run: the seconds of each answer, the seconds in all, and one exchange for each fault."""

    seconds: tuple[float, ...]
    wall: float
    pushes: int
    failed: int
    faults: Mapping[str, int]
    """How often each finding was made, by its id."""
    samples: tuple[Exchange, ...]

    @property
    def times(self) -> Times | None:
        return times_of(self.seconds)

    @property
    def rate(self) -> float:
        """Pushes per second, failed ones included."""
        return self.pushes / self.wall if self.wall else 0.0


@dataclass(slots=True)
class _Tally:
    """The outcomes on one connection."""

    seconds: list[float] = field(default_factory=list)
    pushes: int = 0
    failed: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    samples: dict[str, Exchange] = field(default_factory=dict)

    def add(self, exchange: Exchange) -> None:
        self.pushes += 1
        if exchange.answer:
            self.seconds.append(exchange.answer.seconds)
        self.failed += is_serious(exchange.findings)
        if exchange.findings:
            self.faults.update(finding.id for finding in exchange.findings)
            self.samples.setdefault(exchange.findings[0].id, exchange)


def measure(
    url: str,
    account: Account,
    count: int,
    *,
    push: str = "text",
    mode: str = "safe",
    rate: float | None = None,
    connections: int = 1,
    allow_private: bool = False,
    timeout: float = TIMEOUT,
) -> Load:
    """Push `count` times to a URL that the operator named. Raises InputError, ForbiddenError, UnreachableError."""
    target = parse_target(url)
    guard = Guard(frozenset({target.host}), allow_private)
    address = find_address(target, guard)

    tls = ssl.create_default_context() if target.scheme == "https" else None

    def open_connection() -> Connection:
        return Connection(target, address, guard, timeout=timeout, tls=tls)

    return run(
        open_connection, account, find_sample_push(push), count, mode=mode, rate=rate, connections=connections
    )


def run(
    open_connection: Callable[[], Connection],
    account: Account,
    push: SamplePush,
    count: int,
    *,
    mode: str = "safe",
    rate: float | None = None,
    connections: int = 1,
    gh: str | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    tick: Callable[[], None] = lambda: None,
) -> Load:
    """Push `count` times over `connections` at once; `rate` is pushes a second in all, `tick` is called after each."""
    connections = max(1, min(connections, count, _MAX_CONNECTIONS))
    pace = 1 / rate if rate else 0.0
    stop = threading.Event()
    start = time.perf_counter()

    def work(first: int) -> _Tally:
        tally = _Tally()
        with open_connection() as connection:
            platform = Platform(account, connection, mode, gh=gh, clock=clock)
            for number in range(first, count, connections):
                if (
                    pace and stop.wait(max(0.0, start + number * pace - time.perf_counter()))
                ) or stop.is_set():
                    break
                tally.add(platform.send(push))
                tick()
        return tally

    with ThreadPoolExecutor(connections) as pool:
        try:
            tallies = [
                future.result() for future in [pool.submit(work, first) for first in range(connections)]
            ]
        finally:
            stop.set()
    return _load(tallies, time.perf_counter() - start)


def _load(tallies: Iterable[_Tally], wall: float) -> Load:
    total = _Tally()
    for tally in tallies:
        total.seconds += tally.seconds
        total.pushes += tally.pushes
        total.failed += tally.failed
        total.faults.update(tally.faults)
        total.samples = {**tally.samples, **total.samples}
    samples = tuple(total.samples.values())
    return Load(tuple(total.seconds), wall, total.pushes, total.failed, dict(total.faults), samples)


def connections_for(rate: float, longest: float = TIMEOUT) -> int:
    """How many connections keep up the rate even if every answer takes `longest` seconds."""
    return max(1, min(_MAX_CONNECTIONS, math.ceil(rate * longest)))
