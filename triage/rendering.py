"""Replies as plain text that reads well in WeChat, cut into pages by whole steps.

The wording stands in templates/reply; this module decides what is shown, masks it, and makes it fit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
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
_NEXT = "回「更多」看下一页"


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
        self._step = self._environment.get_template("step.txt").module.step  # type: ignore[attr-defined]  # a macro

    def _render(self, name: str, **values: object) -> str:
        return self._environment.get_template(f"{name}.txt").render(values).strip("\n")

    def alert(self, matched: Matched, rules: RuleSet, unread: str = "") -> tuple[str, ...]:
        """The checklist for one alert, page by page."""
        rule = matched.best
        if rule is None:
            return self.fit(
                [self._render("unmatched", description=_shown(matched.alert.description or ""))], [], ""
            )
        head = self._render("alert", **_alert_values(matched, rule), unread=unread)
        facts = {name: _masked(fact) for name, fact in matched.facts.items()}
        steps = list(self._steps(steps_for(matched), facts))
        see = [other.title for id_ in rule.see if (other := rules.get(id_))]
        closing = self._render("closing", see=see, guide_url=matched.alert.guide_url)
        return self.fit([head], steps, closing)

    def topic(self, rule: Rule, rules: RuleSet) -> tuple[str, ...]:
        """What is known of a topic that somebody asked for."""
        values = {"icon": _ICONS[rule.severity], "title": _full_title(rule), "meaning": rule.meaning}
        head = self._render("topic", **values, impact=rule.impact, owner=rule.owner)
        facts: dict[str, Fact] = {"kind": rule.id}
        view = View(facts)
        steps = list(self._steps([step for step in rule.steps if holds(step.when, view) is not None], facts))
        see = [other.title for id_ in rule.see if (other := rules.get(id_))]
        return self.fit([head], steps, self._render("closing", see=see, guide_url=None))

    def several(self, matches: Sequence[Matched], rules: RuleSet, unread: str = "") -> tuple[str, ...]:
        """A summary of several alerts, worst first, then the pages of each kind of trouble in it."""
        ordered = sorted(matches, key=_badness)
        lines = _summary_lines(ordered)
        kinds = len({matched.kind for matched in ordered})
        summary = self._render(
            "several",
            total=len(ordered),
            kinds=kinds,
            lines=lines[:_LISTED],
            rest=sum(1 for _ in lines[_LISTED:]),
            unread=unread,
        )
        pages = [summary + "\n回「更多」依次看每条的检查步骤"]
        for matched in _distinct(ordered)[:_LISTED]:
            pages += self.alert(matched, rules)
        return tuple(page for text in pages for page in _cut(text, self._page_bytes))

    def choice(self, asked: Asked) -> tuple[str, ...]:
        topics = [_numbered(candidate.rule) for candidate in asked.candidates]
        return (self._render("choice", topics=topics),)

    def hint(self) -> tuple[str, ...]:
        return (self._render("hint"),)

    def why(self, matched: Matched) -> tuple[str, ...]:
        """Which rule, which words, what else fitted, and where each step comes from."""
        if not matched.matches:
            return self.alert(matched, RuleSet((), ""))
        first, *others = matched.matches
        proofs = [
            f"{item.test}{f'（原文：{_shown(item.found)}）' if item.found else ''}" for item in first.because
        ]
        proofs += [f"{cause.meaning}（原文：{_shown(cause.evidence)}）" for cause in matched.causes]
        sources = [
            f"{number} {'、'.join(step.source)}" for number, step in enumerate(steps_for(matched), start=1)
        ]
        text = self._render(
            "why",
            title=_full_title(first.rule),
            proofs=proofs,
            others=[match.rule.title for match in others],
            sources=sources,
        )
        return tuple(_cut(text, self._page_bytes))

    def _steps(self, steps: Iterable[Step], facts: Mapping[str, Fact]) -> Iterator[str]:
        commands = usable(facts)
        for number, step in enumerate(steps, start=1):
            yield self._step(
                number,
                step.do.render(facts),
                step.run.render(commands) if step.run else None,
                step.healthy.render(facts) if step.healthy else None,
                step.erratum,
            )

    def fit(self, head: list[str], steps: list[str], closing: str) -> tuple[str, ...]:
        """Pages of at most `page_bytes`: the first steps on the first page, then as many as fit, never half a step.

        The closing is left out where it would need a page of its own.
        """
        pages: list[list[str]] = []
        page = list(head)
        room = self._page_bytes - len(_MORE.format(rest=999).encode()) - 2
        for index, step in enumerate(steps):
            if page and (_size([*page, step]) > room or (not pages and index == _FIRST_STEPS)):
                pages.append(page)
                page = []
            page.append(step)
        if closing and _size([*page, closing]) <= self._page_bytes:
            page.append(closing)
        pages.append(page)
        return tuple(self._numbered_pages(pages, len(steps), len(head)))

    def _numbered_pages(self, pages: list[list[str]], steps: int, heads: int) -> Iterator[str]:
        shown = -heads
        for index, page in enumerate(pages):
            shown += len(page)
            text = "\n".join(page)
            if index < len(pages) - 1:
                rest = steps - shown
                text += "\n" + (_MORE.format(rest=rest) if rest > 0 else _NEXT)
            yield from _cut(text, self._page_bytes)


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


def plain(matched: Matched) -> tuple[str, ...]:
    """The checklist without any template: what goes out when a template is broken."""
    rule = matched.best
    lines = [rule.title if rule else UNKNOWN, *(step.do.source for step in (rule.steps if rule else ()))]
    return tuple(_cut("\n".join(lines), PAGE_BYTES))


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
        "blocked_until": _clock(alert.first_seen + _BLOCKED)
        if matched.kind == "mark_fail" and alert.first_seen
        else "",
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


def _size(blocks: Iterable[str]) -> int:
    return sum(len(block.encode()) + 1 for block in blocks)


def _cut(text: str, limit: int) -> Iterator[str]:
    """Pieces of at most `limit` bytes, at line ends where possible, never inside a character."""
    while len(text.encode()) > limit:
        head = text.encode()[:limit].decode(errors="ignore")
        line = head.rfind("\n")
        head = head[:line] if line > 0 else head
        yield head
        text = text[len(head) :].lstrip("\n")
    yield text
