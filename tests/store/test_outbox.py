"""The outbox: written with what causes it, taken by one node at a time, and kept with what became of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, nullcontext
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import MetaData, create_engine

from tests.support.stores import NOW, entry, opened, opening, person, recorded_in, sighting, together
from triage.errors import OvertakenError
from triage.incidents.correlation import Reason
from triage.incidents.team import Override
from triage.message import Person
from triage.store import (
    Action,
    Change,
    Grant,
    Member,
    Outgoing,
    OutgoingKind,
    OutgoingState,
    Queued,
    Removal,
    Role,
    Settled,
    ShiftOverride,
    Store,
)
from triage.store.migrating import SCRIPTS, migrate
from triage.store.schema import VERSIONS

ALICE, BOB = person("oAlice"), person("oBob")
LEASE = timedelta(seconds=30)


@pytest.fixture
def store(upgraded: str) -> Iterator[Store]:
    with closing(Store.open(upgraded, has_team=True)) as opened_store:
        yield opened_store


def page(key: str, destination: str = "wecom/corp/li", **values: Any) -> Outgoing:
    made = Outgoing(key, OutgoingKind.PAGE, destination, NOW, NOW + timedelta(hours=2), None, {"n": key})
    return replace(made, **values)


def told(store: Store) -> list[tuple[str, int | None]]:
    """What the outbox says happened, oldest first."""
    rows = store.outbox.rows(list(OutgoingState), 1000)[::-1]
    return [(row.payload["what"], row.incident_id) for row in rows if row.kind is OutgoingKind.CHANGE]


def states(store: Store) -> dict[str, tuple[OutgoingState, str | None]]:
    rows = store.outbox.rows(list(OutgoingState), 1000)
    return {row.key: (row.state, row.reason) for row in rows if row.kind is not OutgoingKind.CHANGE}


def taken(store: Store, owner: str = "a", now: datetime = NOW, limit: int = 100) -> list[Queued]:
    """What a node gets that asks for everything."""
    return [
        row
        for lane in store.outbox.lanes(now, 100)
        for row in store.outbox.take(lane, owner, now, now + LEASE, limit)
    ]


def _owner(store: Store, number: int) -> Person | None:
    incident = store.incident(number)
    assert incident
    return incident.owner


class TestChanges:
    def test_without_a_team_nothing_is_put_into_the_outbox(self, upgraded: str) -> None:
        with closing(Store.open(upgraded)) as store:
            store.claim_incident(opened(store), ALICE, NOW)
            assert told(store) == []

    def test_what_is_kept_apart_is_told_when_a_member_confirms_it(self, store: Store) -> None:
        apart = (sighting(), Change("wx1|cb", None, Reason.OPENED, is_confirmed=False))
        (number,) = recorded_in(store, entry("1", apart))
        assert told(store) == []
        store.confirm_incident(number, BOB, NOW)
        assert told(store) == [("open", number)]

    def test_a_second_alert_of_an_open_incident_is_no_change(self, store: Store) -> None:
        number = opened(store)
        recorded_in(store, entry("2", opening(digest="d2")))
        recorded_in(store, entry("3", (sighting("d3"), Change("wx1|cb", number, Reason.JOINED))))
        assert told(store) == [("open", number)]

    def test_a_graver_alert_is_a_change(self, store: Store) -> None:
        number = opened(store)
        graver = (sighting("d2", rank=0), Change("wx1|cb", number, Reason.JOINED))
        recorded_in(store, entry("2", graver))
        assert told(store) == [("open", number), ("worse", number)]

    def test_a_retry_of_a_message_tells_nothing_twice(self, store: Store) -> None:
        for _ in range(2):
            store.record(entry("1", opening()))
        assert len(told(store)) == 1

    def test_every_change_is_told_once(self, store: Store) -> None:
        number = opened(store)
        for at, action in enumerate(
            (
                Action("claim", number, ALICE),
                Action("release", number, BOB),
                Action("release", number, ALICE),
                Action("give", number, ALICE, to=BOB),
                Action("give", number, ALICE, to=BOB),
                Action("note", number, ALICE, "看"),
                Action("mute", number, ALICE, until=NOW + timedelta(hours=1)),
                Action("close", number, BOB, "好了"),
                Action("close", number, ALICE, "好了"),
            )
        ):
            is_void = at in (1, 4)  # of somebody else's, and to who has it already
            with pytest.raises(OvertakenError) if is_void else nullcontext():
                store.record(entry(f"a{at}", actions=(action,)))
        store.claim_incident(number, BOB, NOW)
        reopening = (sighting("d9"), Change("wx1|cb", number, Reason.REOPENED))
        recorded_in(store, entry("9", reopening))
        assert [what for what, _ in told(store)] == ["open", "claim", "release", "give", "close", "reopen"]

    def test_who_leaves_sets_free_what_they_had_claimed(self, store: Store) -> None:
        store.add_member(Member(ALICE, "阿丽", None, (), NOW))
        store.grant(Grant(ALICE, Role.LEAD, ()))
        number = opened(store)
        store.claim_incident(number, ALICE, NOW)
        store.remove_member(Removal(ALICE, BOB), NOW)
        assert told(store)[-1] == ("release", number)

    @pytest.mark.parametrize(
        ("act", "cancelled"),
        [
            pytest.param(lambda store, n: store.add_note(n, ALICE, NOW, "看"), set(), id="a note"),
            pytest.param(
                lambda store, n: store.claim_incident(n, ALICE, NOW), {"page", "step"}, id="a claim"
            ),
            pytest.param(
                lambda store, n: store.close_incident(n, ALICE, NOW), {"page", "step", "remind"}, id="closing"
            ),
        ],
    )
    def test_what_is_still_to_go_out_is_cancelled_with_the_change(
        self, store: Store, act: Callable[[Store, int], object], cancelled: set[str]
    ) -> None:
        number, other = opened(store), opened(store, "wx1|other")
        kinds = (OutgoingKind.PAGE, OutgoingKind.STEP, OutgoingKind.REMIND, OutgoingKind.GROUP)
        store.outbox.put([page(kind.value, kind=kind, incident_id=number) for kind in kinds], NOW)
        store.outbox.put([page("other", incident_id=other)], NOW)
        act(store, number)
        assert {
            key for key, (state, _) in states(store).items() if state is OutgoingState.CANCELLED
        } == cancelled


class TestRows:
    def test_the_same_key_goes_out_once(self, store: Store) -> None:
        store.outbox.put([page("k"), page("k")], NOW)
        store.outbox.put([page("k")], NOW)
        assert [row.key for row in taken(store)] == ["k"]

    def test_nothing_is_taken_before_it_is_due(self, store: Store) -> None:
        store.outbox.put([page("k", due_at=NOW + timedelta(seconds=1))], NOW)
        assert taken(store) == []
        assert len(taken(store, now=NOW + timedelta(seconds=1))) == 1

    def test_while_a_node_is_at_a_destination_no_other_is(self, store: Store) -> None:
        store.outbox.put([page("1"), page("2"), page("3", "wecom/corp/han")], NOW)
        lanes = store.outbox.lanes(NOW, 100)
        first = [row.key for row in store.outbox.take(lanes[0], "a", NOW, NOW + LEASE, 1)]
        assert first == ["1"]
        assert store.outbox.take(lanes[0], "b", NOW, NOW + LEASE, 100) == ()
        assert [row.key for row in taken(store, "b")] == ["3"]

    def test_a_lease_that_ran_out_is_taken_over(self, store: Store) -> None:
        store.outbox.put([page("1")], NOW)
        assert len(taken(store, "a")) == 1
        assert taken(store, "b", NOW + LEASE - timedelta(seconds=1)) == []
        assert [(row.key, row.tries) for row in taken(store, "b", NOW + LEASE)] == [("1", 1)]

    def test_nodes_that_ask_at_once_share_without_overlap(self, store: Store) -> None:
        store.outbox.put([page(f"{n}", f"wecom/corp/{n % 10}") for n in range(50)], NOW)
        got = [row.key for rows in together(lambda n: taken(store, f"node{n}")) for row in rows]
        assert sorted(got) == sorted(set(got))
        for n in range(10):
            got += [row.key for row in taken(store, f"later{n}")]
        assert len(got) == 50

    def test_what_was_sent_stays_sent_though_it_was_cancelled_in_flight(self, store: Store) -> None:
        number = opened(store)
        store.outbox.put([page("k", incident_id=number)], NOW)
        (row,) = (row for row in taken(store) if row.key == "k")
        store.claim_incident(number, ALICE, NOW)
        store.outbox.settle([Settled(row.id, OutgoingState.SENT, receipt="rc")], (), "a", NOW)
        assert states(store)["k"] == (OutgoingState.SENT, None)
        assert [each.receipt for each in store.outbox.with_receipt(number, NOW - LEASE)] == ["rc"]

    def test_what_was_cancelled_in_flight_is_not_tried_again(self, store: Store) -> None:
        number = opened(store)
        store.outbox.put([page("k", incident_id=number)], NOW)
        (row,) = (row for row in taken(store) if row.key == "k")
        store.claim_incident(number, ALICE, NOW)
        store.outbox.settle([Settled(row.id, OutgoingState.DUE, "later")], (), "a", NOW)
        assert states(store)["k"][0] is OutgoingState.CANCELLED

    def test_who_lost_the_lease_gives_nothing_up(self, store: Store) -> None:
        store.outbox.put([page("k")], NOW)
        (row,) = taken(store, "a")
        taken(store, "b", NOW + LEASE)
        store.outbox.settle([Settled(row.id, OutgoingState.FAILED, "a's")], (), "a", NOW + LEASE)
        assert states(store)["k"][0] is OutgoingState.DUE

    @pytest.mark.parametrize(("was_tried", "tries"), [(True, 1), (False, 0)], ids=["tried", "given back"])
    def test_what_is_due_again_counts_its_tries(self, store: Store, was_tried: bool, tries: int) -> None:
        store.outbox.put([page("k")], NOW)
        (row,) = taken(store)
        later = NOW + timedelta(seconds=4)
        again = Settled(row.id, OutgoingState.DUE, "5xx", later, was_tried=was_tried)
        store.outbox.settle([again], (), "a", NOW)
        assert taken(store) == []
        assert [(each.tries, each.reason) for each in taken(store, now=later)] == [(tries, "5xx")]

    def test_what_follows_is_written_with_what_it_follows_from(self, store: Store) -> None:
        store.outbox.put([page("1")], NOW)
        (row,) = taken(store)
        store.outbox.settle([Settled(row.id, OutgoingState.DONE)], [page("2")], "a", NOW)
        assert states(store) == {"1": (OutgoingState.DONE, None), "2": (OutgoingState.DUE, None)}

    def test_what_is_done_about_an_incident_is_written_with_what_it_follows_from_or_not_at_all(
        self, store: Store
    ) -> None:
        number = opened(store)
        store.claim_incident(number, ALICE, NOW)
        store.outbox.put([page("1", kind=OutgoingKind.REMIND, incident_id=number)], NOW)
        (row,) = (each for each in taken(store) if each.key == "1")
        done, release = [Settled(row.id, OutgoingState.DONE)], [Action("release", number, ALICE, "没动静")]
        with pytest.raises(TypeError):
            store.outbox.settle(done, [page("2", payload={"not": object()})], "a", NOW, release)
        assert _owner(store, number) == ALICE
        assert states(store)["1"] == (OutgoingState.DUE, None)
        store.outbox.settle(done, [page("2")], "a", NOW, release)
        assert _owner(store, number) is None
        assert states(store) == {"1": (OutgoingState.DONE, None), "2": (OutgoingState.DUE, None)}
        assert told(store)[-1] == ("release", number)

    def test_who_lost_the_lease_does_nothing_to_an_incident(self, store: Store) -> None:
        number = opened(store)
        store.claim_incident(number, ALICE, NOW)
        store.outbox.put([page("1", kind=OutgoingKind.REMIND, incident_id=number)], NOW)
        (row,) = (each for each in taken(store, "a") if each.key == "1")
        taken(store, "b", NOW + LEASE)
        done, release = [Settled(row.id, OutgoingState.DONE)], [Action("release", number, ALICE)]
        store.outbox.settle(done, (), "a", NOW + LEASE, release)
        assert _owner(store, number) == ALICE

    def test_messages_are_counted_once_though_several_rows_went_out_as_one(self, store: Store) -> None:
        store.outbox.put([page("1"), page("2"), page("3")], NOW)
        one, two, three = taken(store)
        first = Settled(one.id, OutgoingState.SENT, messages=1)
        store.outbox.settle([first, Settled(two.id, OutgoingState.SENT, "in one message")], (), "a", NOW)
        store.outbox.settle([replace(first, id=three.id)], (), "a", NOW + LEASE)
        since = NOW - timedelta(seconds=60)
        assert store.outbox.messages_sent("wecom/corp/li", since, 10) == (NOW + LEASE, NOW)
        assert store.outbox.messages_sent("wecom/corp/li", NOW, 10) == (NOW + LEASE,)
        assert store.outbox.messages_sent("wecom/corp/han", since, 10) == ()

    def test_every_try_that_may_have_arrived_is_counted(self, store: Store) -> None:
        store.outbox.put([page("1")], NOW)
        for second, messages in enumerate((1, 0, 1)):
            at = NOW + timedelta(seconds=second)
            (row,) = taken(store, now=at)
            again = Settled(row.id, OutgoingState.DUE, "cut or refused", at, messages=messages)
            store.outbox.settle([again], (), "a", at)
        (row,), last = taken(store, now=at), at + LEASE
        store.outbox.settle([Settled(row.id, OutgoingState.SENT, messages=1)], (), "a", last)
        assert store.outbox.messages_sent("wecom/corp/li", NOW - LEASE, 10) == (last,) * 3
        assert store.outbox.messages_sent("wecom/corp/li", NOW - LEASE, 2) == (last,) * 2

    def test_what_was_given_up_and_may_have_arrived_is_counted(self, store: Store) -> None:
        store.outbox.put([page("1")], NOW)
        (row,) = taken(store)
        store.outbox.settle([Settled(row.id, OutgoingState.FAILED, "cut", messages=1)], (), "a", NOW)
        assert store.outbox.messages_sent("wecom/corp/li", NOW - LEASE, 10) == (NOW,)
        assert states(store)["1"] == (OutgoingState.FAILED, "cut")

    def test_the_backlog_says_since_when_and_how_much_was_given_up(self, store: Store) -> None:
        late = page("late", "wechat/wx1/o", kind=OutgoingKind.LATE)
        store.outbox.put([page("1"), page("2"), page("3", due_at=NOW + LEASE), late], NOW)
        one, *_ = taken(store)
        store.outbox.settle([Settled(one.id, OutgoingState.FAILED, "93000")], (), "a", NOW)
        backlog = store.outbox.backlog(NOW, NOW - LEASE)
        assert (backlog.due, backlog.oldest_due, backlog.failed) == (1, NOW, 1)
        assert store.outbox.backlog(NOW, NOW).failed == 0

    def test_what_is_still_to_be_decided_about_incidents_is_found_soonest_first(self, store: Store) -> None:
        mine, other, unasked = opened(store), opened(store, "wx1|b"), opened(store, "wx1|c")
        step, later = {"kind": OutgoingKind.STEP}, NOW + LEASE
        store.outbox.put(
            [
                page("a page", incident_id=mine),
                page("a reminder", incident_id=mine, kind=OutgoingKind.REMIND),
                page("later", incident_id=mine, due_at=later, **step),
                page("sooner", incident_id=other, due_at=NOW - LEASE, **step),
                page("another one's", incident_id=unasked, **step),
            ],
            NOW,
        )
        found = store.outbox.undecided((mine, other))
        assert [row.incident_id for row in found if row.kind is OutgoingKind.CHANGE] == [mine, other]
        assert [row.key for row in found if row.kind is OutgoingKind.STEP] == ["sooner", "later"]
        store.claim_incident(mine, ALICE, NOW)
        assert "later" not in [row.key for row in store.outbox.undecided((mine,))]

    def test_of_one_incident_only_so_much_is_found(self, store: Store) -> None:
        number = opened(store)
        rows = [page(f"{n}", incident_id=number, kind=OutgoingKind.STEP) for n in range(50)]
        store.outbox.put(rows, NOW)
        assert len(store.outbox.undecided((number,))) == 20

    def test_of_more_incidents_than_one_statement_asks_about_each_is_found(self, store: Store) -> None:
        numbers = [opened(store, f"wx1|{n}") for n in range(41)]
        assert {row.incident_id for row in store.outbox.undecided(numbers)} == set(numbers)
        assert store.outbox.undecided(()) == ()

    def test_old_rows_are_forgotten(self, store: Store) -> None:
        store.outbox.put([page("1")], NOW)
        store.purge(NOW, lambda _: None)
        assert len(store.outbox.rows(list(OutgoingState), 10)) == 1
        store.purge(NOW + LEASE, lambda _: None)
        assert store.outbox.rows(list(OutgoingState), 10) == ()


def test_a_shift_that_was_taken_over_is_known_until_it_ends(store: Store) -> None:
    shift = ShiftOverride("main", "wang", NOW, NOW + timedelta(hours=2), BOB, NOW)
    store.add_shift(shift)
    store.record(entry("1", actions=(replace(shift, teammate="han"),)))
    assert [each.teammate for each in store.shifts(NOW)] == ["wang", "han"]
    assert store.shifts(NOW)[0] == Override("main", "wang", NOW, NOW + timedelta(hours=2))
    assert [(row["made_by"], row["made_at"]) for row in store.export("shifts")] == [(BOB, NOW)] * 2
    assert store.shifts(NOW + timedelta(hours=2)) == ()


def test_who_owns_and_how_long_nobody_is_called_is_known(store: Store) -> None:
    number, until = opened(store), NOW + timedelta(hours=1)
    actions = (Action("give", number, ALICE, "小白", to=BOB), Action("mute", number, ALICE, until=until))
    store.record(entry("1", actions=actions))
    incident = store.incident(number)
    assert incident
    assert (incident.owner, incident.muted_until) == (BOB, until)
    assert store.release_incident(number, BOB, NOW, "60 分钟没有动静")
    assert [event.what for event in store.timeline(number)] == ["open", "give", "mute", "release"]


def _make_version(number: int, empty: str, tmp_path: Path, table: str, rows: list[dict[str, Any]]) -> None:
    """Give a database an earlier version, and rows of that time."""
    later = [f"v{later:04}*" for later in range(number + 1, len(VERSIONS) + 1)]
    shutil.copytree(SCRIPTS, tmp_path / "before", ignore=shutil.ignore_patterns(*later))
    engine = create_engine(empty)
    with engine.begin() as connection:
        migrate(connection, tmp_path / "before", VERSIONS[:number])
    tables = MetaData()
    tables.reflect(engine)
    with engine.begin() as connection:
        connection.execute(tables.tables[table].insert(), rows)
    engine.dispose()


def test_the_version_before_the_outbox_is_upgraded_and_nothing_of_it_goes_out(
    empty: str, tmp_path: Path
) -> None:
    at = NOW.replace(tzinfo=None)
    incident = {
        "id": 1, "key": "wx1|cb", "lookup": "wx1|cb", "closed_as": 0, "state": "open", "opened_at": at,
        "last_seen": at, "step": 0, "alerts": 0, "guest": "",
    }  # fmt: skip
    _make_version(4, empty, tmp_path, "incidents", [incident])
    with closing(Store.open(empty, upgrade=True, has_team=True)) as store:
        assert told(store) == []
        (kept,) = store.recent_incidents(NOW)
        assert kept.muted_until is None
        assert recorded_in(store, entry("2", opening(key="wx1|cb"))) == [1]


def test_what_the_version_before_has_sent_is_counted_as_it_was_and_goes_on(
    empty: str, tmp_path: Path
) -> None:
    at = NOW.replace(tzinfo=None)
    row = {
        "kind": "page", "destination": "wecom/corp/li", "payload": "{}", "created_at": at, "due_at": at,
        "lease_until": at, "tries": 1, "state": "sent", "reason": None, "sent_at": at,
    }  # fmt: skip
    rows = [
        {**row, "key": "alone"},
        {**row, "key": "merged", "reason": "in one message with alone"},
        {**row, "key": "due", "state": "due", "sent_at": None},
    ]
    _make_version(7, empty, tmp_path, "outbox", rows)
    with closing(Store.open(empty, upgrade=True, has_team=True)) as store:
        assert store.outbox.messages_sent("wecom/corp/li", NOW - LEASE, 10) == (NOW,)
        assert [each.key for each in taken(store)] == ["due"]
