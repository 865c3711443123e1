"""Loads rule files and reply templates from directories; the one module of the package that touches the disk."""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from triage.errors import RulesError
from triage.findings import Finding, Location, Severity
from triage.rules.parser import RuleFile, RuleSet, join, parse_file

_VERSION_DIGITS = 12


def load_templates(directory: Path) -> dict[str, str]:
    """The templates of a directory by file name."""
    return {file.name: file.read_text(encoding="utf-8") for file in sorted(directory.glob("*.*"))}


def load_valid_rules(directories: Iterable[Path]) -> tuple[RuleSet, tuple[Finding, ...]]:
    """The rules of the directories (or single files), without those that have mistakes, and all mistakes."""
    files: list[RuleFile] = []
    findings: list[Finding] = []
    digest = hashlib.sha256()
    with _paused_collection():
        for path in directories:
            for file in find_rule_files(path):
                source = _text(file, findings)
                if source is None:
                    continue
                digest.update(source.encode())
                parsed, problems = parse_file(source, str(file))
                files.append(parsed)
                findings += problems
            if not path.exists():
                place = Location(str(path), 1, 1)
                findings.append(
                    Finding("no-directory", Severity.HIGH, "no such rules directory or file", place)
                )
    rule_set, between = join(
        (file.rules for file in files),
        digest.hexdigest()[:_VERSION_DIGITS],
        (table for file in files for table in file.tables),
        (file.lexicon for file in files),
    )
    return rule_set, (*findings, *between)


def load_rules(directories: Iterable[Path]) -> RuleSet:
    """The rules of the directories. Raises RulesError with all mistakes if there is one."""
    rule_set, findings = load_valid_rules(directories)
    if findings:
        raise RulesError(findings)
    return rule_set


def find_rule_files(path: Path) -> list[Path]:
    """The rule files of a directory and those below it, or the file itself; none where nothing is there."""
    if path.is_dir():
        return sorted(file for pattern in ("*.yml", "*.yaml") for file in path.rglob(pattern))
    return [path] if path.is_file() else []


def _text(file: Path, findings: list[Finding]) -> str | None:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as exc:
        problem = f"not UTF-8: byte {exc.start} is {exc.object[exc.start]:#04x}"
    except OSError as exc:
        problem = f"cannot be read: {exc.strerror}"
    findings.append(Finding("unreadable", Severity.HIGH, problem, Location(str(file), 1, 1)))
    return None


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
