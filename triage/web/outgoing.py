"""Works on the outbox beside the replies, each node with a few threads: sends what is due, reads pictures."""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from triage.bot.bot import Bot
from triage.bot.links import Links
from triage.bot.observer import OutgoingObserver
from triage.bot.paging import Paging
from triage.bot.pictures import Promise
from triage.bot.reaching import Played, Reaching
from triage.bot.reading import Reading
from triage.bot.sending import Sending
from triage.channels.apis import Apis
from triage.channels.tokens import token_cache
from triage.incidents.occasions import Probed
from triage.incidents.team import Team, TeamAccount
from triage.message import Message, Person
from triage.pictures.reading import is_available
from triage.pictures.values import PictureText
from triage.settings.model import Settings
from triage.store import Store

if TYPE_CHECKING:
    import requests


def open_session() -> requests.Session:
    """What requests go out by."""
    # imported here: requests takes a tenth of a second, which no start of the service should wait for
    import requests

    return requests.Session()


def _probe(account: TeamAccount) -> Probed | None:
    from triage.probe.recovery import probe_callback  # no start of the service should wait for it

    return probe_callback(account)


OpenSession = Callable[[], "requests.Session"]


class Outgoing:
    """Makes what a thread sends or reads with."""

    def __init__(
        self,
        accounts: Mapping[str, Mapping[str, Any]],
        team: Team | None,
        admins: Mapping[Person, str],
        settings: Settings,
        observer: OutgoingObserver,
        played: Mapping[tuple[str, str], Played],
        read: Callable[[bytes], PictureText],
        session: OpenSession,
        clock: Callable[[], datetime],
    ) -> None:
        self._accounts = accounts
        self._team = team
        self._admins = admins
        self._settings = settings
        self._observer = observer
        self._played = played
        self._read = read
        self._session = session
        self._clock = clock
        self._node = f"{socket.gethostname()}/{os.getpid()}"

    @cached_property
    def _reaching(self) -> Reaching:
        tokens = token_cache(self._settings.database_url)
        apis = Apis(self._session(), self._settings.api_urls, tokens)
        return Reaching(self._accounts, self._team or Team(), apis, self._played)

    def desk(self, store: Store, say: Callable[..., str], links: Links | None = None) -> Paging:
        """Knows what the outbox is about."""
        return Paging(store, self._team or Team(), self._reaching, say, self._admins, _probe, links)

    @cached_property
    def _can_read(self) -> bool:
        return is_available()

    def promise(self, message: Message) -> Promise:
        """What becomes of the pictures of a message."""
        if self._reaching.fetcher_for(message.person) is None:
            return Promise.NONE
        if not self._can_read:
            return Promise.NOT_INSTALLED
        return Promise.SENT if self._reaching.reaches(message) else Promise.WAITS

    def reading(self, store: Store, bot: Callable[[], Bot]) -> Reading | None:
        """For one thread; None where nobody can send a picture."""
        if not self._reaching.can_fetch:
            return None
        return Reading(
            store.outbox,
            bot,
            lambda message: self._reaching.fetcher_for(message.person),
            self._read,
            self._clock,
            self._owner(),
            self._observer,
        )

    def _owner(self) -> str:
        return f"{self._node}/{uuid.uuid4().hex[:8]}"

    def sending(self, store: Store, say: Callable[..., str], links: Links | None) -> Sending | None:
        """For one thread; None where nothing can ever go out by itself."""
        if self._team is None and not self._reaching.can_send:
            return None
        desk = self.desk(store, say, links)
        return Sending(store.outbox, desk, self._clock, self._owner(), self._observer)
