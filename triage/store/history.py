"""What has been, in numbers: questions about a time, each answered by the rows of that time alone.

All of them leave out what is kept apart until a member confirms it, what was forwarded again, and the incidents of
other accounts than those asked for; no account named means every account. A time begins with `since` and ends before
`until`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, String, case, cast, func, select, type_coerce, union_all

from triage.incidents.campaigns import Busy
from triage.incidents.correlation import Reason, State
from triage.incidents.solving import Solved
from triage.incidents.statistics import TOP, AccountDay, Handled, KindDay, Place
from triage.incidents.weeks import DAYS, Week
from triage.store.columns import Text
from triage.store.database import Database
from triage.store.schema import ALERTS, GAPS, INCIDENTS, TICKS, TIMELINE

T = TypeVar("T")

MOST_HANDLED = 5_000
"""Incidents of a time whose waits are looked at: the newest."""
MOST_SOLVED = 500
"""Closed incidents whose steps are looked at: the newest."""
MOST_GAPS = 2_000
"""Texts of a time that no rule knew: the newest."""
_URLS = 3 * TOP
"""Callbacks by their URL, so that the first `TOP` by host and path are among them."""
_TAKEN = ("claim", "give")
_REACHED = "step"
"""What the timeline calls a step that was shown by typed words; its detail is the number."""
_RECEIPT = '"receipt_flood"'
"""The cause of alerts about receipts of a campaign, as it stands among the causes of an alert."""

_I, _A, _T, _K, _G = INCIDENTS.c, ALERTS.c, TIMELINE.c, TICKS.c, GAPS.c
_HOUR = func.substr(cast(_A.seen_at, String(26)), 1, 13)
"""The beginning of the text of an instant, `2026-11-29 10`."""
_ALERTS = func.count().label("alerts")


class History:
    """The past of a store. Every method raises what those of `Store` raise."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def kinds(self, week: Week, appids: Sequence[str] = ()) -> tuple[KindDay, ...]:
        """The alerts of each kind on each day of a week that has some."""
        day = _day_of(week)
        found = _alerts(week.begins, week.ends, appids, _A.kind, day, _ALERTS)
        return self._read(found.group_by(_A.kind, day), KindDay)

    def busy_hours(self, since: datetime, until: datetime, appids: Sequence[str] = ()) -> tuple[Busy, ...]:
        """The alerts of each hour that has some, oldest first."""
        is_receipt = type_coerce(_A.causes, Text).contains(_RECEIPT)
        receipts = func.sum(case((is_receipt, 1), else_=0))
        found = _alerts(since, until, appids, _HOUR, _ALERTS, receipts).group_by(_HOUR).order_by(_HOUR)
        return self._read(found, lambda hour, alerts, receipts: Busy(_instant(hour), alerts, int(receipts)))

    def accounts(self, week: Week, appids: Sequence[str] = ()) -> tuple[AccountDay, ...]:
        """The alerts on each day of a week of the `TOP` accounts that have most; without those that name none."""
        most = _top(_alerts(week.begins, week.ends, appids, _A.appid, _ALERTS), _A.appid, TOP).subquery()
        day = _day_of(week)
        found = _alerts(week.begins, week.ends, (), _A.appid, func.max(_A.nickname), day, _ALERTS)
        found = found.join(most, most.c.appid == _A.appid).group_by(_A.appid, day)
        return self._read(found, AccountDay)

    def callbacks(self, since: datetime, until: datetime, appids: Sequence[str] = ()) -> tuple[Place, ...]:
        """The callback URLs with most alerts."""
        return self._places(_A.callback, _URLS, since, until, appids)

    def addresses(self, since: datetime, until: datetime, appids: Sequence[str] = ()) -> tuple[Place, ...]:
        """The IPs of developers' servers with most alerts, at most `TOP`."""
        return self._places(_A.ip, TOP, since, until, appids)

    def _places(
        self,
        what: ColumnElement[Any],
        limit: int,
        since: datetime,
        until: datetime,
        appids: Sequence[str],
    ) -> tuple[Place, ...]:
        accounts = func.count(_A.appid.distinct())
        return self._read(_top(_alerts(since, until, appids, what, _ALERTS, accounts), what, limit), Place)

    def handled(self, since: datetime, until: datetime, appids: Sequence[str] = ()) -> tuple[Handled, ...]:
        """The incidents that were opened in a time, the newest first; at most `MOST_HANDLED`."""
        taken = select(func.min(_T.at)).where(_T.incident_id == _I.id, _T.what.in_(_TAKEN)).scalar_subquery()
        found = _incidents(since, until, appids, _I.opened_at, taken, _I.closed_at)
        found = found.order_by(_I.opened_at.desc()).limit(MOST_HANDLED)
        return self._read(found, Handled)

    def solved(self, since: datetime, until: datetime, appids: Sequence[str] = ()) -> tuple[Solved, ...]:
        """The closed incidents of those opened in a time that some step is known of; of the newest `MOST_SOLVED`."""
        newest = (
            _incidents(since, until, appids, _I.id)
            .where(_I.state == State.CLOSED.value)
            .order_by(_I.opened_at.desc())
            .limit(MOST_SOLVED)
            .subquery()
        )
        walked = union_all(
            select(_T.incident_id, _T.at, _T.detail.label("step"))
            .join(newest, newest.c.id == _T.incident_id)
            .where(_T.what == _REACHED),
            select(_K.incident_id, _K.at, _K.step).join(newest, newest.c.id == _K.incident_id),
        ).subquery()
        found = (
            select(_A.incident_id, _A.kind, walked.c.step)
            .join(walked, walked.c.incident_id == _A.incident_id)
            .where(_A.number == 1)
            .order_by(_A.incident_id.desc(), walked.c.at)
        )
        rows = self._read(found, lambda *row: row)
        return tuple(_solved(list(of_one)) for _, of_one in groupby(rows, key=lambda row: row[0]))

    def gaps(self, since: datetime, until: datetime) -> tuple[str, ...]:
        """The texts of a time that no rule knew, of every account, the newest first; at most `MOST_GAPS`."""
        found = select(_G.text).where(_G.seen_at >= since, _G.seen_at < until)
        return self._read(found.order_by(_G.seen_at.desc()).limit(MOST_GAPS), str)

    def _read(self, question: Select[Any], value: Callable[..., T]) -> tuple[T, ...]:
        rows = self._database.read(lambda session: session.connection.execute(question).all())
        return tuple(value(*row) for row in rows)


def _alerts(
    since: datetime, until: datetime, appids: Sequence[str], *columns: ColumnElement[Any]
) -> Select[Any]:
    """Columns of the alerts of a time. A join with the incidents would be made by reading all of these first."""
    apart = select(_I.id).where(_I.guest > "", _I.last_seen >= since)
    found = select(*columns).where(
        _A.seen_at >= since,
        _A.seen_at < until,
        _A.reason != Reason.REPEATED.value,
        _A.incident_id.not_in(apart),
    )
    return found.where(_A.appid.in_(appids)) if appids else found


def _incidents(
    since: datetime, until: datetime, appids: Sequence[str], *columns: ColumnElement[Any]
) -> Select[Any]:
    """Columns of the incidents that were opened in a time."""
    found = select(*columns).where(_I.guest == "", _I.opened_at >= since, _I.opened_at < until)
    return found.where(_I.appid.in_(appids)) if appids else found


def _top(found: Select[Any], what: ColumnElement[Any], limit: int) -> Select[Any]:
    """The values of a column that most of the found alerts have; those that lack one are left out."""
    return found.where(what.is_not(None)).group_by(what).order_by(_ALERTS.desc(), what).limit(limit)


def _day_of(week: Week) -> ColumnElement[int]:
    """The day of a week that an alert came on; 0 is Monday."""
    midnights = [week.begins + timedelta(days=number) for number in range(1, DAYS)]
    return case(
        *((_A.seen_at < midnight, number) for number, midnight in enumerate(midnights)), else_=DAYS - 1
    )


def _instant(hour: str) -> datetime:
    """An hour from the text of an instant in UTC: `2026-11-29 10`."""
    return datetime.fromisoformat(hour).replace(tzinfo=UTC)


def _solved(rows: Sequence[Sequence[Any]]) -> Solved:
    """From the rows of one incident, which hold a step each."""
    return Solved(rows[0][1], tuple(step for _, _, step in rows if step))
