"""What the service counts, for Prometheus."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from triage.errors import RefusalReason
from triage.masking import mask
from triage.message import MessageKind
from triage.rules.matching import UNKNOWN
from triage.store import OutgoingKind, OutgoingState
from triage.web.logs import log_event

_LOG = logging.getLogger(__name__)
_WITH_VALUES = frozenset({"IntegrityError", "DataError"})
_LONGEST_CAUSE = 200
_NOT_OUT = frozenset({OutgoingState.DUE.value, OutgoingState.FAILED.value, OutgoingState.EXPIRED.value})
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)

BadReason = Literal["too_large", "incomplete", "unreadable", "stranger"]
"""Why a request is no message: `unreadable` bore a good signature, `stranger` none."""
StoreUse = Literal[
    "open",
    "schema",
    "file",
    "message",
    "catch_up",
    "late_answers",
    "shifts",
    "api",
    "purge",
    "sending",
    "pictures",
    "audit",
]
"""What the store failed at."""


@dataclass(frozen=True, slots=True)
class RulesState:
    """The rules in use; `problem` says why newer ones were not taken."""

    version: str
    count: int
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is due to go out and has not; `oldest_seconds` for how long the oldest has been due, 0 where none is."""

    due: int
    oldest_seconds: float


class Metrics:
    """The counters of one application."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()

        def counter(name: str, help_: str, *labels: str) -> Counter:
            return Counter(f"triage_{name}", help_, labels, registry=self._registry)

        self.requests = counter("requests", "Requests, by endpoint and status.", "endpoint", "status")
        self.seconds = Histogram(
            "triage_request_seconds",
            "Seconds from request to response.",
            ("endpoint",),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self.refused = counter("refused", "Requests refused with 403, by reason.", "reason")
        self.bad_messages = counter("bad_messages", "Requests that are no message, by reason.", "reason")
        self.alerts = counter("alerts", "Alerts read, by kind.", "kind")
        self.queries = counter("queries", "Typed words, by the topic they asked for.", "topic")
        self.gaps = counter("gaps", "Alerts that no rule names.")
        self.deduped = counter("deduped", "Messages answered with the reply recorded before.", "kind")
        self.store_errors = counter("store_errors", "Failed calls of the store.", "where")
        self.unrecorded = counter("unrecorded", "Messages answered but not recorded.", "kind")
        self.callback_errors = counter("callback_errors", "Callbacks that only the last guard answered.")
        self.outgoing = counter(
            "outgoing", "What was to go out, by kind and what became of it.", "kind", "state"
        )
        self.reload_failures = counter("rule_reload_failures", "Changed rules that could not be used.")
        self.broken_templates = counter("broken_templates", "Replies whose template is broken.")
        self._count_from_zero()
        # For each look at a child prometheus_client takes a lock and writes out the labels.
        self._requests_of = lru_cache(self.requests.labels)
        self._seconds_of = lru_cache(self.seconds.labels)
        self._alerts_of = lru_cache(self.alerts.labels)

    def _count_from_zero(self) -> None:
        """Show what has not happened yet: Prometheus sees no increase in a count that begins with its first event.

        https://prometheus.io/docs/practices/instrumentation/#avoid-missing-metrics
        """
        for refused in get_args(RefusalReason):
            self.refused.labels(refused)
        for bad in get_args(BadReason):
            self.bad_messages.labels(bad)
        for use in get_args(StoreUse):
            self.store_errors.labels(use)
        for outgoing in OutgoingKind:
            for state in OutgoingState:
                self.outgoing.labels(outgoing.value, state.value)
        for kind in MessageKind:
            self.unrecorded.labels(kind)
            self.deduped.labels(kind)

    def answered(self, endpoint: str, status: int, seconds: float) -> None:
        """A request was answered."""
        self._requests_of(endpoint, status).inc()
        self._seconds_of(endpoint).observe(seconds)

    def alert_read(self, kind: str) -> None:
        """Count an alert; one that no rule names is a gap."""
        self._alerts_of(kind).inc()
        if kind == UNKNOWN:
            self.gaps.inc()

    def topic_asked(self, topic: str | None) -> None:
        """Count a question."""
        self.queries.labels(topic or "none").inc()

    def retry_answered(self, kind: MessageKind) -> None:
        """Count a message that was answered with the reply recorded before."""
        self.deduped.labels(kind).inc()

    def not_recorded(self, kind: MessageKind) -> None:
        """Count a message that was answered without the store."""
        self.unrecorded.labels(kind).inc()

    def bad_message(self, reason: BadReason) -> None:
        """Count a request that is no message."""
        self.bad_messages.labels(reason).inc()

    def template_broke(self, name: str, error: Exception) -> None:
        """Count a reply that went out as a plain text, and log the mistake of its template."""
        self.broken_templates.inc()
        log_event(_LOG, logging.ERROR, "template_broken", template=f"{name}.txt", problem=str(error))

    def settled(self, kind: str, state: str, reason: str | None) -> None:
        """Count what became of something that was to go out; say why where it does not."""
        self.outgoing.labels(kind, state).inc()
        if state in _NOT_OUT:
            level = logging.INFO if state == OutgoingState.DUE else logging.WARNING
            log_event(_LOG, level, "not_sent", kind=kind, state=state, reason=mask(reason or ""))

    def store_failed(self, where: StoreUse, error: Exception) -> None:
        """Count a failure of the store, and log what caused it: the store's exceptions hold no values."""
        self.store_errors.labels(where).inc()
        log_event(_LOG, logging.ERROR, "store_error", where=where, problem=" < ".join(_causes(error)))

    def total(self, counter: Counter) -> int:
        """How much was counted since the start, over all labels."""
        samples = (sample for metric in counter.collect() for sample in metric.samples)
        return int(sum(sample.value for sample in samples if sample.name.endswith("_total")))

    def exposition(self, rules: RulesState, waiting: Waiting | None = None) -> bytes:
        """All counts in Prometheus' text format; without what waits where the database cannot say."""
        own = CollectorRegistry()
        own.register(_Rules(rules))
        if waiting is not None:
            own.register(_Waiting(waiting))
        return generate_latest(self._registry) + generate_latest(own)


def _causes(error: BaseException | None) -> Iterator[str]:
    """The exception and those it came from: type and first line, but for the two whose message repeats a value."""
    while error is not None:
        name, message = type(error).__name__, mask(str(error).strip().partition("\n")[0])[:_LONGEST_CAUSE]
        yield name if name in _WITH_VALUES or not message else f"{name}: {message}"
        error = error.__cause__ or error.__context__


class _Rules(Collector):
    """The rules in use, told when the counts are asked for."""

    def __init__(self, state: RulesState) -> None:
        self._state = state

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Version, number, and whether a change waits for its mistakes to be mended."""
        info = GaugeMetricFamily("triage_rules_info", "The rule set in use, by version.", labels=["version"])
        info.add_metric([self._state.version], 1)
        yield info
        yield GaugeMetricFamily("triage_rules", "Rules in use.", self._state.count)
        stale = float(self._state.problem is not None)
        yield GaugeMetricFamily("triage_rules_stale", "1 while changed rules cannot be used.", stale)


class _Waiting(Collector):
    """The gauges of the outbox: what is due and for how long, the same from every node of one database."""

    def __init__(self, waiting: Waiting) -> None:
        self._waiting = waiting

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """How much, and for how long."""
        yield GaugeMetricFamily(
            "triage_outgoing_due", "What is due to go out and has not.", self._waiting.due
        )
        yield GaugeMetricFamily(
            "triage_outgoing_oldest_due_seconds",
            "For how long the oldest of it has been due.",
            self._waiting.oldest_seconds,
        )
