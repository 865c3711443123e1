"""The tables as this program knows them.

The tables are made by `migrations`; a test holds the two together.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, Column, ForeignKey, Index, MetaData, Table, text

from triage.store.columns import KEY_LENGTH, MYSQL, Json, Number, PersonText, Text, TextTuple, UtcDateTime

VERSIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009")
"""Every version of the schema, oldest first; the last one is this program's."""
TABLE_OPTIONS: dict[str, Any] = {
    "sqlite_autoincrement": True,  # an id is never given twice, even after a purge
    **{
        f"{dialect}_{option}": value
        for dialect in sorted(MYSQL)
        for option, value in (("engine", "InnoDB"), ("charset", "utf8mb4"), ("collate", "utf8mb4_bin"))
    },
}
"""On MySQL texts compare by their bytes, as they do everywhere else."""

METADATA = MetaData()


def _table(name: str, *parts: Column[Any] | Index, **options: Any) -> Table:
    return Table(name, METADATA, *parts, **TABLE_OPTIONS, **options)


def _id() -> Column[int]:
    return Column("id", Number, primary_key=True, autoincrement=True)


MESSAGES = _table(
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
    Index(
        "messages_signature",  # safe mode signs the body, so nothing is replayed there
        "signature",
        sqlite_where=text("encrypted = 0"),
        postgresql_where=text("NOT encrypted"),
    ),
    Index("messages_received_at", "received_at"),
)
INCIDENTS = _table(
    "incidents",
    _id(),
    Column("key", Text, nullable=False),
    Column("lookup", Text(KEY_LENGTH), nullable=False),  # the key, short enough for an index
    Column("closed_as", Number, nullable=False),  # 0 while open, else its id: one open incident for each key
    Column("appid", Text),
    Column("callback", Text),
    Column("state", Text, nullable=False),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("last_seen", UtcDateTime, nullable=False),
    Column("owner", PersonText),
    Column("step", Number, nullable=False),
    Column("closed_at", UtcDateTime),
    Column("closed_note", Text),
    Column("alerts", Number, nullable=False),  # how many there have been
    Column(
        "guest", Text(KEY_LENGTH), nullable=False
    ),  # whose forwards no member has confirmed; "" once one has
    Column("muted_until", UtcDateTime),
    Index("incidents_lookup_closed_as", "lookup", "closed_as", unique=True),
    Index("incidents_guest_last_seen", "guest", "last_seen"),
    Index("incidents_guest_opened_at", "guest", "opened_at"),
    Index(
        "incidents_open",
        "guest",
        "closed_as",
        "last_seen",
        sqlite_where=text("closed_as = 0"),
        postgresql_where=text("closed_as = 0"),
    ),
)
ALERTS = _table(
    "alerts",
    _id(),
    Column("message_key", Text(KEY_LENGTH), nullable=False),
    Column("incident_id", Number, ForeignKey("incidents.id"), nullable=False),
    Column("number", Number, nullable=False),  # within the incident, from 1
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
    Column("sender", PersonText, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Index("alerts_incident_id_number", "incident_id", "number"),
    Index("alerts_seen_at", "seen_at"),
)
TIMELINE = _table(
    "timeline",
    _id(),
    Column("incident_id", Number, ForeignKey("incidents.id"), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("who", PersonText, nullable=False),
    Column("what", Text, nullable=False),
    Column("detail", Text),
    Index("timeline_incident_id", "incident_id"),
)
MEMBERS = _table(
    "members",
    Column("person", PersonText(KEY_LENGTH), primary_key=True),
    Column("name", Text),
    Column("team", Text),
    Column("appids", TextTuple, nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("role", Text(KEY_LENGTH), nullable=False),
    Column("name_key", Text(KEY_LENGTH)),  # of the name; NULL for some of those who had the same before 0004
    Index("members_name_key", "name_key", unique=True),
)
INVITATIONS = _table(
    "invitations",
    Column("word", Text(KEY_LENGTH), primary_key=True),
    Column("invited_by", PersonText, nullable=False),
    Column("team", Text),
    Column("appids", TextTuple, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("used_by", PersonText),
    Column("used_at", UtcDateTime),
    Column("role", Text(KEY_LENGTH), nullable=False),
    Column("name", Text),
)
CONVERSATIONS = _table(
    "conversations",
    Column("person", Text(KEY_LENGTH), primary_key=True),  # hashed where it is longer
    Column("state", Json, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    sqlite_with_rowid=False,
)
GAPS = _table(
    "gaps",
    _id(),
    Column("message_key", Text(KEY_LENGTH), nullable=False),
    Column("text", Text, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Index("gaps_seen_at", "seen_at"),
)
OUTBOX = _table(
    "outbox",
    _id(),
    Column("key", Text(KEY_LENGTH), nullable=False),  # the same for what must not go out twice
    Column("kind", Text(KEY_LENGTH), nullable=False),
    Column("incident_id", Number),  # of one that may be purged before
    Column("destination", Text(KEY_LENGTH), nullable=False),  # one node at a time works on what has the same
    Column("payload", Json, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
    Column("lease_until", UtcDateTime, nullable=False),
    Column("lease_owner", Text(KEY_LENGTH)),
    Column("tries", Number, nullable=False),
    Column("state", Text(KEY_LENGTH), nullable=False),
    Column("reason", Text),
    Column("receipt", Text),  # what the platform gave to change the message by later
    Column("sent_at", UtcDateTime),  # or when it last may have been
    Column("messages", Number, nullable=False),  # that went out for it, or may have
    Index("outbox_key", "key", unique=True),
    Index("outbox_state_due_at", "state", "due_at"),
    Index("outbox_destination_sent_at", "destination", "sent_at"),
    Index("outbox_incident_id", "incident_id"),
    Index("outbox_created_at", "created_at"),
)
SHIFTS = _table(
    "shifts",
    _id(),
    Column("rotation", Text(KEY_LENGTH), nullable=False),
    Column("teammate", Text(KEY_LENGTH), nullable=False),
    Column("starts_at", UtcDateTime, nullable=False),
    Column("ends_at", UtcDateTime, nullable=False),
    Column("made_by", PersonText, nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Index("shifts_ends_at", "ends_at"),
)
TICKS = _table(
    "ticks",
    _id(),
    Column("incident_id", Number, ForeignKey("incidents.id"), nullable=False),
    Column("step", Text(KEY_LENGTH), nullable=False),
    Column("who", PersonText, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Index("ticks_incident_id_step", "incident_id", "step", unique=True),
)
TRAITS = _table(
    "traits",  # of closed incidents: what others are compared with them by
    _id(),
    Column("incident_id", Number, ForeignKey("incidents.id"), nullable=False),
    Column("trait", Text(KEY_LENGTH), nullable=False),
    Index("traits_trait_incident_id", "trait", "incident_id", unique=True),
    Index("traits_incident_id", "incident_id"),
)
SIGNING_KEYS = _table(
    "signing_keys",
    Column("name", Text(KEY_LENGTH), primary_key=True),
    Column("secret", Text, nullable=False),  # in clear: what is signed with it must be checked by every node
)
SIGN_INS = _table(
    "sign_ins",
    Column("digest", Text(KEY_LENGTH), primary_key=True),  # SHA-256 of the token; the token is kept nowhere
    Column("kind", Text(KEY_LENGTH), nullable=False),
    Column("person", PersonText(KEY_LENGTH), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),  # used up, signed out, or taken back
    Index("sign_ins_person", "person"),
    Index("sign_ins_expires_at", "expires_at"),
)
VOIDED_LINKS = _table(
    "voided_links",
    Column("incident_id", Number, primary_key=True, autoincrement=False),  # of one that may be purged before
    Column("at", UtcDateTime, nullable=False),  # links that were made until then open it no more
    Index("voided_links_at", "at"),
)
AUDIT = _table(
    "audit",
    _id(),
    Column("at", UtcDateTime, nullable=False),
    Column("who", PersonText),  # NULL for somebody who did not get in
    Column("how", Text(KEY_LENGTH), nullable=False),
    Column("what", Text(KEY_LENGTH), nullable=False),
    Column("incident_id", Number),
    Column("detail", Text, nullable=False),  # masked
    Column("address", Text, nullable=False),
    Index("audit_at", "at"),
)
