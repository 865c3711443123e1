"""`triage outbox`: what did not go out, and why; never what it said."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.loopback import NOW
from tests.support.sending import notice_row
from tests.support.upgraded import new_file
from triage.cli import main
from triage.store import OutgoingKind, OutgoingState, Settled, Store

LI = "wecom/ww1/lilei"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    url = new_file(tmp_path / "triage.db")
    monkeypatch.setenv("TRIAGE_DATABASE_URL", url)
    with closing(Store.open(url)) as opened:
        yield opened


def settle(store: Store, *states: OutgoingState) -> None:
    """A message to each state, and a decision."""
    store.outbox.put([notice_row(f"secret {state}", LI, NOW, incident_id=12) for state in states], NOW)
    store.outbox.put([notice_row("c", "incident/12", NOW, kind=OutgoingKind.CHANGE)], NOW)
    (lane, _) = store.outbox.lanes(NOW, 9)
    for row, state in zip(store.outbox.take(lane, "a", NOW, NOW, 99), states, strict=True):
        reason = "setting_wrong: 60020" if state is OutgoingState.FAILED else None
        store.outbox.settle([Settled(row.id, state, reason)], (), "a", NOW)


def test_what_was_said_and_to_whom_is_not_printed(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    settle(store, OutgoingState.FAILED, OutgoingState.SENT)
    for options in ([], ["--json"]):
        main(["outbox", *options])
        out = capsys.readouterr().out
        assert "secret" not in out
        assert "lilei" not in out


def test_what_failed_stands_there_with_why(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    settle(store, OutgoingState.FAILED, OutgoingState.SENT)
    assert main(["outbox"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "04-21 14:31 · #12 · notice · wecom · sent",
        "04-21 14:31 · #12 · notice · wecom · failed · setting_wrong: 60020",
    ]
    assert main(["outbox", "--failed", "--json"]) == 1
    [printed] = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (printed["state"], printed["reason"], printed["incident"]) == (
        "failed",
        "setting_wrong: 60020",
        12,
    )


def test_where_all_is_well_it_exits_0(store: Store) -> None:
    settle(store, OutgoingState.SENT)
    assert main(["outbox"]) == 0
    assert main(["outbox", "--failed"]) == 0


def test_a_picture_stands_there_with_its_channel_and_why_it_was_not_read(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    payload = {"message": {"channel": "wechat", "sender": "oSecret", "pictures": [{"url": "https://secret"}]}}
    picture = notice_row("p", "picture/oSecret", NOW, kind=OutgoingKind.PICTURE, payload=payload)
    store.outbox.put([picture], NOW)
    [lane] = store.outbox.picture_lanes(NOW, 9)
    [row] = store.outbox.take(lane, "a", NOW, NOW, 9)
    store.outbox.settle([Settled(row.id, OutgoingState.DONE, "图太大，最多读 10 MB")], (), "a", NOW)
    assert main(["outbox"]) == 0
    assert capsys.readouterr().out == "04-21 14:31 · picture · wechat · done · 图太大，最多读 10 MB\n"
