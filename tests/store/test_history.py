"""Questions about a week: what they count, what they leave out, and that they read no more than its rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.support.full_store import Size, fill
from tests.support.plans import noted_statements, read_whole
from tests.support.stores import NOW, entry, opened, opening, person, recorded_in, sighting
from tests.support.upgraded import new_store
from triage.alerts.parser import BEIJING
from triage.incidents.correlation import Reason
from triage.incidents.solving import Solved
from triage.incidents.statistics import TOP, AccountDay, Handled, KindDay, Place
from triage.incidents.weeks import Week
from triage.store import Action, Change, Store
from triage.store.history import MOST_GAPS, MOST_HANDLED, MOST_SOLVED

WEEK = Week.of(NOW)
ALWAYS = (NOW - timedelta(days=365), NOW + timedelta(days=365))
_LAST_MOMENT = WEEK.ends - timedelta(microseconds=1)


@pytest.fixture
def store(upgraded: str) -> Iterator[Store]:
    with closing(Store.open(upgraded)) as store:
        yield store


def _acted(store: Store, incident: int, at: datetime, kind: str, detail: str | None = None) -> None:
    """What a member did to an incident, as a message of theirs leaves it behind."""
    made = Action(kind, incident, person("oBob"), detail)  # type: ignore[arg-type]
    store.record(entry(f"{kind}/{incident}/{at}/{detail}", actions=(made,), received_at=at))


class TestAlerts:
    def test_they_are_counted_on_the_days_of_beijing(self, store: Store) -> None:
        opened(store, "a", digest="a", seen_at=WEEK.begins)
        opened(store, "b", digest="b", seen_at=WEEK.begins + timedelta(hours=23, minutes=59))
        opened(store, "c", digest="c", seen_at=WEEK.begins + timedelta(days=1))
        opened(store, "d", digest="d", seen_at=_LAST_MOMENT, kind="dns_failure")
        assert set(store.history.kinds(WEEK)) == {
            KindDay("request_timeout", 0, 2),
            KindDay("request_timeout", 1, 1),
            KindDay("dns_failure", 6, 1),
        }

    def test_those_before_and_after_the_week_are_not_counted(self, store: Store) -> None:
        opened(store, "a", digest="a", seen_at=WEEK.begins - timedelta(microseconds=1))
        opened(store, "b", digest="b", seen_at=WEEK.ends)
        assert store.history.kinds(WEEK) == ()
        assert store.history.accounts(WEEK) == ()
        assert store.history.callbacks(WEEK.begins, WEEK.ends) == ()
        assert store.history.busy_hours(WEEK.begins, WEEK.ends) == ()

    def test_one_that_was_forwarded_again_counts_once(self, store: Store) -> None:
        incident = opened(store)
        store.record(entry("2", (sighting(), Change("wx1|cb", incident, Reason.REPEATED))))
        assert [one.alerts for one in store.history.kinds(WEEK)] == [1]

    def test_what_is_kept_apart_counts_once_a_member_has_confirmed_it(self, store: Store) -> None:
        alert, change = opening()
        (incident,) = recorded_in(store, entry("1", (alert, replace(change, is_confirmed=False))))
        assert store.history.kinds(WEEK) == ()
        assert store.history.handled(*ALWAYS) == ()
        store.confirm_incident(incident, person("oBob"), NOW)
        assert [one.alerts for one in store.history.kinds(WEEK)] == [1]
        assert len(store.history.handled(*ALWAYS)) == 1

    def test_hours_that_are_busy_say_how_many_are_receipts(self, store: Store) -> None:
        hour = datetime(2026, 5, 12, 18, tzinfo=BEIJING)
        opened(store, "a", digest="a", seen_at=hour, causes=("receipt_flood", "curl_receive"))
        opened(store, "b", digest="b", seen_at=hour + timedelta(minutes=59), causes=("curl_receive",))
        (busy,) = store.history.busy_hours(WEEK.begins, WEEK.ends)
        assert (busy.starts_at, busy.alerts, busy.receipts) == (hour, 2, 1)

    def test_the_accounts_with_most_alerts_are_counted_by_day(self, store: Store) -> None:
        for number in range(TOP + 1):
            for again in range(number + 1):
                key = f"{number}/{again}"
                opened(store, key, digest=key, appid=f"wx{number:02}", nickname=f"号{number:02}")
        opened(store, "none", digest="none", appid=None)
        found = store.history.accounts(WEEK)
        assert len(found) == TOP
        assert AccountDay("wx10", "号10", 1, 11) in found
        assert "wx00" not in {one.appid for one in found}

    def test_callbacks_and_addresses_say_how_many_accounts_have_them(self, store: Store) -> None:
        opened(store, "a", digest="a", appid="wx1", callback="https://a.example/cb", ip="192.0.2.1")
        opened(store, "b", digest="b", appid="wx2", callback="https://a.example/cb", ip="192.0.2.1")
        opened(store, "c", digest="c", appid=None, callback=None, ip=None)
        assert store.history.callbacks(*ALWAYS) == (Place("https://a.example/cb", 2, 2),)
        assert store.history.addresses(*ALWAYS) == (Place("192.0.2.1", 2, 2),)


class TestIncidents:
    def test_they_say_when_they_were_first_claimed_and_closed(self, store: Store) -> None:
        incident, other = opened(store, "a"), opened(store, "b")
        for minutes, kind in ((3, "claim"), (4, "release"), (9, "claim"), (30, "close")):
            _acted(store, incident, NOW + timedelta(minutes=minutes), kind)
        assert incident != other
        assert sorted(store.history.handled(*ALWAYS), key=lambda one: one.claimed_at is None) == [
            Handled(NOW, NOW + timedelta(minutes=3), NOW + timedelta(minutes=30)),
            Handled(NOW, None, None),
        ]

    def test_closed_ones_say_which_steps_were_ticked_and_reached(self, store: Store) -> None:
        walked, still_open, untouched = (opened(store, key, digest=key) for key in "abc")
        for step in (1, 3):
            _acted(store, walked, NOW + timedelta(minutes=step), "step", str(step))
            _acted(store, still_open, NOW + timedelta(minutes=step), "step", str(step))
        for minutes, step_id in ((2, "resolve"), (4, "whois")):
            store.following.tick(walked, step_id, 9, person("oBob"), NOW + timedelta(minutes=minutes))
        store.following.untick(walked, "whois", 9, person("oBob"), NOW + timedelta(minutes=5))
        _acted(store, walked, NOW + timedelta(hours=1), "note", "2")
        for incident in (walked, untouched):
            _acted(store, incident, NOW + timedelta(hours=2), "close", "好了")
        assert store.history.solved(*ALWAYS) == (Solved("request_timeout", ("1", "resolve", "3")),)

    def test_those_opened_outside_the_time_are_not_told(self, store: Store) -> None:
        opened(store, "a", seen_at=NOW)
        for since, until in ((NOW - timedelta(days=1), NOW), (NOW + timedelta(microseconds=1), ALWAYS[1])):
            assert store.history.handled(since, until) == ()
            assert store.history.solved(since, until) == ()


def test_other_accounts_are_left_out(store: Store) -> None:
    for appid in ("wx1", "wx2", None):
        incident = opened(store, str(appid), digest=str(appid), appid=appid, nickname=f"号{appid}")
        _acted(store, incident, NOW, "step", "1")
        _acted(store, incident, NOW, "close")
    history, mine = store.history, ["wx2"]
    assert [one.alerts for one in history.kinds(WEEK, mine)] == [1]
    assert [one.alerts for one in history.busy_hours(*ALWAYS, mine)] == [1]
    assert [one.appid for one in history.accounts(WEEK, mine)] == ["wx2"]
    assert [one.alerts for one in history.callbacks(*ALWAYS, mine)] == [1]
    assert [one.alerts for one in history.addresses(*ALWAYS, mine)] == [1]
    assert len(history.handled(*ALWAYS, mine)) == 1
    assert len(history.solved(*ALWAYS, mine)) == 1
    assert history.kinds(WEEK, ["wx3"]) == ()


def test_gaps_are_told_the_newest_first(store: Store) -> None:
    for number, text in enumerate(["早", "晚", "明天"]):
        store.record(entry(f"{number}", gap=text, received_at=NOW + timedelta(days=number)))
    assert store.history.gaps(NOW, NOW + timedelta(days=2)) == ("晚", "早")


SIZE = Size(incidents=6_000, alerts=6_000, days=7)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("full") / "triage.db"
    new_store(path).close()
    fill(f"sqlite:///{path}", NOW, SIZE)
    return path


class TestFullStore:
    @pytest.mark.parametrize("appids", [(), ("wx1", "wx2")], ids=["every account", "two accounts"])
    def test_no_question_reads_a_whole_table(self, filled: Path, appids: tuple[str, ...]) -> None:
        with noted_statements() as statements, closing(Store.open(f"sqlite:///{filled}")) as store:
            since, until = WEEK.begins, WEEK.ends
            store.history.kinds(WEEK, appids)
            store.history.accounts(WEEK, appids)
            for question in (
                store.history.busy_hours,
                store.history.callbacks,
                store.history.addresses,
                store.history.handled,
                store.history.solved,
            ):
                question(since, until, appids)
            store.history.gaps(since, until)
        assert len(statements) >= 8
        assert {
            statement: whole for statement in statements if (whole := read_whole(filled, statement))
        } == {}

    def test_a_plan_that_reads_a_whole_table_is_found(self, filled: Path) -> None:
        assert read_whole(filled, "SELECT count(*) FROM alerts WHERE ip = '192.0.2.1'") == ["SCAN alerts"]
        assert read_whole(filled, "SELECT * FROM alerts WHERE seen_at > '2026'") == []
        assert read_whole(filled, "UPDATE incidents SET step = 1 WHERE step = 2") == ["SCAN incidents"]

    def test_what_is_looked_at_is_bounded(self, filled: Path) -> None:
        with closing(Store.open(f"sqlite:///{filled}")) as store:
            assert len(store.history.handled(*ALWAYS)) == MOST_HANDLED < SIZE.incidents
            assert MOST_SOLVED / 2 < len(store.history.solved(*ALWAYS)) <= MOST_SOLVED
            assert len(store.history.gaps(*ALWAYS)) == SIZE.incidents // 10 < MOST_GAPS
