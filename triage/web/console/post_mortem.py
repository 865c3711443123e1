"""What is known of an incident as a document to go on writing: facts, times, causes, what was done and seen before."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from triage.incidents.correlation import Incident, State, began_at
from triage.incidents.story import clock
from triage.masking import mask
from triage.printing import one_line
from triage.web.console.words import gettext as _

_MARKUP = re.compile(r"([\\`*_{}\[\]()<>#|!~])")
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened, as the time line tells it."""

    at: datetime
    who: str
    what: str
    """In words, with what belongs to it."""


@dataclass(frozen=True, slots=True)
class Before:
    """A similar incident of the past."""

    number: int
    name: str
    """Its account and the kinds of its alerts."""
    when: str
    shares: str
    note: str
    """Why it was closed; `""` where nobody wrote it."""


@dataclass(frozen=True, slots=True)
class Known:
    """What a post-mortem is made of; names are as the pages call people."""

    incident: Incident
    account: str
    kinds: str
    """Those of its alerts."""
    alerts: int
    failures: int
    """Failed pushes, by the counts in the alerts; less where an alert had no count."""
    claimed_at: datetime | None
    """When it was claimed first."""
    owner: str | None
    causes: tuple[str, ...]
    """What the alerts' own samples prove, and what several pastes agree on."""
    ticked: tuple[str, ...]
    """The steps that people ticked, with who did."""
    notes: tuple[str, ...]
    moments: tuple[Moment, ...]
    left_out: int
    """How many older lines of the time line are not among the moments."""
    similar: tuple[Before, ...]


def post_mortem(known: Known) -> str:
    """The document, in Markdown, in the language of the request.

    What people and alerts wrote is masked and stands as text, whatever is in it.
    """
    parts = [
        _("# 事件 #%(n)s：%(account)s", n=known.incident.id, account=_text(known.account)),
        _facts(known),
        _section(_("原因"), known.causes, _("报警样例和贴的证据没有证明任何原因。")),
        _section(_("做过的步骤"), known.ticked, _("没有勾过步骤。")),
        _section(_("备注"), known.notes, _("没有备注。")),
        _time_line(known),
        _section(_("以前类似的"), [_alike(each) for each in known.similar], _("没有见过。")),
        f"## {_('以后怎么避免')}\n\n- ",
    ]
    return "\n\n".join(parts) + "\n"


def _facts(known: Known) -> str:
    incident = known.incident
    alerts = _(
        "%(kinds)s（%(alerts)s 条，%(failures)s 次失败）",
        kinds=_text(known.kinds),
        alerts=known.alerts,
        failures=known.failures,
    )
    rows = [
        (_("报警"), alerts),
        (_("开始"), _date(began_at(incident))),
        (_("最近一条报警"), _date(incident.last_seen)),
        (_("转来后多久有人认领"), _after(incident.opened_at, known.claimed_at, _("没人认领"))),
        (_("转来后多久关闭"), _after(incident.opened_at, incident.closed_at, _("还没关闭"))),
        (_("负责"), _text(known.owner) if known.owner else _("没有人")),
    ]
    if incident.callback:
        rows.insert(1, (_("回调"), _text(incident.callback)))
    if incident.state is State.CLOSED:
        rows.append((_("怎么好的"), _text(incident.closed_note) if incident.closed_note else _("没有写")))
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)])


def _section(title: str, lines: Sequence[str], empty: str) -> str:
    return f"## {title}\n\n" + ("\n".join(f"- {_text(line)}" for line in lines) or empty)


def _time_line(known: Known) -> str:
    lines = [
        f"| {_date(moment.at)} | {_text(moment.who)} | {_text(moment.what)} |" for moment in known.moments
    ]
    zone = _("北京时间；更早的 %(n)s 条没有列出。", n=known.left_out) if known.left_out else _("北京时间。")
    head = f"## {_('经过')}\n\n{zone}\n\n| {_('时间')} | {_('谁')} | {_('做了什么')} |"
    return "\n".join([head, "|---|---|---|", *lines])


def _alike(before: Before) -> str:
    note = before.note or _("没写怎么好的")
    return _(
        "#%(n)s %(name)s（%(time)s）：%(note)s",
        n=before.number,
        name=before.name,
        time=before.when,
        note=note,
    )


def _after(start: datetime, end: datetime | None, never: str) -> str:
    if end is None:
        return never
    return _("%(n)s 分钟（%(time)s）", n=max(0, (end - start) // _MINUTE), time=_date(end))


def _date(moment: datetime) -> str:
    return clock(moment, dated=True)


def _text(text: str) -> str:
    """One masked line in which nothing is markup."""
    return _MARKUP.sub(r"\\\1", one_line(mask(text)))
