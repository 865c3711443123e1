"""The console's words: Chinese stands in the templates and pages, English in templates/console/english.yml.

A text without its English is shown in Chinese; a test finds it.
"""

from __future__ import annotations

from contextvars import ContextVar
from functools import cache

import yaml
from flask import Flask, has_request_context, request

from triage.settings.directories import data_directory
from triage.settings.wordings import Language, said_in

LANGUAGES = (Language.ZH.value, Language.EN.value)
_COOKIE = "triage_lang"
_ENGLISH = "english.yml"
_KNOWN: ContextVar[str | None] = ContextVar("lang", default=None)
"""The language of this request once it is found; `flask.g` takes five times as long, and a page has 200 texts."""


def lang() -> str:
    """The language of this request: as asked for by `?lang=`, as chosen before, or as the browser prefers.

    Outside of a request it is Chinese.
    """
    known = _KNOWN.get()
    if known is None:
        if not has_request_context():
            return LANGUAGES[0]
        asked = (request.args.get("lang"), request.cookies.get(_COOKIE))
        chosen = next((name for name in asked if name in LANGUAGES), None)
        known = chosen or str(request.accept_languages.best_match(LANGUAGES, LANGUAGES[0]))
        _KNOWN.set(known)
    return known


def _forget(_error: BaseException | None) -> None:
    _KNOWN.set(None)


def chosen_lang() -> str | None:
    """The language that this request asks to keep; None where it asks for none."""
    asked = request.args.get("lang")
    return asked if asked in LANGUAGES else None


def gettext(text: str, /, **values: object) -> str:
    """A Chinese text in the language of this request, with its `%(name)s` filled in."""
    shown = english().get(text, text) if lang() == "en" else text
    return shown % values if values else shown


def in_language(said: object) -> str:
    """What the code says beside the pages, as a finding of a rule file does, in the language of this request."""
    return said_in(Language(lang()), said)


@cache
def english() -> dict[str, str]:
    """English by Chinese, as templates/console/english.yml has it."""
    file = data_directory("templates") / "console" / _ENGLISH
    texts: dict[str, str] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return texts


def install(app: Flask) -> None:
    """Give the templates `_()` and `{% trans %}`. https://jinja.palletsprojects.com/en/stable/extensions/#i18n-extension"""
    app.teardown_request(_forget)
    app.add_template_filter(in_language)
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]  # what the extension adds
        lambda text: gettext(text),
        lambda one, many, count: gettext(one if count == 1 else many),
        newstyle=True,
    )
