"""The bulkhead: nobody waits longer than their deadline, and a server that hangs costs its threads and no more."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from triage import background
from triage.errors import StoreDownError
from triage.store.bulkhead import Bulkhead

LONG, SHORT = 10.0, 0.05


@dataclass
class Hanging:
    """Work that hangs until it is released, and what it was told of its caller then."""

    gate: threading.Event = field(default_factory=threading.Event)
    begun: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    ended: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    expired: list[bool] = field(default_factory=list)

    def __call__(self, expired: Callable[[], bool]) -> str:
        self.begun.release()
        self.gate.wait(LONG)
        self.expired.append(expired())
        self.ended.release()
        return "late"


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    work = Hanging()
    yield work
    work.gate.set()


def _give_up(bulkhead: Bulkhead, work: Callable[[Callable[[], bool]], str]) -> None:
    with pytest.raises(StoreDownError, match="in time"):
        asyncio.run(bulkhead.run(work, SHORT))


def test_the_result_comes_back() -> None:
    bulkhead = Bulkhead(2)
    assert asyncio.run(bulkhead.run(lambda expired: f"{expired()}", LONG)) == "False"
    assert bulkhead.call(lambda: "as well", LONG) == "as well"


@pytest.mark.parametrize("problem", [ValueError("of the work"), TimeoutError("of the work")])
def test_an_exception_comes_back_whatever_it_is(problem: Exception) -> None:
    def fail(*_: object) -> None:
        raise problem

    bulkhead = Bulkhead(1)
    with pytest.raises(type(problem), match="of the work"):
        asyncio.run(bulkhead.run(fail, LONG))
    with pytest.raises(type(problem), match="of the work"):
        bulkhead.call(fail, LONG)


def test_a_call_that_hangs_is_given_up_and_told_so(hanging: Hanging) -> None:
    bulkhead = Bulkhead(1)
    _give_up(bulkhead, hanging)
    hanging.gate.set()
    assert hanging.ended.acquire(timeout=LONG)
    assert hanging.expired == [True]


def test_a_call_waits_for_its_turn_no_longer_than_its_deadline(hanging: Hanging) -> None:
    bulkhead = Bulkhead(1)

    async def both() -> list[object]:
        first = asyncio.create_task(bulkhead.run(hanging, LONG))
        await asyncio.sleep(0)
        with pytest.raises(StoreDownError, match="in time"):
            await bulkhead.run(lambda expired: ran.append(1), SHORT)
        hanging.gate.set()
        return [await first]

    ran: list[int] = []
    assert asyncio.run(both()) == ["late"]
    assert bulkhead.call(lambda: "next", LONG) == "next"
    assert ran == [], "what was given up in the queue never runs"


def test_while_every_thread_hangs_calls_are_refused_at_once_and_after_it_they_are_not(
    hanging: Hanging,
) -> None:
    bulkhead = Bulkhead(2)
    _give_up(bulkhead, hanging)
    assert bulkhead.call(lambda: "one is left", LONG) == "one is left"
    _give_up(bulkhead, hanging)
    assert hanging.begun.acquire(timeout=LONG)
    assert hanging.begun.acquire(timeout=LONG)
    with pytest.raises(StoreDownError, match="every thread"):
        bulkhead.call(lambda: "", LONG)
    with pytest.raises(StoreDownError, match="every thread"):
        asyncio.run(bulkhead.run(lambda expired: "", LONG))
    hanging.gate.set()
    assert hanging.ended.acquire(timeout=LONG)
    assert hanging.ended.acquire(timeout=LONG)
    for _ in range(1000):  # a thread may be about to take itself back
        try:
            assert bulkhead.call(lambda: "back", LONG) == "back"
        except StoreDownError:
            continue
        break
    else:
        pytest.fail("it is refused for ever")


def test_no_more_threads_are_started_than_there_may_be() -> None:
    bulkhead, seen = Bulkhead(3), set()
    for _ in range(20):
        seen.add(bulkhead.call(threading.get_ident, LONG))
    assert 1 <= len(seen) <= 3


def test_without_any_thread_left_a_call_is_refused_and_later_it_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bulkhead = Bulkhead(2)
    with monkeypatch.context() as scarce:
        scarce.setattr(background, "start", lambda work, name: None)
        with pytest.raises(StoreDownError, match="no thread left"):
            bulkhead.call(lambda: "", LONG)
    assert bulkhead.call(lambda: "again", LONG) == "again"
