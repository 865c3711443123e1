"""Loads rule files and reply templates from directories; the one module of the package that touches the disk."""

from __future__ import annotations

import gc
import hashlib
import os
import stat
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from triage.errors import RulesError, reason_of
from triage.findings import Finding, Location, Severity
from triage.rules.joining import join
from triage.rules.model import RuleFile, RuleSet
from triage.rules.parser import parse_file
from triage.rules.strict_yaml import MAX_BYTES
from triage.wording import Wording

_VERSION_DIGITS = 12
_parse = lru_cache(maxsize=128)(parse_file)
"""When one file changes, the others are not parsed again: that is most of the work of a reload."""


def load_templates(directory: Path) -> dict[str, str]:
    """The templates of a directory by file name."""
    return {file.name: file.read_text(encoding="utf-8") for file in sorted(directory.glob("*.*"))}


def load_valid_rules(
    directories: Iterable[Path], sources: Collection[str]
) -> tuple[RuleSet, tuple[Finding, ...]]:
    """The rules of the directories (or single files), without those that have mistakes, and all mistakes.

    `sources` are the ids that steps and codes may cite.
    """
    files: list[RuleFile] = []
    digest = hashlib.sha256()
    found, findings = _search(directories)
    with _paused_collection():
        for file in found:
            source = read_source(file.path)
            if isinstance(source, Finding):
                findings.append(source)
                continue
            digest.update(source.encode())
            parsed, problems = _parse(source, str(file.path))
            files.append(parsed)
            findings += problems
    rule_set, between = join(files, digest.hexdigest()[:_VERSION_DIGITS], sources)
    return rule_set, (*findings, *between)


def load_rules(directories: Iterable[Path], sources: Collection[str]) -> RuleSet:
    """The rules of the directories; `sources` as above. Raises RulesError with all mistakes if there is one."""
    rule_set, findings = load_valid_rules(directories, sources)
    if findings:
        raise RulesError(findings)
    return rule_set


def find_rule_files(path: Path) -> list[Path]:
    """The rule files of a directory and those below it, or the file itself; none where nothing is there."""
    return [file.path for file in _search([path])[0]]


def stamp_rules(directories: Iterable[Path]) -> Stamp:
    """What changes when one of the files that `load_valid_rules` would read does."""
    found, findings = _search(directories)
    return Stamp(tuple(found), tuple(findings))


class _SourceFile(NamedTuple):
    path: Path
    identity: tuple[int, int] | None
    """Device and inode; None for a link that leads nowhere."""
    modified: int
    size: int


class Stamp(NamedTuple):
    """The rule files with their times and sizes, and what hindered to find them."""

    files: tuple[_SourceFile, ...]
    findings: tuple[Finding, ...]


def read_source(file: Path) -> str | Finding:
    """The text of a rule file, or why it has none.

    Nobody is waited for at a pipe or a device, and no more than MAX_BYTES is read, however large the file.
    """
    place = Location(str(file), 1, 1)
    try:
        with os.fdopen(os.open(file, _READ), "rb") as stream:
            status = os.fstat(stream.fileno())
            if not stat.S_ISREG(status.st_mode):
                return Finding("unreadable", Severity.HIGH, Wording("no file but a pipe or a device"), place)
            raw = b"" if status.st_size > MAX_BYTES else stream.read(MAX_BYTES + 1)
        if status.st_size > MAX_BYTES or len(raw) > MAX_BYTES:
            message = Wording("the file is larger than {bytes:,} bytes", bytes=MAX_BYTES)
            return Finding("too-large", Severity.HIGH, message, place, Wording("split it"))
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        problem = Wording(
            "not UTF-8: byte {place} is {byte:#04x}", place=exc.start, byte=exc.object[exc.start]
        )
    except OSError as exc:
        problem = Wording("cannot be read: {why}", why=reason_of(exc))
    return Finding("unreadable", Severity.HIGH, problem, place)


_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
"""A plain open would wait until somebody writes to a pipe."""


def _search(directories: Iterable[Path]) -> tuple[list[_SourceFile], list[Finding]]:
    """The rule files of all directories, each once, however many names lead to it; and what hindered to find them."""
    files: dict[object, _SourceFile] = {}
    findings: list[Finding] = []
    for path in directories:
        try:
            is_directory = stat.S_ISDIR(path.stat().st_mode)
        except OSError as exc:
            missing = isinstance(exc, FileNotFoundError | NotADirectoryError)
            place = Location(str(path), 1, 1)
            message = (
                Wording("no such rules directory or file")
                if missing
                else Wording("cannot be read: {why}", why=reason_of(exc))
            )
            findings.append(Finding("no-directory", Severity.HIGH, message, place))
            continue
        found = [_status(file) for file in (_walk(path, findings) if is_directory else [path])]
        for file in found:
            files.setdefault(file.identity or file.path, file)
    return list(files.values()), findings


def _walk(root: Path, findings: list[Finding]) -> list[Path]:
    """The paths that end as a rule file does, in order. Links are followed, each directory is entered once.

    Names that begin with a dot are left out: Kubernetes (`..data`), git and editors keep copies there.
    """
    entered = {_identity(root)}
    seen = 0
    paths = []

    def is_wanted(directory: Path) -> bool:
        known = len(entered)
        entered.add(_identity(directory))
        return len(entered) > known

    for name, folders, files in os.walk(
        root, onerror=lambda exc: findings.append(_unreadable(exc)), followlinks=True
    ):
        folder = Path(name)
        folders[:] = [sub for sub in sorted(folders) if not sub.startswith(".") and is_wanted(folder / sub)]
        paths += [folder / file for file in files if file.endswith(_ENDINGS) and not file.startswith(".")]
        seen += len(files) + len(folders)
        if seen > MAX_ENTRIES:
            message = Wording("more than {most:,} files and directories", most=MAX_ENTRIES)
            findings.append(
                Finding(
                    "too-many-files",
                    Severity.HIGH,
                    message,
                    Location(str(root), 1, 1),
                    Wording("name the directory that holds the rules alone"),
                )
            )
            break
    return sorted(paths)


MAX_ENTRIES = 20_000
"""Files and directories that are looked at below one directory; a link may lead to the whole disk."""
_ENDINGS = (".yml", ".yaml")


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _status(path: Path) -> _SourceFile:
    try:
        status = path.stat()
    except OSError:
        return _SourceFile(path, None, 0, 0)
    return _SourceFile(path, (status.st_dev, status.st_ino), status.st_mtime_ns, status.st_size)


def _unreadable(exc: OSError) -> Finding:
    place = Location(str(exc.filename), 1, 1)
    return Finding("unreadable", Severity.HIGH, Wording("cannot be read: {why}", why=reason_of(exc)), place)


@contextmanager
def _paused_collection() -> Iterator[None]:
    """Without garbage collection: while millions of live nodes are built it finds nothing and triples the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
