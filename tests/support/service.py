"""The service as a process of its own."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from tests.support.paths import ROOT
from triage.channels.wechat.account import Account
from triage.message import Request, Response

ACCOUNT = Account("wx5f3a09c27be1d846", "hush-token", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG")
ENVIRONMENT = {
    "TRIAGE_WECHAT_TOKEN": ACCOUNT.token,
    "TRIAGE_WECHAT_APPID": ACCOUNT.appid,
    "TRIAGE_WECHAT_AES_KEY": str(ACCOUNT.aes_key),
    "TRIAGE_API_KEY": "hush-api-key",
}
ALERT = (ROOT / "docs/alert.txt").read_text(encoding="utf-8")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Served:
    """A running service."""

    process: subprocess.Popen[str]
    port: int
    folder: Path

    def send(self, request: Request, path: str = "/callback/wechat") -> Response:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        with contextlib.closing(connection):
            connection.request(request.method, f"{path}?{urlencode(request.query)}", request.body)
            answer = connection.getresponse()
            return Response(answer.status, answer.read(), answer.getheader("Content-Type", ""))

    def get(self, path: str) -> str:
        return self.send(Request("GET", {}), path).body.decode()

    def stop(self) -> tuple[str, str]:
        self.process.send_signal(signal.SIGTERM)
        return self.process.communicate(timeout=15)


@contextlib.contextmanager
def serving(
    folder: Path, environment: Mapping[str, str], *options: str, program: Sequence[str] = ("-m", "triage")
) -> Iterator[Served]:
    port = free_port()
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TRIAGE_")}
    process = subprocess.Popen(
        [sys.executable, *program, "serve", "--port", str(port), *options],
        cwd=folder,
        env={**clean, "PYTHONPATH": str(ROOT), "TMPDIR": str(folder), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    served = Served(process, port, folder)
    try:
        wait_until_it_answers(served)
        yield served
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.communicate(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
        for stream in (process.stdout, process.stderr):
            if stream:
                stream.close()


def wait_until_it_answers(served: Served) -> None:
    end = time.monotonic() + 60  # for a machine that has much else to do
    while time.monotonic() < end and served.process.poll() is None:
        with contextlib.suppress(OSError):
            served.get("/healthz")
            return
        time.sleep(0.05)
    served.process.kill()
    raise AssertionError(f"it does not answer: {served.process.communicate()}")
