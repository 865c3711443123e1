"""Version 0007: what is there stays, and of the incidents closed by then it is known what others share with them."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import MetaData, create_engine

from tests.support.stores import NOW, opened, person
from triage.incidents.likeness import Likeness
from triage.store import Store
from triage.store.migrating import SCRIPTS, migrate
from triage.store.schema import VERSIONS

_AT = NOW.replace(tzinfo=None)
_LONG = "长" * 300


def _incident(id_: int, closed_as: int, guest: str = "") -> dict[str, Any]:
    return {
        "id": id_, "key": f"k{id_}", "lookup": f"k{id_}", "closed_as": closed_as, "appid": "wx1", "step": 0,
        "state": "closed" if closed_as else "open", "opened_at": _AT, "last_seen": _AT, "alerts": 1, "guest": guest,
        "closed_note": "换了证书" if closed_as else None,
    }  # fmt: skip


def _alert(incident: int, **values: Any) -> dict[str, Any]:
    alert = {
        "message_key": "m1", "incident_id": incident, "number": 1, "reason": "opened", "digest": "d", "rank": 1,
        "kind": "request_timeout", "title": "回应超时", "causes": "[]", "sender": "wechat/wx1/oAlice", "seen_at": _AT,
        "appid": None, "ip": None, "callback": None,
    }  # fmt: skip
    return alert | values


def _fill(url: str, folder: Path) -> None:
    """A database of version 0006 with closed and open incidents."""
    shutil.copytree(SCRIPTS, folder / "sixth", ignore=shutil.ignore_patterns("v000[7-9]*", "v001*"))
    engine = create_engine(url)
    with engine.begin() as connection:
        migrate(connection, folder / "sixth", VERSIONS[:6])
    tables = MetaData()
    tables.reflect(engine)
    rows = {
        "incidents": [_incident(1, 1), _incident(2, 2), _incident(3, 0), _incident(4, 4), _incident(5, 5)],
        "alerts": [
            _alert(1, appid="wx1"),
            _alert(1, appid="wx1", number=2),
            _alert(2, callback="https://A.example/x", causes='["dns"]'),
            _alert(3, ip="1.2.3.4"),
            _alert(4, appid=_LONG),
            _alert(5, callback="http://[broken"),
        ],
    }
    with engine.begin() as connection:
        for name, values in rows.items():
            connection.execute(tables.tables[name].insert(), values)
    engine.dispose()


def test_incidents_that_were_closed_before_are_found_by_what_they_share(empty: str, tmp_path: Path) -> None:
    _fill(empty, tmp_path)
    with closing(Store.open(empty, upgrade=True)) as store:
        number = opened(store, "wx1|new")
        incident = store.incident(number)
        assert incident
        found = {each.incident.id: each.likenesses for each in store.following.similar(incident)}
        assert found == {1: (Likeness.ACCOUNT,), 2: (Likeness.HOST, Likeness.CAUSE)}
        like_long = store.incident(opened(store, "long", appid=_LONG, ip=None, callback=None, causes=()))
        assert like_long
        assert [each.incident.id for each in store.following.similar(like_long)] == [4]
        assert {each.id for each in store.following.open_incidents()} == {3, number, like_long.id}
        assert store.following.tick(3, "a/b", 1, person("oAlice"), NOW)
