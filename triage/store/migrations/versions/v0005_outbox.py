"""What must go out is kept until it has; shifts that somebody takes over by a typed word; incidents can be muted."""

from __future__ import annotations

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

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """What is there stays as it is; nothing of it goes out."""
    op.add_column("incidents", Column("muted_until", instant()))
    op.create_table(
        "outbox",
        id_column(),
        Column("key", key_text(), nullable=False),
        Column("kind", key_text(), nullable=False),
        Column("incident_id", number()),
        Column("destination", key_text(), nullable=False),
        Column("payload", long_text(), nullable=False),
        Column("created_at", instant(), nullable=False),
        Column("due_at", instant(), nullable=False),
        Column("expires_at", instant()),
        Column("lease_until", instant(), nullable=False),
        Column("lease_owner", key_text()),
        Column("tries", number(), nullable=False),
        Column("state", key_text(), nullable=False),
        Column("reason", long_text()),
        Column("receipt", long_text()),
        Column("sent_at", instant()),
        Index("outbox_key", "key", unique=True),
        Index("outbox_state_due_at", "state", "due_at"),
        Index("outbox_destination_sent_at", "destination", "sent_at"),
        Index("outbox_incident_id", "incident_id"),
        Index("outbox_created_at", "created_at"),
        **TABLE_OPTIONS,
    )
    op.create_table(
        "shifts",
        id_column(),
        Column("rotation", key_text(), nullable=False),
        Column("teammate", key_text(), nullable=False),
        Column("starts_at", instant(), nullable=False),
        Column("ends_at", instant(), nullable=False),
        Column("made_by", long_text(), nullable=False),
        Column("made_at", instant(), nullable=False),
        Index("shifts_ends_at", "ends_at"),
        **TABLE_OPTIONS,
    )
