"""The rules in use: read at start, read again when a file changes, the last good set kept.

A change is looked for at most every few seconds, when somebody asks, on a thread of its own: the request waits for it
only as long as a small set of rules takes.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from triage import background
from triage.advice.adviser import Adviser
from triage.advice.rendering import Renderer
from triage.findings import Finding
from triage.rules.loader import find_rule_files, load_valid_rules
from triage.web.logs import log_event
from triage.web.metrics import RulesState

_LOG = logging.getLogger(__name__)
_PATIENCE = 0.25
_REST = 50
"""A look that took long is repeated that many times more rarely, so that it costs 2 % at most."""

Stamp = tuple[tuple[str, int, int], ...]


class LiveRules:
    """The adviser over the rules of some directories, renewed on change.

    `on_failure` is called for each change that could not be used; `every` is in seconds.
    """

    def __init__(
        self,
        directories: Iterable[Path],
        renderer: Renderer,
        on_failure: Callable[[], None],
        every: float = 2.0,
    ) -> None:
        self._directories = tuple(directories)
        self._renderer = renderer
        self._on_failure = on_failure
        self._every = every
        self._lock = threading.Lock()
        self._stamp = _stamp(self._directories)
        rules, findings = load_valid_rules(self._directories)
        self._adviser = Adviser(rules, renderer)
        self._problem = self._told(findings)
        self._due = time.monotonic() + every

    def adviser(self) -> Adviser:
        """The adviser to use now."""
        if time.monotonic() >= self._due:
            self._look_aside()
        return self._adviser

    @property
    def state(self) -> RulesState:
        """What is in use, and what is wrong with what is not."""
        rules = self._adviser.rules
        return RulesState(rules.version, len(rules.rules), self._problem)

    def look(self) -> None:
        """Read the rules again if a file has changed; mistakes leave the last good set in use."""
        started = time.monotonic()
        stamp = _stamp(self._directories)
        if stamp != self._stamp:
            rules, findings = load_valid_rules(self._directories)
            self._stamp = stamp
            self._problem = self._told(findings)
            if not findings:
                self._adviser = Adviser(rules, self._renderer)
                log_event(_LOG, logging.INFO, "rules_reloaded", version=rules.version, rules=len(rules.rules))
        now = time.monotonic()
        self._due = now + max(self._every, _REST * (now - started))

    def _look_aside(self) -> None:
        if not self._lock.acquire(blocking=False):
            return
        self._due = time.monotonic() + self._every
        thread = background.start(self._look_and_release, "rules")
        if thread is None:
            self._lock.release()
        else:
            thread.join(_PATIENCE)

    def _look_and_release(self) -> None:
        try:
            self.look()
        except OSError as exc:
            self._problem = f"the rules cannot be read: {exc.strerror}"
        finally:
            self._lock.release()

    def _told(self, findings: tuple[Finding, ...]) -> str | None:
        if not findings:
            return None
        self._on_failure()
        for finding in findings:
            log_event(_LOG, logging.ERROR, "rule_mistake", finding=str(finding))
        rest = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
        return f"{findings[0]}{rest}"


def _stamp(directories: Iterable[Path]) -> Stamp:
    """Name, time and size of every rule file; it changes when one of them does."""
    files = (file for path in directories for file in find_rule_files(path))
    found = []
    for file in files:
        try:
            status = file.stat()
        except FileNotFoundError:
            continue
        found.append((str(file), status.st_mtime_ns, status.st_size))
    return tuple(sorted(found))
