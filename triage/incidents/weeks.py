"""Weeks as the team counts them: from Monday to Sunday in Beijing time, named as ISO 8601 does."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from triage.alerts.parser import BEIJING

DAYS = 7
_NAME = re.compile(r"(20\d\d)-W(\d\d)", re.ASCII)
_WEEK = timedelta(weeks=1)


@dataclass(frozen=True, slots=True)
class Week:
    """One week; it prints as `2026-W48`."""

    monday: date

    @classmethod
    def of(cls, moment: datetime) -> Week:
        """The week that an instant is in."""
        day = moment.astimezone(BEIJING).date()
        return cls(day - timedelta(days=day.weekday()))

    @classmethod
    def parse(cls, name: str) -> Week | None:
        """The week of a name like `2026-W48`, of this century; None where there is no such week."""
        match = _NAME.fullmatch(name)
        try:
            return cls(date.fromisocalendar(int(match[1]), int(match[2]), 1)) if match else None
        except ValueError:  # few years have a week 53
            return None

    def __str__(self) -> str:
        year, number, _ = self.monday.isocalendar()
        return f"{year}-W{number:02}"

    @property
    def begins(self) -> datetime:
        """Its first moment."""
        return datetime(self.monday.year, self.monday.month, self.monday.day, tzinfo=BEIJING)

    @property
    def ends(self) -> datetime:
        """The first moment after it."""
        return self.begins + _WEEK

    @property
    def days(self) -> tuple[date, ...]:
        """Monday to Sunday."""
        return tuple(self.monday + timedelta(days=number) for number in range(DAYS))

    @property
    def before(self) -> Week:
        """The one before it."""
        return Week(self.monday - _WEEK)

    @property
    def after(self) -> Week:
        """The one after it."""
        return Week(self.monday + _WEEK)
