"""The console's pages through Flask, and the texts that stand in them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import Blueprint
from jinja2 import Environment

from tests.support.paths import ROOT
from tests.support.upgraded import new_file
from triage.settings.model import Settings
from triage.web import app as web_app
from triage.web.asgi import Application

PAGES = ROOT / "triage/web/console"
TEMPLATES = ROOT / "templates/console"


@contextmanager
def console(folder: Path, *more: Blueprint, **settings: object) -> Iterator[Application]:
    """The application of the demo, or of other settings, with its database open; `more` are pages beside its own."""
    url = new_file(folder / "console.db")
    application = web_app.make_app(Settings.model_validate({"database_url": url, **settings}), pages=more)
    assert application.service.open() is None
    try:
        yield application
    finally:
        if application.service.store:
            application.service.store.close()


def texts() -> Iterator[tuple[str, str]]:
    """Every text of the console that is to be had in English, with its file."""
    reader = Environment(extensions=["jinja2.ext.i18n"], autoescape=True)
    for file in sorted(TEMPLATES.glob("**/*.html")):
        for _, _, found in reader.extract_translations(file.read_text(encoding="utf-8")):  # type: ignore[attr-defined]
            yield from (
                (text, file.name) for text in (found if isinstance(found, tuple) else (found,)) if text
            )
    for file in sorted(PAGES.glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_":
                assert isinstance(node.args[0], ast.Constant), (
                    f"{file.name}:{node.lineno}: not a literal text"
                )
                yield str(node.args[0].value), file.name
