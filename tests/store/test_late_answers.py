"""Late answers wait in the outbox until they go out or their receiver writes again, and are given once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.support.stores import NOW, entry, person
from triage.errors import OvertakenError
from triage.store import Outgoing, OutgoingKind, OutgoingState, Settled, Store

ALICE, BOB = str(person("oAlice")), str(person("oBob"))
WINDOW = timedelta(hours=48)


@pytest.fixture
def store(upgraded: str) -> Iterator[Store]:
    with closing(Store.open(upgraded)) as opened_store:
        yield opened_store


def late(key: str, destination: str = ALICE) -> Outgoing:
    return Outgoing(f"late/{key}", OutgoingKind.LATE, destination, NOW, NOW + WINDOW, payload={"text": key})


def waiting(store: Store, destination: str = ALICE, now: object = NOW) -> list[str]:
    return [row.payload["text"] for row in store.outbox.late_answers(destination, now, 10)]  # type: ignore[arg-type]


def test_nothing_waits_where_nothing_is_late(store: Store) -> None:
    page = Outgoing("page/1", OutgoingKind.PAGE, ALICE, NOW, NOW + WINDOW)
    store.outbox.put([page], NOW)
    assert not store.outbox.has_late_answers(NOW)
    assert waiting(store) == []


def test_what_is_late_is_written_with_its_message_and_only_once(store: Store) -> None:
    first = entry("1")
    store.record(replace(first, late=late("a")))
    store.record(replace(first, late=late("b")))
    assert waiting(store) == ["a"]


def test_late_answers_wait_for_their_receiver_alone_the_oldest_first(store: Store) -> None:
    store.outbox.put([late("a"), late("b"), late("c", BOB)], NOW)
    assert (waiting(store), waiting(store, BOB)) == (["a", "b"], ["c"])
    assert [row.payload["text"] for row in store.outbox.late_answers(ALICE, NOW, 1)] == ["a"]
    assert store.outbox.has_late_answers(NOW)


def test_they_wait_until_they_expire(store: Store) -> None:
    store.outbox.put([late("a")], NOW)
    assert waiting(store, now=NOW + WINDOW - timedelta(seconds=1)) == ["a"]
    assert waiting(store, now=NOW + WINDOW) == []
    assert not store.outbox.has_late_answers(NOW + WINDOW)


@pytest.mark.parametrize(
    ("state", "waits"),
    [
        pytest.param(OutgoingState.FAILED, True, id="no other way: it waits"),
        pytest.param(OutgoingState.DUE, True, id="tried again later: it waits"),
        pytest.param(OutgoingState.SENT, False, id="sent"),
        pytest.param(OutgoingState.CANCELLED, False, id="not wanted any more"),
    ],
)
def test_what_a_node_is_sending_is_not_given_and_then_as_it_turned_out(
    store: Store, state: OutgoingState, waits: bool
) -> None:
    store.outbox.put([late("a")], NOW)
    (lane,) = store.outbox.lanes(NOW, 10)
    (row,) = store.outbox.take(lane, "node", NOW, NOW + timedelta(seconds=30), 10)
    assert waiting(store) == []
    store.outbox.settle([Settled(row.id, state, "45015", NOW + WINDOW)], (), "node", NOW)
    assert bool(waiting(store)) == waits


def test_what_stands_in_a_reply_is_given_and_does_not_count_as_a_message(store: Store) -> None:
    store.outbox.put([late("a"), late("b")], NOW)
    (first, _) = store.outbox.late_answers(ALICE, NOW, 10)
    store.record(replace(entry("1"), given=(first.id,)))
    assert waiting(store) == ["b"]
    (sent,) = store.outbox.rows([OutgoingState.SENT], 10)
    assert (sent.key, sent.reason) == ("late/a", "given with the next reply")
    assert store.outbox.messages_sent(ALICE, NOW - WINDOW, 10) == ()


def test_what_went_out_meanwhile_is_not_given_and_nothing_is_recorded(store: Store) -> None:
    store.outbox.put([late("a")], NOW)
    (row,) = store.outbox.late_answers(ALICE, NOW, 10)
    store.record(replace(entry("1"), given=(row.id,)))
    other = replace(entry("2"), given=(row.id,))
    with pytest.raises(OvertakenError):
        store.record(other)
    assert store.reply_to(other.message.key) is None
