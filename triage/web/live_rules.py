"""The rules in use: read at start, read again when a file changes, the last good set kept.

No request waits for a look at the files: the application looks every few seconds, on a thread of its own.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

from triage.advice.adviser import Adviser
from triage.advice.rendering import Renderer
from triage.advice.sources import Sources
from triage.findings import Finding
from triage.rules.loader import load_valid_rules, stamp_rules
from triage.web.logs import log_event
from triage.web.metrics import RulesState

_LOG = logging.getLogger(__name__)
_EVERY_SECONDS = 2.0
_REST_FACTOR = 50
"""After a look that took long it rests so many times as long, so that looking takes 2 % of the time at most."""
_LOGGED_MISTAKES = 20
"""Of one change; `triage rules check` lists more."""


class LiveRules:
    """The `adviser` over the rules of some directories, renewed on change.

    `on_failure` is called for each change that could not be used.
    """

    def __init__(
        self,
        directories: Iterable[Path],
        renderer: Renderer,
        on_failure: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._directories = tuple(directories)
        self._renderer = renderer
        self._on_failure = on_failure
        self._clock = clock
        self._stamp = stamp_rules(self._directories)
        rules, findings = load_valid_rules(self._directories, self._renderer.sources.ids)
        self.adviser = Adviser(rules, renderer)
        self.since: datetime = datetime.now(UTC)
        """Since when the rules in use are in use."""
        self.findings = findings
        """What is wrong with the files as they are now."""
        self.pending: Adviser | None = None
        """By the changed files but for their mistakes, which keep them from being used; None where none waits."""
        self._problem = self._told(findings)

    @property
    def state(self) -> RulesState:
        """What is in use, and what is wrong with what is not."""
        rules = self.adviser.rules
        return RulesState(rules.version, len(rules.rules), self._problem)

    @property
    def sources(self) -> Sources:
        """What the ids that rules cite stand for."""
        return self._renderer.sources

    def look(self) -> float:
        """Read the rules again if a file has changed; mistakes leave the last good set in use.

        After how many seconds to look again.
        """
        started = self._clock()
        try:
            self._read_changes()
        except OSError as exc:
            self._problem = f"the rules cannot be read: {exc.strerror}"
        return max(_EVERY_SECONDS, _REST_FACTOR * (self._clock() - started))

    def _read_changes(self) -> None:
        stamp = stamp_rules(self._directories)
        if stamp == self._stamp:
            return
        rules, findings = load_valid_rules(self._directories, self._renderer.sources.ids)
        self._stamp = stamp
        self.findings = findings
        self._problem = self._told(findings)
        self.pending = Adviser(rules, self._renderer) if findings else None
        if not findings:
            self.adviser, self.since = Adviser(rules, self._renderer), datetime.now(UTC)
            log_event(_LOG, logging.INFO, "rules_reloaded", version=rules.version, rules=len(rules.rules))

    def _told(self, findings: tuple[Finding, ...]) -> str | None:
        if not findings:
            return None
        self._on_failure()
        for finding in findings[:_LOGGED_MISTAKES]:
            log_event(_LOG, logging.ERROR, "rule_mistake", finding=str(finding))
        if more := len(findings[_LOGGED_MISTAKES:]):
            log_event(_LOG, logging.ERROR, "rule_mistakes_not_logged", count=more, see="triage rules check")
        rest = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
        return f"{findings[0]}{rest}"
