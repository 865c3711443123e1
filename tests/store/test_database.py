"""The store's database: away and back again, of another version, and as the command line sees it."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import os
import shutil
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from datetime import timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, create_engine
from sqlalchemy.engine import make_url

from tests.support.road import Road
from tests.support.stores import (
    NOW,
    SERVERS,
    entry,
    fresh_database,
    opened,
    opening,
    person,
    recorded_in,
    sighting,
    together,
)
from triage import background
from triage.cli import main
from triage.errors import SchemaError, SettingsError, StoreBusyError, StoreDownError, StoreError
from triage.incidents.correlation import Reason, State
from triage.store import Change, Invite, Recorded, Store
from triage.store.database import Database
from triage.store.migrating import SCRIPTS, migrate
from triage.store.schema import INCIDENTS, METADATA, VERSIONS
from triage.store.session import Session
from triage.store.wal import WRITES_PER_CHECKPOINT, Checkpointer, checkpoint

T = TypeVar("T")

NEXT_VERSION = """
from alembic import op
from sqlalchemy import Column, Integer
revision = "9999"
down_revision = "{before}"
def upgrade():
    op.add_column("messages", Column("later", Integer))
    op.create_index("messages_later", "messages", ["later"])
"""


def _fill_first_version(connection: Connection) -> None:
    """Two messages, an open and a closed incident with an alert each, as the first version wrote them."""
    tables = MetaData()
    tables.reflect(connection)
    at = NOW.replace(tzinfo=None)
    message = {
        "channel": "wechat", "account": "wx1", "sender": "oAlice", "recipient": "gh_1", "kind": "text", "created": 1,
        "push": "text", "received_at": at, "reply": "回复",
    }  # fmt: skip
    incident = {
        "appid": "wx1", "opened_at": at, "opened_by": "m", "last_seen": at, "step": 0, "alerts": 1,
        "closed_at": None, "closed_note": None,
    }  # fmt: skip
    alert = {
        "message_key": "m1", "number": 1, "reason": "opened", "digest": "d", "kind": "connect_timeout", "rank": 1,
        "title": "连接超时", "causes": "[]", "sender": "oAlice", "seen_at": at,
    }  # fmt: skip
    event = {"incident_id": 1, "at": at, "who": "oAlice"}
    rows = {
        "messages": [
            {**message, "key": "m1", "signature": "s1", "encrypted": False},
            {**message, "key": "m2", "signature": "s2", "encrypted": True},
        ],
        "incidents": [
            {**incident, "id": 1, "key": "wx1|a", "lookup": "wx1|a", "open_key": "wx1|a", "state": "open"},
            {
                **incident, "id": 2, "key": "wx1|b", "lookup": "wx1|b", "open_key": None, "state": "closed",
                "closed_at": at, "closed_note": "好了",
            },
        ],
        "alerts": [{**alert, "incident_id": 1}, {**alert, "incident_id": 2}],
        "timeline": [{**event, "what": "open", "detail": "连接超时"}, {**event, "what": "note", "detail": "看日志"}],
    }  # fmt: skip
    for name, values in rows.items():
        connection.execute(tables.tables[name].insert(), values)


@pytest.fixture(params=["sqlite", *SERVERS])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with fresh_database(request.param, tmp_path) as url:
        yield url


@pytest.fixture(params=[*SERVERS])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with fresh_database(request.param, tmp_path) as url:
        yield url


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "triage.db"
    Store.open(f"sqlite:///{path}", upgrade=True).close()
    return path


def seconds(work: Callable[[], object], error: type[StoreDownError] = StoreDownError) -> float:
    """How long it took to be told, with the cause, that the database is down."""
    started = time.monotonic()
    with pytest.raises(error) as raised:
        work()
    assert raised.value.__cause__ is not None
    return time.monotonic() - started


def _busy_timeout(session: Session) -> object:
    return session.connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one()


class _Log:
    """A session whose write-ahead log has so many pages; keeps what it is asked."""

    def __init__(self, pages: int) -> None:
        self.asked: list[str] = []
        self.connection = self
        self._pages = pages

    def exec_driver_sql(self, sql: str) -> _Log:
        self.asked.append(sql)
        return self

    def one(self) -> tuple[int, int, int]:
        return 0, self._pages, self._pages

    def scalar_one(self) -> int:
        return 7


def _lock(other: sqlite3.Connection) -> None:
    other.execute("BEGIN IMMEDIATE")


async def _on_an_event_loop(work: Callable[[], T]) -> T:
    return work()


class TestAway:
    @pytest.mark.parametrize("url", ["postgresql://u:secret@127.0.0.1:1/x", "mysql://u:secret@127.0.0.1:1/x"])
    def test_a_closed_port_is_told_at_once_and_without_the_password(self, url: str) -> None:
        assert seconds(lambda: Store.open(url)) < 1
        with pytest.raises(StoreDownError, match="TRIAGE_DATABASE_URL") as raised:
            Store.open(url)
        assert "secret" not in str(raised.value)

    @pytest.mark.parametrize("backend", ["postgresql", "mysql"])
    def test_a_silent_server_is_given_up(self, backend: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            database = Database(f"{backend}://u@127.0.0.1:{silent.getsockname()[1]}/x")
            assert 1.9 < seconds(lambda: database.read(lambda _: None)) < 3

    @pytest.mark.parametrize("backend", ["postgresql", "mysql"])
    def test_a_name_that_is_looked_up_in_vain_is_told(
        self, backend: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def silent(*_: Any, **__: Any) -> NoReturn:
            raise OSError("no resolver answers")

        monkeypatch.setattr(socket, "getaddrinfo", silent)
        database = Database(f"{backend}://u@db.example.com/x")
        assert seconds(lambda: database.read(lambda _: None)) < 1

    def test_a_server_that_was_away_is_used_again(self, server: str) -> None:
        road = Road(server)
        store = Store.open(road.url, upgrade=True)
        made = entry("1", opening())
        try:
            store.record(made)
            together(lambda _: store.reply_to(made.message.key))  # several connections, all of them to break
            road.block()
            assert seconds(lambda: store.reply_to(made.message.key)) < 1
            assert seconds(lambda: store.record(entry("2"))) < 1
            assert seconds(store.check) < 1
            road.unblock()
            assert store.reply_to(made.message.key) == Recorded("回复")
            assert store.record(entry("2", opening())).is_new
        finally:
            store.close()
            road.block()

    def test_connections_that_the_server_dropped_are_replaced_unnoticed(self, server: str) -> None:
        road = Road(server)
        store = Store.open(road.url, upgrade=True)
        try:
            together(lambda n: store.record(entry(str(n), opening())))
            road.block()
            road.unblock()
            assert all(
                recorded.is_new for recorded in together(lambda n: store.record(entry(f"{n}x", opening())))
            )
            road.block()
            road.unblock()
            assert store.reply_to(entry("1").message.key) == Recorded("回复")
        finally:
            store.close()
            road.block()

    def test_a_server_that_fell_silent_in_the_middle_is_used_again(self, server: str) -> None:
        """PyMySQL gives up by itself; psycopg waits for as long as the server's machine acknowledges."""
        road = Road(server)
        store = Store.open(road.url, upgrade=True)
        key = entry("1").message.key
        try:
            store.record(entry("1"))
            together(lambda _: store.reply_to(key))
            road.hold()
            with ThreadPoolExecutor(8) as pool:
                waiting = [pool.submit(store.reply_to, key) for _ in range(8)]
                if server.startswith("mysql"):
                    assert seconds(lambda: store.record(entry("2"))) < 4.5
                road.release()
                failures = [future.exception(10) for future in waiting]
            assert all(failure is None or isinstance(failure, StoreDownError) for failure in failures)
            assert store.reply_to(key) == Recorded("回复")
            assert store.record(entry("2")).is_new
        finally:
            road.release()
            store.close()
            road.block()

    def test_a_server_that_fell_silent_behind_the_login_is_used_again(self, tmp_path: Path) -> None:
        with fresh_database("postgresql", tmp_path) as server:
            road = Road(server)
            store = Store.open(road.url, upgrade=True)
            threads = threading.active_count()
            try:
                road.block()
                road.unblock()
                road.ends_behind_login = True
                with ThreadPoolExecutor(4) as pool:
                    waiting = [pool.submit(store.record, entry(str(number))) for number in range(4)]
                    with pytest.raises(TimeoutError):
                        waiting[0].result(0.5)
                    road.ends_behind_login = False
                    road.block()
                    assert all(isinstance(future.exception(10), StoreDownError) for future in waiting)
                road.unblock()
                assert store.record(entry("1")).is_new
                assert threading.active_count() <= threads + 4  # the road's own
            finally:
                store.close()
                road.block()

    def test_a_locked_row_holds_those_alone_who_need_it(self, server: str) -> None:
        with closing(Store.open(server, upgrade=True)) as store:
            incident = opened(store)
            engine = create_engine(Database(server).url, isolation_level="READ COMMITTED")
            with engine.begin() as other:
                other.execute(INCIDENTS.update().where(INCIDENTS.c.id == incident).values(step=1))
                held = threading.Thread(
                    target=lambda: seconds(
                        lambda: store.claim_incident(incident, person("oX"), NOW), StoreBusyError
                    )
                )
                held.start()
                until = time.monotonic() + 2
                numbers = count()
                while time.monotonic() < until:
                    assert store.record(entry(f"r{next(numbers)}")).is_new
                held.join(0.1)
                assert not held.is_alive()
            engine.dispose()
            assert store.claim_incident(incident, person("oX"), NOW) == person("oX")

    def test_many_alerts_in_a_message_are_kept_on_a_server_that_is_far_away(self, server: str) -> None:
        road = Road(server)
        store = Store.open(road.url, upgrade=True)
        try:
            store.record(entry("1", opening()))
            road.delay = 0.03  # each way
            started = time.monotonic()
            made = entry("2", *(opening(digest=f"d{n}") for n in range(40)))
            assert store.record(made).is_new
            assert time.monotonic() - started < 2
            road.delay = 0.0
            known = store.incident(next(iter(store.export("incidents")))["id"])
            assert known is not None
            assert [each.digest for each in known.sightings[1:]] == [f"d{n}" for n in range(40)]
        finally:
            store.close()
            road.block()

    def test_a_moment_without_a_thread_to_spare_is_got_over(
        self, empty: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(thread: threading.Thread) -> NoReturn:
            raise RuntimeError("can't start new thread")

        Store.open(empty, upgrade=True).close()
        started: list[str] = []
        store = Store(Database(empty, writes_per_checkpoint=1))
        with closing(store), monkeypatch.context() as scarce:
            scarce.setattr(threading.Thread, "start", refuse)
            assert store.record(entry("1")).is_new
            scarce.undo()
            start = background.start

            def note(work: Callable[[], object], name: str) -> threading.Thread | None:
                started.append(name)
                return start(work, name)

            scarce.setattr(background, "start", note)
            assert store.record(entry("2")).is_new
        assert started == (["checkpoint"] if empty.startswith("sqlite") else [])

    def test_a_locked_table_is_told_and_used_once_it_is_free(self, server: str) -> None:
        is_mysql = make_url(server).get_backend_name() == "mysql"
        locking = "LOCK TABLES messages WRITE" if is_mysql else "LOCK TABLE messages"
        with closing(Store.open(server, upgrade=True)) as store:
            engine = create_engine(Database(server).url)
            with engine.connect() as other:
                other.exec_driver_sql(locking)
                took = together(lambda n: seconds(lambda: store.record(entry(str(n))), StoreBusyError))
                assert 0.9 < min(took) <= max(took) < 2
                if is_mysql:
                    other.exec_driver_sql("UNLOCK TABLES")
            engine.dispose()
            assert store.record(entry("1")).is_new

    def test_what_is_written_moves_into_the_file_beside_the_replies(self, file: Path) -> None:
        with closing(Store(Database(f"sqlite:///{file}", writes_per_checkpoint=5))) as store:
            for number in range(5):
                store.record(entry(str(number)))
            for thread in threading.enumerate():
                if thread.name == "checkpoint":
                    thread.join()
            alone = file.with_name("without_its_log.db")
            shutil.copy(file, alone)
        with closing(sqlite3.connect(alone)) as copied:
            assert copied.execute("SELECT count(*) FROM messages").fetchone() == (5,)

    def test_a_long_reader_does_not_let_the_writers_wait(self, file: Path) -> None:
        database = Database(f"sqlite:///{file}")
        store = Store(database)
        with closing(store), closing(sqlite3.connect(file, isolation_level=None)) as reader:
            store.record(entry("1"))
            reader.execute("BEGIN")
            reader.execute("SELECT * FROM messages").fetchall()
            store.record(entry("2"))
            started = time.monotonic()
            database.read(partial(checkpoint, long_log=0))
            assert time.monotonic() - started < 0.5
            assert database.read(_busy_timeout) == 0

    @pytest.mark.parametrize(("pages", "is_begun_anew"), [(8000, False), (8001, True)])
    def test_a_long_log_is_begun_anew(self, pages: int, is_begun_anew: bool) -> None:
        log = _Log(pages)
        checkpoint(log)  # type: ignore[arg-type]
        restart = ["PRAGMA busy_timeout", "PRAGMA busy_timeout = 50", "PRAGMA wal_checkpoint(RESTART)"]
        restart.append("PRAGMA busy_timeout = 7")
        assert log.asked == ["PRAGMA wal_checkpoint(PASSIVE)"] + restart * is_begun_anew

    def test_a_locked_file_can_be_read_and_is_written_later(self, file: Path) -> None:
        store = Store.open(f"sqlite:///{file}")
        with closing(store), closing(sqlite3.connect(file, isolation_level=None)) as other:
            _lock(other)
            took = together(lambda n: seconds(lambda: store.record(entry(str(n))), StoreBusyError))
            assert 0.9 < min(took) <= max(took) < 2
            assert store.reply_to(entry("1").message.key) is None
            other.execute("ROLLBACK")
            assert store.record(entry("1")).is_new

    def test_nobody_waits_for_a_locked_file_on_an_event_loop(self, file: Path) -> None:
        store = Store.open(f"sqlite:///{file}")
        with closing(store), closing(sqlite3.connect(file, isolation_level=None)) as other:
            _lock(other)
            refused = partial(seconds, lambda: store.record(entry("1")), StoreBusyError)
            assert asyncio.run(_on_an_event_loop(refused)) < 0.1
            other.execute("ROLLBACK")
            assert asyncio.run(_on_an_event_loop(lambda: store.record(entry("1")))).is_new

    def test_a_lock_that_is_given_back_soon_is_waited_for(self, file: Path) -> None:
        with (
            closing(Store.open(f"sqlite:///{file}")) as store,
            closing(sqlite3.connect(file, isolation_level=None, check_same_thread=False)) as other,
        ):
            _lock(other)
            giving_back = threading.Timer(0.3, other.execute, ("COMMIT",))
            giving_back.start()
            assert store.record(entry("1")).is_new
            giving_back.join()

    def test_a_file_that_cannot_be_written_can_be_read(self, file: Path) -> None:
        with closing(Store.open(f"sqlite:///{file}")) as store:
            store.record(entry("1"))
        with closing(Store.open(f"sqlite:///file:{file}?mode=ro&uri=true")) as store:
            assert store.reply_to(entry("1").message.key) == Recorded("回复")
            seconds(lambda: store.record(entry("2")))

    def test_a_full_disk_is_told_and_nothing_is_half_written(self, file: Path) -> None:
        database = Database(f"sqlite:///{file}")
        with closing(Store(database)) as store:
            pages = database.read(
                lambda session: session.connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            )
            large = entry("1", opening(title="长" * 100_000))
            database.read(lambda session: session.command(f"PRAGMA max_page_count = {pages + 5}"))
            assert seconds(lambda: store.record(large)) < 1
            assert [list(store.export(table)) for table in ("messages", "incidents", "alerts")] == [
                [],
                [],
                [],
            ]
            database.read(lambda session: session.command("PRAGMA max_page_count = 1000000"))
            assert store.record(large).is_new

    def test_a_file_that_was_deleted_and_made_again_is_used_after_a_close(self, file: Path) -> None:
        with closing(Store.open(f"sqlite:///{file}")) as store:
            store.record(entry("1"))
            for part in file.parent.glob("triage.db*"):
                part.unlink()
            with suppress(StoreError):
                store.record(entry("2"))
            with pytest.raises(SchemaError, match="triage db upgrade"):
                store.check()
            Store.open(f"sqlite:///{file}", upgrade=True).close()
            store.close()
            assert store.record(entry("3")).is_new

    @pytest.mark.skipif(os.geteuid() == 0, reason="root writes into read-only directories")
    def test_a_read_only_directory_is_told(self, tmp_path: Path) -> None:
        tmp_path.chmod(0o500)
        seconds(lambda: Store.open(f"sqlite:///{tmp_path}/triage.db", upgrade=True))

    def test_a_directory_that_is_not_there_is_told(self, tmp_path: Path) -> None:
        seconds(lambda: Store.open(f"sqlite:///{tmp_path}/none/triage.db", upgrade=True))

    def test_a_file_that_is_no_database_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "notes.txt").write_text("no database, just notes\n" * 100)
        with pytest.raises(StoreError):
            Store.open(f"sqlite:///{tmp_path}/notes.txt", upgrade=True)

    def test_a_database_in_memory_outlives_a_refusal(self) -> None:
        with closing(Store.open("sqlite://", upgrade=True)) as store:
            store.invite(Invite("wort", person("oAlice"), NOW))
            with pytest.raises(StoreError, match="choose another"):
                store.invite(Invite("wort", person("oAlice"), NOW))
            store.record(entry("1"))
            assert store.reply_to(entry("1").message.key) == Recorded("回复")

    def test_a_database_in_memory_serves_many_threads(self) -> None:
        with closing(Store.open("sqlite://", upgrade=True)) as store:
            given = together(lambda n: store.record(entry("1", opening(), reply=str(n))))
            assert len({recorded.reply for recorded in given}) == 1

    @pytest.mark.parametrize("url", ["", "triage.db", "oracle://u:secret@h/x", "mysql://u:secret@h:port/x"])
    def test_a_url_that_cannot_be_used_is_a_setting_to_mend(self, url: str) -> None:
        with pytest.raises(SettingsError, match="TRIAGE_DATABASE_URL") as raised:
            Store.open(url)
        assert "secret" not in str(raised.value)


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

    def test_sixteen_threads_ask_at_once_and_the_next_one_waits_two_seconds(self, database: Database) -> None:
        gate, end = threading.Barrier(17), threading.Event()

        def hold(_: Session) -> None:
            gate.wait()
            end.wait(10)

        with ThreadPoolExecutor(16) as pool:
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

    def test_a_checkpoint_follows_two_hundred_transactions(self) -> None:
        ran = threading.Event()
        checkpointer = Checkpointer(lambda _: ran.set(), WRITES_PER_CHECKPOINT)
        for _ in range(199):
            checkpointer.count_write()
        assert not [each for each in threading.enumerate() if each.name == "checkpoint"]
        assert not ran.is_set()
        checkpointer.count_write()
        assert ran.wait(10)


class TestSchema:
    def test_a_database_without_tables_is_refused_with_the_command(self, empty: str) -> None:
        with pytest.raises(SchemaError, match="triage db upgrade"):
            Store.open(empty)
        if empty.startswith("sqlite"):
            assert not Path(make_url(empty).database or "").exists()

    def test_an_old_schema_is_refused_with_the_command(
        self, empty: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        Store.open(empty, upgrade=True).close()
        monkeypatch.setattr("triage.store.store.VERSIONS", (*VERSIONS, "9999"))
        with pytest.raises(SchemaError, match=rf"has schema {VERSIONS[-1]}.*needs 9999.*triage db upgrade"):
            Store.open(empty)

    def test_what_the_first_version_kept_is_known_after_the_upgrade(self, empty: str, tmp_path: Path) -> None:
        shutil.copytree(SCRIPTS, tmp_path / "first", ignore=shutil.ignore_patterns("v0002*", "v0003*"))
        database = Database(empty)
        database.write(lambda session: migrate(session.connection, tmp_path / "first", VERSIONS[:1]))
        database.write(lambda session: _fill_first_version(session.connection))
        with closing(Store(database)) as store:
            store.upgrade()
            store.check()
            opened, closed = store.incidents_for(["wx1|a", "wx1|b"], NOW - timedelta(days=1))
            assert (opened.key, opened.state, opened.sightings[0].title) == ("wx1|a", State.OPEN, "连接超时")
            assert (closed.key, closed.state, closed.closed_note) == ("wx1|b", State.CLOSED, "好了")
            assert [event.what for event in store.timeline(opened.id)] == ["open", "note"]
            assert store.signature_used("s1", "another")
            assert not store.signature_used("s2", "another"), "safe mode signs the body"
            reopening = (sighting(), Change("wx1|b", closed.id, Reason.REOPENED))
            assert recorded_in(store, entry("8", reopening)) == [closed.id]
            assert recorded_in(store, entry("9", opening(key="wx1|a"))) == [opened.id]

    def test_the_next_version_keeps_the_data_and_is_refused_by_this_program(
        self, empty: str, tmp_path: Path
    ) -> None:
        with closing(Store.open(empty, upgrade=True)) as store:
            store.record(entry("1", opening(), conversation={"page": 1}, expires_at=NOW, gap="?"))
            before = {table: list(store.export(table)) for table in METADATA.tables}
        shutil.copytree(SCRIPTS, tmp_path / "next")
        (tmp_path / "next/versions/v9999_next.py").write_text(NEXT_VERSION.format(before=VERSIONS[-1]))
        database = Database(empty)
        database.write(lambda session: migrate(session.connection, tmp_path / "next", (*VERSIONS, "9999")))
        for upgrade in (False, True):
            with pytest.raises(SchemaError, match="schema 9999 of a newer program"):
                Store.open(empty, upgrade=upgrade)
        after = Store(database)
        assert {table: list(after.export(table)) for table in METADATA.tables} == before
        after.close()

    def test_an_upgrade_of_an_up_to_date_database_keeps_the_data(self, empty: str) -> None:
        with closing(Store.open(empty, upgrade=True)) as store:
            store.record(entry("1"))
            store.upgrade()
            assert store.reply_to(entry("1").message.key) == Recorded("回复")

    def test_workers_that_upgrade_at_once_do_it_once(self, empty: str) -> None:
        together(lambda _: Store.open(empty, upgrade=True).close(), 4)
        Store.open(empty).close()

    def test_the_migrations_make_the_tables_that_the_program_knows(self, empty: str) -> None:
        with closing(Store.open(empty, upgrade=True)):
            database = Database(empty)
            differences = database.read(
                lambda session: compare_metadata(MigrationContext.configure(session.connection), METADATA)
            )
            database.close()
        assert differences == []

    def test_the_program_knows_every_version(self) -> None:
        config = Config()
        config.set_main_option("script_location", str(SCRIPTS))
        scripts = ScriptDirectory.from_config(config)
        assert [script.revision for script in scripts.walk_revisions()][::-1] == list(VERSIONS)


class TestCommands:
    @pytest.fixture(autouse=True)
    def _url(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TRIAGE_DATABASE_URL", f"sqlite:///{tmp_path}/triage.db")

    def test_upgrade_makes_what_check_wants(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["db", "check"]) == 2
        assert "triage db upgrade" in capsys.readouterr().err
        assert main(["db", "upgrade"]) == 0
        assert main(["db", "check"]) == 0

    def test_export_can_be_read_again(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        text = 'a,"b"\nc 🚨'
        with closing(Store.open(f"sqlite:///{tmp_path}/triage.db", upgrade=True)) as store:
            store.record(entry("1", opening(title=text), opening(title="x", count=None)))
            (first, second) = store.export("alerts")
        assert main(["export", "alerts"]) == 0
        rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert rows[0] == first | {
            "seen_at": NOW.isoformat(), "first_seen": first["first_seen"].isoformat(), "causes": ["slow", "dns"],
            "sender": "wechat/wx1/oAlice",
        }  # fmt: skip
        assert rows[1]["count"] is second["count"] is None
        assert main(["export", "alerts", "--format", "csv"]) == 0
        cells = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
        assert (cells[0]["title"], cells[0]["causes"], cells[1]["count"]) == (text, '["slow", "dns"]', "")

    def test_an_empty_table_is_no_line(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["db", "upgrade"]) == 0
        capsys.readouterr()
        assert main(["export", "gaps"]) == 0
        assert main(["export", "gaps", "--format", "csv"]) == 0
        assert capsys.readouterr().out == ""

    def test_an_unknown_table_is_a_usage_mistake(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["export", "mesages"]) == 2
        assert "messages" in capsys.readouterr().err
