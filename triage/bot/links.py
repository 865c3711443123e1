"""Links to the console: one that signs a member in, and one behind a message that shows the incident it is about.

A link to an incident is signed, not kept: every alert has a reply, and few of the links are ever followed. It says
which incident, when it was made and for whom, who is named by a digest: proxies and their logs see an address.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from itsdangerous import BadData, URLSafeSerializer

from triage.message import Person

SIGN_IN_LASTS = timedelta(minutes=10)
"""How long a link that signs somebody in can be used."""
INCIDENT_LASTS = timedelta(hours=24)
"""How long a link shows its incident."""
_LONGEST_TOKEN = 300
_DIGEST = 12


@dataclass(frozen=True, slots=True)
class IncidentLink:
    """What a link to an incident says."""

    incident: int
    made_at: datetime
    holder: str
    """Whom it was made for, by their digest; see `Links.find`."""


@dataclass(frozen=True, slots=True)
class Links:
    """Makes links, and reads those to incidents."""

    console: str
    """The console's address, without a slash at its end."""
    key: str
    """What links to incidents are signed with."""
    new_token: Callable[[], str]
    """Makes the token of a link that signs somebody in."""
    are_in_replies: bool = True
    """Whether replies and notices about an incident end with a link to it."""

    def to_sign_in(self, token: str) -> str:
        """The address that signs in whoever was sent this token."""
        return f"{self.console}/l/{token}"

    def to_incident(self, incident: int, person: Person, now: datetime) -> str:
        """The address that shows an incident to somebody."""
        said = [incident, int(now.timestamp()), self._digest(person)]
        return f"{self.console}/i/{self._signer().dumps(said)}"

    def to_page(self, incident: int) -> str:
        """The address of an incident's page, which asks who opens it to sign in: for where others read along."""
        return f"{self.console}/incidents/{incident}"

    def read(self, token: str, now: datetime) -> IncidentLink | None:
        """What the token of a link to an incident says; None for one that is not ours, or has expired."""
        if len(token) > _LONGEST_TOKEN or not token.isascii():
            return None
        try:
            incident, made, holder = self._signer().loads(token)
        except BadData:
            return None
        made_at = datetime.fromtimestamp(made, UTC)
        return IncidentLink(incident, made_at, holder) if now < made_at + INCIDENT_LASTS else None

    def find(self, link: IncidentLink, people: Iterable[Person]) -> Person | None:
        """Of these people the one whom a link was made for."""
        return next((person for person in people if self._digest(person) == link.holder), None)

    def _digest(self, person: Person) -> str:
        return hmac.new(self.key.encode(), str(person).encode(), hashlib.sha256).hexdigest()[:_DIGEST]

    def _signer(self) -> URLSafeSerializer:
        return URLSafeSerializer(self.key, salt="incident")
