"""What a week was like in numbers: alerts by kind, account and place, and how long incidents waited for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from triage.incidents.weeks import DAYS

TOP = 10
"""Accounts, callbacks and addresses that are named."""
_TENTHS = 9


@dataclass(frozen=True, slots=True)
class KindDay:
    """The alerts of one kind on one day of the week. An alert that was forwarded twice counts once, here and below."""

    kind: str
    day: int
    """0 is Monday."""
    alerts: int


@dataclass(frozen=True, slots=True)
class Place:
    """A callback or an address, and the alerts about it."""

    name: str
    """Host and path of a callback, or an IP."""
    alerts: int
    accounts: int
    """How many accounts they are of; alerts without an AppID count for none."""


@dataclass(frozen=True, slots=True)
class AccountDay:
    """The alerts of one account on one day of the week."""

    appid: str | None
    nickname: str | None
    day: int
    """0 is Monday."""
    alerts: int


@dataclass(frozen=True, slots=True)
class Handled:
    """When people took up an incident and were done with it."""

    opened_at: datetime
    claimed_at: datetime | None
    """When it was first claimed or given to somebody; None: never."""
    closed_at: datetime | None
    """None: it is open."""


@dataclass(frozen=True, slots=True)
class Waits:
    """How long incidents waited for something."""

    done: int
    never: int
    """How many still wait, or were closed without it."""
    median: timedelta | None
    """Of those that are done; None where none is."""
    tenth: timedelta | None
    """One in ten took longer."""


@dataclass(frozen=True, slots=True)
class Series:
    """The alerts of a kind, day by day."""

    kind: str
    days: tuple[int, ...]

    @property
    def total(self) -> int:
        """Those of the whole week."""
        return sum(self.days)


@dataclass(frozen=True, slots=True)
class AccountSeries:
    """The alerts of an account, day by day."""

    appid: str | None
    """None: of alerts that name none."""
    nickname: str | None
    days: tuple[int, ...]

    @property
    def total(self) -> int:
        """Those of the whole week."""
        return sum(self.days)


def by_kind(counted: Iterable[KindDay]) -> tuple[Series, ...]:
    """The alerts of each kind day by day, the most frequent kind first."""
    counts: dict[str, list[int]] = {}
    for one in counted:
        counts.setdefault(one.kind, [0] * DAYS)[one.day] += one.alerts
    series = [Series(kind, tuple(days)) for kind, days in counts.items()]
    return tuple(sorted(series, key=lambda one: (-one.total, one.kind)))


def by_account(days: Iterable[AccountDay]) -> tuple[AccountSeries, ...]:
    """The alerts of each account on each day, the account with most first."""
    counts: dict[str | None, list[int]] = {}
    names: dict[str | None, str | None] = {}
    for one in days:
        counts.setdefault(one.appid, [0] * DAYS)[one.day] += one.alerts
        names[one.appid] = one.nickname or names.get(one.appid)
    series = [AccountSeries(appid, names[appid], tuple(alerts)) for appid, alerts in counts.items()]
    return tuple(sorted(series, key=lambda one: (-one.total, one.appid or "")))


def by_callback(places: Iterable[Place]) -> tuple[Place, ...]:
    """Callbacks by host and path, whatever their scheme, the one with most alerts first; at most `TOP`.

    Of two that differ in their scheme alone the larger number of accounts counts.
    """
    found: dict[str, Place] = {}
    for place in places:
        name = host_and_path(place.name)
        known = found.get(name, Place(name, 0, 0))
        found[name] = Place(name, known.alerts + place.alerts, max(known.accounts, place.accounts))
    return tuple(sorted(found.values(), key=lambda place: (-place.alerts, place.name))[:TOP])


def host_and_path(url: str) -> str:
    """A callback as people call it: `https://A.example/cb?x=1` is `a.example/cb`; what is no URL stays as it is."""
    try:
        parts = urlsplit(url)
    except ValueError:  # brackets of an address that is none
        return url
    return f"{parts.netloc.lower()}{parts.path}" if parts.netloc else url


def time_to_claim(handled: Sequence[Handled]) -> Waits:
    """From the first alert until somebody took it."""
    return _waits([one.claimed_at - one.opened_at if one.claimed_at else None for one in handled])


def time_to_close(handled: Sequence[Handled]) -> Waits:
    """From the first alert until it was closed."""
    return _waits([one.closed_at - one.opened_at if one.closed_at else None for one in handled])


def _waits(spans: Sequence[timedelta | None]) -> Waits:
    """A clock of another node that is behind makes no wait shorter than none."""
    done = sorted(max(span, timedelta(0)) for span in spans if span is not None)
    if not done:
        return Waits(0, len(spans), None, None)
    return Waits(len(done), len(spans) - len(done), done[(len(done) - 1) // 2], done[_place(len(done))])


def _place(count: int) -> int:
    """Where in so many sorted values the one stands that nine tenths do not exceed."""
    return -(-count * _TENTHS // 10) - 1
