"""Late answers: alerts answered without the memory are recorded afterwards, and their sender hears what it adds.

They go out by themselves where the channel can; else they wait and stand before the reply to the next word.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from triage.advice.adviser import Adviser
from triage.alerts.parser import BEIJING
from triage.bot.context import Outcome
from triage.message import Message, PageSize
from triage.store import Outgoing, OutgoingKind, Queued
from triage.store.columns import index_key, person_key

LATE_EXPIRES = timedelta(hours=48)
"""After this nobody asks any more; an Official Account may not write then either."""
MOST_GIVEN = 3
"""Late answers before one reply; the others wait for the next."""


def late_answer(
    adviser: Adviser,
    message: Message,
    outcome: Outcome,
    received_at: datetime,
    now: datetime,
    *,
    is_member: bool,
) -> Outgoing | None:
    """What the sender of alerts hears when they are recorded; None in a group, where it would come out of the blue."""
    if message.chat is not None:
        return None
    at = f"{received_at.astimezone(BEIJING):%H:%M}"
    text = adviser.say("late", at=at, story=outcome.story, is_member=is_member)
    return Outgoing(
        key=index_key(f"late/{message.key}"),
        kind=OutgoingKind.LATE,
        destination=person_key(message.person),
        due_at=now,
        expires_at=received_at + LATE_EXPIRES,
        payload={"to": str(message.person), "text": text},
    )


def put_before(reply: str, waiting: Sequence[Queued], page_size: PageSize) -> tuple[str, tuple[int, ...]]:
    """The reply with late answers before it, as many as fit on its page, and which these are."""
    given: list[Queued] = []
    whole = reply
    for late in waiting:
        texts = [str(one.payload["text"]) for one in (*given, late)]
        longer = "\n\n".join((*texts, reply))
        if page_size.measure(longer) > page_size.limit:
            break
        given.append(late)
        whole = longer
    return whole, tuple(late.id for late in given)
