"""Hours that come back: a campaign or a nightly job makes the same callback fail at the same time again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from triage.alerts.parser import BEIJING
from triage.incidents.weeks import DAYS, Week

WEEKS = 4
"""That are looked at: the one in question and those before it."""
FEWEST = 5
"""Alerts that make an hour stand out, at least."""
_TIMES_THE_MEAN = 3
_TIMES = 3
"""Days of the week, or weeks, in which an hour must stand out to be one that comes back."""
RECEIPT = "Template Send Job Finish"
"""The event of a receipt, as alerts name it: the platform pushes one for each template message of a campaign."""


@dataclass(frozen=True, slots=True)
class Busy:
    """The alerts of an hour, of all kinds."""

    starts_at: datetime
    alerts: int
    receipts: int
    """How many of them are about receipts of template messages."""


@dataclass(frozen=True, slots=True)
class Campaign:
    """An hour that came back."""

    hour: int
    """0 to 23, in Beijing time."""
    weekday: int | None
    """0 is Monday; None: on several days of the week."""
    times: int
    """On how many days, or in how many weeks, it stood out."""
    alerts: int
    """In all of them."""
    is_receipts: bool
    """Whether most of them are about receipts of template messages."""


def campaigns(week: Week, hours: Sequence[Busy]) -> tuple[Campaign, ...]:
    """The hours that stood out on several days of the week, or on its weekday in several of the last `WEEKS` weeks.

    An hour stands out that has three times as many alerts as an hour has on average, and at least `FEWEST`. One that
    comes back every day is not named for its weekdays too. Those with most alerts come first.
    """
    alerts = sum(hour.alerts for hour in hours)
    least = max(FEWEST, _TIMES_THE_MEAN * alerts / (WEEKS * DAYS * 24))
    daily: dict[int, list[Busy]] = defaultdict(list)
    weekly: dict[tuple[int, int], list[Busy]] = defaultdict(list)
    for hour in hours:
        if hour.alerts < least:
            continue
        local = hour.starts_at.astimezone(BEIJING)
        weekly[local.hour, local.weekday()].append(hour)
        if week.begins <= hour.starts_at < week.ends:
            daily[local.hour].append(hour)
    found = [_campaign(hour, None, busy) for hour, busy in daily.items() if len(busy) >= _TIMES]
    every_day = {campaign.hour for campaign in found}
    found += [
        _campaign(hour, weekday, busy)
        for (hour, weekday), busy in weekly.items()
        if len(busy) >= _TIMES and hour not in every_day
    ]
    return tuple(sorted(found, key=lambda one: (-one.alerts, one.hour, one.weekday or 0)))


def _campaign(hour: int, weekday: int | None, busy: Sequence[Busy]) -> Campaign:
    alerts, receipts = sum(one.alerts for one in busy), sum(one.receipts for one in busy)
    return Campaign(hour, weekday, len(busy), alerts, receipts * 2 > alerts)
