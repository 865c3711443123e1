"""What happened to an incident, line by line: its alerts, what people did, and what went out because of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from triage.advice.pasted import summary
from triage.bot.evidence import parts_of
from triage.incidents.correlation import Sighting
from triage.incidents.team import Team
from triage.masking import mask
from triage.message import Person
from triage.printing import one_line
from triage.store import Event, OutgoingKind, OutgoingState, Queued
from triage.web.console.naming import kind_of
from triage.web.console.post_mortem import Moment
from triage.web.console.words import gettext as _


@dataclass(frozen=True, slots=True)
class Line:
    """Something that happened."""

    moment: Moment
    sort: str
    """`alert`, `person` or `sent`."""


def lines(
    alerts: Sequence[Sighting],
    events: Sequence[Event],
    sent: Sequence[Queued],
    name: Callable[[Person], str],
    team: Team | None,
) -> tuple[Line, ...]:
    """All of them, the oldest first."""
    found = [Line(Moment(alert.seen_at, name(alert.sender), _alert(alert)), "alert") for alert in alerts]
    found += [Line(Moment(event.at, name(event.who), _deed(event)), "person") for event in events]
    found += [
        Line(Moment(row.sent_at or row.due_at, _("机器人"), _sent(row, team)), "sent")
        for row in sent
        if row.state is not OutgoingState.CANCELLED
    ]
    return tuple(sorted(found, key=lambda line: line.moment.at))


def _alert(alert: Sighting) -> str:
    kind = one_line(mask(kind_of(alert)))
    if alert.count is None:
        return _("转来报警：%(kind)s", kind=kind)
    return _("转来报警：%(kind)s（%(n)s 次）", kind=kind, n=alert.count)


def _deed(event: Event) -> str:
    detail = one_line(mask(event.detail or ""))
    if parts := parts_of(event):
        return _("贴了证据：%(what)s", what=one_line(summary(parts)))
    if event.what in ("step", "tick", "untick"):
        return {
            "step": _("做到第 %(n)s 步"),
            "tick": _("勾上第 %(n)s 步"),
            "untick": _("取消第 %(n)s 步的勾"),
        }[event.what] % {"n": detail}
    if event.what == "give" and detail:
        return _("转给 %(who)s", who=detail)
    if event.what == "mute" and detail:
        return _("静音到 %(time)s", time=detail)
    did = {
        "reopen": _("重新打开"),
        "claim": _("认领"),
        "release": _("放手"),
        "give": _("转给别人"),
        "mute": _("静音"),
        "note": _("备注"),
        "close": _("关闭"),
        "confirm": _("确认外人转来的报警"),
    }.get(event.what, event.what)
    return _("%(did)s：%(detail)s", did=did, detail=detail) if detail else did


def _sent(row: Queued, team: Team | None) -> str:
    said = _call(row, team)
    if row.state is OutgoingState.SENT:
        return said
    if row.state is OutgoingState.DUE:
        return _("%(said)s（还没发出）", said=said)
    return _("%(said)s（没有发出：%(why)s）", said=said, why=one_line(mask(row.reason or "")))


def _call(row: Queued, team: Team | None) -> str:
    if row.kind is OutgoingKind.GROUP:
        return _("告诉了群 %(who)s", who=str(row.payload.get("group", "")))
    to = row.payload.get("to")
    mate = team.find(Person.parse(to)) if team and isinstance(to, str) else None
    who = mate.name if mate else _("同事")
    return _("叫了%(who)s", who=who) if row.kind is OutgoingKind.PAGE else _("告诉了%(who)s", who=who)
