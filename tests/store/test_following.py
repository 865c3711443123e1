"""What pages ask of the store: open incidents, failures, shared ticks, what was like it before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.full_store import Size, fill
from tests.support.plans import noted_statements, read_whole
from tests.support.stores import (
    HOSTILE,
    NOW,
    entry,
    opened,
    person,
    recorded_in,
    sighting,
    together,
)
from tests.support.upgraded import new_store
from triage.incidents.correlation import Incident, Reason, State
from triage.incidents.likeness import Likeness
from triage.store import (
    Action,
    Change,
    Failures,
    Outgoing,
    OutgoingKind,
    Store,
    TickedStep,
    Wanted,
    following,
)

ALICE, BOB = person("oAlice"), person("oBob")
LATER = NOW + timedelta(hours=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def store(upgraded: str) -> Iterator[Store]:
    with closing(Store.open(upgraded, has_team=True)) as opened_store:
        yield opened_store


def _join(store: Store, incident: int, digest: str, reason: Reason = Reason.JOINED, **values: Any) -> None:
    alert = sighting(digest=digest, **values)
    recorded_in(store, entry(f"m{digest}{alert.seen_at}", (alert, Change("wx1|cb", incident, reason))))


def _incident(store: Store, number: int) -> Incident:
    found = store.incident(number)
    assert found is not None
    return found


class TestOpenIncidents:
    def test_none_is_open(self, store: Store) -> None:
        assert store.following.open_incidents() == ()
        assert store.following.count_open() == 0

    def test_closed_ones_and_those_kept_apart_are_left_out(self, store: Store) -> None:
        closed, shown = opened(store, "wx1|a"), opened(store, "wx1|b")
        store.close_incident(closed, ALICE, NOW)
        apart = Change("wx1|c", None, Reason.OPENED, is_confirmed=False)
        recorded_in(store, entry("apart", (sighting(), apart)))
        assert [incident.id for incident in store.following.open_incidents()] == [shown]
        assert store.following.count_open() == 1

    def test_one_that_is_open_again_is_there_again(self, store: Store) -> None:
        number = opened(store)
        store.close_incident(number, ALICE, NOW)
        _join(store, number, "d2", Reason.REOPENED)
        assert [incident.id for incident in store.following.open_incidents()] == [number]

    def test_only_those_of_the_wanted_accounts(self, store: Store) -> None:
        mine, _ = opened(store, "wx1|a"), opened(store, "wx2|a", appid="wx2")
        wanted = Wanted(appids=("wx1",))
        assert [incident.id for incident in store.following.open_incidents(wanted)] == [mine]
        assert store.following.count_open(wanted) == 1

    def test_of_the_alerts_the_first_and_the_newest_of_each_kind_are_read(self, store: Store) -> None:
        number = opened(store, digest="t0")
        for count in range(1, 4):
            _join(store, number, f"t{count}", seen_at=NOW + count * MINUTE)
        for count in range(3):
            _join(store, number, f"m{count}", kind="mark_fail", seen_at=NOW + (4 + count) * MINUTE)
        (incident,) = store.following.open_incidents()
        assert [alert.digest for alert in incident.sightings] == ["t0", "t3", "m0", "m2"]
        whole = _incident(store, number)
        assert replace(incident, sightings=whole.sightings) == whole

    def test_those_with_the_newest_alerts_are_read(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(following, "MOST_OPEN", 2)
        following._open.cache_clear()
        numbers = [opened(store, f"wx1|{n}", seen_at=NOW + n * MINUTE) for n in range(3)]
        found = store.following.open_incidents()
        following._open.cache_clear()
        assert [incident.id for incident in found] == [numbers[2], numbers[1]]
        assert store.following.count_open() == 3

    @pytest.mark.parametrize("most", [0, 1_000], ids=["none is kept", "all are kept"])
    def test_who_has_looked_before_sees_every_change(
        self, store: Store, upgraded: str, monkeypatch: pytest.MonkeyPatch, most: int
    ) -> None:
        monkeypatch.setattr(following, "_MOST_KEPT", most)
        number = opened(store)
        apart = Change("wx1|c", None, Reason.OPENED, is_confirmed=False)
        (foreign,) = recorded_in(store, entry("apart", (sighting(), apart)))
        changes: dict[str, Callable[[], object]] = {
            "nothing": lambda: None,
            "claim": lambda: store.claim_incident(number, ALICE, NOW),
            "alert": lambda: _join(store, number, "d2", nickname="改名了"),
            "step": lambda: store.record(entry("s", actions=(Action("step", number, ALICE, "3"),))),
            "mute": lambda: store.record(entry("m", actions=(Action("mute", number, ALICE, until=LATER),))),
            "release": lambda: store.release_incident(number, ALICE, NOW),
            "another": lambda: opened(store, "wx1|b"),
            "close": lambda: store.close_incident(number, ALICE, NOW),
            "open again": lambda: _join(store, number, "d3", Reason.REOPENED),
            "confirm": lambda: store.confirm_incident(foreign, ALICE, NOW),
        }
        for change, make in changes.items():
            make()
            with closing(Store.open(upgraded)) as another:
                assert store.following.open_incidents() == another.following.open_incidents(), change

    def test_alerts_are_read_again_only_of_those_that_have_changed(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        read: list[int] = []
        with_ids = following._with_ids

        def noted(session: Any, ids: Any) -> tuple[Incident, ...]:
            read.append(len(ids))
            return with_ids(session, ids)

        monkeypatch.setattr(following, "_with_ids", noted)
        first, _ = opened(store, "wx1|a"), opened(store, "wx1|b")
        for _ in range(2):
            store.following.open_incidents()
        _join(store, first, "d2")
        store.following.open_incidents()
        assert read == [2, 1]

    def test_alerts_that_are_purged_are_not_shown(self, store: Store) -> None:
        number = opened(store, digest="old")
        _join(store, number, "new", seen_at=LATER)
        assert len(store.following.open_incidents()[0].sightings) == 2
        store.purge(NOW + MINUTE, lambda _: None)
        (incident,) = store.following.open_incidents()
        assert [alert.digest for alert in incident.sightings] == ["new"]

    def test_some_are_read_in_the_order_that_is_asked_for(self, store: Store) -> None:
        first, second = opened(store, "wx1|a"), opened(store, "wx1|b")
        found = store.following.condensed([second, 999, first])
        assert [incident.id for incident in found] == [second, first]
        assert store.following.condensed([]) == ()


class TestFailures:
    def test_an_incident_that_is_not_there_has_none(self, store: Store) -> None:
        assert store.following.failures(1) == ()

    def test_each_alert_counts_once_and_one_without_a_count_not_at_all(self, store: Store) -> None:
        number = opened(store, first_seen=NOW, count=3)
        _join(store, number, "d1", Reason.REPEATED, count=3)
        _join(store, number, "d2", count=None)
        _join(store, number, "d3", first_seen=None, seen_at=LATER, count=7)
        assert store.following.failures(number) == (Failures(NOW, 3), Failures(LATER, 7))


class TestTicks:
    def test_nothing_is_ticked(self, store: Store) -> None:
        assert store.following.ticks(opened(store)) == ()

    def test_a_tick_is_shared_and_told_by_the_timeline(self, store: Store) -> None:
        number = opened(store)
        assert store.following.tick(number, "dns_timeout/resolve", 3, ALICE, LATER)
        assert store.following.ticks(number) == (TickedStep("dns_timeout/resolve", ALICE, LATER),)
        event = store.timeline(number)[-1]
        assert (event.what, event.who, event.detail) == ("tick", ALICE, "3")

    def test_the_first_who_ticks_stays(self, store: Store) -> None:
        number = opened(store)
        assert store.following.tick(number, "a/b", 1, ALICE, NOW)
        assert not store.following.tick(number, "a/b", 1, BOB, LATER)
        assert [tick.who for tick in store.following.ticks(number)] == [ALICE]
        assert [event.what for event in store.timeline(number)] == ["open", "tick"]

    def test_of_many_at_once_one_ticks(self, store: Store) -> None:
        number = opened(store)
        done = together(lambda _: store.following.tick(number, "a/b", 1, ALICE, NOW), 4)
        assert sorted(done) == [False, False, False, True]
        assert len(store.following.ticks(number)) == 1

    def test_a_tick_is_taken_back_once(self, store: Store) -> None:
        number = opened(store)
        store.following.tick(number, "a/b", 1, ALICE, NOW)
        assert store.following.untick(number, "a/b", 1, BOB, LATER)
        assert not store.following.untick(number, "a/b", 1, BOB, LATER)
        assert store.following.ticks(number) == ()
        assert [event.what for event in store.timeline(number)] == ["open", "tick", "untick"]

    def test_what_is_not_there_is_not_ticked(self, store: Store) -> None:
        assert not store.following.tick(4711, "a/b", 1, ALICE, NOW)
        assert store.timeline(4711) == ()

    @pytest.mark.parametrize("step", HOSTILE.values(), ids=HOSTILE)
    def test_any_step_that_is_sent_is_found_again(self, store: Store, step: str) -> None:
        number = opened(store)
        store.following.tick(number, step, 1, ALICE, NOW)
        assert store.following.untick(number, step, 1, ALICE, NOW)

    def test_ticks_are_forgotten_with_their_incident(self, store: Store) -> None:
        number = opened(store)
        store.following.tick(number, "a/b", 1, ALICE, NOW)
        store.close_incident(number, ALICE, NOW)
        store.purge(NOW + timedelta(days=999), lambda _: None)
        assert [list(store.export(table)) for table in ("ticks", "traits", "incidents")] == [[], [], []]


class TestNewestEvents:
    def test_the_newest_are_read_oldest_first(self, store: Store) -> None:
        number = opened(store)
        for count in range(5):
            store.add_note(number, ALICE, NOW, f"n{count}")
        assert [event.detail for event in store.following.newest_events(number, 2)] == ["n3", "n4"]

    def test_all_are_counted(self, store: Store) -> None:
        number = opened(store)
        store.add_note(number, ALICE, NOW, "n")
        store.add_evidence(number, ALICE, NOW, "✓ free")
        assert [event.what for event in store.following.newest_events(number, 9)] == ["note", "evidence"]
        assert store.following.count_events(number) == 2
        assert not store.add_evidence(4711, ALICE, NOW, "✓ free")

    def test_alerts_are_counted(self, store: Store) -> None:
        number = opened(store)
        _join(store, number, "d2")
        assert [each.alerts for each in (_incident(store, number), *store.following.open_incidents())] == [
            2,
            2,
        ]

    def test_the_newest_calls_are_read_and_no_decisions(self, store: Store) -> None:
        number = opened(store)
        kinds = (OutgoingKind.PAGE, OutgoingKind.STEP, OutgoingKind.GROUP, OutgoingKind.NOTICE)
        rows = [Outgoing(str(place), kind, "to", NOW, None, number) for place, kind in enumerate(kinds)]
        store.outbox.put(rows, NOW)
        assert [row.key for row in store.following.sent(number, 9)] == ["0", "2", "3"]
        assert [row.key for row in store.following.sent(number, 2)] == ["2", "3"]


class TestSimilar:
    @staticmethod
    def _closed(store: Store, key: str, note: str | None = None, **values: Any) -> int:
        number = opened(store, key, **values)
        store.close_incident(number, ALICE, LATER, note)
        return number

    def _found(self, store: Store, number: int, wanted: Wanted = Wanted()) -> dict[int, list[Likeness]]:  # noqa: B008 - frozen
        found = store.following.similar(_incident(store, number), wanted)
        return {similar.incident.id: list(similar.likenesses) for similar in found}

    def test_nothing_was_like_it(self, store: Store) -> None:
        self._closed(store, "wx2|cb", appid="wx2", ip="9.9.9.9", callback="https://b.example/", causes=())
        assert self._found(store, opened(store)) == {}

    def test_it_is_not_like_itself_nor_like_open_ones(self, store: Store) -> None:
        opened(store, "wx1|other")
        number = self._closed(store, "wx1|cb")
        assert self._found(store, number) == {}

    @pytest.mark.parametrize(
        ("values", "likeness"),
        [
            pytest.param({"appid": "wx1"}, Likeness.ACCOUNT, id="the account"),
            pytest.param({"callback": "https://a.example/other"}, Likeness.HOST, id="the host"),
            pytest.param({"ip": "1.2.3.4"}, Likeness.MACHINE, id="the machine"),
            pytest.param(
                {"causes": ("dns",), "kind": "dns_timeout"}, Likeness.CAUSE, id="the cause of another kind"
            ),
        ],
    )
    def test_one_was_like_it(self, store: Store, values: dict[str, Any], likeness: Likeness) -> None:
        other: dict[str, Any] = {
            "appid": "wx9",
            "callback": "https://z.example/",
            "ip": "9.9.9.9",
            "causes": (),
        }
        before = self._closed(store, "wx9|cb", **{**other, **values})
        assert self._found(store, opened(store)) == {before: [likeness]}

    def test_another_kind_on_the_same_machine_is_not_like_it(self, store: Store) -> None:
        other: dict[str, Any] = {"appid": "wx9", "callback": None, "causes": (), "kind": "dns_timeout"}
        self._closed(store, "wx9|cb", **other)
        assert self._found(store, opened(store)) == {}

    def test_one_that_is_open_again_is_not_told_until_it_is_closed_again(self, store: Store) -> None:
        before = self._closed(store, "wx1|a", "换了证书")
        _join(store, before, "d9", Reason.REOPENED)
        number = opened(store)
        assert self._found(store, number) == {}
        store.close_incident(before, ALICE, LATER, "这次重启了")
        assert list(self._found(store, number)) == [before]
        (similar,) = store.following.similar(_incident(store, number))
        assert (similar.incident.state, similar.incident.closed_note) == (State.CLOSED, "这次重启了")

    def test_one_with_a_note_comes_first_even_if_the_note_came_late(self, store: Store) -> None:
        noted, silent = self._closed(store, "wx1|a"), self._closed(store, "wx1|b")
        store.close_incident(noted, BOB, LATER, "想起来了：换了证书")
        assert list(self._found(store, opened(store))) == [noted, silent]

    def test_those_of_other_accounts_are_not_told_who_sees_some_only(self, store: Store) -> None:
        self._closed(store, "wx9|cb", appid="wx9")
        mine = self._closed(store, "wx1|a")
        assert list(self._found(store, opened(store), Wanted(appids=("wx1",)))) == [mine]

    @pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
    def test_any_account_is_found_again(self, store: Store, text: str) -> None:
        values: dict[str, Any] = {"appid": text, "ip": None, "callback": None, "causes": ()}
        before = self._closed(store, "a", **values)
        found = self._found(store, opened(store, "b", **values))
        assert found == ({before: [Likeness.ACCOUNT]} if text.strip("\0") else {})


def test_no_question_of_a_page_reads_a_whole_table(tmp_path: Path) -> None:
    file = tmp_path / "triage.db"
    with closing(new_store(file)) as store:
        fill(f"sqlite:///{file}", NOW, Size(incidents=300, alerts=1_500))
        store.close_incident(opened(store), ALICE, NOW, "好了")
        number = opened(store)
    with noted_statements() as statements, closing(Store.open(f"sqlite:///{file}")) as store:
        asked = store.following
        for wanted in (Wanted(), Wanted(appids=("wx1",)), Wanted(owner=ALICE)):
            asked.open_incidents(wanted)
            asked.count_open(wanted)
            asked.similar(_incident(store, number), wanted)
        asked.condensed([number])
        asked.failures(number)
        asked.count_events(number)
        asked.sent(number, 5)
        asked.newest_events(number, 5)
        asked.tick(number, "a/b", 1, ALICE, NOW)
        asked.ticks(number)
        asked.untick(number, "a/b", 1, ALICE, NOW)
    found = {statement: read_whole(file, statement) for statement in statements}
    assert {statement: plan for statement, plan in found.items() if plan} == {}
    assert any("closed_as = 0" in statement for statement in found)
