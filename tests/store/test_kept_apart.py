"""What somebody forwards who may not change what members see is kept apart until a member confirms it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.support.stores import NOW, entry, opened, person, recorded_in, sighting, together
from triage.incidents.correlation import Reason, Sighting, State
from triage.store import Action, Change, Store, Wanted

EVE, MALLORY, ALICE = person("oEve"), person("oMallory"), person("oAlice")
LATER = NOW + timedelta(minutes=5)
DAY_BEFORE = NOW - timedelta(days=1)
APART = Wanted(is_confirmed=False)


@pytest.fixture
def store(upgraded: str) -> Iterator[Store]:
    with closing(Store.open(upgraded)) as opened_store:
        yield opened_store


def _apart(key: str = "wx1|cb", incident: int | None = None, **values: Any) -> tuple[Sighting, Change]:
    reason = Reason.OPENED if incident is None else Reason.JOINED
    made = sighting(**{"digest": "strange", "sender": EVE, **values})
    return made, Change(key, incident, reason, is_confirmed=False)


def _digests(store: Store, incident: int) -> list[str]:
    known = store.incident(incident)
    assert known
    return [each.digest for each in known.sightings]


def test_the_members_incident_of_the_same_callback_stays_as_it_was(store: Store) -> None:
    ours = opened(store)
    before = store.incident(ours)
    (theirs,) = recorded_in(store, entry("1", _apart(seen_at=LATER)))
    assert theirs != ours
    assert store.incident(ours) == before
    assert store.recent_incidents(DAY_BEFORE) == store.incidents_for(["wx1|cb"], DAY_BEFORE) == (before,)
    assert store.count_incidents(DAY_BEFORE) == 1


def test_each_guest_has_a_story_of_their_own(store: Store) -> None:
    (eves,) = recorded_in(store, entry("1", _apart()))
    (mallorys,) = recorded_in(store, entry("2", _apart(sender=MALLORY)))
    assert recorded_in(store, entry("3", _apart(digest="another"))) == [eves]
    (known,) = store.known_to(EVE, ["wx1|cb", "none"], NOW).incidents
    assert (known.id, known.is_confirmed) == (eves, False)
    assert [each.id for each in store.recent_incidents(DAY_BEFORE, 9, APART)] == [mallorys, eves]


def test_nobody_joins_the_members_incident_by_naming_its_number(store: Store) -> None:
    ours = opened(store)
    assert recorded_in(store, entry("1", _apart(incident=ours))) != [ours]
    assert _digests(store, ours) == ["d1"]


def test_newer_ones_kept_apart_hide_none_of_the_members(store: Store) -> None:
    ours = opened(store)
    for number in range(3):
        store.record(entry(f"m{number}", _apart(f"key{number}", seen_at=LATER)))
    assert [each.id for each in store.recent_incidents(DAY_BEFORE, 1)] == [ours]
    assert store.count_incidents(DAY_BEFORE, APART) == 3


def test_what_is_confirmed_is_the_members_from_then_on(store: Store) -> None:
    (theirs,) = recorded_in(store, entry("1", _apart()))
    assert store.confirm_incident(theirs, ALICE, LATER) == theirs
    assert [each.id for each in store.incidents_for(["wx1|cb"], DAY_BEFORE)] == [theirs]
    assert store.known_to(EVE, ["wx1|cb"], NOW).incidents == ()
    assert [(event.what, event.who) for event in store.timeline(theirs)] == [
        ("open", EVE),
        ("confirm", ALICE),
    ]
    assert recorded_in(store, entry("2", _apart(incident=theirs))) != [theirs], (
        "the next one is kept apart again"
    )


def test_what_is_confirmed_goes_into_the_open_incident_of_its_callback(store: Store) -> None:
    ours = opened(store)
    (theirs, _) = recorded_in(store, entry("1", _apart(seen_at=LATER), _apart(digest="next", seen_at=LATER)))
    assert store.confirm_incident(theirs, ALICE, LATER) == ours
    known = store.incident(ours)
    assert known
    assert known.last_seen == LATER
    assert _digests(store, ours) == ["d1", "strange", "next"]
    assert store.incident(theirs) is None
    assert [(event.what, event.detail) for event in store.timeline(ours)][1:] == [("confirm", f"#{theirs}")]


def test_it_is_confirmed_once(store: Store) -> None:
    ours = opened(store)
    (theirs,) = recorded_in(store, entry("1", _apart()))
    done = together(lambda _: store.confirm_incident(theirs, ALICE, NOW), 4)
    assert sorted(done, key=bool) == [None, None, None, ours]
    assert _digests(store, ours) == ["d1", "strange"]
    assert store.confirm_incident(ours, ALICE, NOW) is None


def test_a_message_confirms_in_its_own_transaction(store: Store) -> None:
    (theirs,) = recorded_in(store, entry("1", _apart()))
    store.record(entry("2", actions=(Action("confirm", theirs, ALICE),)))
    assert [each.id for each in store.recent_incidents(DAY_BEFORE)] == [theirs]


@pytest.mark.parametrize(
    ("since", "counted"),
    [(NOW, 3), (LATER, 1), (LATER + timedelta(seconds=1), 0)],
    ids=["all", "new", "none"],
)
def test_the_alerts_of_a_guest_are_counted(since: datetime, counted: int, store: Store) -> None:
    store.record(entry("1", _apart(), _apart("other", digest="other")))
    store.record(entry("2", _apart(sender=MALLORY)))
    store.record(entry("3", _apart(digest="late", seen_at=LATER)))
    assert store.known_to(EVE, ["none"], since).fresh == counted


def test_lists_are_filtered_before_they_are_cut(store: Store) -> None:
    claimed, closed = opened(store, "a"), opened(store, "b")
    store.claim_incident(claimed, ALICE, NOW)
    store.close_incident(closed, ALICE, NOW)
    for number in range(3):
        opened(store, f"key{number}", appid="wx2", seen_at=LATER)
    for wanted, expected in (
        (Wanted(owner=ALICE), claimed),
        (Wanted(state=State.CLOSED), closed),
        (Wanted(("wx1",), State.OPEN), claimed),
    ):
        assert [each.id for each in store.recent_incidents(DAY_BEFORE, 1, wanted)] == [expected]
    assert store.recent_incidents(DAY_BEFORE, 1, Wanted(("wx1",)), skip=2) == ()


def test_a_part_of_a_name_or_appid_finds_an_account_and_no_character_is_a_wildcard(store: Store) -> None:
    mall = opened(store, "a", nickname="满仓商城 50%_off", appid="wxmall")
    other = opened(store, "b", nickname="时令果蔬 500 off", appid="wxother")
    for name, found in (
        ("满仓", [mall]),
        ("50%_", [mall]),
        ("wxoth", [other]),
        ("off", [other, mall]),
        ("没有", []),
    ):
        asked = Wanted(account=name)
        assert [each.id for each in store.recent_incidents(DAY_BEFORE, 9, asked)] == found, name
        assert store.count_incidents(DAY_BEFORE, asked) == len(found)


def test_what_is_old_is_purged_wherever_it_is_kept(store: Store) -> None:
    opened(store)
    store.record(entry("1", _apart()))
    store.purge(LATER)
    assert list(store.export("incidents")) == []
