"""`triage simulate`: a platform with the real rules, a sick callback, the alert, and what the bot makes of it."""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from triage.advice.adviser import Adviser
from triage.advice.rendering import steps_for
from triage.alerts.parser import BEIJING
from triage.cli._input import dump, make_adviser
from triage.simulator.alert import TICKET
from triage.simulator.alerting import AlertingRules
from triage.simulator.illnesses import ILLNESSES, Illness
from triage.simulator.platform import Act, SentAlert, SimulationOptions, Slot, simulate

if TYPE_CHECKING:
    from triage.simulator.demo import Beat

START = datetime(2026, 4, 21, 18, 30, 7, tzinfo=BEIJING)
"""When every play begins, so that the same seed writes the same alerts."""
_MINUTES = 5.0
_SPEED, _DEMO_SPEED = 200.0, 45.0
_BAR = 30
_READING_PAUSE = 0.9
"""Seconds to read a beat of the demo on a terminal."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the bot read in one alert, and what in it is not what the illness stands for."""

    alerted: SentAlert
    kind: str
    causes: tuple[str, ...]
    step: str | None
    reply: str
    wrong: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One illness played to its end."""

    illness: Illness
    verdicts: tuple[Verdict, ...]
    sent: int
    failed: int
    withheld: int

    @property
    def is_right(self) -> bool:
        return not any(verdict.wrong for verdict in self.verdicts)


@click.command("simulate")
@click.argument("illnesses", nargs=-1, metavar="ILLNESS...")
@click.option("--list", "listed", is_flag=True, help="List the illnesses.")
@click.option("--demo", is_flag=True, help="Play the story of a template-message campaign.")
@click.option(
    "--rate", type=click.FloatRange(0.1, 6000), help="Pushes per minute; by default the illness's own."
)
@click.option("--minutes", type=click.FloatRange(0.1, 1440), help="How long pushes come; 5, for tickets 30.")
@click.option(
    "--speed",
    type=click.FloatRange(0.1, 500),
    help="How often faster than the clock; by default 200, the demo 45.",
)
@click.option(
    "--threshold", type=click.IntRange(1), default=30, show_default=True, help="Failures for an alert."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Decides names and addresses.")
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
    alerts_only: bool,
    as_json: bool,
) -> int:
    """Push to a sick callback as the platform does, and show the alert and the bot's reply.

    ILLNESS is one or more of those --list shows, or `all`. Exit 1 if the bot takes an alert for something else.
    """
    if listed:
        _list(as_json)
        return 0
    rules = replace(
        AlertingRules(),
        threshold=threshold,
        ticket_threshold=min(threshold, AlertingRules().ticket_threshold),
    )
    if demo:
        if illnesses or rate or minutes or alerts_only or as_json:
            raise click.UsageError(
                "--demo plays a story of its own; only --speed, --threshold and --seed go with it"
            )
        _demo(SimulationOptions(START, rules, speed or _DEMO_SPEED, seed))
        return 0
    plan = SimulationOptions(START, rules, speed or _SPEED, seed)
    adviser = make_adviser()
    outcomes = []
    for illness in _chosen(illnesses):
        outcome = _play(illness, _act(illness, rate, minutes), plan, adviser)
        outcomes.append(outcome)
        if not as_json:
            _show(outcome, alerts_only)
    if as_json:
        click.echo(dump([_as_json(outcome) for outcome in outcomes]))
    return 0 if all(outcome.is_right for outcome in outcomes) else 1


def _chosen(names: Sequence[str]) -> list[Illness]:
    if not names:
        raise click.UsageError("name an illness (see --list), or `all`, or --demo")
    unknown = [name for name in names if name != "all" and name not in ILLNESSES]
    if unknown:
        import difflib

        close = difflib.get_close_matches(unknown[0], ILLNESSES, 1)
        hint = f"did you mean '{close[0]}'?" if close else "see --list"
        raise click.UsageError(f"no illness is called '{unknown[0]}'; {hint}")
    return [*ILLNESSES.values()] if "all" in names else [ILLNESSES[name] for name in names]


def _list(as_json: bool) -> None:
    if as_json:
        keys = ("id", "meaning", "kind", "cause", "step", "push", "mode")
        click.echo(dump([{key: getattr(illness, key) for key in keys} for illness in ILLNESSES.values()]))
        return
    width = max(map(len, ILLNESSES))
    for illness in ILLNESSES.values():
        finds = " · ".join(filter(None, (illness.kind, illness.cause))) or "-"
        click.echo(f"{illness.id:<{width}}  {finds:<40}  {illness.meaning}")


def _act(illness: Illness, rate: float | None, minutes: float | None) -> Act:
    usual = 30.0 if illness.push == TICKET else _MINUTES
    return Act(illness, minutes or usual, rate or illness.rate)


def _play(illness: Illness, act: Act, plan: SimulationOptions, adviser: Adviser) -> Outcome:
    verdicts = []
    sent = failed = withheld = 0
    with _progress(illness, act) as step:
        for happening in simulate([act], plan):
            if isinstance(happening, SentAlert):
                verdicts.append(_judge(happening, illness, adviser))
                continue
            sent, failed = sent + happening.sent, failed + happening.failed
            withheld += happening.withheld
            step(happening, failed)
    return Outcome(illness, tuple(verdicts), sent, failed, withheld)


@contextmanager
def _progress(illness: Illness, act: Act) -> Iterator[Any]:
    """A bar over the logical minutes, on a terminal only."""
    if not sys.stderr.isatty():
        yield lambda slot, failed: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(_BAR), TextColumn("{task.fields[seen]}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(illness.id, total=act.minutes * 60, seen="")

        def step(slot: Slot, failed: int) -> None:
            passed = (slot.at - START).total_seconds()
            bar.update(task, completed=passed, seen=f"{slot.at:%H:%M:%S} 失败 {failed}")

        yield step


def _judge(alerted: SentAlert, illness: Illness, adviser: Adviser) -> Verdict:
    """Read the alert as anybody's, and compare with what the illness stands for."""
    _, alerts = adviser.read(alerted.text)
    if len(alerts) != 1:
        wrong = f"读出 {len(alerts)} 条报警，应是 1 条"
        return Verdict(alerted, "unknown", (), None, adviser.answer(alerted.text).pages[0], (wrong,))
    (diagnosis,) = alerts
    steps = steps_for(diagnosis)
    found = Verdict(
        alerted,
        diagnosis.kind,
        tuple(cause.id for cause in diagnosis.causes),
        steps[0].id if steps else None,
        adviser.answer(alerted.text).pages[0],
        (),
    )
    return replace(found, wrong=tuple(_differences(found, illness)))


def _differences(found: Verdict, illness: Illness) -> Iterator[str]:
    """Other kinds may come along (a MarkFail, say); of those only the kind is known."""
    kind = found.alerted.kind
    if illness.kind is None:
        yield "这种病不该报警"
    if found.kind != kind:
        yield f"类型读成 {found.kind}，应是 {kind}"
    if kind != illness.kind:
        return
    if illness.cause is not None and illness.cause not in found.causes:
        yield f"没有看出 {illness.cause}"
    if illness.cause is None and found.causes:
        yield f"看出了没有的 {'、'.join(found.causes)}"
    if found.step != illness.step:
        yield f"第一步是 {found.step}，应是 {illness.step}"


# -- what is shown


def _show(outcome: Outcome, alerts_only: bool) -> None:
    if alerts_only:
        for verdict in outcome.verdicts:
            click.echo(verdict.alerted.text)
        return
    illness = outcome.illness
    _rule(f"{illness.id} {illness.meaning}")
    numbers = f"推送 {outcome.sent} 次，失败 {outcome.failed} 次"
    click.echo(numbers + (f"，停推 {outcome.withheld} 次" if outcome.withheld else ""))
    if not outcome.verdicts:
        click.echo("没有报警\n")
    for verdict in outcome.verdicts:
        _panel(verdict.alerted.text.rstrip(), f"{verdict.alerted.at:%H:%M:%S} 报警", "red")
        _panel(verdict.reply, "机器人", "green")
        found = " · ".join((verdict.kind, *verdict.causes, f"第一步 {verdict.step}"))
        right = "，".join(verdict.wrong) or "与病相符"
        click.echo(f"{'✗' if verdict.wrong else '✓'} {found}：{right}\n")


def _as_json(outcome: Outcome) -> dict[str, Any]:
    return {
        "illness": outcome.illness.id,
        "meaning": outcome.illness.meaning,
        "sent": outcome.sent,
        "failed": outcome.failed,
        "withheld": outcome.withheld,
        "right": outcome.is_right,
        "alerts": [
            {
                "at": verdict.alerted.at.isoformat(),
                "text": verdict.alerted.text,
                "kind": verdict.kind,
                "causes": list(verdict.causes),
                "step": verdict.step,
                "reply": verdict.reply,
                "wrong": list(verdict.wrong),
            }
            for verdict in outcome.verdicts
        ],
    }


def _rule(title: str) -> None:
    if not sys.stdout.isatty():
        click.echo(f"── {title} ──")
        return
    from rich.console import Console
    from rich.text import Text

    Console().rule(Text(title), align="left")


def _panel(text: str, title: str, style: str) -> None:
    if not sys.stdout.isatty():
        click.echo(f"[{title}]\n{text}\n")
        return
    from rich.console import Console
    from rich.panel import Panel
    from rich.text import Text

    Console().print(Panel(Text(text), title=title, title_align="left", border_style=style))


# -- the demo


def _demo(plan: SimulationOptions) -> None:
    from triage.bot.bot import Bot
    from triage.simulator.demo import NAME, ON_CALL, play_campaign
    from triage.store import Store

    with tempfile.TemporaryDirectory() as directory:
        store = Store.open(f"sqlite:///{directory}/demo.db", upgrade=True)
        dice = random.Random(plan.seed)  # noqa: S311 - an invitation nobody uses
        bot = Bot(make_adviser(), store, lambda: f"{dice.getrandbits(32):08x}", {ON_CALL: NAME})
        try:
            _tell(play_campaign(bot, plan), NAME)
        finally:
            store.close()


def _tell(beats: Iterable[Beat], name: str) -> None:
    """Beat by beat; on a terminal there is time to read."""
    from triage.simulator.demo import BeatKind

    for beat in beats:
        clock = f"{beat.at:%H:%M}"
        if beat.kind is BeatKind.SCENE:
            _rule(f"{clock} {beat.text}")
        elif beat.kind is BeatKind.MINUTE:
            _minute(f"{beat.at:%H:%M:%S}", beat)
        elif beat.kind is BeatKind.ALERT:
            _panel(beat.text.rstrip(), f"{clock} 报警群", "red")
        elif beat.kind is BeatKind.SAID:
            _panel(beat.text, f"{clock} {name}", "cyan")
        else:
            _panel(beat.text, f"{clock} 机器人", "green")
        if sys.stdout.isatty() and beat.kind is not BeatKind.MINUTE:
            time.sleep(_READING_PAUSE)


def _minute(clock: str, beat: Beat) -> None:
    """A minute's tries as a bar: what failed, and how much."""
    filled = round(_BAR * beat.failed / beat.sent) if beat.sent else 0
    blocked = f"，停推 {beat.withheld}" if beat.withheld else ""
    bar = "█" * filled + "·" * (_BAR - filled)
    click.echo(f"{clock}  {bar}  推送 {beat.sent:>4}，失败 {beat.failed:>4}{blocked}")
