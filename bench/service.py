"""The service against a bare echo under the same gunicorn: throughput, answer times, a full store, memory.

`python -m bench.service` takes a minute; `--soak` adds a five-minute run at 70 % of saturation, `--models`
compares worker models instead.
"""

from __future__ import annotations

import argparse
import os
import secrets
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.load import Result, pushes, run
from bench.table import Row, show
from triage.channels.wechat.account import Account
from triage.incidents.correlation import Reason, Sighting, key_of
from triage.message import Message, MessageKind, Person
from triage.store import Change, Entry, Store

WORKERS, THREADS, CONNECTIONS = 2, 4, 16
_FEW = 4
"""Connections for the rounds that show what fewer pushes at a time change."""
ACCOUNT = Account("wx0123456789abcdef", "benchtoken", "A" * 43)
_ROUNDS = 6
_PUSHES = 4_000
_FULL = 20_000
_SOAK_SECONDS = 300
_SOAK_RATE = 0.7
_OURS = "triage.web.serving.worker.PromptWorker"
_MODELS = (("sync", 1), ("gthread", 2), ("gthread", 4), ("gthread", 8), (_OURS, 4))


def main() -> int:
    """Print the tables; 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--soak", action="store_true", help="add five minutes at 70 %% of saturation")
    parser.add_argument("--models", action="store_true", help="compare worker models")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if chosen.models:
            return show(_compare_models(Path(folder)))
        rows = _against_echo(Path(folder), soak=chosen.soak)
    return show(rows)


@contextmanager
def _serving(command: list[str], folder: Path, **extra: str) -> Iterator[tuple[int, int]]:
    """A server in a process of its own; its port and process id."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    environment = {
        **os.environ,
        "TRIAGE_WECHAT_APPID": ACCOUNT.appid,
        "TRIAGE_WECHAT_TOKEN": ACCOUNT.token,
        "TRIAGE_WECHAT_AES_KEY": ACCOUNT.aes_key or "",
        "TRIAGE_LOG_LEVEL": "warning",
        "PYTHONPATH": str(Path(__file__).parent.parent),
        **extra,
    }
    arguments = [part.replace("PORT", str(port)) for part in command]
    process = subprocess.Popen(arguments, cwd=folder, env=environment, stdout=subprocess.DEVNULL)
    try:
        _wait_for(port, process)
        yield port, process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}")
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1)
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("the server does not answer")


def _echo(worker_class: str = "gthread", threads: int = THREADS) -> list[str]:
    gunicorn = [
        sys.executable,
        "-m",
        "gunicorn",
        "bench.echo:app",
        "--bind",
        "127.0.0.1:PORT",
        "--keep-alive",
        "15",
    ]
    return [*gunicorn, "--workers", str(WORKERS), "--worker-class", worker_class, "--threads", str(threads)]


def _triage() -> list[str]:
    return [sys.executable, "-m", "triage", "serve", "--port", "PORT", "--workers", str(WORKERS)]


def _saturate(port: int, seed: int, *, keep_alive: bool = True, connections: int = CONNECTIONS) -> Result:
    return run(port, pushes(ACCOUNT, _PUSHES, seed, keep_alive=keep_alive), connections=connections)


def _against_echo(folder: Path, *, soak: bool) -> list[Row]:
    """Every server runs all the time and they are loaded in turns, so that a slow minute of the machine hits all.

    Each alert of the load opens an incident; those of the empty store are forgotten before its next turn.
    """
    empty, filled = (f"sqlite:///{folder / name}.db" for name in ("empty", "filled"))
    with (
        _serving(_echo(), folder) as (echo_port, _),
        _serving(_echo(_OURS), folder) as (prompt_port, _),
        _serving(_triage(), folder, TRIAGE_DATABASE_URL=empty) as (port, pid),
        _serving(_triage(), folder, TRIAGE_DATABASE_URL=filled) as (full_port, full_pid),
    ):
        _fill(filled)
        ports = (echo_port, port, full_port, prompt_port)
        results: list[list[Result]] = [[] for _ in ports]
        for turn in range(_ROUNDS + 1):
            order = range(len(ports)) if turn % 2 else reversed(range(len(ports)))
            _forget(empty)
            for which in order:
                results[which].append(_saturate(ports[which], 10 * turn + which))
        floor, ours, full, prompt = (taken[1:] for taken in results)  # the first round warms them up
        rows = [*_rows(floor, ours, full, prompt), _with_few_connections(echo_port, port)]
        if soak:
            rows += _soak(full_port, full_pid, _rate(full))
        else:
            resident = max(*_resident(pid), *_resident(full_pid))
            rows.append(("resident memory of a worker, MB", resident, "at most 120", resident <= 120))
    return rows


def _with_few_connections(echo_port: int, port: int) -> Row:
    floor, ours = [], []
    for turn in range(_ROUNDS // 2):
        floor.append(_saturate(echo_port, 1000 + turn, connections=_FEW))
        ours.append(_saturate(port, 1000 + turn, connections=_FEW))
    share = _rate(ours) / _rate(floor)
    return f"throughput with {_FEW} connections instead of {CONNECTIONS}: echo = 1", share, "shown", True


def _rate(results: list[Result]) -> float:
    return statistics.median(result.rate for result in results)


def _rows(floor: list[Result], ours: list[Result], full: list[Result], prompt: list[Result]) -> list[Row]:
    rate = _rate(floor)
    share = _rate(ours) / rate
    slower = statistics.median(result.p99 for result in ours) / statistics.median(
        result.p99 for result in floor
    )
    change = _rate(full) / _rate(ours)
    failures = sum(result.failures for result in (*floor, *ours, *full, *prompt))
    return [
        ("bare Flask and wechatpy echo, requests per second", rate, "shown", True),
        ("triage, requests per second", share * rate, "shown", True),
        ("throughput of the whole safe-mode path: echo = 1", share, "at least 0.6", share >= 0.6),
        ("the echo served by triage's worker, requests per second", _rate(prompt), "shown", True),
        ("throughput: echo served by triage's worker = 1", _rate(ours) / _rate(prompt), "shown", True),
        ("p50 in milliseconds", statistics.median(result.median for result in ours) * 1000, "shown", True),
        ("p99 in milliseconds", statistics.median(result.p99 for result in ours) * 1000, "shown", True),
        ("p99: echo = 1", slower, "at most 3", slower <= 3),
        (f"throughput with {_FULL:,} incidents: empty store = 1", change, "0.9 or more", change >= 0.9),
        ("answers that were no 200", failures, "0", failures == 0),
    ]


def _fill(url: str) -> None:
    """Twenty thousand incidents of the last month, one alert each."""
    store = Store.open(url)
    now = datetime.now(UTC)
    base = Sighting(
        "",
        "request_timeout",
        "请求超时",
        1,
        None,
        "示例",
        None,
        None,
        "Click",
        None,
        40,
        (),
        Person("wechat", "", "o"),
        now,
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


def _soak(port: int, pid: int, saturation: float) -> list[Row]:
    """Five minutes at 70 % of saturation: the worst answer, and what the workers hold at the start and the end."""
    rate = _SOAK_RATE * saturation
    worst, failures, memory = 0.0, 0, [max(_resident(pid))]
    end = time.monotonic() + _SOAK_SECONDS
    seed = 100
    while time.monotonic() < end:
        seed += 1
        result = run(port, pushes(ACCOUNT, int(rate * 10), seed), connections=CONNECTIONS, rate=rate)
        worst, failures = max(worst, *result.seconds), failures + result.failures
        memory.append(max(_resident(pid)))
    growth = memory[-1] - memory[len(memory) // 5]
    return [
        ("soak, slowest answer in seconds", worst, "at most 1", worst <= 1),
        ("soak, answers that were no 200", failures, "0", failures == 0),
        ("soak, resident memory of a worker, MB", max(memory), "at most 120", max(memory) <= 120),
        ("soak, growth of a worker in its last four fifths, MB", growth, "at most 5", growth <= 5),
    ]


def _resident(pid: int) -> list[float]:
    """Resident megabytes of each worker (Linux)."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    sizes = []
    for child in children:
        line = next(
            line
            for line in Path(f"/proc/{child}/status").read_text().splitlines()
            if line.startswith("VmRSS")
        )
        sizes.append(int(line.split()[1]) / 1024)
    return sizes


def _compare_models(folder: Path) -> list[Row]:
    rows: list[Row] = []
    for worker_class, threads in _MODELS:
        with _serving(_echo(worker_class, threads), folder) as (port, _):
            result = _saturate(port, 5, keep_alive=worker_class != "sync")
        name = f"{worker_class}, {WORKERS} workers of {threads}"
        rows.append((f"{name}: requests per second", result.rate, "shown", True))
        rows.append((f"{name}: p99 in milliseconds", result.p99 * 1000, "shown", True))
    return rows


if __name__ == "__main__":
    sys.exit(main())
