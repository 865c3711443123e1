"""Version 0004: incidents stay the members', members stay able to invite, and of namesakes the first keeps the name."""

from __future__ import annotations

import shutil
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import MetaData, create_engine

from tests.support.stores import NOW, person
from triage.store import Role, Store
from triage.store.migrating import SCRIPTS, migrate
from triage.store.schema import VERSIONS

_AT = NOW.replace(tzinfo=None)
_ROWS: dict[str, list[dict[str, Any]]] = {
    "incidents": [
        {
            "id": 1, "key": "wx1|cb", "lookup": "wx1|cb", "closed_as": 0, "appid": "wx1", "state": "open",
            "opened_at": _AT, "last_seen": _AT, "step": 0, "alerts": 0,
        }
    ],
    "members": [
        {"person": "wechat/wx1/oLater", "name": " 小 李", "appids": "[]", "since": _AT + timedelta(days=1)},
        {"person": "wechat/wx1/oFirst", "name": "小李", "appids": '["wx1"]', "since": _AT},
        {"person": "wechat/wx1/oNameless", "name": None, "appids": "[]", "since": _AT + timedelta(days=2)},
    ],
    "invitations": [
        {
            "word": "neu", "invited_by": "wechat/wx1/oFirst", "appids": '["wx1"]',
            "expires_at": _AT + timedelta(days=1),
        }
    ],
}  # fmt: skip


def test_what_was_known_and_who_could_invite_stays(empty: str, tmp_path: Path) -> None:
    shutil.copytree(SCRIPTS, tmp_path / "third", ignore=shutil.ignore_patterns("v000[4-9]*"))
    engine = create_engine(empty)
    with engine.begin() as connection:
        migrate(connection, tmp_path / "third", VERSIONS[:3])
    tables = MetaData()
    tables.reflect(engine)
    with engine.begin() as connection:
        for name, values in _ROWS.items():
            connection.execute(tables.tables[name].insert(), values)
    engine.dispose()
    with closing(Store.open(empty, upgrade=True)) as store:
        (incident,) = store.recent_incidents(NOW)
        assert incident.is_confirmed
        members = store.members()
        assert [member.name for member in members] == ["小李", " 小 李", None]
        assert {member.role for member in members} == {Role.LEAD}
        assert [row["name_key"] for row in store.export("members")] == ["小李", None, None]
        invitation = store.invitation("neu", NOW)
        assert invitation
        assert (invitation.role, invitation.appids, invitation.by) == (
            Role.MEMBER,
            ("wx1",),
            person("oFirst"),
        )
