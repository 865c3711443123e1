"""What a stranger put into an alert, a note or a name is obeyed by no terminal, log or spreadsheet."""

from __future__ import annotations

import ast
import csv
import io
import json
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from tests.support.stores import entry, opening
from tests.support.upgraded import new_file
from triage.cli import main
from triage.store import Store

Printed = pytest.CaptureFixture[str]
OBEYED = "\x1b[2J\x9b31m\x85\u202e\x7f\x08\r"
HOSTILE = f"""\
Appid: wx352e1c916f58ea3b
昵称: 山谷{OBEYED}书店
时间: 2025-09-25 15:01:22
内容: 微信服务器向公众号推送消息或事件时，开发者{OBEYED}证书校验失败
次数: 5分钟 30次
错误样例: [3rdUrl=https://mp.example.cn/wx{OBEYED}][Zone=x{OBEYED}][IP=203.0.113.202]
"""


def _obeyed(printed: str) -> set[str]:
    return {char for char in OBEYED if not char.isprintable()} & {*printed}


COMMANDS = ["parse", "parse --json", "rules new", "rules why", "ask --file", "ask --json --file"]


@pytest.mark.parametrize("words", COMMANDS)
def test_a_terminal_obeys_nothing_of_an_alert(words: str, tmp_path: Path, capsys: Printed) -> None:
    file = tmp_path / "alert.txt"
    file.write_text(HOSTILE, encoding="utf-8", newline="")
    assert main([*words.split(), str(file)]) == 0
    printed = capsys.readouterr()
    assert "203.0.113.202" in printed.out or words == "rules why"
    assert _obeyed(printed.out + printed.err) == set()


@pytest.mark.parametrize("arguments", [[f"\x1b[2J{OBEYED}"], ["parse", f"/{OBEYED}"], ["ask", f"--{OBEYED}"]])
def test_a_message_about_an_argument_is_harmless_too(arguments: list[str], capsys: Printed) -> None:
    assert main(arguments) == 2
    assert _obeyed(capsys.readouterr().err) == set()


def test_json_keeps_the_value_that_it_escapes(tmp_path: Path, capsys: Printed) -> None:
    file = tmp_path / "alert.txt"
    file.write_text(HOSTILE.replace(OBEYED, "\x9b31m"), encoding="utf-8")
    assert main(["parse", "--json", str(file)]) == 0
    printed = capsys.readouterr().out
    (alert,) = json.loads(printed)
    assert alert["nickname"] == "山谷\x9b31m书店"
    assert "\\u009b31m" in printed


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database whose alert has a title that a spreadsheet would run, and a terminal obey."""
    url = new_file(tmp_path / "triage.db")
    monkeypatch.setenv("TRIAGE_DATABASE_URL", url)
    with closing(Store.open(url)) as store:
        store.record(entry("1", opening(title=f"=HYPERLINK(1){OBEYED}"), opening(title="@SUM(A1)", count=5)))


@pytest.mark.usefixtures("written")
def test_a_cell_of_an_export_is_no_formula(capsys: Printed) -> None:
    assert main(["export", "alerts", "--format", "csv"]) == 0
    printed = capsys.readouterr().out
    assert _obeyed(printed) == set()
    rows = list(csv.DictReader(io.StringIO(printed)))
    assert [row["title"][:6] for row in rows] == ["'=HYPE", "'@SUM("]
    assert [cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "@", "-"))] == []


@pytest.mark.usefixtures("written")
def test_a_line_of_an_export_is_obeyed_by_nothing_and_reads_the_same(capsys: Printed) -> None:
    assert main(["export", "alerts"]) == 0
    printed = capsys.readouterr().out
    assert _obeyed(printed) == set()
    assert json.loads(printed.splitlines()[0])["title"] == f"=HYPERLINK(1){OBEYED}"


def test_commands_print_through_one_place() -> None:
    """A print or an echo of its own would show what nobody made visible."""
    calls = [
        f"{file.name}:{node.lineno}"
        for file in (ROOT / "triage/cli").glob("*.py")
        if file.name != "_output.py"
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("print", "click.echo", "click.secho")
    ]
    assert calls == []
