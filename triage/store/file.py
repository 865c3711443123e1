"""The file of a SQLite database: for nobody else to read, and still the one that was opened."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sqlalchemy.engine import URL

from triage.errors import ReplacedFileError
from triage.store.engine import is_file

_PRIVATE = 0o600
SIDECARS = ("", "-wal", "-shm")
"""What the names of the files of one database end with: https://www.sqlite.org/wal.html#the_wal_file"""


def file_of(url: URL) -> Path | None:
    """The file that a URL names; None for a server, for memory, and for no name that we can read."""
    name = url.database or ""
    if not is_file(url) or url.query.get("mode") == "memory":
        return None
    if name.startswith("file:"):
        name = unquote(urlsplit(name).path)
    return None if not name or name.startswith(":") else Path(name)


def make_private(file: Path) -> None:
    """Make the file if there is none; let its owner alone read it and what SQLite keeps beside it.

    SQLite gives the files beside it the same rights. A file that belongs to somebody else stays as it is.
    """
    try:
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, _PRIVATE))
    except OSError:  # it is there, or SQLite will say better why it cannot be made
        for ending in SIDECARS:
            _take_rights(Path(f"{file}{ending}"))


def _take_rights(file: Path) -> None:
    try:
        if file.stat().st_mode & 0o777 & ~_PRIVATE:
            file.chmod(_PRIVATE)
    except OSError:
        return


class OpenedFile:
    """The file that the connections have open.

    Whoever deletes or replaces it changes nothing for them: they would go on with a file that nobody finds any more.
    Without its log alone, what is only there is lost with the process; and another program may begin a log of its own,
    while all of them share one index of both: rows vanish, pages are damaged.
    """

    def __init__(self, file: Path) -> None:
        self._path = str(file.absolute())
        self._log_path = f"{self._path}-wal"
        self._identity = _identity(self._path)
        self._log: tuple[int, int] | None = None
        """That of the log; None until it is seen."""

    def require(self) -> None:
        """Raises ReplacedFileError unless the same file is still there, and its log."""
        if _identity(self._path) != self._identity:
            raise ReplacedFileError(self._path)
        log = _identity(self._log_path)
        if self._log is None:
            self._log = log
        elif log != self._log:
            raise ReplacedFileError(self._log_path, is_log=True)

    def forget_log(self) -> None:
        """A connection was closed: with the last one SQLite takes the log away, and makes another one for the next."""
        self._log = None


def _identity(path: str) -> tuple[int, int] | None:
    """Device and inode; None where there is no such file."""
    try:
        found = os.stat(path)  # noqa: PTH116 - for every push, and a third of the time of Path.stat
    except OSError:
        return None
    return found.st_dev, found.st_ino
