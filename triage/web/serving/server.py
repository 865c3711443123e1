"""Runs the application: uvicorn, one process, one event loop.

The limits are those of uvicorn's public settings (https://uvicorn.dev/settings/), and of `bounded_request`, which adds
the one that is missing there.
"""

from __future__ import annotations

import errno
import gc
import logging
import signal
import socket
from collections.abc import Callable
from contextlib import suppress

import uvicorn

from triage.errors import SettingsError, StoreDownError
from triage.settings.model import Settings
from triage.store import Store
from triage.web import create_app
from triage.web.callers import is_loopback
from triage.web.logs import log_event, logging_aside
from triage.web.serving.bounded_request import BoundedRequest

_LOG = logging.getLogger(__name__)
_KEEP_ALIVE_SECONDS = 15
_STOP_SECONDS = 10
"""For requests in progress, when it is told to stop."""
_BACKLOG = 2048
_GARBAGE = 20_000
"""New objects between two collections, each of which delays a push by a millisecond: a third of a percent of them."""


def serve(settings: Settings, announce: Callable[[], object]) -> None:
    """Serve until a signal ends it; `announce` is called when the address answers.

    Raises SettingsError for an address that cannot be used, and for a demo that others could reach although nobody
    asked for one; StoreError for a database that must be mended first.
    """
    with logging_aside(settings.log_level), _listen(settings.host, settings.port) as listener:
        _refuse_accidental_demo(settings)
        prepare_store(settings)
        app = create_app(settings, announce)
        gc.collect()
        gc.freeze()  # what is here stays: there is no need to look through it for garbage
        gc.set_threshold(_GARBAGE)
        config = uvicorn.Config(
            app,
            http=BoundedRequest,
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=_STOP_SECONDS,
        )
        # uvicorn sends itself once more the signal that stopped it, to end as others do; a stop is no failure here.
        signal.signal(signal.SIGTERM, lambda *_: None)
        with suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listener])


def _refuse_accidental_demo(settings: Settings) -> None:
    """An image that lost its secrets must not become a demo for everybody."""
    is_asked_for = "demo" in settings.model_fields_set
    if settings.demo and not is_asked_for and not is_loopback(settings.host):
        raise SettingsError(
            f"TRIAGE_WECHAT_TOKEN is not set, and {settings.host} is reached by others; set the account, or "
            "TRIAGE_DEMO=true for a demo that anybody there may use"
        )


def prepare_store(settings: Settings) -> None:
    """Make or upgrade our own SQLite file; any other database must have its schema, but may be down for now.

    Raises SchemaError, which names the command that upgrades it.
    """
    url = settings.database_url
    if url.startswith("sqlite"):
        Store.open(url, upgrade=True).close()
        return
    try:
        Store.open(url).close()
    except StoreDownError as exc:
        log_event(_LOG, logging.ERROR, "starting_without_a_database", problem=str(exc))


def _listen(host: str, port: int) -> socket.socket:
    """A socket that listens. Raises SettingsError, which says what to do."""
    try:
        family, *_, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        return socket.create_server(address, family=family, backlog=_BACKLOG)
    except OSError as exc:
        if exc.errno == errno.EADDRINUSE:
            problem = (
                f"port {port} on {host} is taken; choose another: triage serve --port {port % 65_535 + 1}"
            )
        elif exc.errno == errno.EACCES:
            problem = f"port {port} needs more rights; choose one from 1024 on and put nginx before it"
        else:
            problem = f"'{host}' is no address of this machine; try 127.0.0.1, or 0.0.0.0 for all"
        raise SettingsError(f"TRIAGE_HOST, TRIAGE_PORT: {problem}") from exc
