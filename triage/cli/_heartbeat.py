"""The heartbeat of `triage probe`: its options, and the examination again and again until a signal comes."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import FrameType
from typing import TYPE_CHECKING

import click

from triage.cli._language import gettext
from triage.cli._options import grouped
from triage.cli._output import write
from triage.errors import InputError, TriageError, reason_of
from triage.printing import dump_json

if TYPE_CHECKING:
    from triage.probe import Guard, Report
    from triage.probe.guard import Target
    from triage.probe.heartbeat import Notice


_Handler = Callable[[int, FrameType | None], object] | int | signal.Handlers | None


@dataclass(frozen=True, slots=True)
class HeartbeatOptions:
    """How often to examine, when to warn, and where; `every` is None for a single examination."""

    every: float | None
    webhook: str | None
    warn_at: int
    metrics_port: int | None


heartbeat_options = grouped(
    HeartbeatOptions,
    "heartbeat",
    click.option(
        "--every", type=click.FloatRange(0.05, 86_400), metavar="SECONDS", help="Go on as a heartbeat."
    ),
    click.option(
        "--webhook", metavar="URL", help="Where a heartbeat warns, as JSON; WeCom's robot is known."
    ),
    click.option(
        "--warn-at",
        type=click.IntRange(1, 30),
        metavar="N",
        default=3,
        show_default=True,
        help="Failures in 5 minutes.",
    ),
    click.option(
        "--metrics-port",
        type=click.IntRange(1, 65_535),
        metavar="PORT",
        help="Serve a heartbeat's metrics on loopback.",
    ),
)


def run_heartbeat(
    examine: Callable[[], Report],
    options: HeartbeatOptions,
    every: float,
    guard: Guard,
    *,
    as_json: bool,
) -> int:
    """Examine every `every` seconds until SIGINT or SIGTERM; print each run, warn on standard error and by webhook."""
    from triage.probe import parse_target
    from triage.probe.heartbeat import HeartbeatMetrics, Watch, beat, line_of

    robot = parse_target(options.webhook) if options.webhook else None
    metrics = HeartbeatMetrics() if options.metrics_port else None

    def show(report: Report, failures: int) -> None:
        write(_json_line(report, failures) if as_json else line_of(report, failures))
        sys.stdout.flush()
        if metrics:
            metrics.note(report, failures)

    with contextlib.ExitStack() as stack:
        stop = stack.enter_context(_stopped_by_signals())
        if metrics and options.metrics_port:
            stack.callback(_serve(metrics.serve, options.metrics_port))
        beat(
            examine,
            Watch(options.warn_at),
            every=every,
            stop=stop,
            clock=lambda: datetime.now(UTC),
            on_report=show,
            on_notice=lambda notice: _warn(notice, robot, guard),
        )
    return 0


def _json_line(report: Report, failures: int) -> str:
    return dump_json({**report.as_json(), "recent_failures": failures})


def _serve(serve: Callable[[int], Callable[[], None]], port: int) -> Callable[[], None]:
    try:
        return serve(port)
    except OSError as exc:
        raise InputError(
            gettext("cannot serve metrics on port {port}: {why}", port=port, why=reason_of(exc))
        ) from exc


def _warn(notice: Notice, webhook: Target | None, guard: Guard) -> None:
    """Print a notice and post it to the webhook; where that fails, the heartbeat goes on."""
    from triage.probe.heartbeat import post

    write(notice.text, err=True)
    if webhook is None:
        return
    try:
        answer = post(notice, webhook, replace(guard, hosts=frozenset({webhook.host})))
        if answer.response.status != 200:
            write(gettext("the webhook answered {status}", status=answer.response.status), err=True)
    except TriageError as exc:
        write(gettext("the webhook cannot be reached: {why}", why=exc), err=True)


@contextlib.contextmanager
def _stopped_by_signals() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set; a second signal meets the handler from before."""
    stop = threading.Event()
    before: dict[signal.Signals, _Handler] = {}

    def handle(number: int, _frame: FrameType | None) -> None:
        stop.set()
        signal.signal(number, before[signal.Signals(number)])

    for stopping in (signal.SIGINT, signal.SIGTERM):
        before[stopping] = signal.signal(stopping, handle)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
