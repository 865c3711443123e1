"""`triage logs` through `main([...])`: what it prints, what it refuses, how it exits."""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path

import pytest

from tests.support.logs import AFTER, ALERT, BEFORE, OPENID, line, write
from triage.cli import main

Printed = pytest.CaptureFixture[str]
LATE = line(5, 499, "5.074", openid=OPENID)


@pytest.fixture
def alert(tmp_path: Path) -> str:
    path = tmp_path / "alert.txt"
    path.write_text(ALERT, encoding="utf-8")
    return str(path)


def test_the_exit_code_is_0_for_what_was_answered_in_time_alone(
    tmp_path: Path, alert: str, capsys: Printed
) -> None:
    fine = write(tmp_path / "fine.log", [BEFORE, line(1, openid=OPENID), AFTER])
    late = write(tmp_path / "late.log", [BEFORE, LATE, AFTER])
    assert main(["logs", str(fine), "--alert", alert]) == 0
    assert capsys.readouterr().out.startswith(
        "verdict it came in and was answered 200 in time: lost on the way back (answered_in_time)\n"
        "proof all 1 are 200"
    )
    assert main(["logs", str(late), "--alert", alert, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["verdict"] == "backend_slow"


def test_a_format_of_a_configuration_is_read(tmp_path: Path, alert: str, capsys: Printed) -> None:
    log = tmp_path / "wx.log"
    log.write_text(
        "".join(
            f"{at}|499|{seconds}|/wx\n"
            for at, seconds in ((1795868000, 0.1), (1795869005, 5.1), (1795869999, 0.1))
        )
    )
    log.write_text(
        log.read_text().replace("|0.1", "|0.100").replace("|5.1", "|5.100").replace("|499", ".000|499")
    )
    conf = tmp_path / "nginx.conf"
    conf.write_text(
        "events {} http { log_format short '$msec|$status|$request_time|$uri'; access_log logs/wx.log short; }"
    )
    assert main(["logs", str(log), "--alert", alert, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["verdict"] == "cannot_tell"
    assert main(["logs", str(log), "--alert", alert, "--nginx", str(conf), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["verdict"] == "backend_slow"


def test_a_configuration_that_is_not_there_is_said(tmp_path: Path, alert: str, capsys: Printed) -> None:
    log = write(tmp_path / "access.log", [BEFORE, LATE, AFTER])
    missing = str(tmp_path / "nginx.conf")
    assert main(["logs", str(log), "--alert", alert, "--nginx", missing]) == 2
    assert f"cannot read {missing}: No such file" in capsys.readouterr().err


def test_a_bar_is_shown_on_a_terminal_while_a_compressed_file_is_read(
    tmp_path: Path, alert: str, capsys: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "access.log.gz"
    log.write_bytes(gzip.compress("\n".join([BEFORE, LATE, AFTER, ""]).encode()))
    assert main(["logs", str(log), "--alert", alert]) == 1
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert main(["logs", str(log), "--alert", alert]) == 1
    assert "access.log.gz" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["logs", "/nowhere/access.log"], "cannot read /nowhere/access.log"),
        (["logs", "/dev/null"], "/dev/null is no file; save it first: docker logs NAME"),
        (["logs", __file__, "--nginx", "/nowhere.conf"], "cannot read /nowhere.conf"),
    ],
)
def test_what_cannot_be_read_ends_in_one_clear_line(
    words: list[str], said: str, alert: str, capsys: Printed
) -> None:
    assert main([*words, "--alert", alert]) == 2
    assert said in capsys.readouterr().err


def test_a_text_without_an_alert_is_refused(tmp_path: Path, capsys: Printed) -> None:
    assert main(["logs", __file__, "--alert", str(write(tmp_path / "talk.txt", ["今天吃什么"]))]) == 2
    assert "no alert in this text" in capsys.readouterr().err
