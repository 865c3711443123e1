"""What people forward who are no members is kept apart; members have a role and a name of their own."""

from __future__ import annotations

import unicodedata

from alembic import op
from sqlalchemy import Column, String, column, select, table, update

from triage.store.migrations.types_v1 import key_text, long_text

revision = "0004"
down_revision = "0003"

_MEMBERS = table("members", *(column(name, String) for name in ("person", "name", "since", "name_key")))


def upgrade() -> None:
    """All incidents stay the members'; all members stay able to invite; of namesakes the first one's name is taken."""
    op.add_column("incidents", Column("guest", key_text(), nullable=False, server_default=""))
    op.drop_index("incidents_last_seen", "incidents")
    op.create_index("incidents_guest_last_seen", "incidents", ["guest", "last_seen"])
    op.add_column("members", Column("role", key_text(), nullable=False, server_default="lead"))
    op.add_column("members", Column("name_key", key_text()))
    op.add_column("invitations", Column("role", key_text(), nullable=False, server_default="member"))
    op.add_column("invitations", Column("name", long_text()))
    _take_names()
    op.create_index("members_name_key", "members", ["name_key"], unique=True)


def _take_names() -> None:
    members = _MEMBERS.c
    rows = op.get_bind().execute(select(members.person, members.name).order_by(members.since, members.person))
    first: dict[str, str] = {}
    for person, name in rows.all():
        key = "".join(unicodedata.normalize("NFKC", name or "").casefold().split())
        if key and len(key) <= 190:
            first.setdefault(key, person)
    for key, person in first.items():
        op.execute(update(_MEMBERS).where(members.person == person).values(name_key=key))
