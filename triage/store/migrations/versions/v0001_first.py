"""The first schema."""

from __future__ import annotations

from typing import Any

from alembic import op
from sqlalchemy import Boolean, Column, ForeignKey, Index

from triage.store.schema import KEY_LENGTH, TABLE_OPTIONS, Json, Number, Text, TextTuple, UtcDateTime

revision = "0001"
down_revision = None


def _table(name: str, *parts: Column[Any] | Index) -> None:
    op.create_table(name, *parts, **TABLE_OPTIONS)


def _id() -> Column[int]:
    return Column("id", Number, primary_key=True, autoincrement=True)


def upgrade() -> None:
    """Make every table."""
    _table(
        "messages",
        Column("key", Text(KEY_LENGTH), primary_key=True),
        Column("channel", Text, nullable=False),
        Column("account", Text, nullable=False),
        Column("sender", Text, nullable=False),
        Column("recipient", Text, nullable=False),
        Column("kind", Text, nullable=False),
        Column("created", Number, nullable=False),
        Column("message_id", Text),
        Column("text", Text),
        Column("event", Text),
        Column("event_key", Text),
        Column("push", Text, nullable=False),
        Column("signature", Text(KEY_LENGTH), nullable=False),
        Column("encrypted", Boolean, nullable=False),
        Column("received_at", UtcDateTime, nullable=False),
        Column("reply", Text),
        Index("messages_signature", "signature"),
        Index("messages_received_at", "received_at"),
    )
    _table(
        "incidents",
        _id(),
        Column("key", Text, nullable=False),
        Column("lookup", Text(KEY_LENGTH), nullable=False),
        Column("open_key", Text(KEY_LENGTH)),
        Column("appid", Text),
        Column("callback", Text),
        Column("state", Text, nullable=False),
        Column("opened_at", UtcDateTime, nullable=False),
        Column("opened_by", Text(KEY_LENGTH), nullable=False),
        Column("last_seen", UtcDateTime, nullable=False),
        Column("owner", Text),
        Column("step", Number, nullable=False),
        Column("closed_at", UtcDateTime),
        Column("closed_note", Text),
        Column("alerts", Number, nullable=False),
        Index("incidents_lookup", "lookup"),
        Index("incidents_open_key", "open_key", unique=True),
        Index("incidents_last_seen", "last_seen"),
    )
    _table(
        "alerts",
        _id(),
        Column("message_key", Text(KEY_LENGTH), nullable=False),
        Column("incident_id", Number, ForeignKey("incidents.id"), nullable=False),
        Column("number", Number, nullable=False),
        Column("reason", Text, nullable=False),
        Column("digest", Text, nullable=False),
        Column("kind", Text, nullable=False),
        Column("title", Text, nullable=False),
        Column("rank", Number, nullable=False),
        Column("appid", Text),
        Column("nickname", Text),
        Column("callback", Text),
        Column("ip", Text),
        Column("event", Text),
        Column("first_seen", UtcDateTime),
        Column("count", Number),
        Column("causes", TextTuple, nullable=False),
        Column("sender", Text, nullable=False),
        Column("seen_at", UtcDateTime, nullable=False),
        Index("alerts_incident_id_number", "incident_id", "number"),
        Index("alerts_seen_at", "seen_at"),
    )
    _table(
        "timeline",
        _id(),
        Column("incident_id", Number, ForeignKey("incidents.id"), nullable=False),
        Column("at", UtcDateTime, nullable=False),
        Column("who", Text, nullable=False),
        Column("what", Text, nullable=False),
        Column("detail", Text),
        Index("timeline_incident_id", "incident_id"),
    )
    _table(
        "members",
        Column("openid", Text(KEY_LENGTH), primary_key=True),
        Column("name", Text),
        Column("team", Text),
        Column("appids", TextTuple, nullable=False),
        Column("since", UtcDateTime, nullable=False),
    )
    _table(
        "invitations",
        Column("word", Text(KEY_LENGTH), primary_key=True),
        Column("invited_by", Text, nullable=False),
        Column("team", Text),
        Column("appids", TextTuple, nullable=False),
        Column("expires_at", UtcDateTime, nullable=False),
        Column("used_by", Text),
        Column("used_at", UtcDateTime),
    )
    _table(
        "conversations",
        Column("sender", Text(KEY_LENGTH), primary_key=True),
        Column("state", Json, nullable=False),
        Column("expires_at", UtcDateTime, nullable=False),
    )
    _table(
        "gaps",
        _id(),
        Column("message_key", Text(KEY_LENGTH), nullable=False),
        Column("text", Text, nullable=False),
        Column("seen_at", UtcDateTime, nullable=False),
        Index("gaps_seen_at", "seen_at"),
    )
