"""The service: callback, API, chat page, health and metrics, as one WSGI application."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from triage.settings.model import Settings


def create_app(settings: Settings) -> Flask:
    """The WSGI application for these settings.

    It reads the rules now, and opens the database when first needed; so make it before a server forks.
    """
    from triage.web.app import make_app

    return make_app(settings)
