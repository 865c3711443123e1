"""`triage serve` as a process of its own: it answers real pushes over HTTP, and stops when it is told to."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from tests.support.platform import FAN, Platform
from tests.support.service import (
    ACCOUNT,
    ALERT,
    ENVIRONMENT,
    Served,
    free_port,
    serving,
    wait_until_it_answers,
)
from triage.cli import main
from triage.store import Store

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="gunicorn needs fork")


def _workers(served: Served) -> list[int]:
    children = Path(f"/proc/{served.process.pid}/task/{served.process.pid}/children")
    return [int(child) for child in children.read_text().split()]


def test_real_pushes_over_http_counted_together_and_a_graceful_stop(tmp_path: Path) -> None:
    with serving(tmp_path, ENVIRONMENT, "--workers", "2") as served:
        platform = Platform(ACCOUNT, served.send, now=datetime.now(UTC))
        assert platform.verify().accepted.findings == ()
        exchanges = [platform.say(ALERT) for _ in range(12)]
        assert all(exchange.accepted.findings == () for exchange in exchanges)
        assert "回应失败" in (exchanges[0].accepted.text or "")
        retried = platform.push_with_retries("text", {"Content": ALERT}, "7")
        assert len({exchange.accepted.text for exchange in retried}) == 1
        for _, forgery in list(platform.forgeries())[:2]:
            assert served.send(forgery).status == 403
        for _ in range(4):  # whichever worker is asked tells the counts of both
            counts = served.get("/metrics")
            assert 'triage_alerts_total{kind="bad_response"} 13.0' in counts
            assert "triage_deduped_total" in counts
            assert "triage_rules_info{" in counts
        assert json.loads(served.get("/readyz"))["status"] == "ok"
        printed, logged = served.stop()
        assert served.process.returncode == 0
    assert f"http://127.0.0.1:{served.port}" in printed
    lines = [json.loads(line) for line in logged.splitlines()]
    assert sum(line["event"] == "request" for line in lines) >= 18
    for secret in (*ENVIRONMENT.values(), FAN, "晨曦助手", "nonce="):
        assert secret == ACCOUNT.appid or secret not in logged
    assert len(list(Store.open(f"sqlite:///{tmp_path}/triage.db").export("messages"))) == 13


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
def test_the_room_for_the_counters_is_taken_at_the_start_and_outlives_a_killed_worker(tmp_path: Path) -> None:
    with serving(tmp_path, ENVIRONMENT, "--workers", "2") as served:
        mapped = re.search(r"/\S+/triage-counters-\w+", Path(f"/proc/{served.process.pid}/maps").read_text())
        assert mapped
        directory = Path(mapped[0])
        files = sorted(directory.iterdir())
        for file in files:  # a page without room, when it is written to, kills the worker
            assert file.stat().st_blocks * 512 >= file.stat().st_size > 0
        platform = Platform(ACCOUNT, served.send, now=datetime.now(UTC))
        for _ in range(3):
            assert platform.say(ALERT).accepted.findings == ()
            for worker in _workers(served):
                os.kill(worker, signal.SIGKILL)
            wait_until_it_answers(served)
        assert 'triage_alerts_total{kind="bad_response"} 3.0' in served.get("/metrics")
        assert sorted(directory.iterdir()) == files
    assert not directory.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
def test_what_a_killed_service_left_is_removed_by_the_next_and_nobody_elses(tmp_path: Path) -> None:
    def directory_of(served: Served) -> Path:
        mapped = re.search(r"/\S+/triage-counters-\w+", Path(f"/proc/{served.process.pid}/maps").read_text())
        assert mapped
        return Path(mapped[0])

    trap = Path("/dev/shm/triage-counters-trap")  # noqa: S108 - anybody may make something there
    with contextlib.suppress(FileExistsError):
        os.mkfifo(trap)  # whoever opens it waits for a writer
    with contextlib.ExitStack() as stack, serving(tmp_path, ENVIRONMENT, "--workers", "2") as running:
        stack.callback(trap.unlink)
        with serving(tmp_path, ENVIRONMENT, "--workers", "2") as killed:
            orphan = directory_of(killed)
            for process in (killed.process.pid, *_workers(killed)):
                os.kill(process, signal.SIGKILL)
            killed.process.wait(5)
        assert orphan.exists()
        with serving(tmp_path, ENVIRONMENT, "--workers", "2"):
            assert not orphan.exists()
            assert directory_of(running).exists()


def test_a_locked_database_does_not_make_a_crowd_wait(tmp_path: Path) -> None:
    def say(served: Served) -> float:
        platform = Platform(ACCOUNT, served.send, now=datetime.now(UTC))
        started = time.monotonic()
        assert "回应失败" in (platform.say(ALERT).accepted.text or "")
        return time.monotonic() - started

    with (
        serving(tmp_path, ENVIRONMENT, "--workers", "1") as served,
        contextlib.closing(sqlite3.connect(tmp_path / "triage.db", isolation_level=None)) as other,
        ThreadPoolExecutor(40) as crowd,
    ):
        other.execute("BEGIN IMMEDIATE")
        assert max(crowd.map(say, [served] * 120)) < 4  # the platform waits for five seconds


def test_waitress_serves_it_where_there_is_no_fork(tmp_path: Path) -> None:
    program = (
        "import triage.web.serving.server as server; server._serve_by_gunicorn = server._serve_by_waitress\n"
        "import triage.cli; triage.cli.run()"
    )
    with serving(tmp_path, ENVIRONMENT, program=("-c", program)) as served:
        platform = Platform(ACCOUNT, served.send, now=datetime.now(UTC))
        assert platform.verify().accepted.findings == ()
        exchange = platform.say(ALERT)
        assert exchange.accepted.findings == ()
        assert "回应失败" in (exchange.accepted.text or "")
        too_large = platform.request("text", {"Content": "长" * 60_000}, "8")
        assert served.send(too_large).status == 413
        assert platform.say("4").accepted.findings == ()
        assert 'triage_alerts_total{kind="bad_response"} 1.0' in served.get("/metrics")


def test_without_room_for_common_counters_it_serves_all_the_same(tmp_path: Path) -> None:
    program = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (2**25, 2**25))\n"
        "import triage.web.metrics as metrics; metrics._FILE_BYTES = 2**26\n"
        "import triage.cli; triage.cli.run()"
    )
    with serving(tmp_path, ENVIRONMENT, "--workers", "2", program=("-c", program)) as served:
        platform = Platform(ACCOUNT, served.send, now=datetime.now(UTC))
        assert platform.say(ALERT).accepted.findings == ()
        _, logged = served.stop()
    assert "counters_not_shared" in logged


def test_with_no_settings_it_is_a_demo_and_says_so(tmp_path: Path) -> None:
    with serving(tmp_path, {}, "--workers", "2") as served:
        assert "示例报警" in served.get("/")
        body = json.dumps({"who": "wang", "text": ALERT}).encode()
        for _ in range(6):  # every worker knows the secrets of this start
            connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=10)
            with contextlib.closing(connection):
                connection.request("POST", "/demo/send", body, {"Content-Type": "application/json"})
                answer = json.loads(connection.getresponse().read())
            assert answer["legal"]
            assert "回应失败" in answer["reply"]
        printed, _ = served.stop()
        assert served.process.returncode == 0
    assert "demo" in printed
    assert (tmp_path / "triage-demo.db").exists()


def test_clients_that_fall_silent_do_not_hang_the_service(tmp_path: Path) -> None:
    with serving(tmp_path, ENVIRONMENT, "--workers", "1") as served, contextlib.ExitStack() as stack:
        for number in range(10):  # more than it has threads
            silent = stack.enter_context(socket.create_connection(("127.0.0.1", served.port)))
            silent.sendall(b"POST /callback/wechat HTTP/1.1\r\nHost:")
            if number >= 4:
                continue
            in_body = stack.enter_context(socket.create_connection(("127.0.0.1", served.port)))
            in_body.sendall(b"POST /api/triage HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{")
        platform = Platform(ACCOUNT, served.send, now=datetime.now(UTC))
        assert platform.say(ALERT).accepted.findings == ()
        assert "ok" in served.get("/healthz")


def test_a_taken_port_is_told_with_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "triage", "serve", "--port", str(port)],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
    assert done.returncode == 2
    assert done.stderr.startswith(f"triage: TRIAGE_HOST, TRIAGE_PORT: port {port} on 127.0.0.1 is taken")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("options", "environment", "message"),
    [
        pytest.param([], {"TRIAGE_WECHAT_TOKEN": ""}, "TRIAGE_WECHAT_TOKEN is empty", id="an empty token"),
        pytest.param(["--port", "70000"], {}, "TRIAGE_PORT: '70000'", id="a port that is none"),
        pytest.param(["--workers", "0"], {}, "TRIAGE_WORKERS: '0'", id="no workers"),
    ],
)
def test_what_cannot_be_served_is_refused(
    options: list[str],
    environment: dict[str, str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert main(["serve", *options]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        pytest.param({"TRIAGE_HOST": "host.invalid"}, "no address of this machine", id="a host that is none"),
        pytest.param(
            {"TRIAGE_DATABASE_URL": "oracle://x"}, "'oracle' is not supported", id="another database"
        ),
        pytest.param(
            {"TRIAGE_DATABASE_URL": "sqlite:////nowhere/x.db"}, "/nowhere/x.db", id="no such folder"
        ),
    ],
)
def test_what_cannot_be_opened_ends_in_one_line(
    variables: dict[str, str], message: str, tmp_path: Path
) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TRIAGE_")}
    done = subprocess.run(
        [sys.executable, "-m", "triage", "serve", "--port", str(free_port())],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
        env={**clean, "PYTHONPATH": str(ROOT), **variables},
    )
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
