"""Rules: which are in use since when, what is wrong with their files, and what the files would change."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from flask import Blueprint, abort, request
from flask import Response as FlaskResponse

from triage.advice.adviser import Adviser
from triage.advice.examples import run_examples
from triage.advice.replay import Replay, replay
from triage.findings import Finding
from triage.incidents.story import clock
from triage.rules.loader import read_source
from triage.rules.model import Change, Rule
from triage.web.console.frame import page
from triage.web.console.visitors import Sight, seen_by, the_visitor
from triage.web.console.words import gettext as _
from triage.web.service import the_service

REPLAYED = 500
"""Stored alerts, the newest, that the page tries rules on; `triage rules replay` takes all."""
_ON_A_PAGE = 200
"""Rules of one page of the list."""
_MOST_FINDINGS = 50
_MOST_LINES = 2_000
"""Lines of a file that are shown."""

blueprint = Blueprint("rules", __name__)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a rule file with what is wrong there."""

    number: int
    text: str
    is_of_rule: bool
    """Whether the rule that is looked at begins here."""
    findings: list[Finding]


@blueprint.get("/rules")
@seen_by(Sight.MEMBER)
def rules() -> FlaskResponse:
    """The list, and with `?replay=1` what the files would change in the answers to stored alerts."""
    live = the_service().rules
    everything = sorted(live.adviser.rules.rules, key=_order)
    number = _page_number(len(everything))
    shown = everything[(number - 1) * _ON_A_PAGE : number * _ON_A_PAGE]
    found = _replay(live.adviser, live.pending) if live.pending and request.args.get("replay") else None
    return page(
        "rules.html",
        rules=shown,
        number=number,
        pages=_pages(len(everything)),
        state=live.state,
        since=clock(live.since, dated=True),
        findings=live.findings[:_MOST_FINDINGS],
        more=len(live.findings[_MOST_FINDINGS:]),
        changes=_changes(live.adviser),
        is_pending=live.pending is not None,
        found=found,
        replayed=REPLAYED,
        lines_of=_concluded,
    )


@blueprint.get("/rules/<rule_id>")
@seen_by(Sight.MEMBER)
def rule(rule_id: str) -> FlaskResponse:
    """One rule: the file it stands in, what is wrong there, its examples."""
    live = the_service().rules
    found = live.adviser.rules.get(rule_id)
    if found is None:
        abort(404)
    lines, problem = _source(found, live.findings)
    failed, coverage = run_examples(live.adviser.rules, live.adviser, (found,))
    return page(
        "rule.html",
        rule=found,
        lines=lines,
        problem=problem,
        changes=live.adviser.rules.changes_of(rule_id),
        failed=failed,
        coverage=coverage,
        examples=[
            *((_("要认"), each) for each in found.match),
            *((_("不该认"), each) for each in found.ignore),
        ],
    )


def _order(rule: Rule) -> tuple[int, bool, str]:
    return rule.number or 99, not rule.names_kind, rule.id


def _pages(count: int) -> int:
    return max(1, -(-count // _ON_A_PAGE))


def _page_number(count: int) -> int:
    given = request.args.get("page", "1")
    number = int(given) if given.isascii() and given.isdigit() and len(given) < 9 else 1
    return min(max(number, 1), _pages(count))


def _changes(adviser: Adviser) -> dict[str, tuple[Change, ...]]:
    """What teams have changed, by rule."""
    changed = dict.fromkeys(change.rule for change in adviser.rules.changes)
    return {rule_id: adviser.rules.changes_of(rule_id) for rule_id in changed}


def _replay(live: Adviser, new: Adviser) -> Replay:
    """The newest alerts that this visitor may see, by both rules. Raises StoreError."""
    viewer = the_visitor().viewer
    if viewer is None:
        abort(403)
    wanted = viewer.wanted()
    kept = the_service().ask(lambda store: list(store.kept_texts(wanted=wanted, most=REPLAYED)))
    return replay(
        live, new, (each.text for each in kept), is_wanted=lambda alert: viewer.may_change(alert.appid)
    )


def _concluded(rule: str | None, kind: str, step: str | None) -> str:
    return " · ".join((kind, rule or "-", step or "-"))


def _source(rule: Rule, findings: tuple[Finding, ...]) -> tuple[list[Line], str | None]:
    """The file's lines, or why it cannot be read. The file may have changed since it was taken over."""
    read = read_source(Path(rule.location.file))
    if isinstance(read, Finding):
        return [], read.message
    at: dict[int, list[Finding]] = {}
    for finding in findings:
        if finding.location and finding.location.file == rule.location.file:
            at.setdefault(finding.location.line, []).append(finding)
    lines = read.split("\n")[:_MOST_LINES]
    return [
        Line(number, text, number == rule.location.line, at.get(number, []))
        for number, text in enumerate(lines, start=1)
    ], None
