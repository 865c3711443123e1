"""How the platform counts failures: windows, thresholds, one alert for each window and kind, and MarkFail.

Values in, values out; the time is an argument. A number that the platform does not publish is marked as invented.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from triage.alerts.parser import Alert
from triage.alerts.sample import Sample
from triage.platform import limits
from triage.rules.model import MARK_FAIL
from triage.simulator.alert import GUIDE_URL, SENTENCES, AlertSubject

_TICKET = frozenset({"ticket_timeout", "ticket_failure"})
_BLOCKABLE = frozenset(
    {"dns_failure", "dns_timeout", "dns_invalid_domain", "connect_timeout", "request_timeout", "bad_response"}
)
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class AlertingRules:
    """The platform's numbers.

    The known ones are those of triage.platform.limits. `ticket_threshold` is the count of the real ticket alerts
    (three tickets, three tries each); `mark_fail`, the failures within a minute that stop the pushing, is published
    nowhere.
    """

    limit: timedelta = limits.ANSWER_DEADLINE
    tries: int = limits.DELIVERY_TRIES
    threshold: int = limits.ALERT_THRESHOLD
    window: timedelta = limits.ALERT_WINDOW
    ticket_every: timedelta = limits.TICKET_INTERVAL
    ticket_threshold: int = 9
    ticket_window: timedelta = limits.TICKET_ALERT_WINDOW
    mark_fail: int = 300
    silence: timedelta = limits.MARK_FAIL_SILENCE

    def window_of(self, kind: str) -> timedelta:
        return self.ticket_window if kind in _TICKET else self.window

    def threshold_of(self, kind: str) -> int:
        return self.ticket_threshold if kind in _TICKET else self.threshold


@dataclass(frozen=True, slots=True)
class FailedTry:
    """One try that failed."""

    kind: str
    at: datetime
    sample: Sample


@dataclass(frozen=True, slots=True)
class DueAlert:
    """An alert that is due at `at`, with the first failure and their count in the window."""

    kind: str
    at: datetime
    first: FailedTry
    count: int
    window: timedelta


_BySecond = tuple[tuple[datetime, int], ...]
"""The number of failures in each second, oldest first."""


@dataclass(frozen=True, slots=True)
class _Window:
    first: FailedTry
    count: int


@dataclass(frozen=True, slots=True)
class Ledger:
    """The failures counted so far; begin with `Ledger()`."""

    windows: Mapping[str, _Window] = field(default_factory=lambda: MappingProxyType({}))
    """The open window of each kind of alert."""
    recent: _BySecond = ()
    """What MarkFail counts."""
    blocked_until: datetime | None = None
    marked_at: datetime | None = None
    """When MarkFail last raised an alert."""

    def is_blocked(self, at: datetime) -> bool:
        """Whether MarkFail withholds pushes at this time."""
        return self.blocked_until is not None and at < self.blocked_until


def count(ledger: Ledger, failure: FailedTry, rules: AlertingRules) -> tuple[Ledger, tuple[DueAlert, ...]]:
    """Count one more failure, in order of time; returns the alerts due until then."""
    ledger, due = close(ledger, failure.at, rules)
    window = ledger.windows.get(failure.kind, _Window(failure, 0))
    windows = {**ledger.windows, failure.kind: replace(window, count=window.count + 1)}
    ledger = replace(ledger, windows=windows)
    if failure.kind not in _BLOCKABLE:
        return ledger, due
    ledger, marked = _mark(ledger, failure, rules)
    return ledger, (*due, *marked)


def close(ledger: Ledger, now: datetime, rules: AlertingRules) -> tuple[Ledger, tuple[DueAlert, ...]]:
    """Close the windows that have ended; each gives an alert if its threshold was reached."""
    over = {
        kind: window
        for kind, window in ledger.windows.items()
        if window.first.at + rules.window_of(kind) <= now
    }
    if not over:
        return ledger, ()
    rest = {kind: window for kind, window in ledger.windows.items() if kind not in over}
    raised = (
        DueAlert(
            kind, window.first.at + rules.window_of(kind), window.first, window.count, rules.window_of(kind)
        )
        for kind, window in over.items()
        if window.count >= rules.threshold_of(kind)
    )
    return replace(ledger, windows=rest), tuple(sorted(raised, key=lambda alert: alert.at))


def _mark(ledger: Ledger, failure: FailedTry, rules: AlertingRules) -> tuple[Ledger, tuple[DueAlert, ...]]:
    """Count for MarkFail, whose alert is due at once and at most once in a window."""
    at = failure.at
    recent = _with(ledger.recent, at, rules.window)
    ledger = replace(ledger, recent=recent)
    since = max(at - _MINUTE, ledger.blocked_until or at - _MINUTE)
    if ledger.is_blocked(at) or _failures(recent, since) < rules.mark_fail:
        return ledger, ()
    is_repeated = ledger.marked_at is not None and at < ledger.marked_at + rules.window
    alert = DueAlert(MARK_FAIL, at, failure, _failures(recent, at - rules.window), rules.window)
    alerted_at = ledger.marked_at if is_repeated else at
    ledger = replace(ledger, blocked_until=at + rules.silence, marked_at=alerted_at)
    return ledger, () if is_repeated else (alert,)


def _with(recent: _BySecond, at: datetime, window: timedelta) -> _BySecond:
    """The failures of a window and one more, at `at`."""
    second = at.replace(microsecond=0)
    if recent and recent[-1][0] == second:
        return (*recent[:-1], (second, recent[-1][1] + 1))
    return (*(item for item in recent if item[0] >= second - window), (second, 1))


def _failures(recent: _BySecond, since: datetime) -> int:
    return sum(number for second, number in recent if second >= since.replace(microsecond=0))


def alert_of(raised: DueAlert, subject: AlertSubject) -> Alert:
    """The alert as its values; triage.simulator.alert.write_alert makes the text."""
    return Alert(
        appid=subject.appid,
        nickname=subject.nickname,
        first_seen=raised.first.at.replace(microsecond=0),
        description=SENTENCES[raised.kind],
        window_minutes=int(raised.window.total_seconds()) // 60,
        count=raised.count,
        sample=raised.first.sample,
        guide_url=GUIDE_URL,
    )
