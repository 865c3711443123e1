"""What all requests of one process share: accounts, rules, store, bot, counters."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TypeVar

from flask import Flask, current_app

from triage.advice.rendering import Renderer
from triage.bot.bot import Bot
from triage.bot.links import Links
from triage.bot.pictures import Promise
from triage.bot.reaching import Played
from triage.bot.reading import Reading
from triage.bot.sending import Sending
from triage.channels.registry import DEFAULT_CHANNEL
from triage.errors import SchemaError, StoreDownError, StoreError, TriageError
from triage.incidents.team import Team
from triage.message import Message, Person
from triage.pictures.reading import read_picture
from triage.pictures.values import PictureText
from triage.rules.loader import load_templates
from triage.settings.directories import data_directory, load_sources
from triage.settings.model import Accounts, Settings
from triage.store import Store
from triage.store.bulkhead import Bulkhead
from triage.web.invitations import invitation_word, random_token
from triage.web.live_rules import LiveRules
from triage.web.logs import log_event
from triage.web.metrics import Metrics, StoreUse
from triage.web.outgoing import OpenSession, Outgoing, open_session
from triage.web.unrecorded import Unrecorded

T = TypeVar("T")
Work = Callable[[], float | None]
"""Something done again and again: it says in how many seconds, None for never."""

_LOG = logging.getLogger(__name__)
_NAME = "triage"
_OPEN_AGAIN_SECONDS = 2.0
_ASK_SECONDS = 2.5
"""For what a page or the API asks the store."""
_STORE_THREADS = 8
"""Calls of a database on a server at once; a file has one writer anyway."""
_LOOK_SECONDS = 10.0
"""Between two looks whether the database's file is still the same, and whether late answers wait."""
_SEND_SECONDS = 1.0
"""Between two looks for what is due to go out."""
_SHIFT_SECONDS = 60.0
_DAY_SECONDS = 86_400.0
_QUIET = frozenset({"/healthz", "/readyz", "/metrics", "/static/<path:filename>", "/demo/duty/news"})
"""Asked every few seconds: logged only at debug level."""


_NONE_PLAYED: Mapping[tuple[str, str], Played] = {}


class Service:
    """One for each application. `store` is None while the database cannot be opened.

    `played` are the platforms that the demo plays in place of the real ones, `read` reads a picture.
    """

    def __init__(
        self,
        settings: Settings,
        accounts: Accounts,
        admins: Mapping[Person, str],
        started: datetime,
        team: Team | None = None,
        played: Mapping[tuple[str, str], Played] = _NONE_PLAYED,
        read: Callable[[bytes], PictureText] = read_picture,
        session: OpenSession = open_session,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.settings = settings
        self.started = started
        self.clock = clock
        self.accounts = accounts
        self.admins = admins
        self.team = team
        self.metrics = Metrics()
        self._outgoing = Outgoing(
            accounts, team, admins, settings, self.metrics, played, read, session, clock
        )
        self.rules = LiveRules(
            settings.all_rules_dirs,
            Renderer(
                load_templates(data_directory("templates") / "reply"),
                DEFAULT_CHANNEL.page_size,
                sources=load_sources(),
                on_broken=self.metrics.template_broke,
            ),
            self.metrics.reload_failures.inc,
        )
        self._bot: Bot | None = None
        self.links: Links | None = None
        self.store: Store | None = None
        self.bulkhead = Bulkhead(_STORE_THREADS)
        self._store_problem: TriageError | None = None
        self._has_late_answers = False
        self.unrecorded = Unrecorded(self.bot, self.metrics, clock)

    def install(self, app: Flask) -> None:
        """Make this the service of an application."""
        app.extensions[_NAME] = self

    def account(self, channel: str, account_id: str | None) -> object | None:
        """An account of ours on a channel; without an id the only one there is."""
        accounts = self.accounts.get(channel, {})
        if account_id is None:
            return next(iter(accounts.values())) if len(accounts) == 1 else None
        return accounts.get(account_id)

    def bot(self) -> Bot:
        """The bot by the newest rules; without a memory while the database cannot be opened."""
        adviser, store, bot = self.rules.adviser, self.store, self._bot
        if bot is None or bot.adviser is not adviser or bot.store is not store:
            quiet = timedelta(minutes=self.settings.quiet_minutes)
            bot = Bot(
                adviser,
                store,
                invitation_word,
                self.admins,
                self.metrics,
                quiet,
                lambda: self._has_late_answers,
                self.team,
                self._promise,
                links=self.links,
            )
            self._bot = bot
        return bot

    def note(
        self,
        endpoint: str,
        method: str,
        status: int,
        seconds: float,
        *,
        kind: str | None = None,
        reason: str | None = None,
    ) -> None:
        """Count, time and log a request that was answered."""
        self.metrics.answered(endpoint, status, seconds)
        level = logging.DEBUG if endpoint in _QUIET and status < 400 else logging.INFO
        if _LOG.isEnabledFor(level):
            fields = {
                "endpoint": endpoint,
                "method": method,
                "status": status,
                "kind": kind,
                "reason": reason,
            }
            log_event(_LOG, level, "request", **fields, ms=round(seconds * 1000, 2))

    def open(self) -> float | None:
        """Open the store. After how many seconds to try again if it cannot be opened, None if it is open."""
        try:
            store = Store.open(self.settings.database_url, has_team=self.team is not None)
            self.links = self._make_links(store)
        except TriageError as exc:
            self._store_problem = exc
            self.metrics.store_failed("schema" if isinstance(exc, SchemaError) else "open", exc)
            return _OPEN_AGAIN_SECONDS
        self.store = store
        self._store_problem = None
        return None

    def _make_links(self, store: Store) -> Links | None:
        """Links to the console, where it has an address."""
        console = self.settings.console_url
        if console is None:
            return None
        return Links(console, store.sign_ins.key(), random_token, self.settings.public_url is not None)

    def ask(self, question: Callable[[Store], T]) -> T:
        """What the store answers to a page or the API. Raises StoreError, soon even where the database hangs."""
        if self.store is None:
            if isinstance(self._store_problem, SchemaError):
                raise self._store_problem
            raise StoreDownError("the database cannot be opened; the log says why")
        return self.bulkhead.call(partial(question, self.store), _ASK_SECONDS)

    def look_at_file(self) -> float:
        """Say and count that the database's file has gone, also where nobody writes. Seconds until the next look."""
        try:
            if self.store:
                self.store.require_file()
        except StoreError as exc:
            self.metrics.store_failed("file", exc)
        return _LOOK_SECONDS

    def look_for_late_answers(self, now: datetime) -> float:
        """See whether some wait for the next word of somebody. Seconds until the next look."""
        try:
            self._has_late_answers = self.store is not None and self.store.outbox.has_late_answers(now)
        except StoreError as exc:
            self.metrics.store_failed("late_answers", exc)
        return _LOOK_SECONDS

    def announce_shifts(self, now: datetime) -> float | None:
        """Tell those whose shift begins soon. Seconds until the next look, None where nobody is ever on call."""
        if self.team is None:
            return None
        try:
            if self.store is not None:
                self._outgoing.desk(self.store, self._say).announce_shifts(now)
        except StoreError as exc:
            self.metrics.store_failed("shifts", exc)
        return _SHIFT_SECONDS

    def sender(self) -> Work:
        """The work of one thread that sends what is due."""
        return self._on_outbox("sending", lambda store: self._outgoing.sending(store, self._say, self.links))

    def reader(self) -> Work:
        """The work of the thread that reads pictures."""
        return self._on_outbox("pictures", lambda store: self._outgoing.reading(store, self.bot))

    def _on_outbox(self, use: StoreUse, open_for: Callable[[Store], Sending | Reading | None]) -> Work:
        worker: Sending | Reading | None = None

        def work() -> float | None:
            nonlocal worker
            store = self.store
            if store is None:
                return _SEND_SECONDS
            if worker is None or worker.outbox is not store.outbox:
                worker = open_for(store)
            if worker is None:
                return None
            try:
                if worker.run():
                    self._has_late_answers = True  # what could not go out by itself, or was read, may wait
            except StoreError as exc:
                self.metrics.store_failed(use, exc)
            return _SEND_SECONDS

        return work

    def _promise(self, message: Message) -> Promise:
        promise = self._outgoing.promise(message)
        if promise in (Promise.SENT, Promise.WAITS):
            self._has_late_answers = True  # whoever asks before the next look hears how far it is
        return promise

    def _say(self, template: str, /, **values: object) -> str:
        return self.rules.adviser.say(template, **values)

    def tidy(self, now: datetime) -> float:
        """Forget what is older than the settings say. After how many seconds to do so again."""
        before = now - timedelta(days=self.settings.retention_days)
        try:
            gone = self.store.purge(before) if self.store else 0
        except StoreError as exc:
            self.metrics.store_failed("purge", exc)
        else:
            if gone:
                log_event(_LOG, logging.INFO, "tidied", rows=gone)
        return _DAY_SECONDS


def the_service() -> Service:
    """The service of the application that handles this request."""
    service: Service = current_app.extensions[_NAME]
    return service
