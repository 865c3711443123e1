"""The service: callback, API, chat page, health and metrics, as one ASGI application."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from triage.settings.model import Settings
    from triage.web.asgi import Application


def create_app(settings: Settings, started: Callable[[], object] = lambda: None) -> Application:
    """The ASGI application for these settings; `started` is called when it is ready for requests."""
    from triage.web.app import make_app

    return make_app(settings, started)
