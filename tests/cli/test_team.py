"""`triage team`: lint, and who is on call."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.stores import person
from tests.support.upgraded import new_store
from triage.cli import main
from triage.store.values import ShiftOverride

TEAM = """\
people:
  li: {name: 李雷, wecom: lilei}
  han: {name: 韩梅, wecom: hanmei}
rotations:
  main: {people: [li], at: Mon 10:00, from: 2026-01-05}
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "team.yml"
    path.write_text(TEAM, encoding="utf-8")
    monkeypatch.setenv("TRIAGE_DATABASE_URL", f"sqlite:///{tmp_path}/triage.db")
    monkeypatch.setenv("TRIAGE_TEAM", str(path))
    return path


def test_file_without_a_mistake_is_fine(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["team", "check"]) == 0
    assert capsys.readouterr().out == "2 people, 0 findings\n"


def test_mistake_is_shown_below_its_line(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(TEAM.replace("[li]", "[lee]"), encoding="utf-8")
    assert main(["team", "check", str(file)]) == 1
    printed = capsys.readouterr().out
    assert f"{file}:5:19: there is no person 'lee' in this file" in printed
    assert "^" in printed


def test_findings_as_json(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(TEAM.replace("2026", "2999"), encoding="utf-8")
    assert main(["team", "check", "--json"]) == 1
    (finding,) = json.loads(capsys.readouterr().out)["findings"]
    assert (finding["id"], finding["line"]) == ("hole", 5)


def test_no_file_is_a_mistake(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("TRIAGE_TEAM", raising=False)
    assert main(["team", "check"]) == 2
    assert "TRIAGE_TEAM is not set" in capsys.readouterr().err


def test_shifts_of_fourteen_days_are_shown(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["team", "show"]) == 0
    title, *lines = capsys.readouterr().out.splitlines()
    assert title == "main (Asia/Shanghai)"
    assert 3 <= len(lines) <= 4
    assert all(line.endswith("李雷") for line in lines)


def test_shift_that_was_taken_over_in_chat_is_shown(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    now = datetime.now(UTC)
    with closing(new_store(file.parent / "triage.db")) as store:
        store.add_shift(ShiftOverride("main", "han", now, now + timedelta(hours=2), person("oHan"), now))
    assert main(["team", "show", "--json"]) == 0
    first, *_ = json.loads(capsys.readouterr().out)["rotations"]["main"]
    assert (first["name"], first["because"]) == ("韩梅", "override")
