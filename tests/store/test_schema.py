"""The schema: upgraded from every version, refused where it is another one."""

from __future__ import annotations

import shutil
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, create_engine, text
from sqlalchemy.engine import make_url

from tests.support.stores import (
    NOW,
    entry,
    fresh_database,
    opening,
    recorded_in,
    sighting,
    together,
)
from triage.errors import SchemaError
from triage.incidents.correlation import Reason, State
from triage.incidents.weeks import Week
from triage.store import TABLES, Change, Recorded, Store
from triage.store.database import Database
from triage.store.migrating import SCRIPTS, migrate
from triage.store.schema import METADATA, VERSIONS

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
        shutil.copytree(SCRIPTS, tmp_path / "first", ignore=shutil.ignore_patterns("v000[2-9]*"))
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
            assert [one.alerts for one in store.history.kinds(Week.of(NOW))] == [2]
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
            before = {table: list(store.export(table)) for table in TABLES}
        shutil.copytree(SCRIPTS, tmp_path / "next")
        (tmp_path / "next/versions/v9999_next.py").write_text(NEXT_VERSION.format(before=VERSIONS[-1]))
        database = Database(empty)
        database.write(lambda session: migrate(session.connection, tmp_path / "next", (*VERSIONS, "9999")))
        for upgrade in (False, True):
            with pytest.raises(SchemaError, match="schema 9999 of a newer program"):
                Store.open(empty, upgrade=upgrade)
        after = Store(database)
        assert {table: list(after.export(table)) for table in TABLES} == before
        after.close()

    def test_an_upgrade_of_an_up_to_date_database_keeps_the_data(self, empty: str) -> None:
        with closing(Store.open(empty, upgrade=True)) as store:
            store.record(entry("1"))
            store.upgrade()
            assert store.reply_to(entry("1").message.key) == Recorded("回复", sender="oAlice")

    def test_workers_that_upgrade_at_once_do_it_once(self, empty: str) -> None:
        together(lambda _: Store.open(empty, upgrade=True).close(), 4)
        Store.open(empty).close()

    def test_the_upgrade_of_another_database_on_the_server_is_not_waited_for(self, tmp_path: Path) -> None:
        with fresh_database("mysql", tmp_path) as url, fresh_database("mysql", tmp_path) as other:
            engine = create_engine(other)
            with engine.connect() as connection:
                connection.execute(text("SELECT GET_LOCK(CONCAT('triage ', SHA1(DATABASE())), 1)"))
                started = time.monotonic()
                Store.open(url, upgrade=True).close()
                assert time.monotonic() - started < 30, "a lock is waited for up to a minute"
            engine.dispose()

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
