"""`triage doctor` through `main([...])`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.support.paths import DATA
from triage.cli import main
from triage.evidence.judge import judge

if sys.platform != "linux":
    pytest.skip("it looks at Linux hosts", allow_module_level=True)

Printed = pytest.CaptureFixture[str]
ALERT = """\
时间: 2024-05-20 09:21:44
内容: 微信服务器连接公众号开发者服务器时发生超时，超时时间为5秒
次数: 5分钟 41次
错误样例: [IP=127.0.0.1][3rdUrl=http://127.0.0.1/wx]
"""


@pytest.fixture
def alert(tmp_path: Path) -> str:
    file = tmp_path / "alert.txt"
    file.write_text(ALERT, encoding="utf-8")
    return str(file)


def test_the_page_tells_what_was_looked_at(alert: str, capsys: Printed) -> None:
    assert main(["doctor", "--alert", alert]) == 1
    page = capsys.readouterr().out
    assert page.startswith("host ")
    assert "resolves to a private address" in page
    assert "which is this alert" in page


def test_json_gives_every_part_with_its_proofs(capsys: Printed) -> None:
    main(["doctor", "--json"])
    told = json.loads(capsys.readouterr().out)
    assert told["kind"] is None
    assert {"uptime", "vmstat", "free", "df"} <= {part["tool"] for part in told["parts"]}
    assert all(
        item.keys() == {"id", "verdict", "proof"} for part in told["parts"] for item in part["findings"]
    )


def test_what_is_printed_for_the_chat_is_judged_there(capsys: Printed) -> None:
    main(["doctor", "--paste"])
    parts = judge(capsys.readouterr().out)
    assert {"uptime", "vmstat", "free", "df"} <= {part.tool for part in parts}


def test_a_text_without_an_alert_is_refused(capsys: Printed) -> None:
    assert main(["doctor", "--alert", str(DATA / "guide_items.txt")]) == 2
    assert "no alert" in capsys.readouterr().err


def test_an_alerts_checklist_is_printed_with_what_was_found(alert: str, capsys: Printed) -> None:
    main(["doctor", "--alert", alert])
    steps = capsys.readouterr().out.partition("\nsteps of the checklist\n")[2]
    marks = {line.split()[1] for line in steps.splitlines() if line[:1].isdecimal()}
    assert marks & {"✓", "✗", "!", "?"}


def test_logs_and_a_configuration_join_in(alert: str, tmp_path: Path, capsys: Printed) -> None:
    conf, log = tmp_path / "nginx.conf", tmp_path / "access.log"
    conf.write_text(
        "events { worker_connections 4096; }\nhttp { server { listen 8000; location / { deny all; } } }\n"
    )
    log.write_text("")
    main(["doctor", "--alert", alert, "--nginx", str(conf), "--logs", str(log), "--json"])
    told = json.loads(capsys.readouterr().out)
    tools = {part["tool"]: part["verdict"] for part in told["parts"]}
    assert tools["nginx"] == "sick"
    assert tools["logs"] == "unreadable"
    assert told["checks"]["nginx_config"] == "sick"
    assert set(told["checks"].values()) <= {"healthy", "suspect", "sick"}
    assert "access_log" not in told["checks"]


def test_logs_without_an_alert_are_refused(tmp_path: Path, capsys: Printed) -> None:
    assert main(["doctor", "--logs", str(tmp_path / "access.log")]) == 2
    assert "--logs needs --alert" in capsys.readouterr().err
