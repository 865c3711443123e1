"""Late answers: alerts answered without the memory are recorded afterwards, and their sender hears what it adds.

They go out by themselves where the channel can; else they wait and stand before the reply to the next word.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from triage.advice.adviser import Adviser
from triage.alerts.parser import BEIJING
from triage.bot.commands import read_command
from triage.bot.context import Outcome
from triage.message import Message, PageSize
from triage.store import Outgoing, OutgoingKind, Queued
from triage.store.columns import index_key, person_key

LATE_EXPIRES = timedelta(hours=48)
"""After this nobody asks any more; an Official Account may not write then either."""
ON_REQUEST = timedelta(days=36_500)
"""Until a late answer goes out by itself that cannot: it waits for its receiver's next word."""
LONGEST_ASKING = 10
"""Characters of a word by which somebody may mean only that they want their late answer."""
_ROOM_FOR_NUMBERS = 300
"""Bytes or characters that a reply grows by when the numbers of its incidents are known, and the link to one."""
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


def with_late_answers(
    outcome: Outcome, message: Message, waiting: Sequence[Queued], page_size: PageSize
) -> Outcome:
    """The outcome with late answers before its reply, or in its place where the message asked for nothing else.

    Whoever was told to ask by any word may type one that would be a question.
    """
    words = message.text or ""
    is_any_word = outcome.only_tells and len(words) <= LONGEST_ASKING and read_command(words) is None
    is_asked_for = is_any_word and any(late.payload.get("on_request") for late in waiting)
    if not (_is_small_talk(outcome) or is_asked_for):
        reply = outcome.text or ""
        room = _ROOM_FOR_NUMBERS if outcome.numbered else 0
        text, given = put_before(reply, waiting, replace(page_size, limit=page_size.limit - room))
        head = text[: -len(reply) - 1]  # ends with one of the two line breaks
        return (
            replace(outcome.below(head), given=given)
            if given and reply
            else replace(outcome, text=text, given=given)
        )
    text, given = put_before("", waiting, page_size)
    return Outcome(text, asked=outcome.asked, gap=outcome.gap, given=given) if given else outcome


def is_mere_word(outcome: Outcome, message: Message) -> bool:
    """Whether a message asks for nothing but what is to come: small talk, or one digit."""
    words = (message.text or "").strip()
    return outcome.only_tells and (_is_small_talk(outcome) or (len(words) == 1 and words.isdecimal()))


def _is_small_talk(outcome: Outcome) -> bool:
    asked = outcome.asked
    return asked is not None and asked.topic is None and asked.source is None


def put_before(reply: str, waiting: Sequence[Queued], page_size: PageSize) -> tuple[str, tuple[int, ...]]:
    """The reply with late answers before it, as many as fit on its page, and which these are."""
    given: list[Queued] = []
    whole = reply
    for late in waiting:
        texts = [str(one.payload["text"]) for one in (*given, late)]
        longer = "\n\n".join((*texts, *filter(None, (reply,))))
        if page_size.measure(longer) > page_size.limit:
            break
        given.append(late)
        whole = longer
    return whole, tuple(late.id for late in given)
