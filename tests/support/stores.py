"""Databases to test with, and what is recorded in them."""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pymysql
import pytest
from sqlalchemy.engine import URL, make_url

from triage.errors import StoreDownError
from triage.incidents.correlation import Reason, Sighting
from triage.message import Message, MessageKind, Person
from triage.store import Change, Entry, Store
from triage.store.engine import Timeouts

NOW = datetime(2026, 5, 12, 10, 31, 7, 123456, tzinfo=UTC)
SERVERS = {"postgresql": "TRIAGE_TEST_POSTGRESQL_URL", "mysql": "TRIAGE_TEST_MYSQL_URL"}
HOSTILE = {
    "an emoji of four bytes": "报警 🚨👩‍👩‍👧",
    "the end of a CDATA": "x]]></Content><Content><![CDATA[y",
    "quotes and comments of SQL": "'; DROP TABLE messages; -- \" ` \\' %s :name ?",
    "control characters": "\x01\x02\x1b[31m\r\n\t\x7f",
    "spaces around": "  a  ",
    "nothing": "",
    "a long text": "很长" * 50_000,
    "directions and joiners": "\u202e\u200d\ufeff",
}

_END_USERS_OF_SCHEMA = """
    SELECT pg_terminate_backend(pid) FROM pg_locks
    JOIN pg_class ON pg_class.oid = relation JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE nspname = %s AND pid <> pg_backend_pid()"""


@contextmanager
def fresh_database(kind: str, folder: Path) -> Iterator[str]:
    """The URL of an empty database that goes away afterwards."""
    name = f"triage_{uuid.uuid4().hex[:12]}"
    if kind == "sqlite":
        yield f"sqlite:///{folder / name}.db"
        return
    server = os.environ.get(SERVERS[kind])
    if not server:
        pytest.skip(f"{SERVERS[kind]} names no server to test with")
    url = make_url(server)
    if kind == "postgresql":
        plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(plain, autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}")
            try:
                made = url.update_query_dict({"options": f"-csearch_path={name}"})
                yield made.render_as_string(hide_password=False)
            finally:
                connection.execute(_END_USERS_OF_SCHEMA, [name])
                connection.execute(f"DROP SCHEMA {name} CASCADE")
        return
    with closing(_connect_to_mysql(url)) as mysql:
        mysql.cursor().execute(f"CREATE DATABASE {name}")
        try:
            yield url.set(database=name).render_as_string(hide_password=False)
        finally:
            _end_users(mysql, name)
            mysql.cursor().execute(f"DROP DATABASE {name}")


def end_users(url: str) -> None:
    """End the connections that a test left open in a server's database: nobody else waits for a lock of theirs."""
    made = make_url(url)
    if made.get_backend_name() == "postgresql":
        plain = made.set(drivername="postgresql", query={}).render_as_string(hide_password=False)
        schema = str(made.query["options"]).partition("=")[2]
        with psycopg.connect(plain, autocommit=True) as connection:
            connection.execute(_END_USERS_OF_SCHEMA, [schema])
        return
    with closing(_connect_to_mysql(made)) as server:
        _end_users(server, str(made.database))


def _connect_to_mysql(url: URL) -> Any:
    return pymysql.connect(
        host=url.host or "", port=url.port or 3306, user=url.username, password=url.password or ""
    )


def _end_users(server: Any, database: str) -> None:
    """End what a failed test left open there: a lock of it would hold the DROP for ever."""
    cursor = server.cursor()
    cursor.execute("SELECT id FROM information_schema.processlist WHERE db = %s", [database])
    for (number,) in cursor.fetchall():
        with suppress(pymysql.err.OperationalError):  # it has ended by itself meanwhile
            cursor.execute(f"KILL {number}")


def person(id_: str, account: str = "wx1") -> Person:
    return Person("wechat", account, id_)


def sighting(digest: str = "d1", **values: Any) -> Sighting:
    made = Sighting(
        digest, "request_timeout", "回应超时", 1, "wx1", "号", "https://a.example/cb", "1.2.3.4", "CLICK",
        NOW - timedelta(minutes=1), 3, ("slow", "dns"), person("oAlice"), NOW,
    )  # fmt: skip
    return replace(made, **values)


def message(number: str, **values: Any) -> Message:
    made = Message(
        "wechat",
        "wx1",
        "oAlice",
        "gh_1",
        MessageKind.TEXT,
        1_700_000_000,
        id=number,
        text="报警",
        signature=f"s{number}",
    )
    return replace(made, **values)


def entry(number: str, *placed: tuple[Sighting, Change], reply: str | None = "回复", **values: Any) -> Entry:
    return Entry(message(number), values.pop("received_at", NOW), reply, placed, **values)


def opening(key: str = "wx1|cb", **values: Any) -> tuple[Sighting, Change]:
    return sighting(**values), Change(key, None, Reason.OPENED)


def recorded_in(store: Store, made: Entry) -> list[int]:
    """The incident of each sighting of an entry that is recorded now."""
    store.record(made)
    return [row["incident_id"] for row in store.export("alerts") if row["message_key"] == made.message.key]


def opened(store: Store, key: str = "wx1|cb", **values: Any) -> int:
    """The id of a new incident."""
    (incident,) = recorded_in(store, entry(uuid.uuid4().hex, opening(key, **values)))
    return incident


CROWD = 8
"""Threads that ask at the same moment."""


def together(work: Callable[[int], Any], workers: int = CROWD) -> list[Any]:
    """What each of the threads got that started at the same moment."""
    gate = threading.Barrier(workers)

    def start(number: int) -> Any:
        gate.wait()
        return work(number)

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(start, range(workers)))


def have_waited_together(took: list[float]) -> bool:
    """Whether each of a crowd waited for a lock as long as the store does, and none for another one's wait.

    One after another they would be told after up to `CROWD` times as long; half of that is left to a busy machine.
    """
    lock = Timeouts().lock
    return 0.9 * lock < min(took) <= max(took) < CROWD * lock / 2


def seconds(work: Callable[[], object], error: type[StoreDownError] = StoreDownError) -> float:
    """How long it took to be told, with the cause, that the database is down."""
    started = time.monotonic()
    with pytest.raises(error) as raised:
        work()
    assert raised.value.__cause__ is not None
    return time.monotonic() - started
