"""`triage serve` as a process of its own: it answers real pushes over HTTP, and stops when it is told to."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
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
)
from triage.cli import main
from triage.store import Store
from triage.web.callback import PUSH_SECONDS


def test_real_pushes_over_http_are_counted_and_a_stop_is_graceful(tmp_path: Path) -> None:
    with serving(tmp_path, ENVIRONMENT) as served:
        platform = Platform(ACCOUNT, served.send, now=datetime.now(UTC))
        assert platform.verify().accepted.findings == ()
        exchanges = [platform.say(ALERT) for _ in range(12)]
        assert all(exchange.accepted.findings == () for exchange in exchanges)
        assert "回应失败" in (exchanges[0].accepted.text or "")
        retried = platform.push_with_retries("text", {"Content": ALERT}, "7")
        assert len({exchange.accepted.text for exchange in retried}) == 1
        for _, forgery in list(platform.forgeries())[:2]:
            assert served.send(forgery).status == 403
        counts = served.get("/metrics")
        assert 'triage_alerts_total{kind="bad_response"} 13.0' in counts
        assert "triage_deduped_total" in counts
        assert "triage_rules_info{" in counts
        too_large = platform.request("text", {"Content": "长" * 60_000}, "8")
        assert served.send(too_large).status == 413
        assert json.loads(served.get("/readyz"))["status"] == "ok"
        printed, logged = served.stop()
        assert served.process.returncode == 0
    assert f"http://127.0.0.1:{served.port}" in printed
    lines = [json.loads(line) for line in logged.splitlines()]
    assert sum(line["event"] == "request" for line in lines) >= 18
    for secret in (*ENVIRONMENT.values(), FAN, "晨曦助手", "nonce="):
        assert secret == ACCOUNT.appid or secret not in logged
    assert len(list(Store.open(f"sqlite:///{tmp_path}/triage.db").export("messages"))) == 13


def test_a_locked_database_does_not_make_a_crowd_wait(tmp_path: Path) -> None:
    def say(served: Served) -> float:
        platform = Platform(ACCOUNT, served.send, now=datetime.now(UTC))
        started = time.monotonic()
        assert "回应失败" in (platform.say(ALERT).accepted.text or "")
        return time.monotonic() - started

    with (
        serving(tmp_path, ENVIRONMENT) as served,
        contextlib.closing(sqlite3.connect(tmp_path / "triage.db", isolation_level=None)) as other,
        ThreadPoolExecutor(40) as crowd,
    ):
        unlocked = max(crowd.map(say, [served] * 120))
        other.execute("BEGIN IMMEDIATE")
        locked = max(crowd.map(say, [served] * 120))
        # one behind another, the last of forty would wait forty times
        assert locked - unlocked < 2 * PUSH_SECONDS


def test_with_no_settings_it_is_a_demo_and_says_so(tmp_path: Path) -> None:
    with serving(tmp_path, {}) as served:
        assert "示例报警" in served.get("/")
        body = json.dumps({"who": "wang", "text": ALERT}).encode()
        for _ in range(2):
            connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=10)
            with contextlib.closing(connection):
                connection.request("POST", "/demo/send", body, {"Content-Type": "application/json"})
                answer = json.loads(connection.getresponse().read())
            assert answer["legal"]
            assert "回应失败" in answer["reply"]
        printed, logged = served.stop()
        assert served.process.returncode == 0
    assert "demo" in printed
    assert printed.endswith(f"\n\nopen http://127.0.0.1:{served.port}/\n")
    assert {json.loads(line)["event"] for line in logged.splitlines()} == {"request"}
    assert (tmp_path / "triage-demo.db").exists()


def test_a_demo_for_everybody_is_served_where_it_is_asked_for(tmp_path: Path) -> None:
    with serving(tmp_path, {"TRIAGE_DEMO": "true", "TRIAGE_HOST": "0.0.0.0"}) as served:  # noqa: S104
        assert "示例报警" in served.get("/")


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
        pytest.param(["--host", "0.0.0.0"], {}, "TRIAGE_DEMO=true", id="a demo for everybody"),  # noqa: S104
        pytest.param(["--host", "::"], {}, "TRIAGE_DEMO=true", id="the same by IPv6"),
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
