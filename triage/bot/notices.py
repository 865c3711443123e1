"""What goes out by itself, in words: made when it goes out, from what the incident is then."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from triage.bot.links import Links
from triage.bot.sending import CardUpdate, Merged, Ready, Unwanted
from triage.channels.delivery import Button, Card, Group, Notice
from triage.incidents.correlation import Incident, State, story_of
from triage.incidents.occasions import News
from triage.incidents.story import YOU, MemberNames, clock, incident_name, set_off
from triage.incidents.team import Team, TeamGroup
from triage.masking import mask
from triage.message import PageSize, Person
from triage.printing import one_line
from triage.store import OutgoingKind, Queued

UNDELIVERED = "undelivered"
"""What a notice says of a message that reached nobody."""
PAGE = "page"
_FOR_FREE = frozenset({PAGE, News.CALLED, News.NOBODY, News.EXHAUSTED, News.RELEASE})
"""News of an incident that nobody has claimed; once somebody has, it is none."""
_FOR_OWNED = frozenset({News.CLAIM, News.GIVE, News.REMIND, News.WORSE})
_ROOM_FOR_KEYWORD = 100
"""Of a page, for the word that a robot may put before every text."""


@dataclass(frozen=True, slots=True)
class Words:
    """What texts are made with."""

    say: Callable[..., str]
    """Fills a reply template."""
    team: Team
    names: MemberNames
    links: Links | None = None
    """Links to the console; None where it has no address."""

    def write(
        self, row: Queued, incident: Incident | None, now: datetime, size: PageSize | None = None
    ) -> Ready | Unwanted:
        """A row of the outbox as it goes out now, or why it does not; with a link where a page of `size` holds it."""
        if row.kind is OutgoingKind.CARD:
            return Ready(row, CardUpdate(str(row.payload["receipt"]), str(row.payload["label"])))
        if row.kind is OutgoingKind.LATE:
            return Ready(row, _late_notice(row))
        news = PAGE if row.kind is OutgoingKind.PAGE else str(row.payload["news"])
        reason = why_unwanted(news, row, incident, now)
        if reason is not None:
            return Unwanted(reason)
        text = self._text(news, row, incident)
        line = one_line(text.partition("\n")[0])
        url = self._link(row, incident) if incident else None
        if url is not None:
            text = self._with_link(text, url, size)
        return Ready(row, self._notice(row, incident, text, url), line)

    def merge(self, several: Sequence[Ready], size: PageSize) -> Merged:
        """One notice for several, each with its line, or with number and time alone where that is too long."""
        fitting = _fitting(size)
        at = clock(several[0].row.created_at)
        numbers = [" ".join(ready.line.split()[:2]) for ready in several]
        for parts, between in (([ready.line for ready in several], "\n"), (numbers, "、")):
            text = self._merged(at, parts, between)
            if fitting.measure(text) <= fitting.limit:
                return _merged_notice(several, text, len(several))
        count = len(numbers) - 1
        while count > 1 and fitting.measure(self._merged(at, numbers[:count], "、")) > fitting.limit:
            count -= 1
        return _merged_notice(several[:count], self._merged(at, numbers[:count], "、"), count)

    def _merged(self, at: str, parts: Sequence[str], between: str) -> str:
        return self.say(
            "outgoing", news="merged", id=None, at=at, what="", who="", called="", next_at="", until="",
            note=between.join(parts),
        )  # fmt: skip

    def _text(self, news: str, row: Queued, incident: Incident | None) -> str:
        payload = row.payload
        called = [mate.name for id_ in payload.get("called", ()) if (mate := self.team.teammate(id_))]
        who = payload.get("name") or (self._owner(incident.owner, row) if incident and incident.owner else "")
        note = payload.get("note") or (incident.closed_note if incident else None) or ""
        return self.say(
            "outgoing",
            news=news,
            id=incident.id if incident else None,
            at=clock(row.created_at),
            what=self._name(incident) if incident else "",
            who=set_off(who) if who else "",
            called="、".join(called),
            next_at=_clock(payload.get("next_at")),
            until=_clock(payload.get("at")),
            note=one_line(mask(note)),
        )

    def _owner(self, owner: Person, row: Queued) -> str:
        """What the text of a row calls the owner: 你 where it goes to them, on whichever channel."""
        reader = Person.parse(row.payload["to"]) if "to" in row.payload else None
        mate = self.team.find(reader) if reader else None
        return YOU if mate and mate.is_person(owner) else self.names.of(owner, reader)

    def _name(self, incident: Incident) -> str:
        account = self.team.account(incident.appid, incident.callback)
        return incident_name(incident, account.name if account else None)

    def _link(self, row: Queued, incident: Incident) -> str | None:
        """Where the details are for who gets this: with a member's rights for them alone, for a group without any.

        It is the same whenever the row is sent: a platform shows a text once that comes again.
        """
        if self.links is None or not self.links.are_in_replies:
            return None
        if row.kind is OutgoingKind.GROUP:
            return self.links.to_page(incident.id)
        to = Person.parse(row.payload["to"])
        return self.links.to_incident(incident.id, to, row.created_at) if to in self.names else None

    def _with_link(self, text: str, url: str, size: PageSize | None) -> str:
        linked = f"{text}\n{self.say('detail', url=url)}"
        return linked if size is not None and _fitting(size).holds(linked) else text

    def _notice(self, row: Queued, incident: Incident | None, text: str, url: str | None) -> Notice:
        if row.kind is OutgoingKind.GROUP:
            group = self.team.group(row.payload["group"])
            if group is None:
                raise LookupError(row.payload["group"])
            mentions = mentioned(self.team, group, row.payload.get("called", ()))
            return Notice(Group(group.channel, group.id), text, mentions=mentions, expires_at=row.expires_at)
        to = Person.parse(row.payload["to"])
        mate = self.team.find(to)
        card = None
        if row.kind is OutgoingKind.PAGE and incident and mate and not mate.text_only:
            card = replace(_card(row, incident, self._name(incident)), url=url)
        return Notice(to, text, card=card, expires_at=row.expires_at)


def _fitting(size: PageSize) -> PageSize:
    return replace(size, limit=size.limit - _ROOM_FOR_KEYWORD)


def why_unwanted(news: str, row: Queued, incident: Incident | None, now: datetime) -> str | None:
    """Why a row is not to go out any more; None where it is."""
    if row.incident_id is None:
        return None
    if incident is None:
        return "the incident is forgotten"
    if incident.state is State.CLOSED and news != News.CLOSE:
        return "closed"
    if incident.state is State.OPEN and news == News.CLOSE:
        return "open again"
    if news in _FOR_FREE and incident.owner is not None:
        return "claimed"
    if news in _FOR_OWNED and incident.owner is None:
        return "nobody's any more"
    if news == PAGE and incident.muted_until is not None and incident.muted_until > now:
        return "muted"
    return None


def mentioned(team: Team, group: TeamGroup, called: Sequence[str]) -> tuple[str, ...]:
    """The ids of those called, as the platform of a group's robot knows them."""
    platform = group.channel.removesuffix("_webhook")
    mates = filter(None, map(team.teammate, called))
    return tuple(address.id for mate in mates for address in mate.addresses if address.channel == platform)


def _late_notice(row: Queued) -> Notice:
    """A late answer, to whoever asked or to the group where they did."""
    to, chat = Person.parse(row.payload["to"]), row.payload.get("chat")
    where = Group(to.channel, to.account, chat) if chat else to
    return Notice(where, str(row.payload["text"]), answer_url=row.payload.get("answer_url"))


def _card(row: Queued, incident: Incident, name: str) -> Card:
    titles = "、".join(dict.fromkeys(step.title for step in story_of(incident)))
    what, _, _ = name.partition("，")
    next_at = _clock(row.payload.get("next_at"))
    told = f"{next_at} 还没人认领就叫别人" if next_at else "请你处理"  # true after a claim, too
    return Card(
        incident.id,
        f"#{incident.id} {clock(row.created_at)} {titles}",
        (
            ("账号", what),
            ("最近", clock(incident.last_seen, dated=True)),
            ("说明", told),
        ),
        (Button.CLAIM, Button.STEPS, Button.CLOSE),
        f"inc-{incident.id}-{row.id}-{row.tries}",
    )


def _merged_notice(several: Sequence[Ready], text: str, count: int) -> Merged:
    notices = [ready.what for ready in several if isinstance(ready.what, Notice)]
    mentions = tuple(dict.fromkeys(name for notice in notices for name in notice.mentions))
    return Merged(replace(notices[0], text=text, markdown=None, card=None, mentions=mentions), count)


def _clock(value: object) -> str:
    return clock(datetime.fromisoformat(value)) if isinstance(value, str) else ""
