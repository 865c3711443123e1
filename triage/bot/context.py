"""What a command is carried out with, and what the answer to a message leads to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from triage.advice.adviser import Adviser
from triage.advice.query import Asked
from triage.bot.access import Viewer
from triage.bot.commands import COMMANDS, Word
from triage.bot.conversation import Conversation
from triage.bot.links import Links
from triage.incidents.correlation import Sighting
from triage.store import Action, Change, MembershipChange, Outgoing, ShiftOverride, SignInLink, Store

_LARGEST_NUMBER = 10**9


@dataclass(frozen=True, slots=True)
class Context:
    """What one message is answered with, where the store is needed."""

    adviser: Adviser
    store: Store
    viewer: Viewer
    """Who sent the message, and what they may see."""
    now: datetime
    """When the message came in."""
    member: Viewer | None = None
    """In a group, the same person with the rights they have alone; None for a stranger."""
    links: Links | None = None
    """Links to the console; None where it has no address."""

    def overheard(self) -> Context:
        """For what a member does where others read along. Raises ValueError for a stranger."""
        if self.member is None:
            raise ValueError("strangers do nothing")
        return replace(self, viewer=replace(self.member, is_overheard=True))

    def with_link(self, text: str, incident: int) -> str:
        """A text about an incident, and a link to it where a member reads it alone and the page holds both."""
        if (
            self.links is None
            or not self.links.are_in_replies
            or not self.viewer.is_member
            or self.viewer.is_overheard
        ):
            return text
        url = self.links.to_incident(incident, self.viewer.person, self.now)
        linked = f"{text}\n{self.adviser.say('detail', url=url)}"
        return linked if self.adviser.page_size.holds(linked) else text

    def leaving_room(self) -> Adviser:
        """The adviser whose pages are short enough for the link to the incident that follows them."""
        size = self.adviser.page_size
        room = size.measure(self.with_link("", _LARGEST_NUMBER))
        return self.adviser.for_pages(replace(size, limit=size.limit - room)) if room else self.adviser


Asking = Callable[[], Context | None]
"""Asks the store who writes; only for what needs it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The reply to one message, and what is to be recorded with it in one transaction."""

    text: str | None
    """The reply; None is an answer without words."""
    kinds: tuple[str, ...] = ()
    """The kinds of the alerts in the message."""
    sightings: tuple[tuple[Sighting, Change], ...] = ()
    """The alerts as they are to be remembered, each with the incident it goes into."""
    actions: tuple[Action | MembershipChange | ShiftOverride | SignInLink, ...] = ()
    """What the sender does to incidents, members and shifts."""
    conversation: Conversation | None = None
    """What the next message may refer to; None leaves that as it was."""
    gap: str | None = None
    """What rule authors should see: a message with an alert that no rule names, or a question that found nothing."""
    story: str = ""
    """What the memory adds to the checklist of a single alert, for members and others as far as each may know."""
    numbered: Callable[[Mapping[str, int]], str] | None = None
    """The reply with the numbers of the incidents it leads to, as `Entry.numbered`."""
    asked: Asked | None = None
    """The topics a question asks for; None where the message is no question."""
    given: tuple[int, ...] = ()
    """Late answers that the reply begins with, as `Entry.given`."""
    told: tuple[Outgoing, ...] = ()
    """What others are told because of it."""
    kept: str | None = None
    """The message's text as it may be kept, where that is not as it came: pasted output without its secrets."""

    @property
    def only_tells(self) -> bool:
        """Whether nothing is lost where the reply is not read: it can be asked for again."""
        return not (self.sightings or self.actions or self.told or self.numbered)

    def below(self, head: str) -> Outcome:
        """The outcome with a head above its reply."""
        numbered = partial(_below, head, self.numbered) if self.numbered else None
        return replace(self, text=f"{head}\n{self.text or ''}", numbered=numbered)


def _below(head: str, numbered: Callable[[Mapping[str, int]], str], numbers: Mapping[str, int]) -> str:
    return f"{head}\n{numbered(numbers)}"


def refused(context: Context, word: Word) -> Outcome | None:
    """What to say to somebody who may not use a command; None if they may."""
    spec, viewer = COMMANDS[word], context.viewer
    if (spec.leads_only and not viewer.is_lead) or (spec.members_only and not viewer.is_member):
        in_group = context.member is not None
        return Outcome(
            context.adviser.say(
                "members_only", name=spec.names[0], is_member=viewer.is_member, in_group=in_group
            )
        )
    return None
