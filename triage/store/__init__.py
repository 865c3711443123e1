"""The database: messages and their replies, alerts, incidents, members, conversations. One method for each question."""

from triage.store.store import TABLES, Store
from triage.store.values import (
    EVERY,
    Action,
    ActionKind,
    Change,
    Entry,
    Event,
    Grant,
    Invite,
    Join,
    KnownToGuest,
    Member,
    MembershipChange,
    Recorded,
    Removal,
    Role,
    Wanted,
)

__all__ = [
    "EVERY",
    "TABLES",
    "Action",
    "ActionKind",
    "Change",
    "Entry",
    "Event",
    "Grant",
    "Invite",
    "Join",
    "KnownToGuest",
    "Member",
    "MembershipChange",
    "Recorded",
    "Removal",
    "Role",
    "Store",
    "Wanted",
]
