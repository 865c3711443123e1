"""Servers in processes of their own, for the measurements of the service."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from sqlalchemy.engine import make_url

from bench.load import Result, pushes, run
from triage.channels.wechat.account import Account

ACCOUNT = Account("wx0123456789abcdef", "benchtoken", "A" * 43)
POSTGRESQL = "TRIAGE_TEST_POSTGRESQL_URL"
ECHO = [
    *(sys.executable, "-m", "gunicorn", "bench.echo:app", "--bind", "127.0.0.1:PORT", "--keep-alive", "15"),
    *("--workers", "1", "--worker-class", "gthread", "--threads", "4", "--log-level", "warning"),
]
"""The echo under the server that most teams would take."""
TRIAGE = [sys.executable, "-m", "triage", "serve", "--port", "PORT"]
_STARTS_WITHIN = 15.0


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: where it listens, and its process."""

    port: int
    pid: int

    def saturate(self, seed: int, number: int, connections: int) -> Result:
        """As many pushes as it answers, over these connections."""
        return run([self.port], pushes(ACCOUNT, number, seed), connections=connections)

    def at_rate(self, seed: int, number: int, rate: float, connections: int = 16) -> Result:
        """These pushes at so many a second."""
        return run([self.port], pushes(ACCOUNT, number, seed), connections=connections, rate=rate)

    @property
    def megabytes(self) -> float:
        """Resident memory of the process and its children (Linux)."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return max(_resident(pid) for pid in (self.pid, *map(int, children)))


@contextmanager
def serving(command: Sequence[str], folder: Path, **environment: str) -> Iterator[Server]:
    """A server, from when it answers; PORT in its command is its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    settings = {
        "TRIAGE_WECHAT_APPID": ACCOUNT.appid,
        "TRIAGE_WECHAT_TOKEN": ACCOUNT.token,
        "TRIAGE_WECHAT_AES_KEY": ACCOUNT.aes_key or "",
        "TRIAGE_LOG_LEVEL": "warning",
        "PYTHONPATH": str(Path(__file__).parent.parent),
    }
    process = subprocess.Popen(
        [part.replace("PORT", str(port)) for part in command],
        cwd=folder,
        env={**os.environ, **settings, **environment},
        stdout=subprocess.DEVNULL,
    )
    try:
        _wait_for(port, process)
        yield Server(port, process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)


@contextmanager
def postgresql_schema() -> Iterator[str | None]:
    """The URL of an empty schema that goes away afterwards; None where no server is named."""
    server = os.environ.get(POSTGRESQL)
    if server is None:
        yield None
        return
    name = f"triage_{uuid.uuid4().hex[:12]}"
    url = make_url(server)
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
        try:
            made = url.update_query_dict({"options": f"-csearch_path={name}"})
            yield made.render_as_string(hide_password=False)
        finally:
            connection.execute(f"DROP SCHEMA {name} CASCADE")


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + _STARTS_WITHIN
    while time.monotonic() < end:
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


def _resident(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    line = next(line for line in status if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024
