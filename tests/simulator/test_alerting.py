"""The platform counts failures in windows, and stops pushing after too many."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from triage.alerts.parser import BEIJING
from triage.alerts.sample import Sample
from triage.simulator.alerting import AlertingRules, DueAlert, FailedTry, Ledger, close, count

START = datetime(2026, 4, 21, 18, 30, 7, tzinfo=BEIJING)
SECOND = timedelta(seconds=1)


def _failures(number: int, kind: str = "bad_response", every: timedelta = SECOND) -> Iterator[FailedTry]:
    return (FailedTry(kind, START + every * index, Sample(ip=str(index))) for index in range(number))


def _count(
    failures: Iterator[FailedTry], rules: AlertingRules, ledger: Ledger | None = None
) -> tuple[Ledger, list[DueAlert]]:
    ledger = ledger or Ledger()
    raised: list[DueAlert] = []
    for failure in failures:
        ledger, due = count(ledger, failure, rules)
        raised += due
    return ledger, raised


def _closed(failures: Iterator[FailedTry], rules: AlertingRules) -> list[DueAlert]:
    ledger, raised = _count(failures, rules)
    return raised + list(close(ledger, START + timedelta(days=1), rules)[1])


CALM = AlertingRules(mark_fail=10**9)


def test_29_failures_are_nothing() -> None:
    assert not _closed(_failures(29), CALM)


def test_30_failures_are_one_alert_of_the_first_with_the_count_of_the_window() -> None:
    (raised,) = _closed(_failures(30), CALM)
    assert (raised.count, raised.first.at, raised.first.sample.ip) == (30, START, "0")
    assert raised.at == START + timedelta(minutes=5)
    (raised,) = _closed(_failures(300), CALM)
    assert raised.count == 300


def test_the_threshold_can_be_set() -> None:
    (raised,) = _closed(_failures(2), replace(CALM, threshold=2))
    assert raised.count == 2


def test_30_failures_over_two_windows_are_nothing() -> None:
    assert not _closed(_failures(58, every=timedelta(seconds=300 / 29)), CALM)


def test_there_is_one_alert_for_each_window_and_kind() -> None:
    both = (
        failure
        for pair in zip(_failures(700), _failures(700, "request_timeout"), strict=True)
        for failure in pair
    )
    raised = _closed(both, CALM)
    assert sorted(item.kind for item in raised) == ["bad_response"] * 3 + ["request_timeout"] * 3
    own = [item for item in raised if item.kind == "bad_response"]
    assert [item.count for item in own] == [300, 300, 100]
    assert [item.first.at - START for item in own] == [timedelta(minutes=5) * index for index in range(3)]


def test_a_ticket_has_its_own_window_and_threshold() -> None:
    tickets = _failures(9, "ticket_failure", timedelta(minutes=3))
    (raised,) = _closed(tickets, CALM)
    assert (raised.count, raised.window) == (9, timedelta(minutes=30))
    assert not _closed(_failures(8, "ticket_failure", timedelta(minutes=3)), CALM)


def test_many_failures_in_a_minute_stop_all_pushes_for_a_minute() -> None:
    rules = AlertingRules(mark_fail=50)
    ledger, (raised,) = _count(_failures(50), rules)
    at = START + timedelta(seconds=49)
    assert (raised.kind, raised.at, raised.first.at, raised.count) == ("mark_fail", at, at, 50)
    assert ledger.is_blocked(at)
    assert ledger.is_blocked(at + timedelta(seconds=59))
    assert not ledger.is_blocked(at + timedelta(seconds=60))


def test_failures_spread_over_minutes_stop_nothing() -> None:
    ledger, _ = _count(_failures(200, every=timedelta(seconds=2)), AlertingRules(mark_fail=50))
    assert ledger.blocked_until is None


def test_a_second_block_in_the_same_window_is_not_told_again() -> None:
    rules = AlertingRules(mark_fail=50)
    ledger, raised = _count(_failures(200), rules)
    assert [item.kind for item in raised] == ["mark_fail"]
    assert ledger.blocked_until == START + timedelta(seconds=49 + 60 + 49 + 60)


def test_tickets_and_payments_stop_nothing() -> None:
    for kind in ("ticket_failure", "payment_timeout", "component_message_failure"):
        assert not [
            item
            for item in _closed(_failures(90, kind), AlertingRules(mark_fail=50))
            if item.kind == "mark_fail"
        ]


def test_a_window_that_was_told_is_over() -> None:
    ledger, _ = _count(_failures(40), CALM)
    ledger, raised = close(ledger, START + timedelta(minutes=5), CALM)
    assert len(raised) == 1
    assert close(ledger, START + timedelta(days=1), CALM) == (ledger, ())
