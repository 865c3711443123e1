"""Replies as plain text in pages that hold whole steps.

This module decides what is shown, masks it, and fits it into pages; the wording stands in templates/reply.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from triage.advice.headline import ICONS, account, excerpt, headline
from triage.advice.query import Asked
from triage.advice.reply_templates import OnBroken, ReplyTemplates
from triage.advice.screen import SCREEN_LINES, screen_lines
from triage.advice.several import MAX_LISTED, summary_line, with_own_checklist, worst_first
from triage.advice.sources import Source, Sources
from triage.advice.ticks import Lines, ticks_of
from triage.advice.ticks import shown as tick_values
from triage.alerts.facts import Fact, usable_facts
from triage.alerts.parser import Reading
from triage.evidence.judgement import Part, Verdict
from triage.masking import mask
from triage.message import PageSize
from triage.rules.conditions import View, holds
from triage.rules.matching import Diagnosis
from triage.rules.model import Rule, RuleSet, Step
from triage.rules.templates import Template

_FIRST_PAGE_STEPS = 3
"""Steps on the first page of a checklist, if the screen of a phone holds them."""
_PAGE_STEPS = 5
"""Steps on each further page."""
_MAX_CODES = 3
"""Codes that a question may hold and get a line for."""
_ASKS_WHAT_LED = "previous_alert"
"""The step of a MarkFail that asks for the alert before it."""
_LATIN_WORD = re.compile("[A-Za-z]{2,}")
_MORE_LINE = "「更多」看其余 {rest} 步，「为什么」看依据"


@dataclass(frozen=True, slots=True)
class Page:
    """One message of a reply."""

    text: str
    shown: int = 0
    """How many steps have been shown, those of earlier pages included; the next page begins behind them."""


class Renderer:
    """The reply templates by file name; `page_size` is what one message of the channel can hold.

    `sources` say what the cited ids stand for; without them the ids are shown bare. `on_broken` is told of a template
    that could not be rendered.
    """

    def __init__(
        self,
        templates: Mapping[str, str],
        page_size: PageSize,
        sources: Sources | None = None,
        on_broken: OnBroken = lambda name, error: None,
    ) -> None:
        self.sources = sources or Sources()
        self.page_size = page_size
        self._templates = ReplyTemplates(templates, on_broken)
        self.story = self._templates.story

    def for_pages(self, size: PageSize) -> Renderer:
        """A renderer with the same templates and sources for another size of page."""
        other = copy.copy(self)
        other.page_size = size
        return other

    def say(self, template: str, /, **values: object) -> str:
        """One of the templates, filled; never raises for a broken one."""
        return self._templates.render(template, values)

    def alert(
        self,
        diagnosis: Diagnosis,
        rules: RuleSet,
        unread: str = "",
        story: str = "",
        lead: Sequence[Step] = (),
        skip: int = 0,
        now: datetime | None = None,
        parts: Sequence[Part] = (),
    ) -> Iterator[Page]:
        """The checklist for one alert, page by page; its steps are ticked by the evidence in `parts`.

        `story` is what is known of it from before, `lead` the steps of the alert that led to it, which come first. The
        head and the first `skip` steps are left out: they have been shown. With `now` the head says how old it is.
        """
        rule = diagnosis.best
        if rule is None:
            return iter(
                (Page(self.say("unmatched", description=excerpt(diagnosis.alert.description or ""))),)
            )
        values = {"unread": unread, "story": story}
        head = "" if skip else self._templates.render("alert", headline(diagnosis, rule, now) | values)

        def closing() -> str:
            return self.say(
                "closing", see=self._see(rule, rules), guide_url=mask(diagnosis.alert.guide_url or "")
            )

        return self.fit(head, self.alert_steps(diagnosis, lead, parts), closing, skip)

    def alike(self, diagnosis: Diagnosis, story: str = "", *, over: bool = False) -> str:
        """An alert in short, where the reader has just been shown the same checklist."""
        rule = diagnosis.best
        if rule is None:
            return self.say("unmatched", description=excerpt(diagnosis.alert.description or ""))
        head = headline(diagnosis, rule)
        shown = {name: head[name] for name in ("icon", "title", "account", "callback", "ip")}
        return self.say("alike", **shown, story=story, over=over)

    def alert_steps(
        self, diagnosis: Diagnosis, lead: Sequence[Step] = (), parts: Sequence[Part] = ()
    ) -> Lines:
        """The steps for an alert, `lead` first, each rendered when it is asked for."""
        return self._steps(led(diagnosis, lead), diagnosis.facts, parts)

    def topic(
        self, rule: Rule, asked: Asked, rules: RuleSet, skip: int = 0, parts: Sequence[Part] = ()
    ) -> Iterator[Page]:
        """The pages of a topic; the head and the first `skip` steps are left out if steps have been shown.

        Codes that were typed have their lines above it, in place of what the topic means.
        """
        head = "" if skip else self._topic_head(rule, asked)

        def closing() -> str:
            return self.say("closing", see=self._see(rule, rules), guide_url="")

        yield from self.fit(head, self.topic_steps(rule, asked, parts), closing, skip)

    def _topic_head(self, rule: Rule, asked: Asked) -> str:
        return self.say(
            "topic",
            icon=ICONS[rule.severity],
            title=_full_title(rule),
            meaning=rule.meaning,
            impact=rule.impact,
            owner=rule.owner,
            codes=asked.explained[:_MAX_CODES],
        )

    def topic_steps(self, rule: Rule, asked: Asked, parts: Sequence[Part] = ()) -> Lines:
        """The steps of a topic that apply without an alert, first those that speak of what was typed."""
        return self._steps(steps_of(rule, asked.facts), {"kind": rule.id, **asked.facts}, parts)

    def _see(self, rule: Rule, rules: RuleSet) -> list[str]:
        return [other.title for id_ in rule.see if (other := rules.get(id_))]

    def several(self, diagnoses: Sequence[Diagnosis], rules: RuleSet, unread: str = "") -> Iterator[Page]:
        """The list of several alerts, then the pages of those that get a checklist of their own."""
        page = self.alert_list(diagnoses, unread=unread)
        yield page
        while page.shown < len(diagnoses):
            page = self.alert_list(diagnoses, page.shown)
            yield page
        for diagnosis in with_own_checklist(diagnoses):
            yield from self.alert(diagnosis, rules)

    def alert_list(
        self,
        diagnoses: Sequence[Diagnosis],
        skip: int = 0,
        *,
        unread: str = "",
        story: str = "",
        notes: Mapping[int, str] = MappingProxyType({}),
    ) -> Page:
        """Alerts with their numbers, the worst first, without the first `skip`; `Page.shown` counts the alerts.

        `story` is what is known from before of the first, `notes` what is to stand beside those of some numbers.
        """
        ordered = worst_first(diagnoses)
        accounts = {account(diagnosis.alert) for diagnosis in ordered}
        shared = accounts.pop() if len(accounts) == 1 else ""
        lines = [
            summary_line(diagnosis, number, bool(shared), notes.get(number, ""))
            for number, diagnosis in enumerate(ordered[skip : skip + MAX_LISTED], start=skip + 1)
        ]

        def text() -> str:
            return self.say(
                "several",
                total=len(ordered),
                kinds=len({diagnosis.kind for diagnosis in ordered}),
                account=shared,
                lines=lines,
                rest=len(ordered) - skip - len(lines),
                skipped=skip,
                unread=unread,
                story=story,
            )

        while len(lines) > 1 and self.page_size.measure(text()) > self.page_size.limit:
            lines.pop()
        return Page(next(_cut(text(), self.page_size)), skip + len(lines))

    def choice(self, asked: Asked) -> str:
        """The topics a text may mean."""
        places = enumerate(asked.candidates, start=1)
        labels = [(place if asked.choices else item.rule.number, item.rule.title) for place, item in places]
        return self.say(
            "choice",
            topics=[f"{label} {title}" for label, title in labels],
            unknown=[code.code for code in asked.codes if code.known is None],
            codes=asked.explained[:_MAX_CODES],
        )

    def source(self, source: Source, rules: RuleSet) -> str:
        """What a cited item says, where it is written, and which checklists rest on it."""
        titles = [rule.title for rule in rules.rules if any(source.id in step.source for step in rule.steps)]
        rest = len(titles[MAX_LISTED:])
        return self.say(
            "source",
            label=source.label,
            sentence=source.sentence,
            page=source.page,
            url=source.url,
            topics=titles[:MAX_LISTED],
            rest=rest,
        )

    def why(self, diagnosis: Diagnosis, lead: Sequence[Step] = ()) -> Iterator[Page]:
        """Which rule leads, what proves it, which rules fit too, and what each step cites; `lead` as in `alert`."""
        if not diagnosis.matches:
            yield from self.alert(diagnosis, RuleSet((), ""))
            return
        first, *others = diagnosis.matches
        proofs = [
            f"{item.test}{f'（原文：{excerpt(item.found)}）' if item.found else ''}" for item in first.because
        ]
        proofs += [f"{cause.meaning}（原文：{excerpt(cause.evidence)}）" for cause in diagnosis.causes]
        titles = [match.rule.title for match in others]
        title = _full_title(first.rule) if first.rule.id == diagnosis.kind else diagnosis.title
        yield from self._why(title, proofs, titles, led(diagnosis, lead))

    def why_topic(self, asked: Asked) -> Iterator[Page]:
        """Which typed words ask for the first topic, and what each of its steps cites."""
        rule, because = asked.candidates[0].rule, asked.candidates[0].because
        yield from self._why(_full_title(rule), because, [], steps_of(rule, asked.facts))

    def _why(
        self, title: str, proofs: Sequence[str], others: Sequence[str], steps: Sequence[Step]
    ) -> Iterator[Page]:
        named = self.sources.named(step.source for step in steps)
        sources = [f"{number} {labels}" for number, labels in enumerate(named, start=1)]
        errata = list(dict.fromkeys(step.erratum for step in steps if step.erratum))
        values = {
            "title": title,
            "proofs": proofs,
            "others": others,
            "sources": sources,
            "errata": errata,
        }
        yield from map(Page, _cut(self.say("why", **values), self.page_size))

    def _steps(self, steps: Sequence[Step], facts: Mapping[str, Fact], parts: Sequence[Part]) -> Lines:
        shown, ticked = Shown(facts), ticks_of(steps, parts)

        def line(index: int) -> str:
            step, tick = steps[index], ticked[index]
            is_well = tick is not None and tick.verdict is Verdict.HEALTHY
            return self._templates.step(
                index + 1,
                shown.fill(step.do),
                shown.fill(step.run) if step.run and not is_well else None,
                shown.fill(step.healthy) if step.healthy and not is_well else None,
                tick_values(tick) if tick else None,
            )

        return Lines(len(steps), line, ticked)

    def fit(self, head: str, steps: Lines, closing: Callable[[], str], skip: int = 0) -> Iterator[Page]:
        """Pages of at most `page_size`, rendered as they are asked for; only a step too long for a page is split.

        The first page holds one step, and up to three if the screen of a phone does; the others five. The closing is
        left out where it does not fit the last page.
        """
        if skip and skip >= steps.count:
            return
        measure = self.page_size.measure
        room = self.page_size.limit - measure(_MORE_LINE.format(rest="")) - len(str(steps.count)) - 2
        page, size = ([head], measure(head)) if head else ([], 0)
        begun, height = skip, screen_lines(head) + 1  # the last line says what is left
        for index in range(skip, steps.count):
            step = steps.line(index)
            length = measure(step) + 1
            height += screen_lines(step)
            is_full = index - begun == _PAGE_STEPS or size + length > room
            if begun == 0 < index:
                is_full = is_full or index == _FIRST_PAGE_STEPS or height > SCREEN_LINES
            if page and is_full:
                yield from self._page(page, index, steps.count)
                page, size, begun = [], 0, index
            page.append(step)
            size += length
        last = closing()
        if last and size + measure(last) + 1 <= self.page_size.limit:
            page.append(last)
        yield from self._page(page, steps.count, steps.count)

    def _page(self, blocks: Sequence[str], shown: int, count: int) -> list[Page]:
        more = [_MORE_LINE.format(rest=count - shown)] if shown < count else []
        return [Page(text, shown) for text in _cut("\n".join([*blocks, *more]), self.page_size)]


def steps_for(diagnosis: Diagnosis) -> tuple[Step, ...]:
    """The steps of all matching rules that apply to the alert's facts, the best rule's first, each id once."""
    view = View(diagnosis.facts)
    steps: dict[str, Step] = {}
    for match in diagnosis.matches:
        for step in match.rule.steps:
            if step.id not in steps and (step.when is None or holds(step.when, view)):
                steps[step.id] = step
    return tuple(steps.values())


def led(diagnosis: Diagnosis, lead: Sequence[Step]) -> Sequence[Step]:
    """The steps of `lead`, then the alert's own but for the question what led to it; each id comes once."""
    steps = steps_for(diagnosis)
    first = {step.id for step in lead} | {_ASKS_WHAT_LED}
    return [*lead, *(step for step in steps if step.id not in first)] if lead else steps


def steps_of(rule: Rule, typed: Mapping[str, Fact]) -> list[Step]:
    """The steps of a topic that apply without an alert, first those whose condition speaks of a typed fact."""
    view = View({**typed, "kind": rule.id})
    steps = [step for step in rule.steps if holds(step.when, view)]
    return sorted(steps, key=lambda step: not (step.when and step.when.fields & typed.keys()))


def unread_excerpt(reading: Reading) -> str:
    """What stands in or beside the alerts and was not understood, in short; `""` for nothing."""
    if not reading.unread:
        return ""
    shown = [
        excerpt(reading.text[start:end])
        for start, end in reading.unread[:3]
        if reading.text[start:end].strip()
    ]
    return "、".join(f"「{text}」" for text in shown)


class Shown:
    """An alert's facts, masked for display. A fact is masked when a template first names it; most are never named."""

    __slots__ = ("_facts", "_masked")

    def __init__(self, facts: Mapping[str, Fact]) -> None:
        self._facts = facts
        self._masked: dict[str, Fact] = {}

    def fill(self, template: Template) -> str:
        """The template with the facts it names, in a command only with those that are usable."""
        names, masked = template.names, self._masked
        for name in names:
            if name not in masked and name in self._facts:
                fact = self._facts[name]
                masked[name] = mask(fact) if isinstance(fact, str) else fact
        if names and template.command:
            masked = usable_facts({name: masked[name] for name in names if name in masked})
        return template.render(masked)


def _full_title(rule: Rule) -> str:
    """The title, and the English one if they share no word: `请求超时 (Request timeout)`, `MarkFail（自动屏蔽）`."""
    english = rule.title_en or ""
    shared = set(_LATIN_WORD.findall(rule.title)) & set(_LATIN_WORD.findall(english))
    return rule.title if shared or not english else f"{rule.title} ({english})"


def _cut(text: str, size: PageSize) -> Iterator[str]:
    """The text in pieces that fit a page, cut at line ends where possible, never inside a character."""
    while size.measure(text) > size.limit:
        head = size.cut(text)
        line = head.rfind("\n")
        head = head[:line] if line > 0 else head
        yield head
        text = text[len(head) :].lstrip("\n")
    yield text
