"""Every page of the console, by the map of the application: what walks them misses none that is added."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Flask
from werkzeug.routing import Rule

from triage.web.console.pages import PAGES

_TOPIC = "connect_timeout"
_LINKS = "token"
"""The argument of one-time links, which are no pages to come back to."""


def addresses(pages: Flask, incident: int) -> Iterator[str]:
    """The address of each page and file, with an incident and a topic where it is about one."""
    blueprints = {blueprint.name for blueprint in PAGES}
    for rule in sorted(pages.url_map.iter_rules(), key=lambda rule: rule.rule):
        of_console = rule.endpoint.partition(".")[0] in blueprints
        if of_console and "GET" in (rule.methods or ()) and _LINKS not in rule.arguments:
            yield _built(pages, rule, incident)


def _built(pages: Flask, rule: Rule, incident: int) -> str:
    values = {name: incident if f"<int:{name}>" in rule.rule else _TOPIC for name in rule.arguments}
    return pages.url_map.bind("").build(rule.endpoint, values)
