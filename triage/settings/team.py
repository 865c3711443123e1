"""The team of `TRIAGE_TEAM`: the file is read and checked as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import combinations
from pathlib import Path
from zoneinfo import ZoneInfo

from triage.errors import SettingsError, reason_of
from triage.findings import Finding, Severity
from triage.incidents import rota
from triage.incidents.team import Escalation, Override, TargetKind, Team, Teammate
from triage.names import name_key
from triage.rules.strict_yaml import similar
from triage.settings.team_parser import TeamFile, parse_team
from triage.wording import Wording, joined

LOOKED_AHEAD = timedelta(days=14)
"""How far holes in the rota are looked for."""


def load_team(path: Path, environment: Mapping[str, str]) -> Team:
    """The team of a file. Raises SettingsError, which names every mistake with its place."""
    file = read_team(path, environment)
    if file.findings:
        raise SettingsError(joined("{a}\n{b}", (finding.wording for finding in file.findings)))
    return file.team


def read_team(path: Path, environment: Mapping[str, str]) -> TeamFile:
    """What a file says, and all that is wrong with it in itself. Raises SettingsError for one that cannot be read."""
    try:
        source = path.read_text(encoding="utf-8-sig")
    except OSError as exc:
        raise SettingsError(Wording("cannot read '{path}': {why}", path=path, why=reason_of(exc))) from exc
    except UnicodeDecodeError as exc:
        raise SettingsError(Wording("'{path}' is no UTF-8 text", path=path)) from exc
    return check_team(parse_team(source, str(path), environment))


def check_team(file: TeamFile) -> TeamFile:
    """The same with what contradicts itself, in the order of the lines."""
    found = (*file.findings, *_unknown(file), *_twice(file), *_overlaps(file), *_out_of_reach(file))
    return replace(file, findings=tuple(sorted(found, key=_place)))


def find_holes(file: TeamFile, overrides: Sequence[Override], now: datetime) -> tuple[Finding, ...]:
    """The times of the next days when nobody is on call, but for those outside the hours of a rotation."""
    every = (*file.team.overrides, *overrides)
    return tuple(
        Finding(
            "hole",
            Severity.LOW,
            Wording(
                "nobody is on call in '{id}' from {start} until {end}",
                id=rotation.id,
                start=_local(hole.start, rotation.zone),
                end=_local(hole.end, rotation.zone),
            ),
            file.places.get(f"rotations.{rotation.id}"),
            Wording("the next step of an escalation is taken at once"),
        )
        for rotation in file.team.rotations
        for hole in rota.holes(rotation, every, now, now + LOOKED_AHEAD)
        if hole.because is not rota.Because.OFF_HOURS
    )


def _local(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"


def _place(finding: Finding) -> tuple[int, int]:
    return (finding.location.line, finding.location.column) if finding.location else (0, 0)


def _fault(file: TeamFile, where: str, id_: str, message: str, hint: str | None = None) -> Finding:
    return Finding(id_, Severity.HIGH, message, file.places.get(where), hint)


def _unknown(file: TeamFile) -> Iterator[Finding]:
    """Names that stand for nothing in the file."""
    people, rotations, groups = map(file.ids, ("people", "rotations", "groups"))
    known: Mapping[str, Sequence[str]] = {
        "person": people,
        "rotation": rotations,
        "group": groups,
        "target": (*rotations, *people, TargetKind.ALL, TargetKind.OWNERS),
    }
    for what, name, location in file.references:
        if name and name not in known[what]:
            words = _KINDS[what]
            message = Wording("there is no {what} '{name}' in this file", what=words, name=name)
            yield Finding("unknown-name", Severity.HIGH, message, location, similar(name, known[what]))


_KINDS = {
    "person": Wording("person"),
    "rotation": Wording("rotation"),
    "group": Wording("group"),
    "target": Wording("rotation or person"),
}


def _twice(file: TeamFile) -> Iterator[Finding]:
    """Two people of one name or one address; a name that is a person's and a rotation's."""
    for first, second in combinations(file.team.people, 2):
        if name_key(first.name) == name_key(second.name):
            message = Wording("'{id}' is called {name} already", id=first.id, name=second.name)
            yield _fault(
                file, f"people.{second.id}", "same-name", message, Wording("give them different names")
            )
        for address in second.addresses:
            if address in first.addresses:
                message = Wording("'{id}' has the address {address} already", id=first.id, address=address.id)
                yield _fault(file, f"people.{second.id}", "same-address", message)
                break
    for rotation in file.team.rotations:
        if file.team.teammate(rotation.id):
            message = Wording("'{id}' is a person's id too", id=rotation.id)
            yield _fault(file, f"rotations.{rotation.id}", "same-id", message, Wording("choose another one"))


def _overlaps(file: TeamFile) -> Iterator[Finding]:
    """Overrides that end before they begin, or of one rotation and one time."""
    overrides = list(enumerate(file.team.overrides))
    for number, override in overrides:
        if override.end <= override.start:
            yield _fault(
                file, f"overrides.{number}", "bad-time", Wording("this override ends before it begins")
            )
    for (_, first), (number, second) in combinations(overrides, 2):
        is_same_time = first.start < second.end and second.start < first.end
        if first.rotation == second.rotation and is_same_time:
            message = Wording(
                "this overlaps the override of '{who}' from {start:%Y-%m-%d %H:%M}",
                who=first.teammate or Wording("nobody"),
                start=first.start,
            )
            yield _fault(file, f"overrides.{number}", "overlap", message)


def _out_of_reach(file: TeamFile) -> Iterator[Finding]:
    """People whom an escalation may call, and nothing can be sent to, nor a mention in a group it tells."""
    team, told = file.team, set()
    for escalation in team.escalations:
        channels = {group.channel for id_ in escalation.groups if (group := team.group(id_))}
        for mate in _called(team, escalation):
            is_mentioned = any(address.channel in channels for address in mate.addresses)
            if not mate.can_be_paged and not is_mentioned and mate.id not in told:
                told.add(mate.id)
                message = Wording("'{id}' may be called and cannot be reached", id=mate.id)
                hint = Wording("give them 'wecom', or tell a group that can mention them")
                yield _fault(file, f"people.{mate.id}", "no-address", message, hint)


def _called(team: Team, escalation: Escalation) -> list[Teammate]:
    ids: list[str] = []
    for target in (target for step in escalation.steps for target in step.targets):
        match target.kind:
            case TargetKind.ALL:
                ids += [mate.id for mate in team.people]
            case TargetKind.OWNERS:
                ids += [owner for account in team.accounts for owner in account.owners]
            case TargetKind.TEAMMATE:
                ids.append(target.id)
            case TargetKind.ROTATION:
                rotation = team.rotation(target.id)
                ids += rotation.people if rotation else ()
    return [mate for mate in map(team.teammate, dict.fromkeys(ids)) if mate]
