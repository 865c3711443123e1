"""`triage rules replay`: what it prints for people and for programs, and how it exits."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from tests.support.stores import entry, message, opening
from tests.support.upgraded import new_file
from triage.cli import main
from triage.store import Entry, Store

ALERT = (ROOT / "docs/alert.txt").read_text(encoding="utf-8")
OFF = "off: [bad_response]\n"
Printed = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An alert of an hour ago and one of three days ago."""
    url = new_file(tmp_path / "triage.db")
    monkeypatch.setenv("TRIAGE_DATABASE_URL", url)
    with closing(Store.open(url)) as store:
        store.record(entry("words"))
        for number, hours in enumerate((72, 1)):
            at = datetime.now(UTC) - timedelta(hours=hours)
            placed = opening(str(number), digest=str(number), seen_at=at)
            store.record(Entry(message(str(number), text=ALERT), at, "回复", (placed,)))


@pytest.fixture
def off(tmp_path: Path) -> str:
    (tmp_path / "new").mkdir()
    (tmp_path / "new/own.yml").write_text(OFF)
    return str(tmp_path / "new")


def test_where_nothing_is_answered_otherwise_it_exits_0(capsys: Printed) -> None:
    assert main(["rules", "replay"]) == 0
    assert capsys.readouterr().out == "2 alerts, 0 answered otherwise\n"


def test_a_difference_is_counted_with_both_sides_and_exits_1(off: str, capsys: Printed) -> None:
    assert main(["rules", "replay", "--rules", off]) == 1
    first, live, new, example, last = capsys.readouterr().out.splitlines()
    assert first.split(maxsplit=1)[0] == "2"
    assert "kind" in first
    assert live.lstrip().startswith("- bad_response · bad_response · ")
    assert new.lstrip().startswith("+ unknown · ")
    assert "Appid" in example
    assert last == "2 alerts, 2 answered otherwise"


def test_json_says_the_same(off: str, capsys: Printed) -> None:
    assert main(["rules", "replay", "--rules", off, "--json"]) == 1
    printed = json.loads(capsys.readouterr().out)
    assert (printed["alerts"], printed["changed"], printed["not_told_apart"]) == (2, 2, 0)
    [difference] = printed["differences"]
    assert difference["count"] == 2
    assert set(difference["live"]) == {"kind", "causes", "rule", "because", "step", "says"}
    assert (difference["live"]["kind"], difference["new"]["kind"]) == ("bad_response", "unknown")


def test_older_alerts_are_left_out(off: str, capsys: Printed) -> None:
    assert main(["rules", "replay", "--rules", off, "--since", "2"]) == 1
    assert capsys.readouterr().out.endswith("1 alerts, 1 answered otherwise\n")


def test_without_rules_it_shows_what_the_settings_change(
    off: str, capsys: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRIAGE_RULES_DIRS", off)
    assert main(["rules", "replay"]) == 1
    assert capsys.readouterr().out.endswith("2 alerts, 2 answered otherwise\n")
    assert main(["rules", "replay", "--rules", off]) == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--rules", "nowhere"], "nowhere"),
        (["--rules", "{empty}"], "ends in .yml"),
        (["--rules", "{broken}"], "sevrity"),
        (["--since", "0"], "--since"),
    ],
    ids=["a directory that is not there", "one without rules", "one with a mistake", "no day"],
)
def test_a_mistake_exits_2_and_says_which(
    options: list[str], said: str, tmp_path: Path, capsys: Printed
) -> None:
    for name in ("empty", "broken"):
        (tmp_path / name).mkdir()
    (tmp_path / "broken/own.yml").write_text("id: own\nsevrity: high\n")
    places = {name: str(tmp_path / name) for name in ("empty", "broken")}
    assert main(["rules", "replay", *[option.format(**places) for option in options]]) == 2
    assert said in capsys.readouterr().err
