"""What all requests of one process share: accounts, rules, store, bot, counters."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial

from flask import Flask, current_app

from triage import background
from triage.advice.rendering import Renderer
from triage.bot.bot import Bot
from triage.channels.wechat.callback import Account
from triage.errors import SchemaError, StoreDownError, StoreError, TriageError
from triage.message import Person
from triage.rules.loader import load_templates
from triage.settings.directories import data_directory, load_sources
from triage.settings.model import Settings
from triage.store import Store
from triage.web.live_rules import LiveRules
from triage.web.logs import log_event
from triage.web.metrics import Metrics

_LOG = logging.getLogger(__name__)
_NAME = "triage"
_REST = 2.0
"""Seconds before a database that could not be opened is tried again."""
_QUIET = frozenset({"/healthz", "/readyz", "/metrics", "/static/<path:filename>"})
"""Asked every few seconds: logged only at debug level."""
_SOON, _DAY = 60.0, 86_400.0
_WARM = 5.0
_PATIENCE = 0.5
"""Seconds that a request waits for the database to be opened."""
_WORD_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_WORD_LENGTH = 10


def _log_broken_template(name: str, error: Exception) -> None:
    log_event(_LOG, logging.ERROR, "template_broken", template=f"{name}.txt", problem=str(error))


class Service:
    """One for each application; a process that forks opens its own store afterwards, when it is first needed."""

    def __init__(
        self,
        settings: Settings,
        accounts: Mapping[str, Account],
        admins: Mapping[Person, str],
        started: datetime,
    ) -> None:
        self.settings = settings
        self.started = started
        self.accounts = accounts
        self.admins = admins
        self.metrics = Metrics()
        self.rules = LiveRules(
            settings.all_rules_dirs,
            Renderer(
                load_templates(data_directory("templates") / "reply"),
                sources=load_sources(),
                on_broken=_log_broken_template,
            ),
            self.metrics.reload_failures.inc,
        )
        self._bot: Bot | None = None
        self._store: Store | None = None
        self._store_problem: TriageError | None = None
        self._opening = threading.Lock()
        self._open_again = 0.0
        self._tidy_at = time.monotonic() + _SOON

    def install(self, app: Flask) -> None:
        """Make this the service of an application."""
        app.extensions[_NAME] = self

    def account(self, appid: str | None) -> Account | None:
        """The account of an AppID; without one the only account there is."""
        if appid is None:
            return next(iter(self.accounts.values())) if len(self.accounts) == 1 else None
        return self.accounts.get(appid)

    def bot(self) -> Bot:
        """The bot by the newest rules; without a memory while the database cannot be opened."""
        if time.monotonic() >= self._tidy_at:
            self._tidy_at = time.monotonic() + _DAY
            background.start(partial(self.tidy, datetime.now(UTC)), "tidy")
        adviser, store, bot = self.rules.adviser(), self.store(), self._bot
        if bot is None or bot.adviser is not adviser or bot.store is not store:
            quiet = timedelta(minutes=self.settings.quiet_minutes)
            bot = Bot(adviser, store, _invitation, self.admins, self.metrics, quiet)
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

    def store(self) -> Store | None:
        """The store; None while it cannot be opened."""
        if self._store is None and time.monotonic() >= self._open_again:
            self._open_aside()
        return self._store

    def open_store(self) -> Store:
        """The store. Raises StoreError if it cannot be opened."""
        store = self.store()
        if store is None:
            if isinstance(self._store_problem, SchemaError):
                raise self._store_problem
            raise StoreDownError("the database cannot be opened; the log says why")
        return store

    def tidy(self, now: datetime) -> None:
        """Forget what is older than the settings say; every worker may do so, once a day."""
        try:
            gone = self.open_store().purge(now - timedelta(days=self.settings.retention_days))
        except StoreError as exc:
            self.metrics.store_failed("purge", exc)
        else:
            log_event(_LOG, logging.INFO, "tidied", rows=gone)

    def warm(self) -> None:
        """Open the store before the first message needs it; waits some seconds for it at most."""
        self._open_aside(_WARM)

    def _open_aside(self, patience: float = _PATIENCE) -> None:
        """Open the store on a thread of its own: a reply does not wait long for a database that is far away."""
        if not self._opening.acquire(blocking=False):
            return
        thread = background.start(self._open, "store")
        if thread is None:
            self._opening.release()
        else:
            thread.join(patience)

    def _open(self) -> None:
        try:
            self._store = Store.open(self.settings.database_url)
            self._store_problem = None
        except TriageError as exc:
            self._store_problem = exc
            self.metrics.store_failed("schema" if isinstance(exc, SchemaError) else "open", exc)
        finally:
            self._open_again = time.monotonic() + _REST
            self._opening.release()


def the_service() -> Service:
    """The service of the application that handles this request."""
    service: Service = current_app.extensions[_NAME]
    return service


def _invitation() -> str:
    """A word that is easily typed and hardly guessed: 49 bits."""
    return "".join(secrets.choice(_WORD_LETTERS) for _ in range(_WORD_LENGTH))
