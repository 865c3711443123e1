"""The week: what failed how often, how fast people took it, what comes back, what solved it, what no rule knew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import cast

from flask import Blueprint, abort, request
from flask import Response as FlaskResponse

from triage.alerts.parser import BEIJING
from triage.bot.access import Viewer
from triage.incidents.solving import Solving
from triage.incidents.story import account_line
from triage.incidents.weeks import Week
from triage.masking import mask
from triage.printing import dump_json
from triage.web.console.figures import SOLVED_WEEKS, Figures, as_csv, as_json, figures
from triage.web.console.frame import page
from triage.web.console.visitors import Sight, seen_by, the_visitor
from triage.web.console.words import gettext as _
from triage.web.console.words import lang
from triage.web.service import the_service

blueprint = Blueprint("week", __name__)

_SHOWN_KINDS = 5
"""Kinds that the chart tells apart; all others are one more."""


@dataclass(frozen=True, slots=True)
class Column:
    """A series of the chart."""

    title: str
    days: tuple[int, ...]


@blueprint.get("/week")
@seen_by(Sight.MEMBER)
def week() -> FlaskResponse:
    """The page of a week; without a name the one that is now."""
    counted, now = _counted()
    this = Week.of(now)
    return page(
        "week.html",
        figures=counted,
        week=counted.week,
        this=this,
        days=[_day(day) for day in counted.week.days],
        columns=_columns(counted, _title),
        title_of=_title,
        account=account_line,
        span=_span,
        clock=lambda moment: moment.astimezone(BEIJING).strftime("%H:%M"),
        weekdays=_weekdays(),
        step_of=_step,
        to_the_top=_to_the_top,
        mask=mask,
        solved_weeks=SOLVED_WEEKS,
    )


@blueprint.get("/week.json")
@seen_by(Sight.MEMBER)
def week_json() -> FlaskResponse:
    """The same figures for programs."""
    counted, _now = _counted()
    return _file(dump_json(as_json(counted), indent=2), "application/json", f"{counted.week}.json")


@blueprint.get("/week.csv")
@seen_by(Sight.MEMBER)
def week_csv() -> FlaskResponse:
    """The same figures for spreadsheets."""
    counted, _now = _counted()
    return _file(as_csv(counted), "text/csv; charset=utf-8", f"{counted.week}.csv")


def _counted() -> tuple[Figures, datetime]:
    """The figures of the week that is asked for, of the accounts that the visitor sees."""
    now, service = datetime.now(UTC), the_service()
    name = request.args.get("week", "")
    asked = Week.parse(name) if name else Week.of(now)
    if asked is None or asked.begins > now:
        abort(404)
    viewer = cast(Viewer, the_visitor().viewer)  # members alone get here
    nearest = service.rules.adviser.nearest
    return service.ask(lambda store: figures(store, asked, viewer.appids, now, nearest)), now


def _file(body: str, content_type: str, name: str) -> FlaskResponse:
    response = FlaskResponse(body, content_type=content_type)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Content-Disposition"] = f'attachment; filename="triage-{name}"'
    return response


def _columns(counted: Figures, title: Callable[[str], str]) -> list[Column]:
    """The kinds that the chart shows, the last of them all others."""
    shown = [Column(title(one.kind), one.days) for one in counted.kinds[:_SHOWN_KINDS]]
    rest = counted.kinds[_SHOWN_KINDS:]
    if rest:
        days = tuple(sum(alerts) for alerts in zip(*(one.days for one in rest), strict=True))
        shown.append(Column(_("其他"), days))
    return shown


def _title(kind: str) -> str:
    """What a kind of alert is called; by its id where no rule names it any more."""
    rule = the_service().rules.adviser.rules.get(kind)
    if rule is None:
        return _("没有规则认得") if kind == "unknown" else kind
    return (rule.title_en or rule.title) if lang() == "en" else rule.title


def _step(solved: Solving, step: str) -> tuple[str, str]:
    """A step as its label and what it says, without the facts of an alert; only the label where no rule has it now."""
    if step.isdecimal():
        return _("第 %(step)s 步", step=step), _("在聊天里做到")
    rules = the_service().rules.adviser.rules
    places = [rule for rule in (rules.get(solved.kind), *rules.rules) if rule is not None]
    named = (each for rule in places for each in rule.steps if each.id == step)
    found = next(named, None)
    return step, found.do.render({"kind": solved.kind}) if found else ""


def _to_the_top(solved: Solving) -> str | None:
    """The step that should come first in the checklist; None where none leads, or the one that does is first."""
    rule = the_service().rules.adviser.rules.get(solved.kind)
    first = {"1", *(step.id for step in (rule.steps[:1] if rule else ()))}
    return None if solved.leading in first else solved.leading


def _weekdays() -> tuple[str, ...]:
    return _("周一"), _("周二"), _("周三"), _("周四"), _("周五"), _("周六"), _("周日")


def _day(day: date) -> tuple[str, str]:
    """A day as the head of a column: its weekday, and its date."""
    return _weekdays()[day.weekday()], f"{day.month}-{day.day:02}"


def _span(span: timedelta | None) -> str:
    """How long something took: `12 分钟`."""
    if span is None:
        return "–"
    minutes = int(span.total_seconds() // 60)
    if minutes < 1:
        return _("不到 1 分钟")
    hours, minutes = divmod(minutes, 60)
    if hours >= 48:
        return _("%(days)s 天 %(hours)s 小时", days=hours // 24, hours=hours % 24)
    if hours:
        return _("%(hours)s 小时 %(minutes)s 分", hours=hours, minutes=minutes)
    return _("%(minutes)s 分钟", minutes=minutes)
