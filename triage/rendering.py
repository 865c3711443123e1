"""Replies as plain text that reads well in WeChat, cut into pages by whole steps.

The wording stands in templates/reply; this module decides what is shown, masks it, and makes it fit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from jinja2 import DictLoader, Environment, StrictUndefined

from triage.alert import Alert, Reading
from triage.causes import Cause
from triage.conditions import View, holds
from triage.facts import Fact, usable
from triage.findings import Severity
from triage.masking import mask, mask_appid
from triage.matching import UNKNOWN, Matched
from triage.query import Asked
from triage.rules import Rule, RuleSet, Step
from triage.sample import Sample

PAGE_BYTES = 2048
"""A passive text reply of WeChat: what is longer is silently not shown (reply law R12)."""
_FIRST_STEPS = 3
_LISTED = 10
_EXCERPT = 48
_TELLING = 6
"""Evidence shorter than this says nothing without the line it stands in."""
_THRESHOLD = 30 / 5
"""Failures per minute from which WeChat alerts by default: 30 in 5 minutes (guide P.2)."""
_BLOCKED = timedelta(seconds=60)
_ICONS = {
    Severity.CRITICAL: "🆘",
    Severity.HIGH: "🔴",
    Severity.MEDIUM: "🟠",
    Severity.LOW: "🟡",
    Severity.INFO: "🔎",
}
_MORE = "回「更多」看其余 {rest} 步，「为什么」看依据"


@dataclass(frozen=True, slots=True)
class Page:
    """One message, and how many steps have been shown with it; what comes next begins behind them."""

    text: str
    shown: int = 0


class Renderer:
    """The reply templates by file name; `page_bytes` is what one message of the channel can hold."""

    def __init__(self, templates: Mapping[str, str], page_bytes: int = PAGE_BYTES) -> None:
        self._page_bytes = page_bytes
        self._environment = Environment(
            loader=DictLoader(templates),
            undefined=StrictUndefined,
            autoescape=False,  # noqa: S701 - plain text for a chat, never HTML
            auto_reload=False,
        )
        self._step: Callable[..., str] = self._environment.get_template("step.txt").module.step  # type: ignore[attr-defined]

    def say(self, template: str, /, **values: object) -> str:
        """One of the templates, filled."""
        return self._environment.get_template(f"{template}.txt").render(values).strip("\n")

    def alert(
        self,
        matched: Matched,
        rules: RuleSet,
        unread: str = "",
        story: str = "",
        lead: Sequence[Step] = (),
        skip: int = 0,
    ) -> Iterator[Page]:
        """The checklist for one alert, page by page.

        `story` is what is known of it from before, `lead` are steps to begin with: those of the alert that led to it;
        `skip` steps have been shown already, and the head with them.
        """
        rule = matched.best
        if rule is None:
            yield Page(self.say("unmatched", description=_shown(matched.alert.description or "")))
            return
        head = "" if skip else self.say("alert", **_alert_values(matched, rule), unread=unread, story=story)

        def closing() -> str:
            return self.say("closing", see=self._see(rule, rules), guide_url=matched.alert.guide_url)

        yield from self.fit(head, self.alert_steps(matched, lead), closing, skip)

    def alert_steps(self, matched: Matched, lead: Sequence[Step] = ()) -> Lines:
        """The steps for an alert, each a block of text made when it is asked for."""
        facts = {name: _masked(fact) for name, fact in matched.facts.items()}
        first = {step.id for step in lead}
        own = (step for step in steps_for(matched) if step.id not in first)
        return self._steps([*lead, *own], facts)

    def topic(self, rule: Rule, rules: RuleSet, skip: int = 0) -> Iterator[Page]:
        """What is known of a topic that somebody asked for."""
        values = {"icon": _ICONS[rule.severity], "title": _full_title(rule), "meaning": rule.meaning}
        head = "" if skip else self.say("topic", **values, impact=rule.impact, owner=rule.owner)

        def closing() -> str:
            return self.say("closing", see=self._see(rule, rules), guide_url=None)

        yield from self.fit(head, self.topic_steps(rule), closing, skip)

    def topic_steps(self, rule: Rule) -> Lines:
        """The steps of a topic that hold without an alert."""
        facts: dict[str, Fact] = {"kind": rule.id}
        view = View(facts)
        return self._steps([step for step in rule.steps if holds(step.when, view) is not None], facts)

    def _see(self, rule: Rule, rules: RuleSet) -> list[str]:
        return [other.title for id_ in rule.see if (other := rules.get(id_))]

    def several(self, matches: Sequence[Matched], rules: RuleSet, unread: str = "") -> Iterator[Page]:
        """A summary of several alerts, worst first, then the pages of each kind of trouble in it."""
        ordered = sorted(matches, key=_badness)
        lines = _summary_lines(ordered)
        kinds = len({matched.kind for matched in ordered})
        summary = self.say(
            "several",
            total=len(ordered),
            kinds=kinds,
            lines=lines[:_LISTED],
            rest=sum(1 for _ in lines[_LISTED:]),
            unread=unread,
        )
        yield from map(Page, _cut(summary + "\n回「更多」依次看每条的检查步骤", self._page_bytes))
        for matched in _distinct(ordered)[:_LISTED]:
            yield from self.alert(matched, rules)

    def choice(self, asked: Asked) -> str:
        """The topics a text may mean."""
        return self.say("choice", topics=[_numbered(candidate.rule) for candidate in asked.candidates])

    def why(self, matched: Matched) -> Iterator[Page]:
        """Which rule, which words, what else fitted, and where each step comes from."""
        if not matched.matches:
            yield from self.alert(matched, RuleSet((), ""))
            return
        first, *others = matched.matches
        proofs = [
            f"{item.test}{f'（原文：{_shown(item.found)}）' if item.found else ''}" for item in first.because
        ]
        proofs += [f"{cause.meaning}（原文：{_shown(cause.evidence)}）" for cause in matched.causes]
        sources = [
            f"{number} {'、'.join(step.source)}" for number, step in enumerate(steps_for(matched), start=1)
        ]
        text = self.say(
            "why",
            title=_full_title(first.rule),
            proofs=proofs,
            others=[match.rule.title for match in others],
            sources=sources,
        )
        yield from map(Page, _cut(text, self._page_bytes))

    def _steps(self, steps: Sequence[Step], facts: Mapping[str, Fact]) -> Lines:
        commands = usable(facts)

        def line(index: int) -> str:
            step = steps[index]
            return self._step(
                index + 1,
                step.do.render(facts),
                step.run.render(commands) if step.run else None,
                step.healthy.render(facts) if step.healthy else None,
                step.erratum,
            )

        return Lines(len(steps), line)

    def fit(self, head: str, steps: Lines, closing: Callable[[], str], skip: int = 0) -> Iterator[Page]:
        """Pages of at most `page_bytes`, made as they are asked for, never with half a step.

        The first page holds the first steps only, the others as many as fit. The closing is left out where it would
        need a page of its own.
        """
        if skip and skip >= steps.count:
            return
        room = self._page_bytes - len(_MORE.format(rest=steps.count).encode()) - 2
        page, size = ([head], len(head.encode())) if head else ([], 0)
        for index in range(skip, steps.count):
            step = steps.line(index)
            length = len(step.encode()) + 1
            if page and (size + length > room or index == (_FIRST_STEPS if not skip else -1)):
                yield from self._page([*page, _MORE.format(rest=steps.count - index)], index)
                page, size = [], 0
            page.append(step)
            size += length
        last = closing()
        if last and size + len(last.encode()) + 1 <= self._page_bytes:
            page.append(last)
        yield from self._page(page, steps.count)

    def _page(self, blocks: Iterable[str], shown: int) -> Iterator[Page]:
        return (Page(text, shown) for text in _cut("\n".join(blocks), self._page_bytes))


@dataclass(frozen=True, slots=True)
class Lines:
    """So many blocks of text, each made when it is asked for, by its index from 0."""

    count: int
    line: Callable[[int], str]


def worst(matches: Iterable[Matched]) -> Matched:
    """The alert to look at first."""
    return min(matches, key=_badness)


def steps_for(matched: Matched) -> tuple[Step, ...]:
    """The steps of all matching rules that apply to the alert's facts, the best rule's first, each id once."""
    view = View(matched.facts)
    steps: dict[str, Step] = {}
    for match in matched.matches:
        for step in match.rule.steps:
            if step.id not in steps and holds(step.when, view) is not None:
                steps[step.id] = step
    return tuple(steps.values())


def unread_excerpt(reading: Reading) -> str:
    """The parts inside or beside alerts that the scanner could not read, in short; `""` if there are none."""
    shown = [
        _shown(reading.text[start:end])
        for start, end in reading.unread[:3]
        if reading.text[start:end].strip()
    ]
    return "、".join(f"「{text}」" for text in shown)


def plain(matched: Matched) -> tuple[Page, ...]:
    """The checklist without any template: what goes out when a template is broken."""
    rule = matched.best
    steps = [step.do.render({}) for step in steps_for(matched)]
    lines = [rule.title if rule else UNKNOWN, *steps]
    return tuple(map(Page, _cut("\n".join(lines), PAGE_BYTES)))


def _alert_values(matched: Matched, rule: Rule) -> dict[str, Any]:
    alert, sample = matched.alert, matched.alert.sample
    callback = mask(sample.callback_url or "")
    return {
        "icon": _ICONS[rule.severity],
        "title": rule.title,
        "volume": _volume(alert),
        "account": _account(alert),
        "callback": callback,
        "ip": sample.ip or "",
        "domain": sample.host or "",
        "window": _window(alert),
        "blocked_until": _blocked_until(matched),
        "pushed": _pushed(matched),
        "causes": [
            {"meaning": mask(cause.meaning), "evidence": _evidence(cause, sample)} for cause in matched.causes
        ],
        "description": _shown(alert.description or "") if matched.kind == UNKNOWN else "",
    }


_WRITTEN = {"http_code": "http code", "curl_error": "cURL Error", "event": "Event"}


def _evidence(cause: Cause, sample: Sample) -> str:
    """The words of the alert, unless the meaning repeats them."""
    if cause.field in ("decrypt_fail", "platform"):
        return "" if cause.field == "platform" else "[decrypt fail]"
    if cause.field in _WRITTEN:
        return f"{_WRITTEN[cause.field]}={cause.evidence}"
    if len(cause.evidence) >= _TELLING:
        return _shown(cause.evidence)
    body: str = getattr(sample, cause.field)
    return _shown(body[body.rfind("\n", 0, cause.span[0]) + 1 :].partition("\n")[0])


def _pushed(matched: Matched) -> str:
    """What was pushed, where no cause has said so already."""
    sample = matched.alert.sample
    if any(cause.field == "event" for cause in matched.causes):
        return ""
    return _shown(sample.event or sample.msg or "")


def _blocked_until(matched: Matched) -> str:
    """MarkFail stops all pushes for a minute (guide P.7)."""
    first_seen = matched.alert.first_seen
    return _clock(first_seen + _BLOCKED) if first_seen and matched.kind == "mark_fail" else ""


def _account(alert: Alert) -> str:
    return " ".join(part for part in (_shown(alert.nickname or ""), mask_appid(alert.appid or "")) if part)


def _volume(alert: Alert) -> str:
    if alert.count is None:
        return ""
    if not alert.window_minutes:
        return f"{alert.count} 次"
    per_minute = alert.count / alert.window_minutes
    rate = f"约 {per_minute / 60:.0f} 次/秒" if per_minute >= 60 else f"约 {per_minute:.1f} 次/分"
    text = f"{alert.window_minutes} 分钟 {alert.count} 次（{rate}"
    if alert.window_minutes == 5:
        text += f"，{_against_threshold(per_minute)}"
    return text + "）"


def _against_threshold(per_minute: float) -> str:
    times = per_minute / _THRESHOLD
    if times < 1:
        return "低于默认阈值 30 次，应是改过阈值"
    return "刚过默认阈值" if times < 1.5 else f"默认阈值的 {times:.0f} 倍"


def _window(alert: Alert) -> str:
    if alert.first_seen is None:
        return ""
    start = f"{alert.first_seen:%Y-%m-%d %H:%M:%S}"
    if alert.window is None:
        return start
    end = alert.first_seen + alert.window
    return f"{start} – {_clock(end) if end.date() == alert.first_seen.date() else f'{end:%m-%d %H:%M:%S}'}"


def _clock(moment: Any) -> str:
    return f"{moment:%H:%M:%S}"


def _shown(text: str) -> str:
    """One masked line of an alert's own words, cut to what a phone shows."""
    line = " ".join("".join(char if char.isprintable() else " " for char in mask(text)).split())
    return line if len(line) <= _EXCERPT else line[:_EXCERPT] + "…"


def _masked(fact: Fact) -> Fact:
    return mask(fact) if isinstance(fact, str) else fact


def _full_title(rule: Rule) -> str:
    return f"{rule.title} ({rule.title_en})" if rule.title_en else rule.title


def _numbered(rule: Rule) -> str:
    return f"{rule.number} {rule.title}" if rule.number else f"· {rule.title}"


def _badness(matched: Matched) -> tuple[int, int]:
    rule = matched.best
    return rule.severity.rank if rule else len(Severity), -(matched.alert.count or 0)


def _distinct(matches: Iterable[Matched]) -> list[Matched]:
    """One alert of each kind, account and address: what needs its own checklist."""
    seen: dict[tuple[object, ...], Matched] = {}
    for matched in matches:
        alert = matched.alert
        key = (
            matched.kind,
            alert.appid,
            alert.sample.callback_url,
            tuple(cause.id for cause in matched.causes),
        )
        seen.setdefault(key, matched)
    return list(seen.values())


def _summary_lines(matches: Iterable[Matched]) -> list[str]:
    lines = []
    for matched in matches:
        rule, alert = matched.best, matched.alert
        parts = [
            f"{_ICONS[rule.severity]} {rule.title}" if rule else UNKNOWN,
            _account(alert),
            f"{alert.first_seen:%m-%d %H:%M:%S}" if alert.first_seen else "",
            f"{alert.count} 次" if alert.count is not None else "",
            matched.causes[0].meaning if matched.causes else "",
        ]
        lines.append(" · ".join(mask(part) for part in parts if part))
    return lines


def _cut(text: str, limit: int) -> Iterator[str]:
    """Pieces of at most `limit` bytes, at line ends where possible, never inside a character."""
    while len(text.encode()) > limit:
        head = text.encode()[:limit].decode(errors="ignore")
        line = head.rfind("\n")
        head = head[:line] if line > 0 else head
        yield head
        text = text[len(head) :].lstrip("\n")
    yield text
