"""The guide: every topic with all its steps, searched as in chat.

Anybody may read it: it is what the bot tells anybody in chat, and names no account and no incident.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from flask import Blueprint, abort, request
from flask import Response as FlaskResponse

from triage.advice.adviser import Adviser
from triage.advice.query import Asked
from triage.advice.sources import Source, Sources
from triage.rules.model import HELP_TOPIC, Rule, RuleSet, Step
from triage.web.console.frame import page
from triage.web.console.visitors import Sight, seen_by, the_visitor
from triage.web.console.words import gettext as _
from triage.web.service import the_service

_MAX_QUESTION = 200
"""Characters of a question that are searched for."""

blueprint = Blueprint("guide", __name__)


@dataclass(frozen=True, slots=True)
class ShownStep:
    """A step as the guide has it: without an alert, so that words stand in place of what an alert would fill in."""

    id: str
    do: str
    run: str | None
    healthy: str | None
    when: str
    """The condition under which it is shown; `""` for always."""
    sources: list[tuple[str, str, str | None]]
    """What it cites: the label, what that says, and the address where it is written."""
    erratum: str | None


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic with all its steps."""

    rule: Rule
    steps: list[ShownStep]
    see: list[Rule]


@dataclass(frozen=True, slots=True)
class Group:
    """Topics that stand under one heading."""

    title: str
    rules: list[Rule]


@blueprint.get("/guide")
@seen_by(Sight.ANYBODY)
def guide() -> FlaskResponse:
    """The list of topics, what a question asks for, or with `?steps=all` everything, for printing."""
    adviser = _adviser()
    question = request.args.get("q", "").strip()[:_MAX_QUESTION]
    asked = adviser.ask(question) if question else Asked()
    is_whole = request.args.get("steps") == "all"
    if is_whole and not the_visitor().is_member:
        abort(403)  # it is large, and takes a fifth of a second to make
    groups = list(_groups(adviser.rules))
    shown = [rule for group in groups for rule in group.rules] if is_whole else []
    rules = adviser.rules
    return page(
        "guide.html",
        question=question,
        found=[candidate.rule for candidate in asked.candidates],
        codes=asked.explained,
        source=asked.source,
        nearest=_named(rules, adviser.nearest(question)) if question and not asked.candidates else [],
        groups=groups,
        topics=[_topic(rule, adviser) for rule in shown],
    )


@blueprint.get("/guide/<topic>")
@seen_by(Sight.ANYBODY)
def topic(topic: str) -> FlaskResponse:
    """One topic with all steps; each can be linked to by its id."""
    adviser = _adviser()
    rule = adviser.rules.get(topic)
    if rule is None:
        abort(404)
    return page("topic.html", topic=_topic(rule, adviser))


def _adviser() -> Adviser:
    return the_service().rules.adviser


def _groups(rules: RuleSet) -> Iterator[Group]:
    """The guide's own numbers first, other kinds, advice for some alerts, then what is asked for."""
    told = [rule for rule in rules.rules if rule.id != HELP_TOPIC]
    numbered = sorted((rule for rule in told if rule.number), key=lambda rule: rule.number or 0)
    rest = [rule for rule in told if not rule.number]
    kinds = [rule for rule in rest if rule.names_kind]
    advice = [rule for rule in rest if rule.when and not rule.names_kind]
    named = (
        (_("官方指引的报警"), numbered),
        (_("别的报警"), kinds),
        (_("特定情况的建议"), advice),
        (_("排查和接口的话题"), [rule for rule in rest if not rule.names_kind and not rule.when]),
    )
    return (Group(title, group) for title, group in named if group)


def _topic(rule: Rule, adviser: Adviser) -> Topic:
    steps = [_step(step, rule, the_service().rules.sources) for step in rule.steps]
    return Topic(rule, steps, _named(adviser.rules, rule.see))


def _step(step: Step, rule: Rule, sources: Sources) -> ShownStep:
    facts = {"kind": rule.id}
    return ShownStep(
        id=step.id,
        do=step.do.render(facts),
        run=step.run.render(facts) if step.run else None,
        healthy=step.healthy.render(facts) if step.healthy else None,
        when=step.when.in_words if step.when else "",
        sources=[_cited(id_, sources.get(id_)) for id_ in step.source],
        erratum=step.erratum,
    )


def _cited(id_: str, source: Source | None) -> tuple[str, str, str | None]:
    return (source.label, source.sentence, source.url) if source else (id_, "", None)


def _named(rules: RuleSet, ids: Iterable[str]) -> list[Rule]:
    return [rule for id_ in ids if (rule := rules.get(id_))]
