"""Who looks at the console, and which pages are for whom. What a member may see there is what they may see in chat."""

from __future__ import annotations

import enum
import functools
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import ParamSpec

from flask import abort, current_app, g, redirect, request, url_for
from werkzeug.wrappers import Response

from triage.bot.access import Viewer
from triage.errors import StoreError
from triage.incidents.correlation import Incident
from triage.incidents.story import MemberNames
from triage.message import ANY_ACCOUNT, Person
from triage.settings.console import PASSWORD_HOLDER
from triage.store import Role, Store
from triage.store.signing import digest_of
from triage.web.callers import is_from_our_page
from triage.web.console import cookies, demo_people
from triage.web.service import Service, the_service

P = ParamSpec("P")


class How(enum.Enum):
    """How somebody came in."""

    NOBODY = enum.auto()
    DEMO = enum.auto()
    SESSION = enum.auto()
    """By a link that the bot sent them in chat."""
    PASSWORD = enum.auto()
    LINK = enum.auto()
    """By the link of one incident in a reply."""


class Sight(enum.Enum):
    """Who may see a page."""

    ANYBODY = enum.auto()
    INCIDENT = enum.auto()
    """Members, and who follows the link to one incident."""
    MEMBER = enum.auto()


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who looks at a page."""

    viewer: Viewer | None
    """Their rights in chat; None for somebody who has not signed in."""
    how: How
    incident: int | None = None
    """The one incident that is shown to who came by its link."""

    @property
    def is_member(self) -> bool:
        """Whether every page is open, each with what they may see of it."""
        return self.viewer is not None and self.viewer.is_member and self.incident is None

    @property
    def name(self) -> str:
        """What the pages call them."""
        return self.viewer.names.of(self.viewer.person) if self.viewer else ""

    @property
    def has_session(self) -> bool:
        """Whether there is something to sign out of."""
        return self.how in (How.SESSION, How.PASSWORD)

    @property
    def may_write(self) -> bool:
        """Whether they may change anything: a link is passed on too easily for what is done to be theirs."""
        return self.is_member and self.how is not How.LINK

    def may_open(self, incident: Incident) -> bool:
        """Whether this incident may be shown to them."""
        is_meant = self.incident is None or self.incident == incident.id
        return is_meant and self.viewer is not None and self.viewer.may_see(incident)

    def is_let_in(self, sight: Sight) -> bool:
        """Whether a page of this sight is open to them."""
        if sight is Sight.MEMBER:
            return self.is_member
        return sight is Sight.ANYBODY or (self.viewer is not None and self.viewer.is_member)


NOBODY = Visitor(None, How.NOBODY)
READS = frozenset({"GET", "HEAD", "OPTIONS"})
_SIGHTS: dict[Callable[..., object], Sight] = {}
_REMEMBERED = "triage.console.sessions"
_MOST_REMEMBERED = 200


def seen_by(sight: Sight) -> Callable[[Callable[P, Response]], Callable[P, Response]]:
    """Open a view to these visitors alone; every view of the console says whom it is for."""

    def decorate(view: Callable[P, Response]) -> Callable[P, Response]:
        @functools.wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> Response:
            visitor = the_visitor()
            if not visitor.is_let_in(sight):
                return _turned_away(visitor)
            if request.method not in READS and sight is not Sight.ANYBODY and not visitor.may_write:
                abort(403)
            return view(*args, **kwargs)

        _SIGHTS[guarded] = sight
        return guarded

    return decorate


def _turned_away(visitor: Visitor) -> Response:
    """Who may sign in is asked to, and comes back to the same page."""
    if visitor.how is not How.NOBODY or request.method not in READS:
        abort(403)
    login = url_for("signing_in.login", next=request.full_path.rstrip("?"))
    return redirect(login, 303)


def sight_of(view: Callable[..., object]) -> Sight | None:
    """Whom a view is for; None where it does not say."""
    return _SIGHTS.get(view)


def the_visitor() -> Visitor:
    """Who made this request."""
    if "visitor" not in g:
        g.visitor = _recognise(the_service())
    visitor: Visitor = g.visitor
    return visitor


def _recognise(service: Service) -> Visitor:
    signed_in = _signed_in(service)
    if signed_in is not None:
        return signed_in
    if service.settings.demo and is_from_our_page(service.settings.host):
        return Visitor(viewer_of(demo_people.chosen(request.cookies), service), How.DEMO)
    return _by_link(service) or NOBODY


def _signed_in(service: Service) -> Visitor | None:
    """Whoever the session is of. While the database is away, as they were seen last by this process."""
    token = cookies.read(cookies.SESSION)
    if not token:
        return None
    remembered: OrderedDict[str, Visitor] = current_app.extensions.setdefault(_REMEMBERED, OrderedDict())
    digest, now = digest_of(token), datetime.now(UTC)
    try:
        person = service.ask(lambda store: store.sign_ins.session_holder(token, now))
    except StoreError:
        return remembered.get(digest)
    remembered.pop(digest, None)
    if person is None:
        return None
    visitor = visitor_of(person, service)
    remembered[digest] = visitor
    while len(remembered) > _MOST_REMEMBERED:
        remembered.popitem(last=False)
    return visitor if visitor.is_member else None


def visitor_of(person: Person, service: Service) -> Visitor:
    """Somebody who has signed in."""
    how = How.PASSWORD if person == PASSWORD_HOLDER else How.SESSION
    return Visitor(viewer_of(person, service), how)


def _by_link(service: Service) -> Visitor | None:
    """Whoever the followed link to an incident was made for, with the rights that they have now."""
    token, now = cookies.read(cookies.INCIDENT), datetime.now(UTC)
    link = service.links.read(token, now) if service.links and token else None
    if link is None or service.links is None:
        return None
    try:
        voided = service.ask(lambda store: store.sign_ins.links_voided_at(link.incident))
        members = service.ask(Store.members)
    except StoreError:
        return None
    if voided is not None and link.made_at <= voided:
        return None
    person = service.links.find(link, [*(member.person for member in members), *_by_setting(service)])
    if person is None:
        return None
    return Visitor(viewer_of(person, service), How.LINK, link.incident)


def _by_setting(service: Service) -> Iterator[Person]:
    """The members by setting; who is one on every account, on each of them."""
    for person in service.admins:
        if person.account == ANY_ACCOUNT:
            yield from (
                replace(person, account=account) for account in service.accounts.get(person.channel, {})
            )
        else:
            yield person


def viewer_of(person: Person, service: Service) -> Viewer:
    """The rights of a person; while the database is away those that the settings give."""
    quiet = timedelta(minutes=service.settings.quiet_minutes)
    try:
        return service.ask(lambda store: Viewer.of(person, store, service.admins, quiet))
    except StoreError:
        names = MemberNames(service.admins)
        return Viewer(person, Role.LEAD, (), names, quiet) if person in names else Viewer(person)
