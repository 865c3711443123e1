"""Who is called next for many incidents at once, by what stands in the outbox."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.stores import NOW, opened, person
from tests.support.team import MAIN, TEAM
from tests.support.upgraded import new_store
from triage.bot.calls import next_calls
from triage.findings import Severity
from triage.incidents.occasions import Occasion, What
from triage.store import Outgoing, OutgoingKind, OutgoingState, Settled, ShiftOverride, Store

MINUTE = timedelta(minutes=1)
OURS = replace(TEAM, rotations=(replace(MAIN, people=("li", "han")),), quiet=None)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(new_store(tmp_path / "t.db", has_team=True)) as made:
        yield made


def _called_next(store: Store) -> dict[int, tuple[float, list[str]]]:
    """In how many minutes, and whom."""
    calls = next_calls(store, store.recent_incidents(NOW - 99 * MINUTE), OURS, NOW)
    return {
        number: ((call.at - NOW) / MINUTE, [mate.id for mate in call.teammates])
        for number, call in calls.items()
    }


def _put_step(store: Store, number: int, step: int, after: int) -> None:
    occasion = Occasion(What.STEP, NOW, severity=Severity.HIGH, step=step)
    row = Outgoing(
        f"{number}/{step}", OutgoingKind.STEP, f"incident/{number}", NOW + after * MINUTE,
        incident_id=number, payload=occasion.as_json(),
    )  # fmt: skip
    store.outbox.put([row], NOW)


def _decide_all(store: Store) -> None:
    """Take what is due to be decided, as a node does after which nothing follows."""
    for lane in store.outbox.lanes(NOW, 100):
        taken = store.outbox.take(lane, "a", NOW, NOW + MINUTE, 100)
        store.outbox.settle([Settled(row.id, OutgoingState.DONE) for row in taken], (), "a", NOW)


def test_where_there_is_no_incident_nothing_is_asked() -> None:
    class NeverAsked:
        """A store that must not be asked."""

    assert next_calls(NeverAsked(), (), OURS, NOW) == {}  # type: ignore[arg-type]


def test_nobody_is_called_for_what_is_claimed_or_closed(store: Store) -> None:
    claimed, closed = opened(store, "a"), opened(store, "b")
    store.claim_incident(claimed, person("oLi"), NOW)
    store.close_incident(closed, person("oLi"), NOW)
    _put_step(store, claimed, 1, 10)
    _put_step(store, closed, 1, 10)
    assert _called_next(store) == {}


def test_each_incident_has_its_own_next_call(store: Store) -> None:
    second_step, third_step = opened(store, "a"), opened(store, "b")
    _decide_all(store)
    just_opened = opened(store, "c")
    _put_step(store, second_step, 1, 10)
    _put_step(store, third_step, 2, 4)
    assert _called_next(store) == {
        just_opened: (0, ["li"]),
        second_step: (10, ["han"]),
        third_step: (4, ["li", "han", "wang"]),
    }


def test_a_shift_that_was_taken_over_counts(store: Store) -> None:
    number = opened(store, "a")
    _decide_all(store)
    _put_step(store, number, 0, 10)
    hour = timedelta(hours=1)
    store.add_shift(ShiftOverride("main", "wang", NOW, NOW + hour, person("oLi"), NOW))
    assert _called_next(store) == {number: (10, ["wang"])}
