"""`triage team`: lint the team's file, and print who is on call."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from triage.cli._commands import Group
from triage.cli._findings import findings_as_json, write_findings
from triage.cli._language import gettext
from triage.cli._output import dump, write
from triage.errors import InputError

if TYPE_CHECKING:
    from triage.incidents.rota import Shift
    from triage.incidents.team import Override, Rotation, Team
    from triage.settings.team_parser import TeamFile

_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group("team", cls=Group)
def command() -> None:
    """Lint the team's file, and see who is on call."""


@command.command(examples=("triage team check", "triage team check team.yml"))
@click.argument("file", required=False, type=click.Path(path_type=Path))
@_JSON
def check(file: Path | None, as_json: bool) -> int:
    """Lint FILE (default: TRIAGE_TEAM): unknown names, bad times, overlaps, holes of the next 14 days.

    What `env:NAME` stands for must be in the environment.
    """
    from triage.settings.team import find_holes

    team = _read(file)
    found = (*team.findings, *find_holes(team, (), datetime.now(UTC)))
    if as_json:
        write(dump({"findings": findings_as_json(found)}))
    else:
        write_findings(found)
        write(gettext("{people} people, {faults} findings", people=len(team.team.people), faults=len(found)))
    return 1 if found else 0


@command.command(examples=("triage team show", "triage team show --json"))
@_JSON
def show(as_json: bool) -> None:
    """Print who is on call for the next 14 days, with the holes, as the chat has changed it."""
    from triage.settings.team import LOOKED_AHEAD, load_team

    now = datetime.now(UTC)
    team = load_team(_named(None), os.environ)
    overrides = (*team.overrides, *_typed(now))
    rotations = {each.id: list(_shifts(each, overrides, now, now + LOOKED_AHEAD)) for each in team.rotations}
    if as_json:
        write(
            dump(
                {
                    "rotations": {
                        id_: [_as_json(shift, team) for shift in each] for id_, each in rotations.items()
                    }
                }
            )
        )
        return
    for rotation in team.rotations:
        write(f"{rotation.id} ({rotation.zone.key})")
        for shift in rotations[rotation.id]:
            write(f"  {_line(shift, rotation, team)}")


def _named(file: Path | None) -> Path:
    """The file given, else that of the settings. Raises InputError where there is none."""
    given = file or (Path(os.environ["TRIAGE_TEAM"]) if os.environ.get("TRIAGE_TEAM") else None)
    if given is None:
        raise InputError(gettext("TRIAGE_TEAM is not set; name the team's file"))
    return given


def _read(file: Path | None) -> TeamFile:
    from triage.settings.team import read_team

    return read_team(_named(file), os.environ)


def _typed(now: datetime) -> tuple[Override, ...]:
    """The shifts that somebody took over in chat; none where there is no database yet."""
    from triage.errors import SchemaError
    from triage.settings import load_settings
    from triage.store import Store

    try:
        with closing(Store.open(load_settings().database_url)) as store:
            return store.shifts(now)
    except SchemaError:
        return ()


def _shifts(
    rotation: Rotation, overrides: tuple[Override, ...], start: datetime, end: datetime
) -> Iterator[Shift]:
    from triage.incidents import rota

    first = rota.on_call(rotation, overrides, start)
    yield first
    yield from (shift for shift in rota.shifts(rotation, overrides, start, end) if shift.start >= first.end)


def _line(shift: Shift, rotation: Rotation, team: Team) -> str:
    start, end = (f"{at.astimezone(rotation.zone):%Y-%m-%d %H:%M}" for at in (shift.start, shift.end))
    mate = team.teammate(shift.teammate or "")
    because = _reason(shift.because)
    who = mate.name if mate else gettext("nobody")
    return f"{start} – {end}  {who}" + (f" ({because})" if because else "")


def _reason(because: str) -> str:
    """Why nobody is on call, or somebody whose turn it is not."""
    if because == "override":
        return gettext("override")
    if because == "not_yet":
        return gettext("the rotation has not begun")
    return gettext("outside its hours") if because == "off_hours" else ""


def _as_json(shift: Shift, team: Team) -> dict[str, Any]:
    mate = team.teammate(shift.teammate or "")
    return {
        "start": shift.start.isoformat(),
        "end": shift.end.isoformat(),
        "teammate": shift.teammate,
        "name": mate.name if mate else None,
        "because": shift.because.value,
    }
