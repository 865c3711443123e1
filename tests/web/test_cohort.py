"""Work done in turns: what came in together goes on step by step together."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from greenlet import greenlet

from tests.support.stores import entry
from triage.cohort import pause, together
from triage.errors import StoreBusyError
from triage.store import Recorded, Store


def _steps(name: str, count: int, done: list[str]) -> Callable[[], None]:
    def work() -> None:
        for step in range(count):
            done.append(f"{name}{step}")
            pause()

    return work


def test_alone_nobody_is_waited_for() -> None:
    done: list[str] = []
    _steps("a", 2, done)()
    assert done == ["a0", "a1"]


def test_each_does_a_step_before_any_does_the_next() -> None:
    done: list[str] = []
    together([_steps("a", 2, done), _steps("b", 3, done), _steps("c", 1, done)])
    assert done == ["a0", "b0", "c0", "a1", "b1", "b2"]


def test_without_work_nothing_is_done() -> None:
    together([])


def test_an_exception_comes_out() -> None:
    done: list[str] = []
    with pytest.raises(ZeroDivisionError):
        together([_steps("a", 2, done), lambda: done.append(str(1 // 0))])
    assert done == ["a0"]


def test_a_greenlet_of_somebody_else_does_not_pause() -> None:
    done: list[str] = []
    greenlet(_steps("a", 2, done)).switch()
    assert done == ["a0", "a1"]


def test_other_threads_do_not_pause() -> None:
    done: list[str] = []

    def work() -> None:
        other = threading.Thread(target=_steps("other", 2, done))
        other.start()
        other.join()
        done.append("work")
        pause()
        done.append("work again")

    together([work, _steps("a", 1, done)])
    assert done == ["other0", "other1", "work", "a0", "work again"]


def test_each_has_its_own_time_for_the_database(tmp_path: Path) -> None:
    late: list[Recorded | str] = []

    def ask(seconds: float) -> None:
        with store.within(seconds):
            pause()
            time.sleep(0.01)
            try:
                late.append(store.record(entry(str(seconds))))
            except StoreBusyError:
                late.append("late")

    with closing(Store.open(f"sqlite:///{tmp_path}/triage.db", upgrade=True)) as store:
        together([lambda: ask(0.0), lambda: ask(5.0), lambda: ask(0.005)])
    assert [each == "late" for each in late] == [True, False, True]
