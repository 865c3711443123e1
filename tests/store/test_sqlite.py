"""A SQLite file that is locked, full, read-only or deleted, its write-ahead log, and SQLite in memory."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TypeVar

import pytest
from sqlalchemy import Connection

from tests.support.stores import (
    NOW,
    entry,
    have_waited_together,
    opening,
    person,
    seconds,
    together,
)
from triage.errors import ReplacedFileError, SettingsError, StoreBusyError, StoreError
from triage.store import Invite, Recorded, Store
from triage.store.database import Database
from triage.store.engine import Timeouts
from triage.store.session import Session
from triage.store.wal import checkpoint

T = TypeVar("T")


def _busy_timeout(session: Session) -> object:
    return session.connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one()


class _Log:
    """A session whose write-ahead log has so many pages at each checkpoint; keeps what it is asked."""

    def __init__(self, pages: Sequence[int]) -> None:
        self.asked: list[str] = []
        self.connection = self
        self._pages = iter(pages)

    def exec_driver_sql(self, sql: str) -> _Log:
        self.asked.append(sql)
        return self

    def one(self) -> tuple[int, int, int]:
        pages = next(self._pages)
        return 0, pages, pages

    def scalar_one(self) -> int:
        return 7


def _lock(other: sqlite3.Connection) -> None:
    other.execute("BEGIN IMMEDIATE")


async def _on_an_event_loop(work: Callable[[], T]) -> T:
    return work()


class TestFile:
    def test_what_is_written_moves_into_the_file_beside_the_replies(self, file: Path) -> None:
        with closing(Store(Database(f"sqlite:///{file}", rows_per_checkpoint=5))) as store:
            for number in range(5):
                store.record(entry(str(number)))
            for thread in threading.enumerate():
                if thread.name == "checkpoint":
                    thread.join()
            alone = file.with_name("without_its_log.db")
            shutil.copy(file, alone)
        with closing(sqlite3.connect(alone)) as copied:
            assert copied.execute("SELECT count(*) FROM messages").fetchone() == (5,)

    @pytest.mark.parametrize(("made_with", "kept"), [(None, 1024), (4096, 4096)], ids=["new", "made before"])
    def test_a_new_file_has_small_pages_and_another_keeps_its_own(
        self, tmp_path: Path, made_with: int | None, kept: int
    ) -> None:
        if made_with:
            with closing(sqlite3.connect(tmp_path / "t.db")) as other:
                other.execute(f"PRAGMA page_size={made_with}")
                other.execute("VACUUM")
        with closing(Database(f"sqlite:///{tmp_path}/t.db")) as database:
            asked = "PRAGMA page_size"
            size = database.read(lambda session: session.connection.exec_driver_sql(asked).scalar_one())
        assert size == kept

    @pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts open files where Linux lists them")
    def test_the_threads_that_make_checkpoints_leave_no_connection_open(self, file: Path) -> None:
        with closing(Store(Database(f"sqlite:///{file}", rows_per_checkpoint=1))) as store:
            for number in range(20):
                store.record(entry(str(number)))
                for thread in threading.enumerate():
                    if thread.name == "checkpoint":
                        thread.join()
            opened = [each.readlink() for each in Path("/proc/self/fd").iterdir() if each.is_symlink()]
            assert opened.count(file) <= 2

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

    @pytest.mark.parametrize(
        ("pages", "is_begun_anew"),
        [([12_000], False), ([17_000, 40], False), ([12_001] * 19 + [12_000], False), ([12_001] * 20, True)],
        ids=[
            "not one that is short",
            "not one that a writer has begun anew meanwhile",
            "not one that became short at the last moment",
            "one that stays long",
        ],
    )
    def test_a_log_is_begun_anew_with_the_writers_waiting(
        self, pages: list[int], is_begun_anew: bool
    ) -> None:
        log, paused = _Log(pages), list[float]()
        checkpoint(log, pause=paused.append)  # type: ignore[arg-type]
        assert paused == [0.01] * sum(size > 12_000 for size in pages)
        restart = ["PRAGMA busy_timeout", "PRAGMA busy_timeout = 50", "PRAGMA wal_checkpoint(RESTART)"]
        restart.append("PRAGMA busy_timeout = 7")
        assert log.asked == ["PRAGMA wal_checkpoint(PASSIVE)"] * len(pages) + restart * is_begun_anew

    def test_a_locked_file_can_be_read_and_is_written_later(self, file: Path) -> None:
        store = Store.open(f"sqlite:///{file}")
        with closing(store), closing(sqlite3.connect(file, isolation_level=None)) as other:
            _lock(other)
            took = together(lambda n: seconds(lambda: store.record(entry(str(n))), StoreBusyError))
            assert have_waited_together(took)
            assert store.reply_to(entry("1").message.key) is None
            other.execute("ROLLBACK")
            assert store.record(entry("1")).is_new

    def test_nobody_waits_for_a_locked_file_on_an_event_loop(self, file: Path) -> None:
        store = Store.open(f"sqlite:///{file}")
        with closing(store), closing(sqlite3.connect(file, isolation_level=None)) as other:
            _lock(other)
            refused = partial(seconds, lambda: store.record(entry("1")), StoreBusyError)
            assert asyncio.run(_on_an_event_loop(refused)) < Timeouts().lock / 2
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
            assert store.reply_to(entry("1").message.key) == Recorded("回复", sender="oAlice")
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
            with pytest.raises(ReplacedFileError):
                store.record(entry("2"))
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
            assert store.reply_to(entry("1").message.key) == Recorded("回复", sender="oAlice")

    def test_a_database_in_memory_serves_many_threads(self) -> None:
        with closing(Store.open("sqlite://", upgrade=True)) as store:
            given = together(lambda n: store.record(entry("1", opening(), reply=str(n))))
            assert len({recorded.reply for recorded in given}) == 1

    @pytest.mark.parametrize(
        "url",
        ["", "triage.db", "oracle://u:secret@h/x", "mysql://u:secret@h:port/x", "mysql://u:a@secret@h/x"],
    )
    def test_a_url_that_cannot_be_used_is_a_setting_to_mend(self, url: str) -> None:
        with pytest.raises(SettingsError, match="TRIAGE_DATABASE_URL") as raised:
            Store.open(url)
        assert "secret" not in str(raised.value)


@pytest.fixture
def database(file: Path) -> Iterator[Database]:
    with closing(Database(f"sqlite:///{file}")) as opened:
        yield opened


class TestConnections:
    def test_a_connection_to_a_file_is_used_again_until_it_is_closed(self, database: Database) -> None:
        def connection(session: Session) -> Connection:
            return session.connection

        first = database.read(connection)
        assert database.write(connection) is first
        database.close()
        assert first.closed
        assert database.read(connection) is not first

    def test_a_connection_to_a_file_that_saw_a_failure_is_not_used_again(self, database: Database) -> None:
        used: list[Connection] = []

        def fail(session: Session) -> None:
            used.append(session.connection)
            raise sqlite3.DatabaseError("the file is damaged")

        with pytest.raises(StoreError):
            database.read(fail)
        assert used[0].closed
        assert database.read(lambda session: session.connection) is not used[0]
