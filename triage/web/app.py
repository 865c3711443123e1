"""The application: routes, what is measured and logged of each request, and the headers of every answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from flask import Blueprint, Flask, g, request
from flask import Response as FlaskResponse
from werkzeug.exceptions import HTTPException

from triage.pictures.formats import MAX_BYTES
from triage.settings.directories import data_directory
from triage.settings.model import Settings
from triage.web import health
from triage.web.api import routes as api
from triage.web.asgi import Application
from triage.web.callback import Callback
from triage.web.console import demo_pictures, demo_service, frame
from triage.web.console.pages import PAGES
from triage.web.responses import problem
from triage.web.service import Service, the_service

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    # not no-referrer: browsers then call the origin of every form `null`, https://fetch.spec.whatwg.org/#origin-header
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def make_app(
    settings: Settings,
    started: Callable[[], object] = lambda: None,
    pages: tuple[Blueprint, ...] = (),
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Application:
    """The ASGI application for these settings; it reads the rules now, and opens the database when it is served.

    `pages` stand in the console's frame, behind its checks, beside the console's own. `clock` says when messages come
    in, and what is due to go out; the demo has the time of day.
    """
    if settings.demo:
        service, callback, own = demo_service.make(settings, datetime.now(UTC))
    else:
        team = settings.team.at_accounts(settings.accounts) if settings.team else None
        service = Service(settings, settings.accounts, settings.admins, clock(), team, clock=clock)
        callback, own = Callback(service), (health.home,)
    limits = {demo_pictures.UPLOAD: MAX_BYTES} if settings.demo else {}
    return Application(service, callback, _make_pages(service, own, pages), started, body_limits=limits)


def _make_pages(service: Service, own: tuple[Blueprint, ...], more: tuple[Blueprint, ...]) -> Flask:
    """Everything but the callback, as a WSGI application."""
    console = data_directory("templates") / "console"
    app = Flask("triage.web", template_folder=str(console), static_folder=str(console / "static"))
    app.config["MAX_CONTENT_LENGTH"] = api.MAX_API_BYTES
    app.json.ensure_ascii = False  # type: ignore[attr-defined]  # of the default provider
    service.install(app)
    app.register_blueprint(api.blueprint)
    app.register_blueprint(health.blueprint)
    for blueprint in own:
        app.register_blueprint(blueprint)
    frame.install(app, (*PAGES, *more))
    app.before_request(_begin)
    app.after_request(_end)
    app.register_error_handler(HTTPException, _plain_problem)
    return app


def _begin() -> None:
    g.started = time.perf_counter()


def _end(response: FlaskResponse) -> FlaskResponse:
    """Note the request by its route: a path or a query may hold what must not be repeated."""
    seconds = time.perf_counter() - g.get("started", time.perf_counter())
    endpoint = request.url_rule.rule if request.url_rule else "unknown"
    the_service().note(endpoint, request.method, response.status_code, seconds)
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    return response


def _plain_problem(exc: HTTPException) -> FlaskResponse:
    """An error in one line; JSON for the API."""
    headers = [(name, value) for name, value in exc.get_headers() if name in ("Allow", "Retry-After")]
    if request.path.startswith(("/api/", "/demo/")):
        response = problem(exc.description or exc.name, exc.code or 500)
        response.headers.extend(headers)
        return response
    return FlaskResponse(exc.name, exc.code, headers, content_type="text/plain; charset=utf-8")
