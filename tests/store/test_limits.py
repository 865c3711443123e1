"""How long and how often the database is asked."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import pytest
from sqlalchemy import Select, literal, select
from sqlalchemy.engine import make_url

from tests.support.stores import NOW, seconds
from triage import background
from triage.errors import StoreBusyError, StoreDownError, StoreError
from triage.store.database import Database
from triage.store.session import Session
from triage.store.statements import ADD_GAP
from triage.store.wal import ROWS_PER_CHECKPOINT, Checkpointer


def _join_checkpoints() -> None:
    for thread in threading.enumerate():
        if thread.name == "checkpoint":
            thread.join()


def _add_gaps(session: Session, number: int, rows: int) -> None:
    gaps = [{"message_key": f"{number}", "text": "?", "seen_at": NOW} for _ in range(rows)]
    session.run_all(ADD_GAP, gaps)


class TestLimits:
    @pytest.fixture
    def database(self, file: Path) -> Iterator[Database]:
        database = Database(f"sqlite:///{file}")
        yield database
        database.close()

    def test_a_transaction_that_was_rolled_back_is_run_seventeen_times_at_most(
        self, database: Database
    ) -> None:
        tried: list[Session] = []

        def lose(session: Session) -> NoReturn:
            tried.append(session)
            raise sqlite3.IntegrityError("somebody was faster")

        with pytest.raises(StoreError, match="IntegrityError"):
            database.write(lose)
        assert len(tried) == 17

    @pytest.mark.parametrize(("took", "attempts"), [(0.9, 2), (1.1, 1)])
    def test_what_failed_after_a_second_is_not_run_again(
        self, database: Database, monkeypatch: pytest.MonkeyPatch, took: float, attempts: int
    ) -> None:
        clock, tried = [0.0], []
        monkeypatch.setattr("triage.store.database.time.monotonic", lambda: clock[0])

        def lose(session: Session) -> None:
            tried.append(session)
            if len(tried) == 1:
                clock[0] += took
                raise sqlite3.IntegrityError("somebody was faster")

        with suppress(StoreError):
            database.write(lose)
        assert len(tried) == attempts

    def test_sixteen_threads_ask_at_once_and_the_next_one_waits_two_seconds(self, server: str) -> None:
        database = Database(server)
        gate, end = threading.Barrier(17), threading.Event()

        def hold(_: Session) -> None:
            gate.wait()
            end.wait(10)

        with closing(database), ThreadPoolExecutor(16) as pool:
            holding = [pool.submit(database.read, hold) for _ in range(16)]
            gate.wait(10)
            assert 1.9 < seconds(lambda: database.read(lambda _: None), StoreBusyError) < 3
            end.set()
            assert all(future.exception() is None for future in holding)

    def test_a_statement_that_takes_more_than_two_seconds_is_given_up(self, server: str) -> None:
        database = Database(server)
        is_mysql = make_url(server).get_backend_name() == "mysql"
        sleeping, error = ("sleep", StoreDownError) if is_mysql else ("pg_sleep", StoreBusyError)
        with closing(database):
            took = seconds(lambda: database.read(lambda one: one.command(f"SELECT {sleeping}(9)")), error)
            assert 1.9 < took < 3
            database.read(lambda one: one.command(f"SELECT {sleeping}(0)"))

    def test_a_thousand_statements_are_kept_and_one_that_was_forgotten_is_answered(
        self, database: Database
    ) -> None:
        def ask(statement: Select[Any]) -> Any:
            [(answer,)] = database.read(lambda session: session.all(statement, {}))
            return answer

        statements = [select(literal(number)) for number in range(1_001)]
        assert [ask(statement) for statement in statements[:1_000]] == list(range(1_000))
        assert len(database._prepared) == 1_000
        assert ask(statements[1_000]) == 1_000
        assert len(database._prepared) == 1
        assert ask(statements[0]) == 0

    def test_a_checkpoint_follows_four_thousand_rows_whatever_the_transactions(self) -> None:
        ran = threading.Event()
        checkpointer = Checkpointer(lambda _: ran.set(), ROWS_PER_CHECKPOINT)
        for rows in (1, 3_000, 998):
            checkpointer.count(rows)
        assert not [each for each in threading.enumerate() if each.name == "checkpoint"]
        assert not ran.is_set()
        checkpointer.count(500)
        assert ran.wait(10)

    def test_rows_are_counted_anew_from_a_checkpoint_on(self) -> None:
        started: list[object] = []
        checkpointer = Checkpointer(started.append, 10)
        for rows in (10, 9, 0):
            checkpointer.count(rows)
            _join_checkpoints()
        assert len(started) == 1

    @pytest.mark.parametrize(
        ("transactions", "checkpoints"),
        [([3], 1), ([1, 1, 1], 1), ([2], 0), ([1, 1], 0), ([2, 2, 2], 1), ([3, 3], 2)],
        ids=[
            "one with as many rows",
            "several with a row each",
            "one with too few",
            "several with too few",
            "what was counted is not counted again",
            "every one with as many",
        ],
    )
    def test_the_rows_of_every_transaction_are_counted_once(
        self, file: Path, monkeypatch: pytest.MonkeyPatch, transactions: list[int], checkpoints: int
    ) -> None:
        started: list[str] = []
        start = background.start

        def note(work: Callable[[], object], name: str) -> threading.Thread | None:
            started.append(name)
            return start(work, name)

        monkeypatch.setattr(background, "start", note)
        with closing(Database(f"sqlite:///{file}", rows_per_checkpoint=3)) as database:
            for number, rows in enumerate(transactions):
                database.read(lambda session: session.command("SELECT 1"))
                database.write(partial(_add_gaps, number=number, rows=rows))
                _join_checkpoints()
        assert started == ["checkpoint"] * checkpoints
