"""Now: the open incidents, worst first, with what can be done to them; the list keeps itself up to date."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from flask import Blueprint, redirect, request, url_for
from werkzeug.wrappers import Response

from triage.bot.access import Viewer
from triage.bot.calls import next_calls
from triage.bot.confirming import PENDING_SHOWN
from triage.incidents.correlation import Incident, Shape, State, began_at
from triage.incidents.overview import Block, Standing, overview, portion, standing
from triage.incidents.story import account_line
from triage.incidents.team import Team
from triage.incidents.upcoming import Call
from triage.masking import foreign_word
from triage.store import Store
from triage.store.following import MOST_OPEN
from triage.web.console import moments, naming
from triage.web.console.acting import Deed, Done, carry_out
from triage.web.console.frame import audited, page
from triage.web.console.visitors import Sight, seen_by, the_visitor
from triage.web.console.words import gettext as _
from triage.web.service import the_service

blueprint = Blueprint("now", __name__)
ON_A_PAGE = 20
"""Incidents on one page of the list."""
_GRAVE = 2
"""Incidents of a lower rank than this stand out."""
_LONGEST_NUMBER = 9
_NUMBERS_TOLD = 10
"""Incidents that are named in the line about what was done."""


@dataclass(frozen=True, slots=True)
class Row:
    """An incident as the list shows it, in words."""

    number: str
    title: str
    """Its number and its account."""
    grade: str
    """Its severity, as the style sheet calls it."""
    severity: str
    is_grave: bool
    blocked: str | None
    is_quiet: bool
    story: str
    known: str
    """How often it fails, its alerts, its age."""
    owner: str | None
    """Who works on it; None while nobody has claimed it."""
    call: str | None
    """Who is called next, and when; None where nobody is going to be."""
    muted: str | None


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that stand together, and why."""

    reason: str
    """What explains them; `""` for a single one."""
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class _Known:
    """What the store says."""

    blocks: tuple[Block, ...]
    """Those on the page that is shown."""
    total: int
    free: int
    listed: int
    """How many incidents there are on all pages."""
    page: int
    pending: int
    calls: Mapping[int, Call]


@blueprint.get("/now")
@seen_by(Sight.MEMBER)
def now() -> Response:
    """The list, a page of it at a time."""
    viewer, moment = _viewer(), datetime.now(UTC)
    return _list(viewer, moment, _told(viewer))


@blueprint.post("/now")
@seen_by(Sight.MEMBER)
def act() -> Response:
    """Claim, release, annotate or close what is chosen; then the list again, with what became of it."""
    viewer, moment, form = _viewer(), datetime.now(UTC), request.form
    claimed, words = form.get("claim"), form.get("words", "")
    deed = Deed.CLAIM if claimed else next((deed for deed in Deed if deed == form.get("deed")), None)
    numbers = _numbers([claimed] if claimed else form.getlist("number"))
    if deed is None or not numbers:
        return _list(viewer, moment, _("什么都没做：先勾选事件"), words, 422)
    done = the_service().ask(lambda store: carry_out(store, viewer, deed, numbers, words, moment))
    for number in done.done:
        audited(deed.value, number, words)
    return redirect(_after(deed, done), 303)


def _list(viewer: Viewer, moment: datetime, told: str, words: str = "", status: int = 200) -> Response:
    team, number = the_service().team, request.args.get("page", 1, type=int)
    known = the_service().ask(lambda store: _known(store, viewer, team, moment, number))
    return page(
        "now.html",
        status,
        groups=[_group(block, known, viewer, moment) for block in known.blocks],
        total=known.total,
        free=known.free,
        unread=known.total - known.listed,
        pending=known.pending,
        page_number=known.page,
        pages=_pages(known.listed),
        told=told,
        words=words,
    )


def _after(deed: Deed, done: Done) -> str:
    left = ",".join(map(str, done.left[:_NUMBERS_TOLD])) or None
    return url_for("now.now", did=deed.value, done=len(done.done), left=left)


def _numbers(typed: Sequence[str]) -> list[int]:
    return [
        int(digits)
        for digits in typed
        if digits.isascii() and digits.isdigit() and len(digits) <= _LONGEST_NUMBER
    ]


def _viewer() -> Viewer:
    viewer = the_visitor().viewer
    if viewer is None:
        raise LookupError("a page of members without one")
    return viewer


def _known(store: Store, viewer: Viewer, team: Team | None, moment: datetime, asked: int) -> _Known:
    wanted = viewer.wanted(State.OPEN)
    found = viewer.seen(store.following.open_incidents(wanted))
    number = min(max(1, asked), _pages(len(found)))
    blocks = portion(overview(found, moment, viewer.quiet), (number - 1) * ON_A_PAGE, ON_A_PAGE)
    shown = [incident for block in blocks for incident in block.incidents]
    return _Known(
        blocks,
        total=store.following.count_open(wanted) if len(found) == MOST_OPEN else len(found),
        free=sum(incident.owner is None for incident in found),
        listed=len(found),
        page=number,
        pending=store.count_incidents(moment - PENDING_SHOWN, viewer.wanted(is_confirmed=False)),
        calls=next_calls(store, shown, team, moment) if team else {},
    )


def _pages(incidents: int) -> int:
    return max(1, -(-incidents // ON_A_PAGE))


def _group(block: Block, known: _Known, viewer: Viewer, moment: datetime) -> Group:
    standings = [standing(incident, moment, viewer.quiet) for incident in block.incidents]
    return Group(_reason(block), tuple([_row(each, known, viewer, moment) for each in standings]))


def _reason(block: Block) -> str:
    if block.shape is Shape.HOST:
        return _(
            "%(accounts)s 个号都在机器 %(ip)s 上：先看这台机器",
            accounts=block.accounts,
            ip=foreign_word(block.shared, 39),
        )
    if block.shape is Shape.CODE:
        return _("同一个号 %(account)s 的几件：先看它的代码和配置", account=account_line(None, block.shared))
    return ""


def _row(each: Standing, known: _Known, viewer: Viewer, moment: datetime) -> Row:
    incident, owner = each.incident, each.incident.owner
    muted, call, blocked_for = incident.muted_until, known.calls.get(incident.id), each.blocked_for
    return Row(
        str(incident.id),
        f"#{incident.id} {naming.account_of(incident)}",
        each.severity.value,
        naming.severity_name(each.severity),
        each.severity.rank < _GRAVE,
        _("平台暂停推送，还剩 %(time)s", time=moments.lasting(blocked_for)) if blocked_for else None,
        each.is_quiet,
        naming.story_line(incident, moment),
        _facts(each, moment),
        _("%(who)s在处理", who=naming.person_name(owner, viewer.names, viewer.person)) if owner else None,
        _("接着叫：%(who)s", who=_call(call, moment)) if call else None,
        _("静音到 %(time)s", time=moments.clock(muted, moment)) if muted and muted > moment else None,
    )


def _facts(each: Standing, moment: datetime) -> str:
    incident, rate = each.incident, each.rate
    told = _(
        "%(n)s 条报警 · 已经 %(age)s · 最近一条：%(last)s",
        n=incident.alerts,
        age=moments.lasting(moment - began_at(incident)),
        last=moments.ago(incident.last_seen, moment),
    )
    return told if rate is None else f"{_('5 分钟 %(n)s 次', n=rate)} · {told}"


def _call(call: Call, moment: datetime) -> str:
    names = "、".join(mate.name for mate in call.teammates)
    return f"{moments.clock(call.at, moment)} {names}" if call.at > moment else names


def _told(viewer: Viewer) -> str:
    """What the write before this page did, and why it left some as they were; `""` where there was none."""
    did = request.args.get("did")
    if did not in {deed.value for deed in Deed}:
        return ""
    said = {
        Deed.CLAIM: _("认领了 %(n)s 件"),
        Deed.RELEASE: _("放手了 %(n)s 件"),
        Deed.NOTE: _("给 %(n)s 件加了备注"),
        Deed.CLOSE: _("关闭了 %(n)s 件"),
    }[Deed(did)] % {"n": max(0, request.args.get("done", 0, type=int))}
    left = _numbers(request.args.get("left", "").split(","))[:_NUMBERS_TOLD]
    if not left:
        return said
    known = the_service().ask(lambda store: viewer.seen(store.following.condensed(left)))
    by_id = {incident.id: incident for incident in known}
    why = "；".join(f"#{number} {_why_left(by_id.get(number), did, viewer)}" for number in left)
    return f"{said}。{_('没有动')}：{why}"


def _why_left(incident: Incident | None, did: str, viewer: Viewer) -> str:
    if incident is None:
        return _("没有这件事")
    if did == Deed.NOTE:
        return _("备注是空的")
    if incident.state is State.CLOSED:
        return _("已经关闭")
    if incident.owner is None:
        return _("没人认领")
    if incident.owner.is_same(viewer.person):
        return _("已经是你的")
    return _("%(who)s在处理", who=naming.person_name(incident.owner, viewer.names, viewer.person))
