"""Try it: what the bot reads in a text, by which rule it answers, and its reply as every channel shows it.

Nothing that is tried is stored, and no database is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

from flask import Blueprint, request
from flask import Response as FlaskResponse

from triage.advice.adviser import Adviser, Understood
from triage.advice.pasted import told
from triage.advice.pieces import MAX_CHARACTERS, Piece, pieces_of
from triage.alerts.places import UNREAD
from triage.alerts.sample import SAMPLE_KEYS
from triage.channels.registry import CHANNELS
from triage.evidence.judgement import Part
from triage.masking import mask
from triage.message import PageSize
from triage.printing import visible
from triage.rules.matching import UNKNOWN, Diagnosis
from triage.rules.scaffold import write_scaffold
from triage.web.api.routes import MAX_API_BYTES
from triage.web.console.demo import load_samples
from triage.web.console.frame import page
from triage.web.console.visitors import Sight, seen_by
from triage.web.console.words import gettext as _
from triage.web.service import the_service

_MOST_ALERTS = 10
"""Alerts of a text that are explained."""
_MOST_PAGES = 12
"""Pages of a reply that are shown for each size of page."""
_MOST_OTHERS = 100
"""Rules of which it is said why they do not fit."""

_Change = Callable[[str], str]

blueprint = Blueprint("trial", __name__)
blueprint.add_app_template_filter(visible)
blueprint.add_app_template_filter(mask, "masked")


@dataclass(frozen=True, slots=True)
class Explained:
    """An alert, and why it is answered as it is."""

    diagnosis: Diagnosis
    others: list[tuple[str, str]]
    """Rules that do not fit, each with why."""
    more: int
    """Such rules beyond those."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The reply on channels whose messages hold the same."""

    channels: str
    size: PageSize
    pages: list[tuple[str, int]]
    """Each as it is sent, with its length in the channel's unit."""
    has_more: bool


@dataclass(frozen=True, slots=True)
class Result:
    """All that is shown of a text."""

    read: Understood
    pieces: tuple[Piece, ...]
    is_cut: bool
    alerts: list[Explained]
    parts: list[dict[str, object]]
    nearest: list[str]
    """Titles of the topics nearest to words that ask for none."""
    replies: list[Shown]
    scaffold: str | None
    """The beginning of a rule for the alert that needs one most."""


@blueprint.before_request
def allow_what_the_api_allows() -> None:
    """A form field may be as large as a text that programs send."""
    request.max_form_memory_size = MAX_API_BYTES


@blueprint.route("/try", methods=("GET", "POST"))
@seen_by(Sight.MEMBER)
def trial() -> FlaskResponse:
    """The form, and what came of the text in it or of a sample."""
    samples = load_samples(datetime.now(UTC))
    chosen = next((sample for sample in samples if sample.id == request.form.get("sample")), None)
    text = chosen.text if chosen else request.form.get("text", "").replace("\r\n", "\n")
    result = _result(the_service().rules.adviser, text) if text.strip() else None
    return page("try.html", text=text, samples=samples, result=result, group_of=_group_of, reason=_reason)


def _result(adviser: Adviser, text: str) -> Result:
    read = adviser.understand(text)
    asks = not (read.diagnoses or read.is_evidence or read.asked.candidates or read.asked.source)
    nearest = adviser.nearest(text) if asks else ()
    rules = adviser.rules
    return Result(
        read=read,
        pieces=pieces_of(read, text),
        is_cut=len(text) > MAX_CHARACTERS,
        alerts=[_explained(adviser, diagnosis) for diagnosis in read.diagnoses[:_MOST_ALERTS]],
        parts=[told(part, rules) for part in _parts(read)],
        nearest=[rule.title for rule_id in nearest if (rule := rules.get(rule_id))],
        replies=list(_replies(adviser, read)),
        scaffold=_scaffold(read),
    )


def _parts(read: Understood) -> tuple[Part, ...]:
    return read.parts if read.is_evidence else ()


def _explained(adviser: Adviser, diagnosis: Diagnosis) -> Explained:
    others = adviser.why_not(diagnosis)
    return Explained(diagnosis, others[:_MOST_OTHERS], len(others[_MOST_OTHERS:]))


def _replies(adviser: Adviser, read: Understood) -> Iterator[Shown]:
    """The reply for each size and kind of message; channels that show the same stand together."""
    alike: dict[tuple[PageSize, _Change, _Change], list[str]] = {}
    names = _channel_names()
    for name, channel in CHANNELS.items():
        shown_by = (channel.page_size, channel.written, channel.seen)
        alike.setdefault(shown_by, []).append(names.get(name, name))
    for (size, written, seen), channels in alike.items():
        made = [found.text for found in islice(adviser.for_pages(size).pages(read), _MOST_PAGES + 1)]
        sent = [written(text) for text in made[:_MOST_PAGES]]
        sized = [(seen(text), size.measure(text)) for text in sent]
        yield Shown(" · ".join(channels), size, sized, len(made) > _MOST_PAGES)


def _channel_names() -> dict[str, str]:
    return {
        "wechat": _("公众号"),
        "wecom": _("企业微信应用"),
        "wecom_bot": _("企业微信机器人（Markdown）"),
        "hook": _("接入的程序"),
    }


def _scaffold(read: Understood) -> str | None:
    if not read.diagnoses:
        return None
    meant = next((each for each in read.diagnoses if each.kind == UNKNOWN), read.diagnoses[0])
    return write_scaffold(meant.alert, meant.kind)


def _group_of(what: str) -> str:
    """The kind of a piece, by which it is coloured."""
    if what == UNREAD:
        return "unread"
    if what in SAMPLE_KEYS:
        return "sample"
    return "head" if what in _HEAD else "tool"


_HEAD = frozenset({"appid", "nickname", "first_seen", "description", "count", "guide_url"})


def _reason(reason: str) -> str:
    """Why a rule does not fit, in the language of the page; a condition stays as its file has it."""
    known = {
        "no sentence fits": _("没有一句对得上"),
        "another sentence fits better": _("另一条的句子更贴近"),
        "another rule's signs fit better": _("另一条的特征更贴近"),
        "the alert has no 内容 line": _("报警没有「内容」一行"),
        "a topic to ask for, not for alerts": _("只供提问，不认报警"),
    }
    return known.get(reason, reason)
