"""The team: people with their addresses, who is on call when, who is called after whom, and which groups are told."""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from triage.findings import Severity
from triage.message import ANY_ACCOUNT, Person
from triage.names import name_key

PAGING_CHANNELS = frozenset({"wecom"})
"""Where somebody can be written to who has not written first; elsewhere a mention in a group is all there is."""


@dataclass(frozen=True, slots=True)
class Teammate:
    """Somebody who can be on call."""

    id: str
    """What the team's file calls them."""
    name: str
    addresses: tuple[Person, ...]
    """Who they are on each channel, mostly of `ANY_ACCOUNT`."""
    text_only: bool = False
    """Whether their client shows neither cards nor Markdown, as WeChat's plug-in for WeCom does not."""
    zone: ZoneInfo | None = None
    """Where they sleep, if that is elsewhere than the team's quiet hours say."""

    @property
    def can_be_paged(self) -> bool:
        """Whether something can be sent to them alone."""
        return any(address.channel in PAGING_CHANNELS for address in self.addresses)

    def is_person(self, person: Person) -> bool:
        """Whether this is who they are on one of the channels."""
        return any(address.is_same(person) for address in self.addresses)


@dataclass(frozen=True, slots=True)
class CallbackProbe:
    """How a callback is asked whether it answers again."""

    url: str = field(repr=False)
    token: str = field(repr=False)
    aes_key: str | None = field(default=None, repr=False)
    """None: the account is in plain mode."""


@dataclass(frozen=True, slots=True)
class TeamAccount:
    """An account whose alerts come in: what it is called, and who owns it."""

    appid: str
    name: str | None = None
    """None: alerts tell its nickname."""
    owners: tuple[str, ...] = ()
    """Ids of teammates."""
    hosts: tuple[str, ...] = ()
    """Where its callbacks are."""
    probe: CallbackProbe | None = None


class Every(enum.StrEnum):
    """What shifts are counted in."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Hours:
    """Hours of some days of the week, in the time of the place."""

    days: frozenset[int]
    """0 for Monday; of hours past midnight the day they begin on."""
    start: time
    end: time
    """At or before `start`: on the next day."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """People who are on call one after the other."""

    id: str
    people: tuple[str, ...]
    """Ids of teammates, in their order."""
    every: Every
    length: int
    """How many of `every` a shift lasts."""
    at: time
    """When a shift begins, by the clock of `zone`, whatever daylight saving does."""
    start: date
    """On or after which the first shift begins; nobody is on call before."""
    zone: ZoneInfo
    on: int | None = None
    """The day a shift begins: of the week (0 for Monday), of the month (1 to 28); None where shifts are shorter."""
    hours: Hours | None = None
    """When anybody is on call at all; None: always."""


@dataclass(frozen=True, slots=True)
class Override:
    """Somebody is on call from `start` until `end`, whoever the rotation says."""

    rotation: str
    teammate: str | None
    """None: nobody is."""
    start: datetime
    end: datetime


class TargetKind(enum.StrEnum):
    """Whom a step calls."""

    ROTATION = "rotation"
    """Who is on call in a rotation, or comes some turns after that one."""
    TEAMMATE = "teammate"
    OWNERS = "owners"
    """The owners of the account."""
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Target:
    """Whom a step calls."""

    kind: TargetKind
    id: str = ""
    """Of the rotation or the teammate."""
    ahead: int = 0
    """How many turns after the one on call; of a rotation alone."""


@dataclass(frozen=True, slots=True)
class EscalationStep:
    """A moment at which somebody is called."""

    after: timedelta
    """After the incident was opened, or let go again."""
    targets: tuple[Target, ...] = ()
    group: str | None = None
    """The id of a group that is told."""


@dataclass(frozen=True, slots=True)
class Escalation:
    """Who is called, one after the other, until somebody claims."""

    severity: Severity
    """Of the incident; graver ones too, up to the next escalation."""
    steps: tuple[EscalationStep, ...]

    @property
    def calls_people(self) -> bool:
        """Whether it does more than tell groups."""
        return any(step.targets for step in self.steps)

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups that its steps tell."""
        return tuple(dict.fromkeys(step.group for step in self.steps if step.group))


@dataclass(frozen=True, slots=True)
class QuietHours:
    """When nobody is called for what can wait."""

    start: time
    end: time
    zone: ZoneInfo
    below: Severity
    """Incidents less severe than this can wait."""


@dataclass(frozen=True, slots=True)
class ClaimRules:
    """What follows from a claim after which nothing happens."""

    remind: timedelta
    """After this the owner is reminded."""
    release: timedelta
    """After this much more the incident is let go, and others are called."""


@dataclass(frozen=True, slots=True)
class TeamGroup:
    """A group that is told, by its robot."""

    id: str
    channel: str
    """Of the robot: `wecom_webhook`."""
    address: str = field(repr=False)
    """The robot's URL, or the key in it."""
    secret: str | None = field(default=None, repr=False)
    keyword: str | None = None
    accounts: tuple[str, ...] = ()
    """The AppIDs it hears of; none named: all."""


@dataclass(frozen=True, slots=True)
class Team:
    """Everything the team's file says."""

    people: tuple[Teammate, ...] = ()
    accounts: tuple[TeamAccount, ...] = ()
    rotations: tuple[Rotation, ...] = ()
    overrides: tuple[Override, ...] = ()
    """Of two that overlap the later one holds."""
    escalations: tuple[Escalation, ...] = ()
    repeat: int = 0
    """How often an escalation begins again when nobody has claimed at its end."""
    quiet: QuietHours | None = None
    claim: ClaimRules | None = None
    groups: tuple[TeamGroup, ...] = ()

    def find(self, person: Person) -> Teammate | None:
        """Who somebody on a channel is; None for somebody else."""
        return next((mate for mate in self.people if mate.is_person(person)), None)

    def teammate(self, id_: str) -> Teammate | None:
        """The teammate of an id."""
        return next((mate for mate in self.people if mate.id == id_), None)

    def named(self, name: str) -> Teammate | None:
        """The teammate whom people would mean by a name, or by an id."""
        key = name_key(name)
        return next((mate for mate in self.people if key in (name_key(mate.name), mate.id)), None)

    def rotation(self, id_: str) -> Rotation | None:
        """The rotation of an id."""
        return next((rotation for rotation in self.rotations if rotation.id == id_), None)

    def group(self, id_: str) -> TeamGroup | None:
        """The group of an id."""
        return next((group for group in self.groups if group.id == id_), None)

    def account(self, appid: str | None, callback: str | None) -> TeamAccount | None:
        """The account of an AppID; where an alert names none, that of the callback's host."""
        if appid is not None:
            return next((account for account in self.accounts if account.appid == appid), None)
        host = urlsplit(callback or "").hostname
        return next((account for account in self.accounts if host in account.hosts), None)

    def escalation(self, severity: Severity) -> Escalation | None:
        """Who is called for an incident: its severity's, else that of the next less severe one; None calls nobody."""
        fitting = (item for item in self.escalations if item.severity.rank >= severity.rank)
        return min(fitting, key=lambda item: item.severity.rank, default=None)

    def at_accounts(self, accounts: Mapping[str, Collection[str]]) -> Team:
        """The team with its people addressed at our account, on paging channels on which we have one alone.

        `accounts` are the ids of ours by their channels. On other channels a message may name another id than the
        settings do, as a bot of WeCom does.
        """
        ours = {channel: accounts.get(channel, ()) for channel in PAGING_CHANNELS}
        only = {channel: next(iter(ids)) for channel, ids in ours.items() if len(ids) == 1}
        people = [
            replace(mate, addresses=tuple(_at_account(address, only) for address in mate.addresses))
            for mate in self.people
        ]
        return replace(self, people=tuple(people))

    @property
    def members(self) -> Mapping[Person, str]:
        """Every address of every teammate with their name: one name on all channels."""
        return {address: mate.name for mate in self.people for address in mate.addresses}


def _at_account(address: Person, only: Mapping[str, str]) -> Person:
    if address.account != ANY_ACCOUNT:
        return address
    return replace(address, account=only.get(address.channel, ANY_ACCOUNT))
