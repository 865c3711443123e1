"""Version 0003: everybody who was an OpenID becomes a person of the account they wrote to, in every table."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import MetaData, create_engine

from tests.support.stores import NOW, SERVERS, fresh_database, person
from triage.message import Person
from triage.store import TABLES, Store
from triage.store.migrating import SCRIPTS, migrate

Rows = Mapping[str, Sequence[Mapping[str, Any]]]
_AT = NOW.replace(tzinfo=None)
_UNTIL = _AT + timedelta(minutes=30)


@pytest.fixture(params=["sqlite", *SERVERS])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with fresh_database(request.param, tmp_path) as url:
        yield url


def _message(key: str, account: str, sender: str) -> dict[str, Any]:
    return {
        "key": key, "channel": "wechat", "account": account, "sender": sender, "recipient": "gh_1", "kind": "text",
        "created": 1, "push": "text", "signature": key, "encrypted": True, "received_at": _AT, "reply": "回复",
    }  # fmt: skip


def _rows(accounts: Sequence[str]) -> Rows:
    """oAlice has written to the first account, oBob to the last; nothing that oGone wrote is left."""
    incident = {
        "id": 1, "key": "wx|a", "lookup": "wx|a", "closed_as": 0, "appid": "wx", "state": "open", "opened_at": _AT,
        "last_seen": _AT, "step": 0, "alerts": 2, "owner": "oBob",
    }  # fmt: skip
    alert = {
        "message_key": "m1", "incident_id": 1, "number": 1, "reason": "opened", "digest": "d", "rank": 1,
        "kind": "connect_timeout", "title": "连接超时", "causes": "[]", "sender": "oAlice", "seen_at": _AT,
    }  # fmt: skip
    return {
        "messages": [
            _message("m1", accounts[0], "oAlice"),
            _message("m2", accounts[0], "oAlice"),
            _message("m3", accounts[-1], "oBob"),
        ],
        "incidents": [incident, {**incident, "id": 2, "key": "wx|b", "lookup": "wx|b", "owner": None}],
        "alerts": [alert, {**alert, "number": 2, "digest": "e", "sender": "oGone"}],
        "timeline": [{"incident_id": 1, "at": _AT, "who": "oBob", "what": "claim"}],
        "members": [
            {"openid": "oAlice", "name": "阿丽", "appids": "[]", "since": _AT},
            {"openid": "oGone", "name": None, "appids": "[]", "since": _AT},
        ],
        "invitations": [
            {"word": "alt", "invited_by": "oAlice", "appids": "[]", "expires_at": _UNTIL, "used_by": "oBob"},
            {"word": "neu", "invited_by": "oGone", "appids": "[]", "expires_at": _UNTIL, "used_by": None},
        ],
        "conversations": [{"sender": "oAlice", "state": '{"page": 1}', "expires_at": _UNTIL}],
        "gaps": [{"message_key": "m1", "text": "?", "seen_at": _AT}],
    }


def _upgraded(url: str, folder: Path, rows: Rows) -> Store:
    """A database of version 0002 with these rows, upgraded to the newest."""
    shutil.copytree(SCRIPTS, folder / "second", ignore=shutil.ignore_patterns("v000[3-9]*"))
    engine = create_engine(url)
    with engine.begin() as connection:
        migrate(connection, folder / "second", ("0001", "0002"))
    tables = MetaData()
    tables.reflect(engine)
    with engine.begin() as connection:
        for name, values in rows.items():
            connection.execute(tables.tables[name].insert(), values)
    engine.dispose()
    return Store.open(url, upgrade=True)


@pytest.mark.parametrize(
    ("accounts", "alice", "bob", "gone"),
    [
        pytest.param(("wx1",), person("oAlice"), person("oBob"), person("oGone"), id="one account"),
        pytest.param(
            ("wx1", "wx2"), person("oAlice"), person("oBob", "wx2"), person("oGone", ""), id="two accounts"
        ),
        pytest.param(("",), person("oAlice", ""), person("oBob", ""), person("oGone", ""), id="no AppID"),
    ],
)
def test_everybody_is_of_the_account_they_wrote_to(
    empty: str, tmp_path: Path, accounts: Sequence[str], alice: Person, bob: Person, gone: Person
) -> None:
    rows = _rows(accounts)
    with closing(_upgraded(empty, tmp_path, rows)) as store:
        kept = {table: len(list(store.export(table))) for table in TABLES}
        assert {table: number for table, number in kept.items() if number} == {
            table: len(values) for table, values in rows.items()
        }
        incident, other = (store.incident(number) for number in (1, 2))
        assert incident
        assert other
        assert (incident.owner, other.owner) == (bob, None)
        assert [sighting.sender for sighting in incident.sightings] == [alice, gone]
        assert [event.who for event in store.timeline(1)] == [alice, bob]
        assert {member.person: member.name for member in store.members()} == {alice: "阿丽", gone: None}
        assert store.conversation(alice, NOW) == {"page": 1}
        invitations = {row["word"]: row for row in store.export("invitations")}
        assert (invitations["alt"]["invited_by"], invitations["alt"]["used_by"]) == (alice, bob)
        assert (invitations["neu"]["invited_by"], invitations["neu"]["used_by"]) == (gone, None)


def test_a_database_without_a_message_is_upgraded_too(empty: str, tmp_path: Path) -> None:
    rows = {"members": [{"openid": "oAlice", "name": "阿丽", "appids": "[]", "since": _AT}]}
    with closing(_upgraded(empty, tmp_path, rows)) as store:
        (member,) = store.members()
        assert member.person == person("oAlice", "")
