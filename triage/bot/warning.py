"""What a platform warns us of, as that it will switch off our app: every lead hears of it.

It goes out by itself where the channel can, else it stands before the answer to a lead's next word, as late answers do.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from triage.bot.context import Outcome
from triage.message import ANY_ACCOUNT, Message, Person
from triage.store import Outgoing, OutgoingKind, Role, Store
from triage.store.columns import index_key, person_key

WARNING_EXPIRES = timedelta(days=14)
"""How long a lead who says nothing is still told."""


def warned(message: Message, store: Store, admins: Iterable[Person], now: datetime) -> Outcome:
    """No answer to the platform, and word to the leads. Raises StoreError."""
    leads = {_on_account(person, message) for person in admins}
    leads |= {member.person for member in store.members() if member.role is Role.LEAD}
    told = (
        _word_to(person, message, now) for person in sorted(leads, key=str) if person.account != ANY_ACCOUNT
    )
    return Outcome(None, told=tuple(told))


def _on_account(person: Person, message: Message) -> Person:
    """Somebody of every account of the channel is one of that which is warned of; elsewhere nobody knows which."""
    is_here = person.account == ANY_ACCOUNT and person.channel == message.channel
    return replace(person, account=message.account) if is_here else person


def _word_to(person: Person, message: Message, now: datetime) -> Outgoing:
    return Outgoing(
        key=index_key(f"warning/{message.key}/{person}"),
        kind=OutgoingKind.LATE,
        destination=person_key(person),
        due_at=now,
        expires_at=now + WARNING_EXPIRES,
        payload={"to": str(person), "text": message.text or ""},
    )
