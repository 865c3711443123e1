"""Redis stands in for the memory of replies while the database does not answer: a retry gets the same one even then.

Beside that it is asked only about what looks like a retry and is not known to the database. So it may be slow, and
lost: it keeps what the platform could still ask for.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import TypeVar
from urllib.parse import urlsplit

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisDownError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisSilentError
from redis.retry import Retry

from triage.errors import SettingsError, StoreDownError, StoreError
from triage.store.patience import Breaker, in_time
from triage.store.values import Recorded

T = TypeVar("T")

_KEPT = timedelta(minutes=10)
"""The platform pushes again within 15 seconds. Somebody else may repeat a push until its timestamp is too old, for five
minutes (TRIAGE_FRESHNESS_SECONDS); ten leave room for clocks that differ."""
_SILENT = 0.3
"""Seconds to connect, and for each answer."""
_PATIENCE = 0.5
"""For all of it, with looking up the name; of the platform's five the database may have taken three."""
_SLOW = 0.1
_CONNECTIONS = 16
"""More than a process has threads that answer; so many may wait beyond `_PATIENCE` in vain, for a name's lookup."""
_PLACE = "triage:reply:"
"""Before the keys: others may use the same Redis."""


class Standby:
    """The replies that were given without the database, on one Redis for all nodes.

    For many threads; made before a process forks, it is connected afterwards. Every method raises StoreDownError when
    Redis does not answer, StoreError when it refuses.
    """

    def __init__(self, url: str) -> None:
        """At a URL that the settings let in; nothing is connected yet. Raises SettingsError for options in it."""
        try:
            self._redis = Redis.from_url(
                url,
                protocol=2,  # known to every server
                socket_connect_timeout=_SILENT,
                socket_timeout=_SILENT,
                max_connections=_CONNECTIONS,
                retry=Retry(NoBackoff(), 0),
            )
            pool = self._redis.connection_pool
            pool.connection_class(**pool.connection_kwargs)  # else a reply were the first to refuse an option
        except (RedisError, TypeError, ValueError) as exc:  # the words of none, they may repeat a password
            raise SettingsError(f"TRIAGE_REDIS_URL cannot be used: {type(exc).__name__}") from None
        where = urlsplit(url)
        self._name = f"Redis ({where.hostname or where.path})"
        self._breaker = Breaker(self._name, _PATIENCE, _SLOW)

    def check(self) -> None:
        """Raises unless Redis answers us."""
        self._ask(self._redis.ping)

    def reply_to(self, key: str) -> Recorded | None:
        """The reply that was kept for a message, None if there is none."""
        kept = self._ask(partial(self._redis.get, _PLACE + key))
        return None if kept is None else self._read(kept)

    def keep(self, key: str, reply: str | None) -> Recorded:
        """Keep the reply to a message for some minutes; the one that was kept first comes back."""

        def keep() -> bytes:
            # SET … NX GET would do, but is understood since Redis 7 only.
            with self._redis.pipeline(transaction=True) as steps:
                steps.set(_PLACE + key, json.dumps(reply), ex=_KEPT, nx=True)
                steps.get(_PLACE + key)
                stands: bytes = steps.execute()[-1]
            return stands

        return self._read(self._ask(keep))

    def _ask(self, question: Callable[[], T]) -> T:
        work = partial(self._translated, question)
        return self._breaker.guard(partial(in_time, _PATIENCE, self._name, "standby", work))

    def _translated(self, question: Callable[[], T]) -> T:
        """Ours for a foreign exception; the message repeats nothing that was to be kept."""
        try:
            return question()
        except (RedisDownError, RedisSilentError) as exc:
            said = f"{exc}"[:200]
            problem = f"{self._name} does not answer: {said}; look whether it runs, and at TRIAGE_REDIS_URL"
            raise StoreDownError(problem) from exc
        except (RedisError, OSError, ValueError) as exc:
            raise StoreError(
                f"{self._name} refused a command: {type(exc).__name__}; look at its log"
            ) from exc

    def _read(self, kept: bytes | str) -> Recorded:
        """Kept as JSON: `null` is an answer without words, which is not the same as no answer."""
        try:
            reply = json.loads(kept)
            is_reply = reply is None or isinstance(reply, str)
        except (TypeError, ValueError):
            is_reply = False
        if not is_reply:
            raise StoreError(f"{self._name} holds something else where a reply was kept")
        return Recorded(reply)
