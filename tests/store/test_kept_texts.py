"""The texts of stored alerts: each once, newest first, in portions, and only those that somebody may see."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.full_store import Size, fill
from tests.support.plans import noted_statements, read_whole
from tests.support.stores import NOW, entry, message, opening
from tests.support.upgraded import new_file
from triage.incidents.correlation import Reason
from triage.store import EVERY, Change, Entry, Store, Wanted
from triage.store import kept_texts as keeping

NEVER = Wanted(appids=("wx_none",))


@pytest.fixture
def store(upgraded: str) -> Iterator[Store]:
    with closing(Store.open(upgraded)) as opened:
        yield opened


def keep(
    store: Store,
    number: int,
    *,
    alerts: int = 1,
    appid: str = "wx1",
    apart: bool = False,
    text: str | None = "",
) -> str:
    """A message with alerts in it, a minute after the one before."""
    at = NOW + timedelta(minutes=number)
    placed = [
        opening(f"{number}|{place}", digest=f"{number}.{place}", appid=appid, seen_at=at)
        for place in range(alerts)
    ]
    if apart:
        placed = [
            (seen, Change(change.incident_key, None, Reason.OPENED, is_confirmed=False))
            for seen, change in placed
        ]
    words = f"text {number}" if text == "" else text
    store.record(Entry(message(str(number), text=words), at, "回复", tuple(placed)))
    return str(words)


def texts(store: Store, **asked: object) -> list[str]:
    return [kept.text for kept in store.kept_texts(**asked)]  # type: ignore[arg-type]


def test_an_empty_store_has_none(store: Store) -> None:
    assert texts(store) == []


def test_a_message_without_an_alert_is_not_among_them(store: Store) -> None:
    store.record(entry("1"))
    assert texts(store) == []


def test_a_message_without_a_text_is_left_out(store: Store) -> None:
    keep(store, 1, text=None)
    keep(store, 2)
    assert texts(store) == ["text 2"]


def test_they_come_once_each_and_the_newest_first(store: Store) -> None:
    for number in range(3):
        keep(store, number, alerts=4)
    assert texts(store) == ["text 2", "text 1", "text 0"]


@pytest.mark.parametrize("portion", [1, 2, 3, 4])
def test_a_text_whose_alerts_lie_in_two_portions_comes_once(
    store: Store, portion: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "_PORTION", portion)
    for number in range(3):
        keep(store, number, alerts=3)
    assert texts(store) == ["text 2", "text 1", "text 0"]


def test_older_ones_are_left_out_and_not_read(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "_PORTION", 2)
    for number in range(9):
        keep(store, number)
    assert texts(store, since=NOW + timedelta(minutes=6)) == ["text 8", "text 7", "text 6"]


@pytest.mark.parametrize(
    ("wanted", "seen"),
    [
        (NEVER, []),
        (EVERY, ["text 2", "text 1"]),
        (None, ["text 3", "text 2", "text 1"]),
        (Wanted(appids=("wx1",)), ["text 1"]),
        (Wanted(appids=("wx1", "wx2")), ["text 2", "text 1"]),
        (Wanted(is_confirmed=False), ["text 3"]),
    ],
    ids=[
        "an account that has none",
        "all that members have seen",
        "all there are",
        "one account",
        "two accounts",
        "what is kept apart",
    ],
)
def test_only_those_of_wanted_incidents_come(store: Store, wanted: Wanted | None, seen: list[str]) -> None:
    keep(store, 1)
    keep(store, 2, appid="wx2")
    keep(store, 3, apart=True)
    assert texts(store, wanted=wanted) == seen


def test_only_so_many_alerts_are_looked_at_whoever_asks(store: Store) -> None:
    for number in range(5):
        keep(store, number, appid="wx1" if number < 2 else "wx2")
    assert texts(store, most=2) == ["text 4", "text 3"]
    assert texts(store, most=3, wanted=Wanted(appids=("wx1",))) == []
    assert texts(store, most=4, wanted=Wanted(appids=("wx1",))) == ["text 1"]


def test_no_query_reads_a_whole_table(tmp_path: Path) -> None:
    url = new_file(tmp_path / "full.db")
    fill(url, NOW, Size(incidents=300, alerts=1_500, days=30))
    with noted_statements() as statements, closing(Store.open(url)) as opened:
        for wanted in (None, EVERY, Wanted(appids=("wx1",)), Wanted(is_confirmed=False)):
            list(opened.kept_texts(wanted=wanted, since=NOW - timedelta(days=3)))
    assert any("messages" in statement for statement in statements)
    whole = {asked: found for asked in statements if (found := read_whole(tmp_path / "full.db", asked))}
    assert whole == {}
