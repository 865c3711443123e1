"""What is known of an incident as a document to go on writing: facts, times, causes, what was done and seen before."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from triage.incidents.correlation import Incident, State
from triage.incidents.likeness import Similar
from triage.incidents.story import clock, incident_name
from triage.masking import mask
from triage.printing import one_line

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
class Known:
    """What a post-mortem is made of; names are as the chat calls people."""

    incident: Incident
    account: str
    alerts: int
    failures: int
    """As far as alerts counted them."""
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
    similar: tuple[Similar, ...]


def post_mortem(known: Known) -> str:
    """The document, in Markdown. What people and alerts wrote is masked and stands as text, whatever is in it."""
    parts = [
        f"# 事件 #{known.incident.id}：{_text(known.account)}",
        _facts(known),
        _section("原因", known.causes, "报警样例和贴的证据没有证明任何原因。"),
        _section("做过的步骤", known.ticked, "没有勾过步骤。"),
        _section("备注", known.notes, "没有备注。"),
        _time_line(known),
        _section("以前类似的", [_alike(each) for each in known.similar], "没有见过。"),
        "## 以后怎么避免\n\n- ",
    ]
    return "\n\n".join(parts) + "\n"


def _facts(known: Known) -> str:
    incident = known.incident
    titles = list(dict.fromkeys(alert.title for alert in incident.sightings))
    rows = [
        ("报警", _text("、".join(titles)) + f"（{known.alerts} 条，{known.failures} 次失败）"),
        ("开始", _date(incident.opened_at)),
        ("最近一条报警", _date(incident.last_seen)),
        ("多久有人认领", _after(incident.opened_at, known.claimed_at, "没人认领")),
        ("多久关闭", _after(incident.opened_at, incident.closed_at, "还没关闭")),
        ("负责", _text(known.owner) if known.owner else "没有人"),
    ]
    if incident.callback:
        rows.insert(1, ("回调", _text(incident.callback)))
    if incident.state is State.CLOSED:
        rows.append(("怎么好的", _text(incident.closed_note) if incident.closed_note else "没有写"))
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)])


def _section(title: str, lines: Sequence[str], empty: str) -> str:
    return f"## {title}\n\n" + ("\n".join(f"- {_text(line)}" for line in lines) or empty)


def _time_line(known: Known) -> str:
    lines = [
        f"| {clock(moment.at, dated=True)} | {_text(moment.who)} | {_text(moment.what)} |"
        for moment in known.moments
    ]
    head = f"## 经过\n\n北京时间{f'；更早的 {known.left_out} 条没有列出' if known.left_out else ''}。\n\n"
    return head + "\n".join(["| 时间 | 谁 | 做了什么 |", "|---|---|---|", *lines])


def _alike(similar: Similar) -> str:
    incident = similar.incident
    note = incident.closed_note or "没写怎么好的"
    return f"#{incident.id} {incident_name(incident)}（{_date(incident.last_seen)}）：{note}"


def _after(start: datetime, end: datetime | None, never: str) -> str:
    if end is None:
        return never
    minutes = max(0, (end - start) // _MINUTE)
    return f"{minutes} 分钟（{_date(end)}）"


def _date(moment: datetime) -> str:
    return clock(moment, dated=True)


def _text(text: str) -> str:
    """One masked line in which nothing is markup."""
    return _MARKUP.sub(r"\\\1", one_line(mask(text)))
