"""The figures of a week, asked of the store, kept for a moment, and as JSON and CSV."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from weakref import WeakKeyDictionary

from triage.incidents.campaigns import WEEKS, Campaign, campaigns
from triage.incidents.solving import Solving, solving
from triage.incidents.statistics import (
    AccountSeries,
    Place,
    Series,
    Waits,
    by_account,
    by_callback,
    by_kind,
    time_to_claim,
    time_to_close,
)
from triage.incidents.weeks import Week
from triage.masking import mask
from triage.printing import csv_cell, one_line
from triage.store import Store

SOLVED_WEEKS = 8
"""In a week alone too few incidents are closed to say which steps help."""
_GAPS = 12
_LONGEST_GAP = 160
_KEPT_FOR = timedelta(seconds=30)
"""Counting a full week takes some tens of milliseconds: too long for everybody who reloads."""
_MOST_KEPT = 64


@dataclass(frozen=True, slots=True)
class Gap:
    """A text that no rule knew."""

    text: str
    times: int
    nearest: tuple[str, ...]
    """The ids of the topics that are nearest to it."""


@dataclass(frozen=True, slots=True)
class Figures:
    """A week in numbers, of the accounts of somebody."""

    week: Week
    counted_at: datetime
    kinds: tuple[Series, ...]
    accounts: tuple[AccountSeries, ...]
    callbacks: tuple[Place, ...]
    addresses: tuple[Place, ...]
    opened: int
    """Incidents."""
    claim: Waits
    close: Waits
    campaigns: tuple[Campaign, ...]
    solving: tuple[Solving, ...]
    """Of the last `SOLVED_WEEKS` weeks."""
    alerts_before: int
    """In the week before."""
    gaps: tuple[Gap, ...] | None
    """None for who sees some accounts only: nothing says of which account a question is."""

    @property
    def alerts(self) -> int:
        """Of all kinds."""
        return sum(series.total for series in self.kinds)


Nearest = Callable[[str], tuple[str, ...]]
"""The ids of the topics that are nearest to a text."""
_Asked = tuple[Week, tuple[str, ...]]
_KEPT: WeakKeyDictionary[Store, dict[_Asked, Figures]] = WeakKeyDictionary()


def figures(store: Store, week: Week, appids: tuple[str, ...], now: datetime, nearest: Nearest) -> Figures:
    """The figures of a week, up to `_KEPT_FOR` old. Raises StoreError."""
    kept = _KEPT.setdefault(store, {})
    known = kept.get((week, appids))
    if known and now - known.counted_at < _KEPT_FOR:
        return known
    counted = _count(store, week, appids, now, nearest)
    if len(kept) >= _MOST_KEPT:
        kept.clear()
    kept[week, appids] = counted
    return counted


def _count(store: Store, week: Week, appids: tuple[str, ...], now: datetime, nearest: Nearest) -> Figures:
    history, time = store.history, (week.begins, week.ends, appids)
    busy = history.busy_hours(week.begins - timedelta(weeks=WEEKS - 1), week.ends, appids)
    handled = history.handled(*time)
    before = week.before
    return Figures(
        week=week,
        counted_at=now,
        kinds=by_kind(history.kinds(week, appids)),
        accounts=by_account(history.accounts(week, appids)),
        callbacks=by_callback(history.callbacks(*time)),
        addresses=history.addresses(*time),
        opened=len(handled),
        claim=time_to_claim(handled),
        close=time_to_close(handled),
        campaigns=campaigns(week, busy),
        solving=solving(history.solved(week.ends - timedelta(weeks=SOLVED_WEEKS), week.ends, appids)),
        alerts_before=sum(hour.alerts for hour in busy if before.begins <= hour.starts_at < before.ends),
        gaps=None if appids else _gaps(history.gaps(week.begins, week.ends), nearest),
    )


def _gaps(texts: Sequence[str], nearest: Nearest) -> tuple[Gap, ...]:
    """The most frequent texts; of those that are as frequent the newest."""
    found = []
    for text, times in Counter(texts).most_common(_GAPS):
        shown = one_line(mask(text))[:_LONGEST_GAP]
        found.append(Gap(shown, times, nearest(shown)))
    return tuple(found)


def as_json(counted: Figures) -> dict[str, object]:
    """The same figures for programs: instants in ISO 8601, times in seconds, days from Monday to Sunday."""
    return {
        "week": str(counted.week),
        "begins": counted.week.begins.isoformat(),
        "ends": counted.week.ends.isoformat(),
        "counted_at": counted.counted_at.isoformat(),
        "alerts": counted.alerts,
        "alerts_before": counted.alerts_before,
        "kinds": [{"kind": one.kind, "days": one.days, "alerts": one.total} for one in counted.kinds],
        "accounts": [
            {"appid": one.appid, "nickname": one.nickname, "days": one.days, "alerts": one.total}
            for one in counted.accounts
        ],
        "callbacks": [_place(place) for place in counted.callbacks],
        "addresses": [_place(place) for place in counted.addresses],
        "incidents": counted.opened,
        "claim": _waits(counted.claim),
        "close": _waits(counted.close),
        "hours": [_hour(one) for one in counted.campaigns],
        "solving": [
            {
                "kind": one.kind,
                "incidents": one.incidents,
                "steps": [{"step": step.step, "times": step.times} for step in one.steps],
                "leading": one.leading,
            }
            for one in counted.solving
        ],
        "gaps": [
            {"text": gap.text, "times": gap.times, "nearest": gap.nearest} for gap in counted.gaps or ()
        ],
    }


def _place(place: Place) -> dict[str, object]:
    return {"name": mask(place.name), "alerts": place.alerts, "accounts": place.accounts}


def _hour(one: Campaign) -> dict[str, object]:
    """A weekday is 1 for Monday to 7, as in ISO 8601; none where it is on several days."""
    return {
        "hour": one.hour,
        "weekday": None if one.weekday is None else one.weekday + 1,
        "times": one.times,
        "alerts": one.alerts,
        "receipts": one.is_receipts,
    }


def _waits(waits: Waits) -> dict[str, object]:
    return {
        "done": waits.done,
        "never": waits.never,
        "median": _seconds(waits.median),
        "slowest_tenth": _seconds(waits.tenth),
    }


def _seconds(span: timedelta | None) -> int | None:
    return None if span is None else int(span.total_seconds())


def as_csv(counted: Figures) -> str:
    """The same figures for spreadsheets: a number a line. It begins with a BOM, without which Excel reads no UTF-8."""
    text = io.StringIO("\ufeff", newline="")
    text.seek(0, io.SEEK_END)
    writer = csv.writer(text)
    writer.writerow(("week", "what", "name", "detail", "value"))
    for what, name, detail, value in _lines(counted):
        writer.writerow((counted.week, what, csv_cell(name), csv_cell(detail), value))
    return text.getvalue()


def _lines(counted: Figures) -> Iterator[tuple[str, str, str, int | None]]:
    days = [day.isoformat() for day in counted.week.days]
    for series in counted.kinds:
        yield from (("kind", series.kind, day, alerts) for day, alerts in zip(days, series.days, strict=True))
    for account in counted.accounts:
        name = " ".join(filter(None, (account.nickname, account.appid)))
        yield from (("account", name, day, alerts) for day, alerts in zip(days, account.days, strict=True))
    for what, places in (("callback", counted.callbacks), ("address", counted.addresses)):
        yield from ((what, mask(place.name), "alerts", place.alerts) for place in places)
    yield "incidents", "opened", "", counted.opened
    for what, waits in (("claim", counted.claim), ("close", counted.close)):
        yield what, "done", "", waits.done
        yield what, "never", "", waits.never
        yield what, "median", "seconds", _seconds(waits.median)
        yield what, "slowest tenth", "seconds", _seconds(waits.tenth)
    for one in counted.campaigns:
        weekday = "every day" if one.weekday is None else f"weekday {one.weekday + 1}"
        yield "hour", f"{one.hour:02}:00", weekday, one.alerts
    for solved in counted.solving:
        yield from (("last step", solved.kind, step.step, step.times) for step in solved.steps)
    for gap in counted.gaps or ():
        yield "gap", gap.text, " ".join(gap.nearest), gap.times
