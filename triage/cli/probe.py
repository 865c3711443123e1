"""`triage probe`: the whole examination of a callback, once or as a heartbeat."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from triage.cli._commands import Command
from triage.cli._heartbeat import HeartbeatOptions, heartbeat_options, run_heartbeat
from triage.cli._language import gettext, in_language
from triage.cli._options import AccountOptions, account_options, grouped
from triage.cli._output import dump, write
from triage.errors import InputError, reason_of
from triage.findings import Severity
from triage.settings.directories import data_directory, load_sources

if TYPE_CHECKING:
    from triage.probe import Guard, ProbePlan, Report, World

_MAX_PUSHES = 10_000
_HEARTBEAT_PUSHES = 5
"""Pushes to time in each run of a heartbeat, by default."""


@dataclass(frozen=True, slots=True)
class OutputOptions:
    """How to print the report, and the files to write it to."""

    as_json: bool
    junit: str | None
    html: str | None
    fail_on: str


@dataclass(frozen=True, slots=True)
class PushOptions:
    """What to push, and how often."""

    kinds: str | None
    component: bool
    count: int | None
    rate: float


output_options = grouped(
    OutputOptions,
    "output",
    click.option("--json", "as_json", is_flag=True, help="Print the report as JSON."),
    click.option("--junit", metavar="FILE", help="Write the report as JUnit's XML."),
    click.option("--html", metavar="FILE", help="Write the report as a page."),
    click.option(
        "--fail-on",
        type=click.Choice(("high", "medium", "low")),
        default="medium",
        show_default=True,
        help="The least severity that makes the exit code 1, and a failure in JUnit's XML.",
    ),
)
push_options = grouped(
    PushOptions,
    "pushes",
    click.option(
        "--kinds",
        metavar="KIND,…",
        help="Pushes to try. Default: text, subscribe, unsubscribe, CLICK, VIEW, LOCATION, "
        "TEMPLATESENDJOBFINISH, unknown_event; for a heartbeat text, CLICK, VIEW, unknown_event.",
    ),
    click.option("--component", is_flag=True, help="Push a component_verify_ticket too."),
    click.option(
        "--count",
        type=click.IntRange(0, _MAX_PUSHES),
        metavar="N",
        help="Pushes to time in a row. Default: 20.",
    ),
    click.option(
        "--rate",
        type=click.FloatRange(0.1, 5_000),
        metavar="N",
        default=10.0,
        show_default=True,
        help="Per second.",
    ),
)


@click.command(
    "probe",
    cls=Command,
    examples=(
        "triage probe https://mp.example.com/wx",
        "triage probe https://mp.example.com/wx --kinds text,VIEW --html report.html",
        "triage probe https://mp.example.com/wx --every 60 --metrics-port 9101",
    ),
)
@click.argument("url")
@account_options
@push_options
@click.option("--nameserver", metavar="IP[:PORT]", help="The DNS server to compare with, or 'none'.")
@output_options
@heartbeat_options
def command(
    url: str,
    options: AccountOptions,
    pushes: PushOptions,
    nameserver: str | None,
    output: OutputOptions,
    heartbeat: HeartbeatOptions,
) -> int:
    """Examine the callback at URL as WeChat would use it; exit 1 if something is wrong, see --fail-on.

    DNS, TCP, TLS, verification, forged requests, pushes, answer times, retries. It calls URL's host and no other,
    public addresses only, and follows no redirect.

    The pushes come from OpenIDs that do not exist: a production callback may count followers who are none. A
    heartbeat sends only what leaves no such trace.
    """
    from triage.probe import World, examine, parse_target
    from triage.probe.resolver import WECHAT_DNS

    if heartbeat.every is None and (heartbeat.webhook or heartbeat.metrics_port):
        raise click.UsageError(
            gettext("--webhook and --metrics-port belong to a heartbeat; add --every SECONDS")
        )
    guard = options.make_guard(parse_target(url))
    plan = _make_plan(options, pushes, is_heartbeat=heartbeat.every is not None)
    _warn_of_traces(plan, ask=not (pushes.kinds or options.allow_private))
    world = World(nameserver=_read_nameserver(nameserver) if nameserver else WECHAT_DNS)
    if heartbeat.every is not None:
        examine_once = partial(examine, url, plan, guard, world=world)
        return run_heartbeat(examine_once, heartbeat, heartbeat.every, guard, as_json=output.as_json)
    report = _examine(url, plan, guard, world)
    if output.junit:
        _write(output.junit, _junit(report, Severity(output.fail_on)))
    if output.html:
        _write(output.html, _html(report))
    _print(report, as_json=output.as_json)
    return 1 if report.fails(Severity(output.fail_on)) else 0


def _make_plan(options: AccountOptions, pushes: PushOptions, *, is_heartbeat: bool) -> ProbePlan:
    from triage.probe import DEFAULT_PUSHES, HEARTBEAT_PUSHES, ProbePlan

    account, mode = options.make_account()
    names = tuple(name.strip() for name in (pushes.kinds or "").split(",") if name.strip())
    by_default = HEARTBEAT_PUSHES if is_heartbeat else DEFAULT_PUSHES
    plan = ProbePlan(
        account,
        mode,
        names if pushes.kinds else by_default,
        rate=pushes.rate,
        component=pushes.component,
        quick=is_heartbeat,
        gh=options.account_id,
    )
    if is_heartbeat and (traces := _traces(plan)):
        raise click.UsageError(
            gettext(
                "a heartbeat sends nothing that leaves traces of followers: leave out {kinds}",
                kinds=", ".join(traces),
            )
        )
    count = _HEARTBEAT_PUSHES if is_heartbeat and pushes.count is None else pushes.count
    return plan if count is None else replace(plan, count=count)


def _traces(plan: ProbePlan) -> list[str]:
    """Those of the pushes that a callback may keep something untrue of."""
    from triage.probe import find_sample_push

    kinds = [name for name in plan.pushes if not find_sample_push(name).is_harmless]
    return [*kinds, *(["component_verify_ticket"] if plan.component else [])]


def _warn_of_traces(plan: ProbePlan, *, ask: bool) -> None:
    """Say what a production callback may keep of the pushes; on a terminal ask first. Raises UsageError for a no."""
    from triage.probe import HEARTBEAT_PUSHES

    traces = _traces(plan)
    if not traces:
        return
    warning = gettext(
        "caution: {kinds} come from OpenIDs that do not exist; a production callback may keep them as genuine",
        kinds=", ".join(traces),
    )
    write(warning, err=True)
    write(gettext("only what leaves no trace: --kinds {kinds}", kinds=",".join(HEARTBEAT_PUSHES)), err=True)
    if ask and sys.stdin.isatty() and sys.stderr.isatty():
        question = gettext("send them?")
        if not click.confirm(question, err=True):
            raise click.UsageError(gettext("nothing was sent"))


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
        raise click.UsageError(
            gettext("--nameserver wants an address like 182.254.116.116 or 10.0.0.2:5353")
        ) from exc


def _examine(url: str, plan: ProbePlan, guard: Guard, world: World) -> Report:
    """Examine, with a progress bar if standard error is a terminal."""
    from triage.probe import examine

    if not sys.stderr.isatty():
        return examine(url, plan, guard, world=world)
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)

        def advance(title: str, done: int, total: int) -> None:
            bar.update(task, description=in_language(title), completed=done, total=total)

        return examine(url, plan, guard, world=world, progress=advance)


def _print(report: Report, *, as_json: bool) -> None:
    from triage.probe.formats import rows_of

    if as_json:
        write(dump(report.as_json()))
    elif not sys.stdout.isatty():
        for row in rows_of(report, load_sources()):
            write(row.text)
    else:
        from rich.console import Console
        from rich.text import Text

        console = Console(highlight=False)
        for row in rows_of(report, load_sources()):
            console.print(Text(in_language(row.text), style=row.style))


def _junit(report: Report, fail_on: Severity) -> str:
    from triage.probe.formats import render_junit

    return render_junit([report], fail_on)


def _html(report: Report) -> str:
    from triage.probe.formats import render_html

    template = data_directory("templates") / "report" / "probe.html"
    return render_html(report, template.read_text(encoding="utf-8"), load_sources())


def _write(file: str, text: str) -> None:
    try:
        Path(file).write_text(text, encoding="utf-8")
    except OSError as exc:
        raise InputError(gettext("cannot write {file}: {why}", file=file, why=reason_of(exc))) from exc
