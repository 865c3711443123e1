"""Who looks at the console, and which pages are for whom. What a member may see there is what they may see in chat."""

from __future__ import annotations

import enum
import functools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import ParamSpec

from flask import abort, g, request
from werkzeug.wrappers import Response

from triage.bot.access import Viewer
from triage.errors import StoreError
from triage.incidents.correlation import Incident
from triage.incidents.story import MemberNames
from triage.message import Person
from triage.store import Role
from triage.web.console import demo_people
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
_SIGHTS: dict[Callable[..., object], Sight] = {}


def seen_by(sight: Sight) -> Callable[[Callable[P, Response]], Callable[P, Response]]:
    """Open a view to these visitors alone; every view of the console says whom it is for."""

    def decorate(view: Callable[P, Response]) -> Callable[P, Response]:
        @functools.wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> Response:
            if not the_visitor().is_let_in(sight):
                abort(403)
            return view(*args, **kwargs)

        _SIGHTS[guarded] = sight
        return guarded

    return decorate


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
    if service.settings.demo:
        return Visitor(viewer_of(demo_people.chosen(request.cookies), service), How.DEMO)
    return NOBODY


def viewer_of(person: Person, service: Service) -> Viewer:
    """The rights of a person; while the database is away those that the settings give."""
    quiet = timedelta(minutes=service.settings.quiet_minutes)
    try:
        return service.ask(lambda store: Viewer.of(person, store, service.admins, quiet))
    except StoreError:
        names = MemberNames(service.admins)
        return Viewer(person, Role.LEAD, (), names, quiet) if person in names else Viewer(person)
