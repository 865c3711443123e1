"""Pictures in the outbox: taken apart from what is sent, and ended together with what their text leaves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.support.stores import NOW, entry, opening
from triage.errors import OvertakenError
from triage.store import Lease, Outgoing, OutgoingKind, OutgoingState, Store

LEASE = timedelta(minutes=1)
PICTURE = Outgoing("picture/1", OutgoingKind.PICTURE, "picture/li", NOW, NOW + timedelta(hours=48))
ANSWER = Outgoing("late/1", OutgoingKind.LATE, "li", NOW, NOW + timedelta(hours=48), payload={"to": "li"})


@pytest.fixture
def store(upgraded: str) -> Iterator[Store]:
    with closing(Store.open(upgraded)) as opened:
        opened.outbox.put([PICTURE], NOW)
        yield opened


def take(store: Store, owner: str, now: timedelta = timedelta()) -> int | None:
    """The row that somebody gets who reads pictures."""
    for lane in store.outbox.picture_lanes(NOW + now, 10):
        for row in store.outbox.take(lane, owner, NOW + now, NOW + now + LEASE, 1):
            return row.id
    return None


def test_whoever_sends_never_takes_one_and_whoever_reads_takes_nothing_else(store: Store) -> None:
    page = replace(PICTURE, key="page", kind=OutgoingKind.PAGE, destination="wecom/li")
    store.outbox.put([page], NOW)
    assert [lane for lane, _ in store.outbox.lanes(NOW, 10)] == ["wecom/li"]
    assert [lane for lane, _ in store.outbox.picture_lanes(NOW, 10)] == ["picture/li"]


def test_the_text_is_recorded_with_the_end_of_the_row_and_the_answer(store: Store) -> None:
    row = take(store, "a")
    assert row
    made = replace(entry("1", opening(), reply="看过了"), answer=ANSWER, ends=Lease(row, "a", "read"))
    assert store.record(made).is_new
    rows = {each.key: each for each in store.outbox.rows(list(OutgoingState), 10)}
    assert (rows["picture/1"].state, rows["picture/1"].reason) == (OutgoingState.DONE, "read")
    assert rows["late/1"].payload == {"to": "li", "text": "看过了"}
    assert not store.record(made).is_new


def test_the_answer_says_the_number_that_the_reply_got(store: Store) -> None:
    row = take(store, "a")
    assert row
    made = replace(entry("1", opening()), numbered=lambda numbers: f"#{numbers['wx1|cb']}")
    store.record(replace(made, answer=ANSWER, ends=Lease(row, "a", "read")))
    (answer,) = store.outbox.late_answers("li", NOW, 10)
    assert answer.payload["text"] == "#1"


@pytest.mark.parametrize("is_done", [False, True], ids=["another one reads it", "another one has read it"])
def test_whoever_has_lost_the_lease_records_nothing(store: Store, is_done: bool) -> None:
    row = take(store, "a")
    assert row
    assert take(store, "b") is None, "while the lease holds"
    assert take(store, "b", LEASE) == row
    if is_done:
        store.record(replace(entry("1"), ends=Lease(row, "b", "read")))
    late = replace(entry("2", opening()), answer=ANSWER, ends=Lease(row, "a", "read"))
    with pytest.raises(OvertakenError):
        store.record(late)
    assert store.reply_to(late.message.key) is None
    assert store.incident(1) is None
    assert store.outbox.late_answers("li", NOW, 10) == ()


def test_an_answer_counts_as_waiting_while_its_picture_is_read(store: Store) -> None:
    assert store.outbox.has_late_answers(NOW)
    row = take(store, "a")
    assert row
    store.record(replace(entry("1"), ends=Lease(row, "a", "read")))
    assert not store.outbox.has_late_answers(NOW)
