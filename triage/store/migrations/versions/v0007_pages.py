"""What the pages ask for is found by an index: open incidents, who ticked which step, what closed incidents share."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from alembic import op
from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    String,
    bindparam,
    column,
    insert,
    select,
    table,
    text,
)

from triage.store.migrations.types_v1 import (
    KEY_LENGTH,
    TABLE_OPTIONS,
    id_column,
    instant,
    key_text,
    long_text,
    number,
)

revision = "0007"
down_revision = "0006"

_AT_ONCE = 500
_INCIDENTS = table(
    "incidents", column("id", BigInteger), column("closed_as", BigInteger), column("guest", String)
)
_ALERTS = table(
    "alerts",
    column("incident_id", BigInteger),
    *(column(name, String) for name in ("kind", "appid", "ip", "callback", "causes")),
)
_TRAITS = table("traits", column("trait", String), column("incident_id", BigInteger))


def upgrade() -> None:
    """Nothing is changed that is there; of the incidents closed by now it is noted what others may share with them."""
    op.create_index(
        "incidents_open",
        "incidents",
        ["guest", "closed_as", "last_seen"],
        sqlite_where=text("closed_as = 0"),
        postgresql_where=text("closed_as = 0"),
    )
    op.create_table(
        "ticks",
        id_column(),
        Column("incident_id", number(), ForeignKey("incidents.id"), nullable=False),
        Column("step", key_text(), nullable=False),
        Column("who", long_text(), nullable=False),
        Column("at", instant(), nullable=False),
        Index("ticks_incident_id_step", "incident_id", "step", unique=True),
        **TABLE_OPTIONS,
    )
    op.create_table(
        "traits",
        id_column(),
        Column("incident_id", number(), ForeignKey("incidents.id"), nullable=False),
        Column("trait", key_text(), nullable=False),
        Index("traits_trait_incident_id", "trait", "incident_id", unique=True),
        Index("traits_incident_id", "incident_id"),
        **TABLE_OPTIONS,
    )
    _keep_traits()


def _keep_traits() -> None:
    alerts, incidents = _ALERTS.c, _INCIDENTS.c
    closed = (
        select(incidents.id)
        .where(incidents.closed_as != 0, incidents.guest == "", incidents.id > bindparam("after"))
        .order_by(incidents.id)
        .limit(_AT_ONCE)
    )
    question = (
        select(alerts.incident_id, alerts.kind, alerts.appid, alerts.ip, alerts.callback, alerts.causes)
        .where(alerts.incident_id.in_(bindparam("ids", expanding=True)))
        .distinct()
    )
    connection, after = op.get_bind(), 0
    while ids := connection.execute(closed, {"after": after}).scalars().all():
        rows = connection.execute(question, {"ids": ids}).all()
        found = {(incident, _short(trait)) for incident, *values in rows for trait in _traits(*values)}
        if found:
            connection.execute(
                insert(_TRAITS),
                [{"incident_id": incident, "trait": trait} for incident, trait in sorted(found)],
            )
        after = ids[-1]


def _traits(kind: str, appid: str | None, ip: str | None, callback: str | None, causes: Any) -> Iterator[str]:
    if appid:
        yield f"account|{kind}|{appid}"
    try:
        host = urlsplit(callback or "").hostname
    except ValueError:
        host = None
    if host:
        yield f"host|{kind}|{host}"
    if ip:
        yield f"machine|{kind}|{ip}"
    yield from (f"cause||{cause}" for cause in json.loads(causes))


def _short(trait: str) -> str:
    return trait if len(trait) <= KEY_LENGTH else hashlib.sha256(trait.encode(errors="replace")).hexdigest()
