"""/health: what works and what does not, what did not go out, and for leads who did what on these pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from flask import Blueprint
from werkzeug.wrappers import Response

from triage.errors import StoreError
from triage.incidents.story import MemberNames, clock
from triage.masking import mask
from triage.printing import one_line
from triage.store import Audited, OutgoingState, Queued
from triage.web.console.checks import Level, look_at
from triage.web.console.frame import page
from triage.web.console.visitors import Sight, seen_by, the_visitor
from triage.web.console.words import gettext as _
from triage.web.service import Service, the_service

_SHOWN = 30
_NOT_OUT = (OutgoingState.FAILED, OutgoingState.EXPIRED)
blueprint = Blueprint("state", __name__)


@dataclass(frozen=True, slots=True)
class NotOut:
    """Something that reached nobody."""

    at: str
    incident: int | None
    what: str
    to: str
    reason: str


@dataclass(frozen=True, slots=True)
class Deed:
    """A line of the audit log."""

    at: str
    who: str
    how: str
    what: str
    incident: int | None
    detail: str
    address: str


@blueprint.get("/health")
@seen_by(Sight.MEMBER)
def state() -> Response:
    """What works and what does not."""
    service, viewer = the_service(), the_visitor().viewer
    checks = look_at(service, datetime.now(UTC))
    is_lead = viewer is not None and viewer.is_lead and not viewer.appids
    return page(
        "state.html",
        checks=checks,
        bad=sum(check.level is Level.BAD for check in checks),
        levels={Level.GOOD: _("正常"), Level.OPTIONAL: _("可选"), Level.BAD: _("有问题")},
        is_lead=is_lead,
        not_out=_not_out(service) if is_lead else [],
        deeds=_deeds(service, viewer.names) if is_lead and viewer else [],
    )


def _not_out(service: Service) -> list[NotOut]:
    try:
        rows = service.ask(lambda store: store.outbox.rows(_NOT_OUT, _SHOWN))
    except StoreError:  # the checks say so
        return []
    return [_shown(row) for row in rows]


def _shown(row: Queued) -> NotOut:
    """Without what was written, and to whom by the ids of the team's file, else by the channel alone."""
    to = row.payload.get("group") or row.payload.get("mate") or row.destination.partition("/")[0]
    reason = one_line(mask(row.reason or ""))
    return NotOut(
        clock(row.created_at, dated=True), row.incident_id, row.kind.value, one_line(mask(str(to))), reason
    )


def _deeds(service: Service, names: MemberNames) -> list[Deed]:
    try:
        lines = service.ask(lambda store: store.sign_ins.audited(_SHOWN))
    except StoreError:
        return []
    return [_deed(line, names) for line in lines]


def _deed(line: Audited, names: MemberNames) -> Deed:
    who = names.of(line.who) if line.who else "—"
    at, what, how = clock(line.at, dated=True), _what().get(line.what, line.what), _how().get(line.how, "")
    return Deed(at, who, how, what, line.incident_id, one_line(line.detail), line.address)


def _how() -> dict[str, str]:
    """How somebody had come in, by the names of `How`; of nobody and in the demo there is nothing to say."""
    return {"session": _("用聊天里的链接进来"), "password": _("用密码进来")}


def _what() -> dict[str, str]:
    """What was done, in words; what is not here is shown as it is noted."""
    return {
        "sign_in": _("登录"),
        "sign_out": _("退出"),
        "sign_out_everywhere": _("所有设备都退出"),
        "wrong_password": _("密码不对"),
        "void_links": _("收回详情链接"),
        "claim": _("认领"),
        "note": _("备注"),
        "release": _("放手"),
        "close": _("关闭"),
    }
