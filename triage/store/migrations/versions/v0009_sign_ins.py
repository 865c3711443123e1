"""The console: a key that signs links, who has signed in, and an audit log of what was written on its pages."""

from __future__ import annotations

import secrets

from alembic import op
from sqlalchemy import Column, Index

from triage.store.migrations.types_v1 import (
    TABLE_OPTIONS,
    id_column,
    instant,
    key_text,
    long_text,
    number,
)

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """The key is made here, once for each database: so nobody has to set one, and every node has the same."""
    keys = op.create_table(
        "signing_keys",
        Column("name", key_text(), primary_key=True),
        Column("secret", long_text(), nullable=False),
        **TABLE_OPTIONS,
    )
    op.bulk_insert(keys, [{"name": "links", "secret": secrets.token_hex(32)}])
    _add_sign_ins()
    _add_audit()


def _add_sign_ins() -> None:
    op.create_table(
        "sign_ins",
        Column("digest", key_text(), primary_key=True),
        Column("kind", key_text(), nullable=False),
        Column("person", key_text(), nullable=False),
        Column("created_at", instant(), nullable=False),
        Column("expires_at", instant(), nullable=False),
        Column("ended_at", instant()),
        Index("sign_ins_person", "person"),
        Index("sign_ins_expires_at", "expires_at"),
        **TABLE_OPTIONS,
    )
    op.create_table(
        "voided_links",
        Column("incident_id", number(), primary_key=True, autoincrement=False),
        Column("at", instant(), nullable=False),
        Index("voided_links_at", "at"),
        **TABLE_OPTIONS,
    )


def _add_audit() -> None:
    op.create_table(
        "audit",
        id_column(),
        Column("at", instant(), nullable=False),
        Column("who", long_text()),
        Column("how", key_text(), nullable=False),
        Column("what", key_text(), nullable=False),
        Column("incident_id", number()),
        Column("detail", long_text(), nullable=False),
        Column("address", long_text(), nullable=False),
        Index("audit_at", "at"),
        **TABLE_OPTIONS,
    )
