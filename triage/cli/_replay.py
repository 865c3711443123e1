"""`triage rules replay`: which stored alerts would be answered otherwise by other rules."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from triage.advice.adviser import Adviser
from triage.advice.replay import Conclusion, Difference, Replay, replay
from triage.cli._adviser import make_renderer
from triage.cli._commands import Command
from triage.cli._language import gettext
from triage.cli._output import dump, write
from triage.cli._store import open_store
from triage.errors import InputError
from triage.rules.loader import find_rule_files, load_rules
from triage.settings.directories import data_directory, load_rules_dirs, load_sources


@click.command(
    "replay",
    cls=Command,
    examples=(
        "triage rules replay --rules /etc/triage/rules.new",
        "triage rules replay --rules new --since 30 --json",
    ),
)
@click.option(
    "--rules",
    "directories",
    metavar="DIR",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Rules in place of those of TRIAGE_RULES_DIRS; may be repeated.",
)
@click.option(
    "--since", "days", metavar="DAYS", type=click.IntRange(1, 36_500), help="Only alerts of the last days."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(directories: tuple[Path, ...], days: int | None, as_json: bool) -> int:
    """Judge the stored alerts by the rules of DIR; print what is answered otherwise than now. Exit 1 if anything is.

    Bundled rules count on both sides. Without --rules it shows what TRIAGE_RULES_DIRS changes in the bundled rules.
    """
    for directory in directories:
        if not find_rule_files(directory):
            raise InputError(gettext("no file in {file} ends in .yml or .yaml", file=directory))
    bundled = [data_directory("rules")]
    live, new = (load_rules_dirs(), [*bundled, *directories]) if directories else (bundled, load_rules_dirs())
    since = datetime.now(UTC) - timedelta(days=days) if days else None
    with closing(open_store()) as store, _progress() as on_text:
        texts = (kept.text for kept in store.kept_texts(since))
        found = replay(_adviser(live), _adviser(new), texts, on_text)
    write(dump(_as_json(found))) if as_json else _show(found)
    return int(found.changed > 0)


def _adviser(directories: Iterable[Path]) -> Adviser:
    return Adviser(load_rules(directories, load_sources().ids), make_renderer())


@contextmanager
def _progress() -> Iterator[Callable[[], object]]:
    """How many texts have been read, on a terminal only."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn

    columns = (SpinnerColumn(), TextColumn("{task.completed:,}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda: bar.advance(task)


def _show(found: Replay) -> None:
    for difference in found.most_frequent_first:
        write(f"{difference.count:>6}  {', '.join(difference.changed)}")
        write(f"        - {_line(difference.live, difference)}")
        write(f"        + {_line(difference.new, difference)}")
        write(f"        {difference.example}")
    if found.not_told_apart:
        write(gettext("{count} more, in other ways", count=found.not_told_apart))
    write(
        gettext("{alerts} alerts, {changed} answered otherwise", alerts=found.alerts, changed=found.changed)
    )


def _line(conclusion: Conclusion, difference: Difference) -> str:
    """What is concluded; causes, tests and words of the step only where they are what differs."""
    changed = difference.changed
    parts = [
        conclusion.kind,
        conclusion.rule or "-",
        conclusion.step or "-",
        ", ".join(conclusion.causes) or "-" if "causes" in changed else "",
        "; ".join(conclusion.because) or "-" if "because" in changed else "",
        " / ".join(filter(None, conclusion.says)) if "says" in changed else "",
    ]
    return " · ".join(filter(None, parts))


def _as_json(found: Replay) -> dict[str, Any]:
    return {
        "alerts": found.alerts,
        "changed": found.changed,
        "not_told_apart": found.not_told_apart,
        "differences": [
            {
                "count": difference.count,
                "changed": list(difference.changed),
                "live": _conclusion(difference.live),
                "new": _conclusion(difference.new),
                "example": difference.example,
            }
            for difference in found.most_frequent_first
        ],
    }


def _conclusion(conclusion: Conclusion) -> dict[str, Any]:
    return {
        "kind": conclusion.kind,
        "causes": list(conclusion.causes),
        "rule": conclusion.rule,
        "because": list(conclusion.because),
        "step": conclusion.step,
        "says": list(conclusion.says),
    }
