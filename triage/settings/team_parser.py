"""The team's file: strict YAML to a team, every mistake with its place. docs/team.md shows one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from triage.channels.registry import ROBOTS
from triage.channels.robot import Robot
from triage.errors import SettingsError, TooManyMistakesError
from triage.findings import Finding, Location, Severity
from triage.incidents.team import (
    CallbackProbe,
    ClaimRules,
    Escalation,
    EscalationStep,
    Every,
    Override,
    QuietHours,
    Rotation,
    Target,
    TargetKind,
    Team,
    TeamAccount,
    TeamGroup,
    Teammate,
)
from triage.message import ANY_ACCOUNT, Person
from triage.rules.strict_yaml import TEXT, Key, Reference, Shape, compose, similar, whole_number
from triage.settings.team_values import DAYS, DEFAULT_ZONE, ValueReader, read_clock
from triage.wording import Wording

ADDRESSES: Mapping[str, tuple[str, ...]] = {
    "wecom": ("wecom", "wecom_bot", "wecom_webhook"),
    "wechat": ("wechat",),
    "dingtalk": ("dingtalk_webhook",),
    "feishu": ("feishu_webhook",),
}
"""The channels on which somebody has the id that a key gives; WeCom's userid is the same on all of its own."""
MAX_REPEAT = 5


@dataclass(frozen=True, slots=True)
class TeamFile:
    """What a team's file says, and what is wrong with it."""

    team: Team
    """Without what could not be read."""
    findings: tuple[Finding, ...]
    places: Mapping[str, Location] = field(default_factory=dict)
    """Where people, rotations, groups and overrides stand: `people.li`, `overrides.0`."""
    references: tuple[Reference, ...] = ()
    """The names of a `person`, a `rotation`, a `group` or a `target` in it, which must stand in it too."""

    def ids(self, what: str) -> tuple[str, ...]:
        """Of all `people`, `rotations` or `groups`, even of those that could not be read."""
        return tuple(place.partition(".")[2] for place in self.places if place.startswith(f"{what}."))


def parse_team(source: str, file: str, environment: Mapping[str, str]) -> TeamFile:
    """The team of a file's text; `environment` holds what `env:NAME` stands for."""
    reader = TeamReader(file, environment)
    try:
        root = compose(source, reader)
        team = reader.team(root) if root is not None else Team()
    except TooManyMistakesError:
        team = Team()
    return TeamFile(team, tuple(reader.findings), reader.places, tuple(reader.references))


class TeamReader(ValueReader):
    """Takes the parts of a team from the node tree."""

    def __init__(self, file: str, environment: Mapping[str, str]) -> None:
        super().__init__(file, environment)
        self.places: dict[str, Location] = {}

    def team(self, root: yaml.Node) -> Team:
        values = self.parse(root, self.mapping(root, Wording("a team")), _TEAM, Wording("a team"))
        rotations = values["rotations"]
        zones = {rotation.id: rotation.zone for rotation in rotations}
        escalations, repeat = values["escalation"]
        people = {mate.id for mate in values["people"]}
        escalations = tuple(_aimed(escalation, people, set(zones)) for escalation in escalations)
        return Team(
            values["people"], values["accounts"], rotations,
            tuple(_placed(each, zones.get(each.rotation)) for each in values["overrides"]),
            escalations, repeat, values["quiet"], values["claim"], values["groups"],
        )  # fmt: skip

    def named(self, node: yaml.Node, what: str, parse: Callable[[str, yaml.Node], Any]) -> tuple[Any, ...]:
        """A mapping of ids to values; each is parsed with its id, and its place is kept."""
        found = []
        for name, key, value in self.mapping(node, what):
            self.places[f"{what}.{name}"] = self.location(key)
            if what != "accounts":  # whose ids are AppIDs
                self.identifier(key)
            found.append(parse(name, value))
        return tuple(item for item in found if item is not None)

    def people(self, node: yaml.Node) -> tuple[Teammate, ...]:
        return self.named(node, "people", self._teammate)

    def _teammate(self, id_: str, node: yaml.Node) -> Teammate:
        values = self.parse(node, self.mapping(node, Wording("a person")), _PERSON, Wording("a person"))
        persons = tuple(
            Person(channel, ANY_ACCOUNT, given)
            for key, channels in ADDRESSES.items()
            for given in values[key]
            for channel in channels
        )
        return Teammate(id_, values["name"] or id_, persons, values["format"] == "text", values["zone"])

    def accounts(self, node: yaml.Node) -> tuple[TeamAccount, ...]:
        return self.named(node, "accounts", self._account)

    def _account(self, appid: str, node: yaml.Node) -> TeamAccount:
        values = self.parse(node, self.mapping(node, Wording("an account")), _ACCOUNT, Wording("an account"))
        return TeamAccount(appid, values["name"], values["owners"], values["hosts"], values["probe"])

    def probe(self, node: yaml.Node) -> CallbackProbe | None:
        values = self.parse(node, self.mapping(node, Wording("a probe")), _PROBE, Wording("a probe"))
        if not values["url"] or not values["token"]:
            return None
        return CallbackProbe(values["url"], values["token"], values["aes_key"] or None)

    def rotations(self, node: yaml.Node) -> tuple[Rotation, ...]:
        return self.named(node, "rotations", self._rotation)

    def _rotation(self, id_: str, node: yaml.Node) -> Rotation | None:
        pairs = self.mapping(node, Wording("a rotation"))
        values = self.parse(node, pairs, _ROTATION, Wording("a rotation"))
        every: Every = values["every"]
        at = next((value for name, _, value in pairs if name == "at"), None)
        on, begins = self._handover(at, every) if at is not None else (None, None)
        if values["from"] is None or begins is None or not values["people"]:
            return None
        return Rotation(
            id_, values["people"], every, values["length"], begins, values["from"], values["zone"],
            on, values["hours"],
        )  # fmt: skip

    def _handover(self, node: yaml.Node, every: Every) -> tuple[int | None, time | None]:
        """The day and the time at which shifts begin: `Mon 10:00` by the week, `1 10:00` by the month, else `10:00`."""
        text = self.text(node)
        day, _, clock = text.rpartition(" ")
        begins = read_clock(clock)
        on = DAYS.get(day.casefold()) if every is Every.WEEK else None
        if every is Every.MONTH and day.isdecimal() and 1 <= int(day) <= 28:
            on = int(day)
        needs_day = every in (Every.WEEK, Every.MONTH)
        if text and (begins is None or needs_day != (on is not None) or (day and not needs_day)):
            example = {
                Every.WEEK: "Mon 10:00",
                Every.MONTH: Wording("1 10:00 (a day up to 28)"),
            }.get(every, "10:00")
            self.report(
                node,
                "bad-time",
                Wording("'{text}' is no beginning of a shift", text=text),
                Wording("write it like {example}", example=example),
            )
            return None, None
        return on, begins

    def mates(self, node: yaml.Node) -> tuple[str, ...]:
        """Ids of people."""
        items = self.items(node)
        if isinstance(node, yaml.SequenceNode) and not items:
            self.report(node, "empty-list", Wording("this names nobody"))
        for item in items:
            self.refer(item, "person", self.text(item))
        return tuple(self.text(item) for item in items)

    def overrides(self, node: yaml.Node) -> tuple[Override, ...]:
        found = []
        for number, item in enumerate(self.items(node)):
            self.places[f"overrides.{number}"] = self.location(item)
            pairs = self.mapping(item, Wording("an override"))
            values = self.parse(item, pairs, _OVERRIDE, Wording("an override"))
            for name, _, value in pairs:
                if (
                    name in ("rotation", "person")
                    and isinstance(value, yaml.ScalarNode)
                    and value.value != "nobody"
                ):
                    self.refer(value, name, value.value)
            if values["rotation"] and values["from"] and values["to"]:
                person = None if values["person"] == "nobody" else values["person"]
                found.append(Override(values["rotation"], person, values["from"], values["to"]))
        return tuple(found)

    def escalations(self, node: yaml.Node) -> tuple[tuple[Escalation, ...], int]:
        """By severity, and how often each begins again."""
        found, repeat = [], 0
        severities = [severity.value for severity in Severity]
        for name, key, value in self.mapping(node, Wording("escalation")):
            self.places[f"escalation.{name}"] = self.location(key)
            if name == "repeat":
                repeat = self.integer(0, MAX_REPEAT)(value)
            elif name in severities:
                steps = self._steps(value)
                found += [Escalation(Severity(name), steps)] if steps else []
            else:
                hint = similar(name, [*severities, "repeat"])
                self.report(key, "unknown-key", Wording("unknown severity '{name}'", name=name), hint)
        return tuple(found), repeat

    def _steps(self, node: yaml.Node) -> tuple[EscalationStep, ...]:
        steps: list[EscalationStep] = []
        items = self.items(node)
        if isinstance(node, yaml.SequenceNode) and not items:
            self.report(
                node, "empty-list", Wording("an escalation without a step calls nobody; leave it out")
            )
        for item in items:
            values = self.parse(item, self.mapping(item, Wording("a step")), _STEP, Wording("a step"))
            if isinstance(item, yaml.MappingNode) and not values["to"] and not values["group"]:
                self.report(
                    item, "empty-step", Wording("this step calls nobody"), Wording("give it 'to' or 'group'")
                )
            if steps and values["after"] < steps[-1].after:
                self.report(
                    item,
                    "bad-order",
                    Wording("this step comes before the one above it"),
                    Wording("order them by 'after'"),
                )
            steps.append(EscalationStep(values["after"], values["to"], values["group"]))
        return tuple(steps)

    def targets(self, node: yaml.Node) -> tuple[Target, ...]:
        """`main`, `main+1`, `li`, `owners`, `all`; one or a list."""
        nodes = [node] if isinstance(node, yaml.ScalarNode) else self.items(node)
        return tuple(self._target(item) for item in nodes)

    def _target(self, node: yaml.Node) -> Target:
        text = self.text(node)
        if text in (TargetKind.ALL, TargetKind.OWNERS):
            return Target(TargetKind(text))
        name, plus, ahead = text.partition("+")
        self.refer(node, "target", text if plus and not ahead.isdecimal() else name)
        return Target(TargetKind.ROTATION, name, int(ahead) if ahead.isdecimal() and len(ahead) < 3 else 0)

    def group_id(self, node: yaml.Node) -> str:
        self.refer(node, "group", self.text(node))
        return self.text(node)

    def quiet(self, node: yaml.Node) -> QuietHours | None:
        values = self.parse(node, self.mapping(node, Wording("quiet hours")), _QUIET, Wording("quiet hours"))
        start, end = values["from"], values["to"]
        if start is not None and start == end:
            self.report(
                node,
                "bad-time",
                Wording("these quiet hours have no end"),
                Wording("give 'from' and 'to' two times"),
            )
        if start is None or end is None or start == end or values["below"] is None:
            return None
        return QuietHours(start, end, values["zone"], values["below"])

    def claim(self, node: yaml.Node) -> ClaimRules:
        values = self.parse(node, self.mapping(node, Wording("claim rules")), _CLAIM, Wording("claim rules"))
        return ClaimRules(values["remind"], values["release"])

    def groups(self, node: yaml.Node) -> tuple[TeamGroup, ...]:
        return self.named(node, "groups", self._group)

    def _group(self, id_: str, node: yaml.Node) -> TeamGroup | None:
        pairs = self.mapping(node, Wording("a group"))
        values = self.parse(node, pairs, _GROUP, Wording("a group"))
        robots = [name for name in ROBOTS if values[name] is not None]
        if len(robots) != 1:
            names = ", ".join(ROBOTS)
            if isinstance(node, yaml.MappingNode):
                self.report(node, "bad-group", Wording("a group has one robot, of: {names}", names=names))
            return None
        (robot,) = robots
        try:
            Robot(values[robot], values["secret"], values["keyword"])
        except SettingsError as exc:
            at = {name: value for name, _, value in pairs}
            wrong = at.get(exc.field or "", at[robot])
            if values[robot] and values["secret"] != "":
                self.report(
                    wrong, "bad-robot", Wording("what this stands for cannot be used: {why}", why=exc)
                )
            return None
        return TeamGroup(id_, robot, values[robot], values["secret"], values["keyword"], values["accounts"])


def _aimed(escalation: Escalation, people: set[str], rotations: set[str]) -> Escalation:
    """With targets that are people where no rotation has the name."""

    def aimed(target: Target) -> Target:
        is_person = target.id in people and target.id not in rotations and not target.ahead
        return Target(TargetKind.TEAMMATE, target.id) if is_person else target

    steps = (replace(step, targets=tuple(map(aimed, step.targets))) for step in escalation.steps)
    return replace(escalation, steps=tuple(steps))


def _placed(override: Override, zone: ZoneInfo | None) -> Override:
    """The override with its times in the zone of its rotation, where they say no other."""
    local = zone or DEFAULT_ZONE

    def placed(moment: datetime) -> datetime:
        return moment if moment.tzinfo else moment.replace(tzinfo=local)

    return replace(override, start=placed(override.start), end=placed(override.end))


def _key(parse: Callable[[TeamReader, yaml.Node], Any], default: Any = None, *, needed: bool = False) -> Key:
    """A key of the file; no editor completes it, so that its schema is empty."""
    return Key(Shape(parse, {}), needed, default)  # type: ignore[arg-type]  # its reader is always ours


_TEAM = {
    "people": _key(TeamReader.people, (), needed=True),
    "accounts": _key(TeamReader.accounts, ()),
    "rotations": _key(TeamReader.rotations, ()),
    "overrides": _key(TeamReader.overrides, ()),
    "escalation": _key(TeamReader.escalations, ((), 0)),
    "quiet": _key(TeamReader.quiet),
    "claim": _key(TeamReader.claim),
    "groups": _key(TeamReader.groups, ()),
}
_PERSON = {
    "name": _key(TeamReader.name, needed=True),
    **{key: _key(TeamReader.address, ()) for key in ADDRESSES},
    "format": _key(lambda reader, node: reader.word_of("text")(node)),
    "zone": _key(TeamReader.zone),
}
_ACCOUNT = {
    "name": Key(TEXT, needed=True),
    "owners": _key(TeamReader.mates, ()),
    "hosts": _key(TeamReader.texts, ()),
    "probe": _key(TeamReader.probe),
}
_PROBE = {
    "url": _key(TeamReader.url, needed=True),
    "token": _key(TeamReader.secret, needed=True),
    "aes_key": _key(TeamReader.aes_key),
}
_ROTATION = {
    "people": _key(TeamReader.mates, (), needed=True),
    "every": _key(TeamReader.every, Every.WEEK),
    "length": Key(whole_number(1, 366), default=1),
    "at": Key(TEXT, needed=True),
    "from": _key(TeamReader.day, needed=True),
    "zone": _key(TeamReader.zone, DEFAULT_ZONE),
    "hours": _key(TeamReader.hours),
}
_OVERRIDE = {
    "rotation": Key(TEXT, needed=True),
    "person": Key(TEXT, needed=True),
    "from": _key(TeamReader.moment, needed=True),
    "to": _key(TeamReader.moment, needed=True),
}
_STEP = {
    "after": _key(TeamReader.duration, timedelta(), needed=True),
    "to": _key(TeamReader.targets, ()),
    "group": _key(TeamReader.group_id),
}
_QUIET = {
    "from": _key(TeamReader.clock, needed=True),
    "to": _key(TeamReader.clock, needed=True),
    "zone": _key(TeamReader.zone, DEFAULT_ZONE),
    "below": _key(TeamReader.severity, needed=True),
}
_CLAIM = {
    "remind": _key(TeamReader.pause, timedelta(hours=1), needed=True),
    "release": _key(TeamReader.pause, timedelta(hours=1), needed=True),
}
_GROUP = {
    **{name: _key(TeamReader.secret) for name in ROBOTS},
    "secret": _key(TeamReader.secret),
    "keyword": Key(TEXT),
    "accounts": _key(TeamReader.appids, ()),
}
