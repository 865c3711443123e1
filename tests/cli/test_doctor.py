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
    assert page.startswith("主机 ")
    assert "解析到内网地址" in page
    assert "就是这条报警" in page


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
