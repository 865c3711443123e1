"""Examines a callback at an interval, and warns long before the platform does.

The platform's default is 30 failures within 5 minutes (guide P.2); a heartbeat pushes far less than fans do, so a few
failures of its own are the time to warn. WeChat's guide asks developers for such a tool (FAQ2.3).
"""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from triage.message import Request
from triage.platform.limits import ALERT_THRESHOLD, ALERT_WINDOW
from triage.probe.connection import Connection, HttpAnswer
from triage.probe.guard import Guard, Target
from triage.probe.report import Report
from triage.probe.resolver import Resolution, find_address, resolve_system
from triage.wording import Wording, joined

WINDOW = ALERT_WINDOW
WARN_AT = 3
"""Failures within the window, long before the platform's ALERT_THRESHOLD."""
_ROBOTS = ("qyapi.weixin.qq.com",)
_ROBOT_BYTES = 2048
_SHOWN_REASONS = 5


class Turn(StrEnum):
    """Which change a notice tells of."""

    WARNING = "warning"
    RECOVERED = "recovered"


@dataclass(frozen=True, slots=True)
class Notice:
    """What to tell people when a callback begins to fail, or works again."""

    turn: Turn
    url: str
    failures: int
    reasons: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        if self.turn is Turn.RECOVERED:
            return Wording("【已恢复】{url} 最近 5 分钟的体检都通过了", url=self.url)
        reasons = (Wording("- {reason}", reason=reason) for reason in self.reasons[:_SHOWN_REASONS])
        return Wording(
            "【预警】{url} 最近 5 分钟体检失败 {failures} 次，微信累计到 {threshold} 次就会报警\n{reasons}",
            url=self.url,
            failures=self.failures,
            threshold=ALERT_THRESHOLD,
            reasons=joined("{a}\n{b}", reasons),
        )

    def as_json(self, *, robot: bool = False) -> dict[str, Any]:
        """The JSON body for a webhook, with `robot` in the shape of WeCom's group robot."""
        if robot:
            # https://developer.work.weixin.qq.com/document/path/91770
            text = self.text.encode()[:_ROBOT_BYTES].decode("utf-8", "ignore")
            return {"msgtype": "text", "text": {"content": text}}
        return {
            "turn": self.turn,
            "url": self.url,
            "failures": self.failures,
            "window_minutes": int(WINDOW.total_seconds() // 60),
            "reasons": list(self.reasons),
            "text": self.text,
        }


class Watch:
    """Counts failures within the window: one notice at `warn_at` of them, one when the window is empty again."""

    def __init__(self, warn_at: int = WARN_AT) -> None:
        self._warn_at = warn_at
        self._failures: deque[tuple[datetime, int]] = deque()
        self._warned = False

    @property
    def failures(self) -> int:
        return sum(count for _, count in self._failures)

    def note(self, report: Report, now: datetime) -> Notice | None:
        while self._failures and now - self._failures[0][0] >= WINDOW:
            self._failures.popleft()
        failed = max(report.failed, int(report.first is not None))
        if failed:
            self._failures.append((now, failed))
        if not self._warned and self.failures >= self._warn_at:
            self._warned = True
            reasons = dict.fromkeys(
                Wording("{what}：{seen}", what=group.checks[0].layer.words, seen=group.finding.message)
                for group in report.groups
                if group.finding.is_fault
            )
            return Notice(Turn.WARNING, report.url, self.failures, tuple(reasons))
        if self._warned and not self._failures:
            self._warned = False
            return Notice(Turn.RECOVERED, report.url, 0)
        return None


def beat(
    examine: Callable[[], Report],
    watch: Watch,
    *,
    every: float,
    stop: threading.Event,
    clock: Callable[[], datetime],
    on_report: Callable[[Report, int], None],
    on_notice: Callable[[Notice], None],
) -> None:
    """Examine every `every` seconds until `stop` is set; `on_report` gets each report and the failures so far."""
    while not stop.is_set():
        before = time.perf_counter()
        report = examine()
        notice = watch.note(report, clock())
        on_report(report, watch.failures)
        if notice:
            on_notice(notice)
        stop.wait(max(0.0, every - (time.perf_counter() - before)))


def line_of(report: Report, failures: int) -> str:
    """The summary of one run, on one line; `failures` are those within the window."""
    first = next(((check, finding) for check, finding in report.findings if finding.is_fault), None)
    state = Wording("正常")
    if first is not None:
        seen = Wording("{id} {message}", id=first[1].id, message=first[1].message)
        state = Wording("{what}：{seen}", what=first[0].layer.words, seen=seen)
    counts = Wording(
        "{pushes} 推 {failed} 败，5 分钟内 {failures} 败",
        pushes=report.pushes,
        failed=report.failed,
        failures=failures,
    )
    if report.times:
        counts = Wording(
            "{counts}，P99 {milliseconds:.0f} 毫秒", counts=counts, milliseconds=report.times.p99 * 1000
        )
    return Wording(
        "{at:%Y-%m-%dT%H:%M:%SZ} {state}（{counts}）", at=report.started, state=state, counts=counts
    )


def post(
    notice: Notice, webhook: Target, guard: Guard, resolve: Callable[[str], Resolution] = resolve_system
) -> HttpAnswer:
    """Send a notice. Raises ForbiddenError, UnreachableError."""
    body = json.dumps(notice.as_json(robot=webhook.host in _ROBOTS), ensure_ascii=False).encode()
    with Connection(
        webhook, find_address(webhook, guard, resolve), guard, content_type="application/json; charset=utf-8"
    ) as connection:
        return connection.exchange(Request("POST", {}, body))


class HeartbeatMetrics:
    """The Prometheus metrics of a heartbeat."""

    def __init__(self) -> None:
        from prometheus_client import CollectorRegistry, Counter, Gauge

        self.registry = registry = CollectorRegistry()
        self._up = Gauge("triage_probe_up", "1 if no layer failed in the last run.", registry=registry)
        self._runs = Counter("triage_probe_runs", "Runs.", registry=registry)
        self._pushes = Counter("triage_probe_pushes", "Pushes sent.", registry=registry)
        self._failed = Counter("triage_probe_failures", "Pushes that failed.", registry=registry)
        self._recent = Gauge("triage_probe_recent_failures", "Failures within 5 minutes.", registry=registry)
        self._last = Gauge("triage_probe_last_run_seconds", "When the last run began.", registry=registry)
        self._findings = Gauge(
            "triage_probe_findings", "Findings of the last run.", ["severity"], registry=registry
        )
        self._answer = Gauge(
            "triage_probe_answer_seconds", "HttpAnswer time of the last run.", ["quantile"], registry=registry
        )

    def note(self, report: Report, failures: int) -> None:
        self._up.set(report.first is None)
        self._runs.inc()
        self._pushes.inc(report.pushes)
        self._failed.inc(report.failed)
        self._recent.set(failures)
        self._last.set(report.started.timestamp())
        self._findings.clear()
        for _, finding in report.findings:
            self._findings.labels(finding.severity.value).inc()
        self._answer.clear()
        if times := report.times:
            for quantile, value in (("0.5", times.p50), ("0.95", times.p95), ("0.99", times.p99)):
                self._answer.labels(quantile).set(value)

    def serve(self, port: int, address: str = "127.0.0.1") -> Callable[[], None]:
        """Serve the metrics at `/metrics`; returns the function that stops it. Raises OSError for a port in use."""
        from prometheus_client import start_http_server

        server, thread = start_http_server(port, address, self.registry)

        def close() -> None:
            server.shutdown()
            server.server_close()
            thread.join()

        return close
