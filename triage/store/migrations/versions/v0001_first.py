"""The first schema."""

from __future__ import annotations

from typing import Any

from alembic import op
from sqlalchemy import Boolean, Column, ForeignKey, Index

from triage.store.migrations.types_v1 import (
    TABLE_OPTIONS,
    id_column,
    instant,
    key_text,
    long_text,
    number,
)

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make every table."""
    _make_messages()
    _make_incidents()
    _make_alerts()
    _make_timeline()
    _make_people()
    _make_gaps()


def _table(name: str, *parts: Column[Any] | Index) -> None:
    op.create_table(name, *parts, **TABLE_OPTIONS)


def _make_messages() -> None:
    _table(
        "messages",
        Column("key", key_text(), primary_key=True),
        Column("channel", long_text(), nullable=False),
        Column("account", long_text(), nullable=False),
        Column("sender", long_text(), nullable=False),
        Column("recipient", long_text(), nullable=False),
        Column("kind", long_text(), nullable=False),
        Column("created", number(), nullable=False),
        Column("message_id", long_text()),
        Column("text", long_text()),
        Column("event", long_text()),
        Column("event_key", long_text()),
        Column("push", long_text(), nullable=False),
        Column("signature", key_text(), nullable=False),
        Column("encrypted", Boolean, nullable=False),
        Column("received_at", instant(), nullable=False),
        Column("reply", long_text()),
        Index("messages_signature", "signature"),
        Index("messages_received_at", "received_at"),
    )


def _make_incidents() -> None:
    _table(
        "incidents",
        id_column(),
        Column("key", long_text(), nullable=False),
        Column("lookup", key_text(), nullable=False),
        Column("open_key", key_text()),
        Column("appid", long_text()),
        Column("callback", long_text()),
        Column("state", long_text(), nullable=False),
        Column("opened_at", instant(), nullable=False),
        Column("opened_by", key_text(), nullable=False),
        Column("last_seen", instant(), nullable=False),
        Column("owner", long_text()),
        Column("step", number(), nullable=False),
        Column("closed_at", instant()),
        Column("closed_note", long_text()),
        Column("alerts", number(), nullable=False),
        Index("incidents_lookup", "lookup"),
        Index("incidents_open_key", "open_key", unique=True),
        Index("incidents_last_seen", "last_seen"),
    )


def _make_alerts() -> None:
    _table(
        "alerts",
        id_column(),
        Column("message_key", key_text(), nullable=False),
        Column("incident_id", number(), ForeignKey("incidents.id"), nullable=False),
        Column("number", number(), nullable=False),
        Column("reason", long_text(), nullable=False),
        Column("digest", long_text(), nullable=False),
        Column("kind", long_text(), nullable=False),
        Column("title", long_text(), nullable=False),
        Column("rank", number(), nullable=False),
        Column("appid", long_text()),
        Column("nickname", long_text()),
        Column("callback", long_text()),
        Column("ip", long_text()),
        Column("event", long_text()),
        Column("first_seen", instant()),
        Column("count", number()),
        Column("causes", long_text(), nullable=False),
        Column("sender", long_text(), nullable=False),
        Column("seen_at", instant(), nullable=False),
        Index("alerts_incident_id_number", "incident_id", "number"),
        Index("alerts_seen_at", "seen_at"),
    )


def _make_timeline() -> None:
    _table(
        "timeline",
        id_column(),
        Column("incident_id", number(), ForeignKey("incidents.id"), nullable=False),
        Column("at", instant(), nullable=False),
        Column("who", long_text(), nullable=False),
        Column("what", long_text(), nullable=False),
        Column("detail", long_text()),
        Index("timeline_incident_id", "incident_id"),
    )


def _make_people() -> None:
    """The members, the words that invite one, and what is being talked about with somebody."""
    _table(
        "members",
        Column("openid", key_text(), primary_key=True),
        Column("name", long_text()),
        Column("team", long_text()),
        Column("appids", long_text(), nullable=False),
        Column("since", instant(), nullable=False),
    )
    _table(
        "invitations",
        Column("word", key_text(), primary_key=True),
        Column("invited_by", long_text(), nullable=False),
        Column("team", long_text()),
        Column("appids", long_text(), nullable=False),
        Column("expires_at", instant(), nullable=False),
        Column("used_by", long_text()),
        Column("used_at", instant()),
    )
    _table(
        "conversations",
        Column("sender", key_text(), primary_key=True),
        Column("state", long_text(), nullable=False),
        Column("expires_at", instant(), nullable=False),
    )


def _make_gaps() -> None:
    _table(
        "gaps",
        id_column(),
        Column("message_key", key_text(), nullable=False),
        Column("text", long_text(), nullable=False),
        Column("seen_at", instant(), nullable=False),
        Index("gaps_seen_at", "seen_at"),
    )
