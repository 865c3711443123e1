"""`triage simulate`: a platform with the real rules, a sick callback, the alert, and what the bot makes of it."""

from __future__ import annotations

import difflib
import random
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

import click

from triage.alerts.parser import BEIJING
from triage.cli._adviser import make_adviser
from triage.cli._commands import Command
from triage.cli._language import gettext, in_language
from triage.cli._output import dump, write
from triage.simulator.alerting import AlertingRules
from triage.simulator.evaluation import IllnessRun, OnSlot, make_act, play_illness
from triage.simulator.illnesses import ILLNESSES, Illness
from triage.simulator.platform import Act, SimulationOptions, Slot
from triage.wording import Wording, joined

if TYPE_CHECKING:
    from triage.simulator.demo import Beat

START = datetime(2026, 4, 21, 18, 30, 7, tzinfo=BEIJING)
"""When every play begins, so that the same seed writes the same alerts."""
_SPEED, _DEMO_SPEED = 200.0, 45.0
_BAR = 30


@click.command(
    "simulate",
    cls=Command,
    examples=(
        "triage simulate --list",
        "triage simulate slow",
        "triage simulate quoted_success --alerts-only | triage ask",
        "triage simulate --demo",
    ),
)
@click.argument("illnesses", nargs=-1, metavar="ILLNESS...")
@click.option("--list", "listed", is_flag=True, help="List the illnesses.")
@click.option("--demo", is_flag=True, help="Play the story of a template-message campaign.")
@click.option(
    "--rate",
    type=click.FloatRange(0.1, 6000),
    metavar="N",
    help="Pushes per minute; by default the illness's own.",
)
@click.option(
    "--minutes",
    type=click.FloatRange(0.1, 1440),
    metavar="N",
    help="How long pushes come; 5, for tickets 30.",
)
@click.option(
    "--speed",
    type=click.FloatRange(0.1, 500),
    metavar="N",
    help="How often faster than the clock; by default 200, the demo 45.",
)
@click.option(
    "--threshold",
    type=click.IntRange(1),
    metavar="N",
    default=30,
    show_default=True,
    help="Failures for an alert.",
)
@click.option(
    "--seed", type=int, metavar="N", default=0, show_default=True, help="Decides names and addresses."
)
@click.option(
    "--pause",
    type=click.FloatRange(0, 60),
    metavar="SECONDS",
    default=0.9,
    show_default=True,
    help="Seconds to read each beat of the demo on a terminal.",
)
@click.option("--alerts-only", is_flag=True, help="Print the alert texts alone, to pipe into `triage ask`.")
@click.option("--json", "as_json", is_flag=True, help="Print what happened as JSON.")
def command(
    illnesses: tuple[str, ...],
    listed: bool,
    demo: bool,
    rate: float | None,
    minutes: float | None,
    speed: float | None,
    threshold: int,
    seed: int,
    pause: float,
    alerts_only: bool,
    as_json: bool,
) -> int:
    """Push to a sick callback as the platform does, and show the alert and the bot's reply.

    ILLNESS is one or more of those --list shows, or `all`. Exit 1 if the bot takes an alert for something else.
    """
    if listed:
        _list(as_json)
        return 0
    rules = AlertingRules()
    rules = replace(rules, threshold=threshold, ticket_threshold=min(threshold, rules.ticket_threshold))
    if demo:
        if illnesses or rate or minutes or alerts_only or as_json:
            own = gettext(
                "--demo plays a story of its own; only --speed, --threshold, --seed and --pause go with it"
            )
            raise click.UsageError(own)
        _demo(SimulationOptions(START, speed or _DEMO_SPEED, rules, seed), pause)
        return 0
    options, adviser, runs = SimulationOptions(START, speed or _SPEED, rules, seed), make_adviser(), []
    for illness in _chosen(illnesses):
        act = make_act(illness, rate, minutes)
        with _progress(act) as on_slot:
            runs.append(play_illness(act, options, adviser, on_slot))
        if not as_json:
            _show(runs[-1], alerts_only)
    if as_json:
        write(dump([run.as_json() for run in runs]))
    return 0 if all(run.is_right for run in runs) else 1


def _chosen(names: Sequence[str]) -> list[Illness]:
    if not names:
        raise click.UsageError(gettext("name an illness (see --list), or `all`, or --demo"))
    unknown = [name for name in names if name != "all" and name not in ILLNESSES]
    if unknown:
        close = difflib.get_close_matches(unknown[0], ILLNESSES, 1)
        if close:
            guessed = gettext(
                "no illness is called '{name}'; did you mean '{guess}'?", name=unknown[0], guess=close[0]
            )
            raise click.UsageError(guessed)
        raise click.UsageError(gettext("no illness is called '{name}'; see --list", name=unknown[0]))
    return [*ILLNESSES.values()] if "all" in names else [ILLNESSES[name] for name in names]


def _list(as_json: bool) -> None:
    if as_json:
        keys = ("id", "meaning", "kind", "cause", "step", "push", "mode")
        write(dump([{key: getattr(illness, key) for key in keys} for illness in ILLNESSES.values()]))
        return
    width = max(map(len, ILLNESSES))
    for illness in ILLNESSES.values():
        finds = " · ".join(filter(None, (illness.kind, illness.cause))) or "-"
        write(f"{illness.id:<{width}}  {finds:<40}  {in_language(Wording(illness.meaning))}")


@contextmanager
def _progress(act: Act) -> Iterator[OnSlot]:
    """A bar over the simulated minutes, on a terminal only."""
    if not sys.stderr.isatty():
        yield lambda slot, failed: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(_BAR), TextColumn("{task.fields[seen]}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(act.illness.id, total=act.minutes * 60, seen="")

        def step(slot: Slot, failed: int) -> None:
            passed = (slot.at - START).total_seconds()
            bar.update(
                task,
                completed=passed,
                seen=gettext("{at:%H:%M:%S} failed {failed}", at=slot.at, failed=failed),
            )

        yield step


# -- what is shown


def _show(run: IllnessRun, alerts_only: bool) -> None:
    if alerts_only:
        for reading in run.readings:
            write(reading.alert.text)
        return
    _rule(f"{run.illness.id} {in_language(Wording(run.illness.meaning))}")
    numbers = gettext("{sent} pushes, {failed} failed", sent=run.sent, failed=run.failed)
    blocked = gettext("{numbers}, {withheld} withheld", numbers=numbers, withheld=run.withheld)
    write(blocked if run.withheld else numbers)
    if not run.readings:
        write(gettext("no alert") + "\n")
    for reading in run.readings:
        at = gettext("{at:%H:%M:%S} alert", at=reading.alert.at)
        _panel(reading.alert.text.rstrip(), at, "red")
        _panel(reading.reply, gettext("the bot"), "green")
        found = " · ".join((reading.kind, *reading.causes, gettext("first step {step}", step=reading.step)))
        right = joined("{a}，{b}", reading.wrong) or gettext("as the illness")
        mark = "✗" if reading.wrong else "✓"
        write(gettext("{mark} {found}: {right}", mark=mark, found=found, right=right) + "\n")


def _rule(title: str) -> None:
    if not sys.stdout.isatty():
        write(f"── {title} ──")
        return
    from rich.console import Console
    from rich.text import Text

    Console().rule(Text(title), align="left")


def _panel(text: str, title: str, style: str) -> None:
    if not sys.stdout.isatty():
        write(f"[{title}]\n{text}\n")
        return
    from rich.console import Console
    from rich.panel import Panel
    from rich.text import Text

    Console().print(Panel(Text(text), title=title, title_align="left", border_style=style))


# -- the demo


def _demo(options: SimulationOptions, pause: float) -> None:
    from triage.bot.bot import Bot
    from triage.simulator.demo import play_campaign
    from triage.simulator.on_call import TEAM
    from triage.store import Store

    with tempfile.TemporaryDirectory() as directory:
        store = Store.open(f"sqlite:///{directory}/demo.db", upgrade=True, has_team=True)
        dice = random.Random(options.seed)  # noqa: S311 - an invitation nobody uses
        bot = Bot(make_adviser(), store, lambda: f"{dice.getrandbits(32):08x}", TEAM.members, team=TEAM)
        try:
            _tell(play_campaign(bot, store, options), pause)
        finally:
            store.close()


def _tell(beats: Iterable[Beat], pause: float) -> None:
    """Print beat by beat; a terminal waits `pause` seconds after each, so that it can be read."""
    from triage.simulator.demo import BeatKind

    for beat in beats:
        clock = f"{beat.at:%H:%M}"
        if beat.kind is BeatKind.SCENE:
            _rule(f"{clock} {in_language(beat.text)}")
        elif beat.kind is BeatKind.MINUTE:
            _minute(f"{beat.at:%H:%M:%S}", beat)
        elif beat.kind is BeatKind.ALERT:
            _panel(beat.text.rstrip(), gettext("{clock} the alerts' group", clock=clock), "red")
        elif beat.kind is BeatKind.SAID:
            _panel(beat.text, f"{clock} {beat.who}", "cyan")
        elif beat.kind is BeatKind.PAGE:
            _panel(beat.text, gettext("{clock} the phone of {who}", clock=clock, who=beat.who), "yellow")
        elif beat.kind is BeatKind.GROUP:
            _panel(beat.text, gettext("{clock} the team's group", clock=clock), "magenta")
        else:
            _panel(beat.text, gettext("{clock} the bot", clock=clock), "green")
        if sys.stdout.isatty() and beat.kind is not BeatKind.MINUTE:
            time.sleep(pause)


def _minute(clock: str, beat: Beat) -> None:
    """A minute's tries as a bar: what failed, and how much."""
    filled = round(_BAR * beat.failed / beat.sent) if beat.sent else 0
    bar = "█" * filled + "·" * (_BAR - filled)
    numbers = gettext("{sent:>4} pushes, {failed:>4} failed", sent=beat.sent, failed=beat.failed)
    blocked = gettext("{numbers}, {withheld} withheld", numbers=numbers, withheld=beat.withheld)
    write(f"{clock}  {bar}  {blocked if beat.withheld else numbers}")
