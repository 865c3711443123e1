"""The wording of replies: the templates of templates/reply, and a plain text in place of one that is broken."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from jinja2 import DictLoader, Environment, StrictUndefined, TemplateError
from jinja2 import Template as JinjaTemplate

from triage.masking import mask

_STORY = (
    *(
        "repeated",
        "incident",
        "owner",
        "over",
        "step",
        "path",
        "folded",
        "reopened",
        "closed",
        "root",
        "rootless",
        "before",
    ),
    *("shape", "shape_count", "ip", "event"),
)
_HEADLINE = (
    *(
        "icon",
        "title",
        "ago",
        "volume",
        "account",
        "callback",
        "ip",
        "domain",
        "window",
        "blocked_until",
        "pushed",
    ),
    *("causes", "description", "is_picture", "doubtful"),
)
VARIABLES: Mapping[str, tuple[str, ...]] = {
    "alert": (*_HEADLINE, "unread", "story"),
    "choice": ("topics", "unknown", "codes"),
    "claimed": ("id", "how", "owner", "what"),
    "clicked": ("who", "is_closed"),
    "closing": ("see", "guide_url"),
    "commands": ("lines", "rest"),
    "detail": ("url",),
    "duty": ("how", "lines", "name", "rotation", "start", "end", "id", "what"),
    "evidence": ("parts", "incident", "cause", "answered", "next_step"),
    "hint": (),
    "confirmed": ("how", "id", "into", "what"),
    "incident": ("line", "path", "checks", "timeline"),
    "incidents": ("title", "lines", "hint", "pending"),
    "invitation": ("word", "name"),
    "joined": ("how", "word", "name"),
    "managed": ("how", "name", "released"),
    "members": ("lines",),
    "login": ("how", "url", "minutes"),
    "late": ("at", "story", "is_member"),
    "meant": ("name",),
    "members_only": ("name", "is_member", "in_group"),
    "no_memory": (),
    "noted": ("id", "note", "late", "detail", "what", "closed_note", "cut"),
    "number": ("id", "over"),
    "nothing_to": ("word", "name", "number", "ended", "in_group"),
    "alike": ("icon", "title", "account", "callback", "ip", "story", "over"),
    "reopened": ("id", "closed"),
    "several": ("total", "kinds", "account", "lines", "rest", "skipped", "unread", "story"),
    "outgoing": ("news", "id", "at", "what", "who", "called", "next_at", "until", "note"),
    "pending": ("total", "lines"),
    "picture": ("how", "is_sent", "in_group", "note", "unread"),
    "source": ("label", "sentence", "page", "url", "topics", "rest"),
    "step": ("number", "do", "run", "healthy"),
    "step_alone": ("done", "number", "total", "step"),
    "storm": ("count", "is_more", "total", "title", "sent", "groups", "shape", "shape_count", "ip"),
    "story": _STORY,
    "ticked": ("number", "mark", "do", "proof", "run", "healthy"),
    "together": ("word", "done", "rest", "left", "later"),
    "topic": ("icon", "title", "meaning", "impact", "owner", "codes"),
    "unclear": ("how", "name", "typed", "lines"),
    "unmatched": ("description",),
    "unreadable": ("what", "is_reader_missing"),
    "welcome": (),
    "which": ("name", "ids", "lines"),
    "why": ("title", "proofs", "others", "sources", "errata"),
}
"""The variables of each template; a test holds the templates and their callers to it."""

OnBroken = Callable[[str, Exception], None]
"""Told the name of a template that could not be rendered, and why."""

# What a mistake in a template can raise: jinja2's own errors, and Python's from what the template computes.
_TEMPLATE_ERRORS = (TemplateError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


class ReplyTemplates:
    """Renders reply templates by name. A mistake in one never raises: `on_broken` is told, a plain text goes out."""

    def __init__(self, templates: Mapping[str, str], on_broken: OnBroken = lambda name, error: None) -> None:
        self._on_broken = on_broken
        self._environment = Environment(
            loader=DictLoader(templates),
            undefined=StrictUndefined,
            autoescape=False,  # noqa: S701 - plain text for a chat, never HTML
            auto_reload=False,
        )
        self._compiled: dict[str, JinjaTemplate] = {}
        self._step_macro: Callable[..., str] | None = None
        self._empty_story: str | None = None

    def render(self, name: str, values: Mapping[str, object]) -> str:
        """The template's text; of a broken template a plain list of the values."""
        try:
            return self._template(name).render(values).strip("\n")
        except _TEMPLATE_ERRORS as exc:
            self._on_broken(name, exc)
            return plain_text(name, values)

    def step(
        self,
        number: int,
        do: str,
        run: str | None,
        healthy: str | None,
        ticked: Mapping[str, str] | None = None,
    ) -> str:
        """One step of a checklist, by the macro of step.txt: calling a macro is faster than rendering a template.

        `ticked` is the mark and the proof of a step that a machine has looked at, or could.
        """
        if ticked:
            return self.render(
                "ticked", {"number": number, "do": do, "run": run, "healthy": healthy, **ticked}
            )
        try:
            if self._step_macro is None:
                self._step_macro = self._template("step").module.step  # type: ignore[attr-defined]  # the macro
            return self._step_macro(number, do, run, healthy)
        except _TEMPLATE_ERRORS as exc:
            self._on_broken("step", exc)
            return "\n  ".join(filter(None, (f"{number} {do}", run, healthy)))

    def story(self, values: Mapping[str, object]) -> str:
        """What is known of an alert from before; of most alerts nothing is, and that text is rendered once."""
        if any(values.values()):
            return self.render("story", values)
        if self._empty_story is None:
            self._empty_story = self.render("story", values)
        return self._empty_story

    def _template(self, name: str) -> JinjaTemplate:
        """A template, compiled on first use.

        Its globals become a plain dict: jinja2 copies them for every rendering, and a ChainMap copies slowly.
        """
        template = self._compiled.get(name)
        if template is None:
            template = self._environment.get_template(f"{name}.txt")
            template.globals = dict(template.globals)
            self._compiled[name] = template
        return template


def plain_text(name: str, values: Mapping[str, object]) -> str:
    """The values that a broken template should have shown, one a line, and a note that it is broken."""
    lines = [line for key, value in values.items() for line in _lines(key, value)]
    return mask("\n".join([*lines, f"（回复模板 {name} 有错，只列出内容；请告诉维护的人）"]))


def _lines(name: str, value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _lines(str(key), item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _lines(name, item)
    elif isinstance(value, str):
        yield from filter(None, (value,))
    elif value is not None and not isinstance(value, bool):
        yield f"{name} {value}"
