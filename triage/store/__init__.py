"""The database: messages and their replies, alerts, incidents, members, conversations. One method for each question."""

from triage.store.store import TABLES, Store
from triage.store.values import Action, ActionKind, Change, Entry, Event, Invite, Join, Member, Recorded

__all__ = [
    "TABLES",
    "Action",
    "ActionKind",
    "Change",
    "Entry",
    "Event",
    "Invite",
    "Join",
    "Member",
    "Recorded",
    "Store",
]
