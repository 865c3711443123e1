"""A database server that is away, silent, locked or far away, and back again."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any, NoReturn

import pytest
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from tests.support.road import Road
from tests.support.stores import (
    NOW,
    entry,
    fresh_database,
    have_waited_together,
    opened,
    opening,
    person,
    seconds,
    together,
)
from triage import background
from triage.errors import StoreBusyError, StoreDownError
from triage.store import Recorded, Store
from triage.store.database import Database
from triage.store.schema import INCIDENTS


class TestServers:
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
            assert store.reply_to(made.message.key) == Recorded("回复", sender="oAlice")
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
            assert store.reply_to(entry("1").message.key) == Recorded("回复", sender="oAlice")
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
            assert store.reply_to(key) == Recorded("回复", sender="oAlice")
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
        store = Store(Database(empty, rows_per_checkpoint=1))
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
                assert have_waited_together(took)
                if is_mysql:
                    other.exec_driver_sql("UNLOCK TABLES")
            engine.dispose()
            assert store.record(entry("1")).is_new

    @pytest.mark.parametrize("kind", ["postgresql", "mysql"])
    def test_a_test_that_leaves_a_transaction_open_holds_no_other_one(
        self, kind: str, tmp_path: Path
    ) -> None:
        with fresh_database(kind, tmp_path) as url:
            Store.open(url, upgrade=True).close()
            left_open = create_engine(Database(url).url).connect()
            left_open.execute(INCIDENTS.select())
        with pytest.raises(OperationalError):
            left_open.execute(INCIDENTS.select())
        left_open.invalidate()
