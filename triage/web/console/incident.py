"""An incident: its time line, its checklist with ticks, what was pasted, how often it failed, and what was like it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from flask import Blueprint, Response, abort, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from triage.advice.adviser import Adviser
from triage.advice.pasted import told
from triage.advice.shown_steps import ShownStep
from triage.bot.access import Viewer
from triage.bot.calls import next_calls
from triage.bot.context import Context
from triage.bot.evidence import kept_line, parts_at
from triage.bot.quoting import about_text
from triage.evidence.causes import name_cause
from triage.evidence.judge import judge
from triage.evidence.judgement import Part
from triage.incidents.correlation import QUIET, Incident, State, began_at, root_of
from triage.incidents.failures import Bars, in_bars
from triage.incidents.likeness import Likeness, Similar
from triage.incidents.overview import standing
from triage.incidents.story import MemberNames
from triage.incidents.upcoming import Call
from triage.masking import mask
from triage.printing import one_line
from triage.store import Event, Queued, Store, TickedStep
from triage.web.console import moments, naming, timeline
from triage.web.console.acting import Deed, carry_out
from triage.web.console.frame import audited, page
from triage.web.console.post_mortem import Before, Known, post_mortem
from triage.web.console.visitors import Sight, Visitor, seen_by, the_visitor
from triage.web.console.words import gettext as _
from triage.web.service import the_service

blueprint = Blueprint("incident", __name__)
MOST_EVENTS = 200
"""Lines of what people did that are shown at most, the newest."""
MOST_SENT = 50
LONGEST_PASTE = 60_000
"""Characters of pasted output that are read."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What the store knows of an incident."""

    context: Context
    incident: Incident
    events: tuple[Event, ...]
    events_left_out: int
    sent: tuple[Queued, ...]
    ticked: tuple[TickedStep, ...]
    failures: tuple[tuple[datetime, int], ...]
    similar: tuple[Similar, ...]
    parts: tuple[Part, ...]
    text: str
    """The message that its newest alert came in; `""` where that is kept no longer."""
    call: Call | None


@dataclass(frozen=True, slots=True)
class Seen:
    """What the store knows, and what the rules make of it."""

    kept: Kept
    steps: tuple[ShownStep, ...]
    causes: tuple[str, ...]


@blueprint.get("/incidents/<int:number>")
@seen_by(Sight.INCIDENT)
def incident(number: int) -> AnyResponse:
    """All that is known of it."""
    return _shown(_look(number))


@blueprint.get("/incidents/<int:number>/post-mortem.md")
@seen_by(Sight.INCIDENT)
def document(number: int) -> AnyResponse:
    """The post-mortem as a file."""
    visitor, seen = the_visitor(), _look(number)
    text = post_mortem(_known(seen, replace(_names(visitor), asker=None)))
    response = Response(text, content_type="text/markdown; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="incident-{number}.md"'
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.post("/incidents/<int:number>")
@seen_by(Sight.MEMBER)
def act(number: int) -> AnyResponse:
    """Claim, release, annotate or close it; then the page again."""
    viewer, words = _viewer(number), request.form.get("words", "")
    deed = next((deed for deed in Deed if deed == request.form.get("deed")), None)
    if deed is None:
        abort(400)
    moment = datetime.now(UTC)
    done = the_service().ask(lambda store: carry_out(store, viewer, deed, [number], words, moment))
    if done.done:
        audited(deed.value, number, words)
        return redirect(url_for("incident.incident", number=number), 303)
    said = _("没有备注：先写几个字") if deed is Deed.NOTE else _("没有动它：它已经是别人的，或者已经关闭")
    return _shown(_look(number), said, words=words, status=409)


@blueprint.post("/incidents/<int:number>/steps")
@seen_by(Sight.MEMBER)
def tick(number: int) -> AnyResponse:
    """Tick a step for everybody, or take the tick back."""
    viewer, moment = _viewer(number), datetime.now(UTC)
    step = next((step for step in _look(number).steps if step.id == request.form.get("step")), None)
    if step is None:
        abort(404)
    is_done = request.form.get("done") == "1"

    def write(store: Store) -> bool:
        change = store.following.tick if is_done else store.following.untick
        return change(number, step.id, step.number, viewer.person, moment)

    if the_service().ask(write):
        audited("tick" if is_done else "untick", number, str(step.number))
    return redirect(url_for("incident.incident", number=number, _anchor="steps"), 303)


@blueprint.post("/incidents/<int:number>/evidence")
@seen_by(Sight.MEMBER)
def paste(number: int) -> AnyResponse:
    """Judge pasted output as in chat, and keep what it proves; the text itself is kept nowhere."""
    viewer, text, moment = _viewer(number), request.form.get("text", ""), datetime.now(UTC)
    parts = judge(text[:LONGEST_PASTE])
    if not parts:
        said = _("看不出这是哪个工具的输出；连命令和表头一起贴")
        return _shown(_look(number), said, pasted=text, status=422)
    line = kept_line(parts)
    the_service().ask(lambda store: store.add_evidence(number, viewer.person, moment, line))
    audited("evidence", number, line)
    return redirect(url_for("incident.incident", number=number, _anchor="evidence"), 303)


# -- what is known


def _viewer(number: int) -> Viewer:
    """Who writes; 404 for an incident that is not theirs to see."""
    visitor = the_visitor()
    found = the_service().ask(lambda store: store.following.condensed([number]))
    if visitor.viewer is None or not found or not visitor.may_open(found[0]):
        abort(404)
    return visitor.viewer


def _look(number: int) -> Seen:
    visitor, adviser, moment = the_visitor(), the_service().rules.adviser, datetime.now(UTC)
    team = the_service().team

    def ask(store: Store) -> Kept | None:
        incident = store.incident(number)
        if incident is None or visitor.viewer is None or not visitor.may_open(incident):
            return None
        calls = next_calls(store, [incident], team, moment) if team and incident.state is State.OPEN else {}
        return _kept(Context(adviser, store, visitor.viewer, moment), visitor, incident, calls)

    kept = the_service().ask(ask)
    if kept is None:
        abort(404)
    steps, causes = _checklist(kept.context, kept.incident, kept.text, kept.parts)
    return Seen(kept, steps, causes)


def _kept(context: Context, visitor: Visitor, incident: Incident, calls: Mapping[int, Call]) -> Kept:
    store, following, number = context.store, context.store.following, incident.id
    events = following.newest_events(number, MOST_EVENTS)
    count = following.count_events(number) if len(events) == MOST_EVENTS else len(events)
    return Kept(
        context,
        incident,
        events,
        count - len(events),
        following.sent(number, MOST_SENT),
        following.ticks(number),
        tuple((each.at, each.count) for each in following.failures(number)),
        following.similar(incident, context.viewer.wanted()) if visitor.is_member else (),
        parts_at(context, incident),
        store.alert_text(number) or "",
        calls.get(number),
    )


def _checklist(
    context: Context, incident: Incident, text: str, parts: Sequence[Part]
) -> tuple[tuple[ShownStep, ...], tuple[str, ...]]:
    """The steps for the newest alert, and the causes that its sample or several pastes prove."""
    newest = incident.sightings[-1] if incident.sightings else None
    root = root_of(newest, incident) if newest else None
    talk = about_text(context, incident, text)
    adviser, lead = context.adviser, root.kind if root else None
    diagnoses = adviser.diagnose(talk.text)[1]
    steps: tuple[ShownStep, ...] = ()
    if diagnoses:
        steps = adviser.shown_steps(talk.text, lead, talk.chosen, parts)
    elif newest and adviser.rules.get(newest.kind):  # its text is kept no longer, or was a picture
        steps = adviser.shown_steps(newest.kind, None, 0, parts)
    causes = [cause.meaning for diagnosis in diagnoses for cause in diagnosis.causes]
    named = name_cause(parts)
    if named and named.is_agreed:
        causes.append(_("%(tools)s 都指向：%(name)s", tools="、".join(named.tools), name=named.name))
    return steps, tuple(dict.fromkeys(causes))


# -- what is shown


@dataclass(frozen=True, slots=True)
class StepLine:
    """A step with the tick of the team and that of the machine."""

    step: ShownStep
    mark: str
    proof: str
    ticked_by: str
    ticked_at: str


def _shown(
    seen: Seen, said: str = "", *, words: str = "", pasted: str = "", status: int = 200
) -> AnyResponse:
    visitor, incident, moment = the_visitor(), seen.kept.incident, datetime.now(UTC)
    name = _names(visitor)
    each = standing(incident, moment, visitor.viewer.quiet if visitor.viewer else QUIET)
    owner = incident.owner
    is_own = owner is not None and visitor.viewer is not None and owner.is_same(visitor.viewer.person)
    found = timeline.lines(incident.sightings, seen.kept.events, seen.kept.sent, name, the_service().team)
    return page(
        "incident.html",
        status,
        incident=incident,
        standing=each,
        account=naming.account_of(incident),
        story=naming.story_line(incident, moment),
        severity=naming.severity_name(each.severity),
        alerts=seen.kept.incident.alerts,
        callback=one_line(mask(incident.callback or "")),
        owner=name(owner) if owner else None,
        is_own=is_own,
        is_open=incident.state is State.OPEN,
        closed_note=one_line(mask(incident.closed_note or "")),
        call=_call(seen.kept.call, moment) if seen.kept.call else None,
        lines=[(line, moments.clock(line.moment.at, moment)) for line in reversed(found)],
        left_out=seen.kept.events_left_out + max(0, seen.kept.incident.alerts - len(incident.sightings)),
        steps=[_step_line(step, seen.kept.ticked, name, moment) for step in seen.steps],
        causes=seen.causes,
        evidence=_evidence(seen.kept.parts),
        chart=_chart(in_bars(seen.kept.failures), moment),
        similar=[_before(each, moment) for each in seen.kept.similar],
        age=moments.ago(began_at(incident), moment),
        last_seen=moments.ago(incident.last_seen, moment),
        blocked_for=moments.lasting(each.blocked_for) if each.blocked_for else None,
        may_write=visitor.is_member,
        said=said,
        words=words,
        pasted=pasted,
    )


def _names(visitor: Visitor) -> naming.Names:
    viewer = visitor.viewer
    return naming.Names(viewer.names if viewer else MemberNames({}), viewer.person if viewer else None)


def _call(call: Call, moment: datetime) -> str:
    return f"{moments.clock(call.at, moment)} {'、'.join(mate.name for mate in call.teammates)}"


def _step_line(
    step: ShownStep, ticked: Sequence[TickedStep], name: naming.Names, moment: datetime
) -> StepLine:
    mine = next((tick for tick in ticked if tick.step == step.id), None)
    mark, proof = naming.machine_tick(step.tick)
    by, at = (name(mine.who), moments.clock(mine.at, moment)) if mine else ("", "")
    return StepLine(step, mark, proof, by, at)


def _evidence(parts: Sequence[Part]) -> list[dict[str, object]]:
    """The newest judgement of each tool."""
    adviser: Adviser = the_service().rules.adviser
    latest = {part.tool: part for part in parts}
    return [told(part, adviser.rules) for part in latest.values()]


def _chart(bars: Bars, moment: datetime) -> dict[str, object]:
    rows = [(bar.start.isoformat(), moments.clock(bar.start, moment), bar.failures) for bar in bars.bars]
    return {"width": moments.lasting(bars.width), "rows": rows}


def _before(similar: Similar, moment: datetime) -> Before:
    shares = {
        Likeness.ACCOUNT: _("同一个号"),
        Likeness.HOST: _("同一个回调域名"),
        Likeness.MACHINE: _("同一台机器"),
        Likeness.CAUSE: _("同一个原因"),
    }
    incident = similar.incident
    return Before(
        incident.id,
        f"{naming.account_of(incident)} {naming.kinds_of(incident)}",
        moments.clock(incident.last_seen, moment),
        "、".join(shares[likeness] for likeness in similar.likenesses),
        one_line(mask(incident.closed_note or "")),
    )


def _known(seen: Seen, name: naming.Names) -> Known:
    """The facts of an incident that its post-mortem is written from."""
    incident, claims = seen.kept.incident, [event.at for event in seen.kept.events if event.what == "claim"]
    found = timeline.lines(incident.sightings, seen.kept.events, seen.kept.sent, name, the_service().team)
    numbers = {step.id: step for step in seen.steps}
    return Known(
        incident,
        naming.account_of(incident),
        naming.kinds_of(incident),
        seen.kept.incident.alerts,
        sum(count for _at, count in seen.kept.failures),
        min(claims, default=None),
        name(incident.owner) if incident.owner else None,
        seen.causes,
        tuple(
            _(
                "%(step)s（%(who)s）",
                step=numbers[tick.step].do if tick.step in numbers else tick.step,
                who=name(tick.who),
            )
            for tick in seen.kept.ticked
        ),
        tuple(event.detail for event in seen.kept.events if event.what == "note" and event.detail),
        tuple(line.moment for line in found),
        seen.kept.events_left_out,
        tuple(_before(each, datetime.now(UTC)) for each in seen.kept.similar),
    )
