"""`triage probe`: the whole examination of a callback, once or as a heartbeat."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from triage.cli._input import dump
from triage.cli.push import account_options, make_account, make_guard
from triage.errors import InputError, TriageError
from triage.settings.directories import data_directory

if TYPE_CHECKING:
    from triage.probe import Guard, ProbePlan, Report, World
    from triage.probe.guard import Target
    from triage.probe.heartbeat import Notice

_MAX_PUSHES = 10_000
_HEARTBEAT_PUSHES = 5
"""Pushes in a row of one run of a heartbeat."""


@click.command("probe")
@click.argument("url")
@account_options
@click.option("--kinds", help="Pushes to try, separated by commas. Default: text, subscribe … unknown_event.")
@click.option("--component", is_flag=True, help="Push a component_verify_ticket too.")
@click.option("--count", type=click.IntRange(0, _MAX_PUSHES), help="Pushes to time in a row. Default: 20.")
@click.option(
    "--rate", type=click.FloatRange(0.1, 5_000), default=10.0, show_default=True, help="Per second."
)
@click.option("--nameserver", metavar="IP[:PORT]", help="The DNS server to compare with, or 'none'.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.option("--junit", metavar="FILE", help="Write the report as JUnit's XML.")
@click.option("--html", metavar="FILE", help="Write the report as a page.")
@click.option("--every", type=click.FloatRange(0.05, 86_400), metavar="SECONDS", help="Go on as a heartbeat.")
@click.option("--webhook", metavar="URL", help="Where a heartbeat warns, as JSON; WeCom's robot is known.")
@click.option(
    "--warn-at", type=click.IntRange(1, 30), default=3, show_default=True, help="Failures in 5 minutes."
)
@click.option(
    "--metrics-port", type=click.IntRange(1, 65_535), help="Serve a heartbeat's metrics on loopback."
)
def command(
    url: str,
    mode: str | None,
    token: str | None,
    aes_key: str | None,
    appid: str | None,
    account_id: str | None,
    allow: tuple[str, ...],
    allow_private: bool,
    kinds: str | None,
    component: bool,
    count: int | None,
    rate: float,
    nameserver: str | None,
    as_json: bool,
    junit: str | None,
    html: str | None,
    every: float | None,
    webhook: str | None,
    warn_at: int,
    metrics_port: int | None,
) -> int:
    """Examine the callback at URL as WeChat would use it; exit 1 if anything is wrong.

    DNS, TCP, TLS, verification, forged requests, pushes, answer times, retries. It calls URL's host and no other,
    public addresses only, and follows no redirect.
    """
    from triage.probe import DEFAULT_PUSHES, ProbePlan, World, parse_target
    from triage.probe.reach import WECHAT_DNS

    if every is None and (webhook or metrics_port):
        raise click.UsageError("--webhook and --metrics-port belong to a heartbeat; add --every SECONDS")
    target = parse_target(url)
    guard = make_guard(target, allow, allow_private=allow_private)
    account, mode = make_account(token, aes_key, appid, mode)
    names = tuple(name.strip() for name in kinds.split(",") if name.strip()) if kinds else DEFAULT_PUSHES
    plan = ProbePlan(account, mode, names, 20 if count is None else count, rate, component, gh=account_id)
    world = World(nameserver=_read_nameserver(nameserver) if nameserver else WECHAT_DNS)
    if every is not None:
        plan = replace(plan, quick=True, count=_HEARTBEAT_PUSHES if count is None else count)
        return _beat(url, plan, guard, world, every, webhook, warn_at, metrics_port, as_json=as_json)
    report = _examine(url, plan, guard, world)
    if junit:
        _write(junit, _junit(report))
    if html:
        _write(html, _html(report))
    _print(report, as_json=as_json)
    return 0 if report.is_clean else 1


def _read_nameserver(text: str) -> tuple[str, int] | None:
    """`none`, an address, or an address with a port. Raises UsageError."""
    from ipaddress import ip_address

    if text == "none":
        return None
    one = text.rpartition(":") if text.count(":") == 1 or "]:" in text else (text, "", "53")
    address, port = one[0], one[2]
    try:
        if not 1 <= int(port) <= 65_535:
            raise ValueError
        return str(ip_address(address.strip("[]"))), int(port)
    except ValueError as exc:
        raise click.UsageError("--nameserver wants an address like 182.254.116.116 or 10.0.0.2:5353") from exc


def _examine(url: str, plan: ProbePlan, guard: Guard, world: World) -> Report:
    """With a progress bar where somebody watches."""
    from triage.probe import examine

    if not sys.stderr.isatty():
        return examine(url, plan, guard, world=world)
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)

        def advance(title: str, done: int, total: int) -> None:
            bar.update(task, description=title, completed=done, total=total)

        return examine(url, plan, guard, world=world, progress=advance)


def _print(report: Report, *, as_json: bool) -> None:
    from triage.probe.formats import rows_of

    if as_json:
        click.echo(dump(report.as_json()))
    elif not sys.stdout.isatty():
        click.echo("\n".join(row.text for row in rows_of(report)))
    else:
        from rich.console import Console
        from rich.text import Text

        console = Console(highlight=False)
        for row in rows_of(report):
            console.print(Text(row.text, style=row.style))


def _junit(report: Report) -> str:
    from triage.probe.formats import render_junit

    return render_junit([report])


def _html(report: Report) -> str:
    from triage.probe.formats import render_html

    template = data_directory("templates") / "report" / "probe.html"
    return render_html(report, template.read_text(encoding="utf-8"))


def _write(file: str, text: str) -> None:
    try:
        Path(file).write_text(text, encoding="utf-8")
    except OSError as exc:
        raise InputError(f"cannot write {file}: {exc.strerror}") from exc


# -- the heartbeat


def _beat(
    url: str,
    plan: ProbePlan,
    guard: Guard,
    world: World,
    every: float,
    webhook: str | None,
    warn_at: int,
    metrics_port: int | None,
    *,
    as_json: bool,
) -> int:
    from triage.probe import examine, parse_target
    from triage.probe.heartbeat import HeartbeatMetrics, Watch, beat, line_of

    robot = parse_target(webhook) if webhook else None
    metrics = HeartbeatMetrics() if metrics_port else None

    def tell(report: Report, failures: int) -> None:
        click.echo(_json_line(report, failures) if as_json else line_of(report, failures))
        sys.stdout.flush()
        if metrics:
            metrics.note(report, failures)

    with contextlib.ExitStack() as stack:
        stop = stack.enter_context(_stopped_by_signals())
        if metrics and metrics_port:
            stack.callback(_serve(metrics.serve, metrics_port))
        beat(
            lambda: examine(url, plan, guard, world=world),
            Watch(warn_at),
            every=every,
            stop=stop,
            clock=lambda: datetime.now(UTC),
            tell=tell,
            warn=lambda notice: _warn(notice, robot, guard),
        )
    return 0


def _json_line(report: Report, failures: int) -> str:
    import json

    return json.dumps({**report.as_json(), "recent_failures": failures}, ensure_ascii=False)


def _serve(serve: Callable[[int], Callable[[], None]], port: int) -> Callable[[], None]:
    try:
        return serve(port)
    except OSError as exc:
        raise InputError(f"cannot serve metrics on port {port}: {exc.strerror}") from exc


def _warn(notice: Notice, webhook: Target | None, guard: Guard) -> None:
    """Tell the webhook. It may be of no avail, and the heartbeat goes on."""
    from triage.probe.heartbeat import post

    click.echo(notice.text, err=True)
    if webhook is None:
        return
    try:
        answer = post(notice, webhook, replace(guard, hosts=frozenset({webhook.host})))
        if answer.response.status != 200:
            click.echo(f"the webhook answered {answer.response.status}", err=True)
    except TriageError as exc:
        click.echo(f"the webhook cannot be reached: {exc}", err=True)


@contextlib.contextmanager
def _stopped_by_signals() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set; a second signal does what it always did."""
    stop = threading.Event()
    before: dict[int, Any] = {}

    def handle(number: int, _frame: object) -> None:
        stop.set()
        signal.signal(number, before[number])

    for stopping in (signal.SIGINT, signal.SIGTERM):
        before[stopping] = signal.signal(stopping, handle)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
