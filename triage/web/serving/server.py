"""Runs the application: gunicorn with threads, or waitress where there is no fork.

The application is made before the workers are forked, so that they share its rules; each opens its own database.
"""

from __future__ import annotations

import contextlib
import errno
import gc
import logging
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from triage.errors import SettingsError, StoreDownError
from triage.settings.model import Settings
from triage.store import Store
from triage.web import create_app
from triage.web.api.routes import MAX_API_BYTES
from triage.web.logs import log_event, start_logging
from triage.web.metrics import SharedFiles

if TYPE_CHECKING:
    from flask import Flask

_LOG = logging.getLogger(__name__)
_MEMORY = "/dev/shm"  # noqa: S108 - nothing in it is secret
_THREADS = 4
_MOST_WORKERS = 4
_GRACE = 10


def serve(settings: Settings, announce: Callable[[], None]) -> None:
    """Serve until a signal ends it; `announce` is called when the address answers.

    Raises SettingsError for an address that cannot be used, StoreError for a database that must be mended first.
    """
    start_logging(settings.log_level)
    _check_address(settings.host, settings.port)
    prepare_store(settings)
    if sys.platform == "win32":
        _serve_by_waitress(settings, announce)
    else:
        _serve_by_gunicorn(settings, announce)


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


def default_workers() -> int:
    """One for each processor, at most four: more rarely pays for a chat, and each costs memory."""
    return min(os.cpu_count() or 1, _MOST_WORKERS)


def _check_address(host: str, port: int) -> None:
    """A taken port is told before gunicorn has tried it five times."""
    try:
        family, *_, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            if sys.platform != "win32":
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
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


def _serve_by_waitress(settings: Settings, announce: Callable[[], None]) -> None:
    from waitress.server import create_server

    server = create_server(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        threads=_THREADS,
        ident="triage",
        max_request_body_size=MAX_API_BYTES,
    )
    announce()
    server.run()


if sys.platform != "win32":
    import fcntl

    _COUNTERS = "triage-counters-"

    def _serve_by_gunicorn(settings: Settings, announce: Callable[[], None]) -> None:
        workers = settings.workers or default_workers()
        with _shared_counters(workers) as counters:
            _application(settings, workers, counters, announce).run()

    @contextlib.contextmanager
    def _shared_counters(workers: int) -> Iterator[SharedFiles | None]:
        """Where the workers count together, gone afterwards; None for one alone, or where there is no room."""
        counters, directory, owner = None, None, os.getpid()
        for parent in (_MEMORY, tempfile.gettempdir()):
            _remove_orphans(Path(parent))
        for parent in (_MEMORY, tempfile.gettempdir()) if workers > 1 else ():
            try:
                directory = Path(tempfile.mkdtemp(prefix=_COUNTERS, dir=parent))
                _lock(directory)
                counters = SharedFiles(directory, 2 * workers)  # during a reload there are twice as many
            except OSError as exc:
                log_event(_LOG, logging.WARNING, "counters_not_shared", problem=str(exc))
                _remove(directory)
            else:
                break
        try:
            yield counters
        finally:
            if os.getpid() == owner:
                _remove(directory)

    def _lock(directory: Path) -> int:
        """A lock, held by what is open until this process and its workers end. Raises OSError where there is one."""
        opened = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(opened)
            raise
        return opened

    def _remove_orphans(parent: Path) -> None:
        """What services left that were killed."""
        for directory in parent.glob(f"{_COUNTERS}*"):
            with contextlib.suppress(OSError):
                lock = _lock(directory)
                _remove(directory)
                os.close(lock)

    def _remove(directory: Path | None) -> None:
        if directory is not None:
            shutil.rmtree(directory, ignore_errors=True)

    def _application(
        settings: Settings, workers: int, counters: SharedFiles | None, announce: Callable[[], None]
    ) -> Any:
        from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]  # without types

        from triage.web.serving.worker import JsonLog, worker_for

        def number(arbiter: Any, worker: Any) -> None:
            taken = {other.number for other in arbiter.WORKERS.values()}
            worker.number = next(free for free in count(1) if free not in taken)

        def count_apart(arbiter: Any, worker: Any) -> None:
            if counters is not None:
                counters.process = worker.number

        options = {
            "bind": f"[{settings.host}]:{settings.port}"
            if ":" in settings.host
            else f"{settings.host}:{settings.port}",
            "workers": workers,
            "threads": _THREADS,
            "worker_class": worker_for(settings.database_url),
            "logger_class": JsonLog,
            "loglevel": settings.log_level,
            "preload_app": True,
            "keepalive": 15,
            "graceful_timeout": _GRACE,
            "worker_tmp_dir": _MEMORY if os.access(_MEMORY, os.W_OK) else None,
            "proc_name": "triage",
            "control_socket_disable": True,
            "forwarder_headers": "",  # SCRIPT_NAME and PATH_INFO are not for a client to choose
            "pre_fork": number,
            "post_fork": count_apart,
            "when_ready": lambda server: announce(),
            "post_worker_init": lambda worker: _warm(worker.wsgi),
        }

        class Application(BaseApplication):  # type: ignore[misc]  # without types
            def load_config(self) -> None:
                for name, value in options.items():
                    self.cfg.set(name, value)

            def load(self) -> Flask:
                app = create_app(settings)
                gc.collect()
                gc.freeze()  # what is here stays: the workers share it, and need not look through it
                return app

        return Application()


def _warm(app: Flask) -> None:
    """Open this worker's database before the first message waits for it."""
    from triage.web.service import the_service

    with app.app_context():
        the_service().warm()
