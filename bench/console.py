"""Every page of the console with 20,000 incidents of 100,000 alerts in the store, in times of a store with one.

The page of open incidents shows some with the full store and none with the other, and takes longer for that alone: it
is also set against a store of the open ones and nothing else.
"""

from __future__ import annotations

import http.client
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.progress import track

from bench.table import Row, show
from tests.support.console_pages import addresses
from tests.support.full_store import FULL, Size, fill
from tests.support.service import Served, serving
from triage.incidents.weeks import Week
from triage.settings.model import Settings
from triage.store import Store
from triage.web.app import make_app

_ONE = Size(incidents=1, alerts=5, days=1)
_OPEN = Size(incidents=FULL.incidents // FULL.one_open_in, alerts=2_000, one_open_in=1)
"""As many open incidents as the full store has."""
_NOW = "/now"
_ROUNDS = 41
_INCIDENT = 9_999
"""A closed one, amid the others."""


@dataclass(frozen=True, slots=True)
class Timed:
    """A page of both stores: the middle of its times in seconds."""

    name: str
    one: float
    full: float


def main() -> int:
    """Print the table; 1 if a goal is missed."""
    now = datetime.now(UTC)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with (
            _served(folder, "one", _ONE, now) as one,
            _served(folder, "full", FULL, now) as full,
            _served(folder, "open", _OPEN, now) as still_open,
        ):
            pages = _pages(folder)
            timed = [_timed(page, one, full) for page in track(pages, "measuring", transient=True)]
            alike = _timed(_NOW, still_open, full)
            cold = _cold(full, Week.of(now))
    rows: list[Row] = []
    for page in timed:
        ratio = page.full / page.one
        rows.append((f"{page.name}, milliseconds with a full store", page.full * 1000, "shown", True))
        rows.append(
            (f"{page.name}, in times of a store with one incident", ratio, "at most 1.5", ratio <= 1.5)
        )
    ratio = alike.full / alike.one
    rows.append(
        (f"{_NOW}, in times of a store of its open incidents alone", ratio, "at most 1.5", ratio <= 1.5)
    )
    return show([*rows, ("a week that nobody has looked at, milliseconds", cold * 1000, "shown", True)])


@contextmanager
def _served(folder: Path, name: str, size: Size, now: datetime) -> Iterator[Served]:
    url = f"sqlite:///{folder / name}.db"
    Store.open(url, upgrade=True).close()
    fill(url, now, size)
    environment = {"TRIAGE_DATABASE_URL": url, "TRIAGE_LOG_LEVEL": "warning"}  # the demo shows every account
    with serving(folder, environment) as server:
        yield server


def _pages(folder: Path) -> Sequence[str]:
    """The address of each page; `1` stands for the incident."""
    settings = Settings.model_validate({"database_url": f"sqlite:///{folder / 'one.db'}", "demo": True})
    return list(addresses(make_app(settings).pages, 1))


def _timed(page: str, one: Served, full: Served) -> Timed:
    """In turns, so that a slow moment of the machine hits both; the first round warms them up."""
    servers = ((one, page), (full, page.replace("/1", f"/{_INCIDENT}") if "/incidents/" in page else page))
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(_ROUNDS):
        for which, (server, address) in enumerate(servers):
            times[which].append(_get(server, address))
    return Timed(page.replace("/1", "/N"), *(statistics.median(taken[1:]) for taken in times))


def _cold(full: Served, week: Week) -> float:
    """The figures of each of these weeks are counted for the first time."""
    taken = []
    for _ in range(12):
        week = week.before
        taken.append(_get(full, f"/week?week={week}"))
    return statistics.median(taken)


def _get(server: Served, address: str) -> float:
    """Seconds until a page is here whole; it must be there, or lead to another, as signing in does in the demo."""
    started = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request("GET", address)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    if answer.status not in (200, 303):
        raise AssertionError(f"{address}: {answer.status}")
    return time.perf_counter() - started


if __name__ == "__main__":
    sys.exit(main())
