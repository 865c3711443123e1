"""`triage db` and `triage export`."""

from __future__ import annotations

import csv
import io
import json
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.stores import (
    NOW,
    entry,
    opening,
)
from tests.support.upgraded import new_store
from triage.channels.registry import CHANNELS
from triage.cli import main


class TestCommands:
    @pytest.fixture(autouse=True)
    def _url(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TRIAGE_DATABASE_URL", f"sqlite:///{tmp_path}/triage.db")

    def test_upgrade_makes_what_check_wants(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["db", "check"]) == 2
        assert "triage db upgrade" in capsys.readouterr().err
        assert main(["db", "upgrade"]) == 0
        assert main(["db", "check"]) == 0

    def test_a_file_that_cannot_be_made_is_said_to_be_one(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("TRIAGE_DATABASE_URL", f"sqlite:///{tmp_path}/nowhere/triage.db")
        assert main(["db", "upgrade"]) == 2
        assert "look whether its directory is there and may be written" in capsys.readouterr().err

    def test_export_can_be_read_again(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        text = 'a,"b"\nc 🚨'
        with closing(new_store(tmp_path / "triage.db")) as store:
            store.record(entry("1", opening(title=text), opening(title="x", count=None)))
            (first, second) = store.export("alerts")
        assert main(["export", "alerts"]) == 0
        rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert rows[0] == first | {
            "seen_at": NOW.isoformat(), "first_seen": first["first_seen"].isoformat(), "causes": ["slow", "dns"],
            "sender": "wechat/wx1/oAlice",
        }  # fmt: skip
        assert rows[1]["count"] is second["count"] is None
        assert main(["export", "alerts", "--format", "csv"]) == 0
        cells = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
        assert (cells[0]["title"], cells[0]["causes"], cells[1]["count"]) == (text, '["slow", "dns"]', "")

    def test_the_reply_of_a_message_is_exported_as_it_was_sent(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        reply = "「更多」看其余 12 步"
        with closing(new_store(tmp_path / "triage.db")) as store:
            said = entry("1", reply=reply)
            store.record(said)
            store.record(entry("2", reply=None))
        assert main(["export", "messages"]) == 0
        replies = {row["key"]: row["reply"] for row in map(json.loads, capsys.readouterr().out.splitlines())}
        sent = replies.pop(said.message.key)
        assert sent == CHANNELS[said.message.channel].written(reply) != reply
        assert list(replies.values()) == [None]

    def test_an_empty_table_is_no_line(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["db", "upgrade"]) == 0
        capsys.readouterr()
        assert main(["export", "gaps"]) == 0
        assert main(["export", "gaps", "--format", "csv"]) == 0
        assert capsys.readouterr().out == ""

    def test_an_unknown_table_is_a_usage_mistake(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["export", "mesages"]) == 2
        assert "messages" in capsys.readouterr().err
