"""The access token that threads and processes share: one of them fetches it, the others wait.

WeChat's `stable_token` and WeCom's `gettoken` give every caller the same valid token, so each machine may have a cache
of its own; what a cache saves is calls.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol, TypeGuard
from urllib.parse import unquote, urlsplit

from triage.errors import ApiError
from triage.wording import Wording

LOCK_TIMEOUT = 40.0
"""Seconds to wait while another thread or process fetches; longer than a fetch can take, its pauses included."""
_POLL_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Token:
    """An access token; two are the same only if they come from the same fetch."""

    value: str = field(repr=False)
    fetched_at: datetime
    expires_at: datetime


class TokenCache(Protocol):
    """Where tokens lie, each by the key of its account; `save` and `expire` are called while `refreshing`."""

    def refreshing(self, key: str, seconds: float | None = None) -> AbstractContextManager[None]:
        """Held by the one that may fetch; raises ApiError if another one holds it for longer than `seconds`.

        None is the lock timeout of the cache.
        """

    def load(self, key: str) -> Token | None:
        """The stored token, however old."""

    def save(self, key: str, token: Token) -> None:
        """Store a token in place of the one before."""

    def expire(self, key: str, failed: Token) -> None:
        """Forget the stored token if it is the failed one: another may have stored a better one."""


class MemoryTokens:
    """Tokens of one process."""

    def __init__(self, lock_timeout: float = LOCK_TIMEOUT) -> None:
        self._lock_timeout = lock_timeout
        self._tokens: dict[str, Token] = {}
        self._locks: dict[str, threading.Lock] = {}

    @contextmanager
    def refreshing(self, key: str, seconds: float | None = None) -> Iterator[None]:
        timeout = self._lock_timeout if seconds is None else seconds
        with _held(self._locks.setdefault(key, threading.Lock()), timeout):
            yield

    def load(self, key: str) -> Token | None:
        return self._tokens.get(key)

    def save(self, key: str, token: Token) -> None:
        self._tokens[key] = token

    def expire(self, key: str, failed: Token) -> None:
        if self._tokens.get(key) == failed:
            del self._tokens[key]


class FileTokens:
    """Tokens of all processes of one machine: for each account a file (mode 0600) and a lock beside it."""

    def __init__(self, directory: Path, lock_timeout: float = LOCK_TIMEOUT) -> None:
        self._directory = directory
        self._lock_timeout = lock_timeout
        self._locks: dict[str, threading.Lock] = {}

    @contextmanager
    def refreshing(self, key: str, seconds: float | None = None) -> Iterator[None]:
        timeout = self._lock_timeout if seconds is None else seconds
        with _held(self._locks.setdefault(key, threading.Lock()), timeout):
            handle = self._locked_file(key, timeout)
            try:
                yield
            finally:
                os.close(handle)  # which unlocks it; the system does the same after kill -9

    def load(self, key: str) -> Token | None:
        """A file that cannot be understood counts as absent: the next fetch replaces it."""
        try:
            stored = json.loads(self._path(key).read_bytes())
            fetched, expires = map(_instant, (stored["fetched_at"], stored["expires_at"]))
            return Token(stored["token"], fetched, expires) if is_token(stored["token"]) else None
        except FileNotFoundError:
            return None
        except OSError as exc:
            raise self._trouble(exc) from exc
        except (ValueError, KeyError, TypeError, RecursionError):
            return None

    def save(self, key: str, token: Token) -> None:
        content = {
            "token": token.value,
            "fetched_at": token.fetched_at.isoformat(),
            "expires_at": token.expires_at.isoformat(),
        }
        try:
            handle, name = tempfile.mkstemp(dir=self._directory, prefix=".wechat-token-")  # born with 0600
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                json.dump(content, stream)
            Path(name).replace(self._path(key))
        except OSError as exc:
            raise self._trouble(exc) from exc

    def expire(self, key: str, failed: Token) -> None:
        if self.load(key) != failed:
            return
        try:
            self._path(key).unlink(missing_ok=True)
        except OSError as exc:
            raise self._trouble(exc) from exc

    def _path(self, key: str) -> Path:
        """The key is hashed: it comes from a setting and becomes a file name."""
        return self._directory / f"wechat-token-{hashlib.sha256(key.encode()).hexdigest()[:16]}.json"

    def _locked_file(self, key: str, timeout: float) -> int:
        try:
            handle = os.open(self._path(key).with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
            try:
                _lock(handle, timeout)
            except BaseException:
                os.close(handle)
                raise
        except OSError as exc:
            raise self._trouble(exc) from exc
        return handle

    def _trouble(self, exc: OSError) -> ApiError:
        return ApiError(
            f"token cache in {self._directory}: {exc.strerror}",
            Wording("让运行 triage 的用户能读写这个目录"),
        )


def token_cache(database_url: str) -> TokenCache:
    """The cache that suits a database: files beside an SQLite file, else this process's memory."""
    parts = urlsplit(database_url)
    path = unquote(parts.path).removeprefix("/")
    if parts.scheme.partition("+")[0] == "sqlite" and path not in ("", ":memory:"):
        return FileTokens(Path(path).parent)
    return MemoryTokens()


def is_token(value: object) -> TypeGuard[str]:
    """Whether a value can be an access token."""
    return isinstance(value, str) and re.fullmatch(r"[\x21-\x7e]{1,4096}", value) is not None


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@contextmanager
def _held(lock: threading.Lock, seconds: float) -> Iterator[None]:
    if not lock.acquire(timeout=seconds):
        raise _lock_timeout_error()
    try:
        yield
    finally:
        lock.release()


def _lock_timeout_error() -> ApiError:
    return ApiError("access_token", Wording("另一个线程或进程一直在取 token，等不到；过一会儿再试"))


def _lock(handle: int, seconds: float) -> None:
    """Lock an open file, asking again and again: the system's own call waits without a limit."""
    end = time.monotonic() + seconds
    while not _try_lock(handle):
        if time.monotonic() > end:
            raise _lock_timeout_error()
        time.sleep(_POLL_SECONDS)


if sys.platform == "win32":
    import msvcrt

    def _try_lock(handle: int) -> bool:
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        return True

else:
    import fcntl

    def _try_lock(handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
