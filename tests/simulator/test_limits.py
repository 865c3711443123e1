"""The numbers of the simulated platform that it does not publish, and those of a sick callback."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from triage.alerts.parser import BEIJING
from triage.alerts.sample import Sample
from triage.simulator.alert import shown
from triage.simulator.alerting import AlertingRules, FailedTry, Ledger, close, count

START = datetime(2026, 4, 21, 18, 30, tzinfo=BEIJING)
RULES = AlertingRules()


def _failures(number: int, every: timedelta, kind: str = "bad_response") -> Iterator[FailedTry]:
    return (FailedTry(kind, START + every * index, Sample()) for index in range(number))


@pytest.mark.parametrize(("size", "quoted"), [(750, "x" * 750), (751, "x" * 750 + "...")])
def test_an_alert_quotes_750_bytes_of_a_reply(size: int, quoted: str) -> None:
    assert shown(b"x" * size) == quoted


@pytest.mark.parametrize(
    ("number", "seconds", "is_blocked"),
    [
        pytest.param(299, 59, False, id="299 within a minute"),
        pytest.param(300, 59, True, id="300 within a minute"),
        pytest.param(300, 62, False, id="300, the first of them longer ago"),
    ],
)
def test_300_failures_within_a_minute_stop_the_pushes(number: int, seconds: int, is_blocked: bool) -> None:
    ledger = Ledger()
    for failure in _failures(number, timedelta(seconds=seconds) / (number - 1)):
        ledger, _ = count(ledger, failure, RULES)
    assert (ledger.blocked_until is not None) == is_blocked


@pytest.mark.parametrize(("number", "alerts"), [(8, 0), (9, 1)])
def test_nine_failed_tickets_within_30_minutes_are_an_alert(number: int, alerts: int) -> None:
    ledger = Ledger()
    for failure in _failures(number, timedelta(minutes=3), "ticket_failure"):
        ledger, _ = count(ledger, failure, RULES)
    _, raised = close(ledger, START + timedelta(minutes=30), RULES)
    assert len(raised) == alerts


@pytest.mark.parametrize(("seconds", "alerts"), [(299, 0), (300, 1)])
def test_a_mark_fail_is_told_again_after_five_minutes(seconds: int, alerts: int) -> None:
    ledger = Ledger(marked_at=START - timedelta(seconds=seconds))
    (failure,) = _failures(1, timedelta())
    _, raised = count(ledger, failure, AlertingRules(mark_fail=1))
    assert len(raised) == alerts
