"""What the console's pages share: frame and words, the check of every write, and what is shown where a page fails."""

from __future__ import annotations

import hmac
import logging
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from flask import Blueprint, Flask, current_app, g, make_response, render_template, request, url_for
from flask import Response as FlaskResponse
from markupsafe import Markup
from werkzeug.exceptions import HTTPException

from triage import __version__
from triage.errors import StoreError
from triage.web.console import words
from triage.web.console.visitors import the_visitor
from triage.web.console.words import gettext as _
from triage.web.logs import log_event
from triage.web.service import the_service

_LOG = logging.getLogger(__name__)
_LANG_SECONDS = 365 * 86_400
_FORM_COOKIE = "triage_form"
FORM_FIELD = "form_token"
"""The hidden field of every form."""
_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_CHECKED: set[Blueprint] = set()
"""Pages that have the frame's checks: Flask takes none for a blueprint that was registered once."""


@dataclass(frozen=True, slots=True)
class Place:
    """A page in the navigation."""

    url: str
    label: str
    is_here: bool


def page(template: str, status: int = 200, /, **values: object) -> FlaskResponse:
    """A page in the frame. It is private to the visitor, so nothing on the way may keep it."""
    body = render_template(template, **_shared(), **values)
    response = make_response(body, status)
    response.headers["Cache-Control"] = "no-store"
    if lang := words.chosen_lang():
        response.set_cookie("triage_lang", lang, max_age=_LANG_SECONDS, samesite="Lax")
    if "form_token" in g:
        response.set_cookie(_FORM_COOKIE, g.form_token, httponly=True, samesite="Strict")
    return response


def audited(what: str, incident: int | None = None, detail: str = "") -> None:
    """Note a write that was made on a page: who did what, and to which incident."""
    visitor = the_visitor()
    log_event(_LOG, logging.INFO, "console_write", what=what, incident=incident, how=visitor.how.name.lower())


def csrf_field() -> Markup:
    """The hidden field without which a form is refused."""
    if "form_token" not in g:
        g.form_token = request.cookies.get(_FORM_COOKIE) or secrets.token_urlsafe(24)
    return Markup('<input type="hidden" name="{}" value="{}">').format(FORM_FIELD, g.form_token)


def install(app: Flask, blueprints: tuple[Blueprint, ...]) -> None:
    """Register the pages, each with the frame's checks."""
    words.install(app)
    app.jinja_env.globals["csrf_field"] = csrf_field
    for blueprint in blueprints:
        if blueprint not in _CHECKED:  # of an application before this one
            blueprint.before_request(_refuse_foreign_writes)
            blueprint.register_error_handler(StoreError, _store_failed)
            blueprint.register_error_handler(HTTPException, _problem)
            _CHECKED.add(blueprint)
        app.register_blueprint(blueprint)


def _shared() -> dict[str, object]:
    return {
        "visitor": the_visitor(),
        "lang": words.lang(),
        "nav": _navigation(),
        "version": __version__,
        "now": datetime.now(UTC),
        "is_demo": the_service().settings.demo,
    }


def _navigation() -> list[Place]:
    named = (
        ("now.now", _("现在")),
        ("trial.trial", _("试一试")),
        ("week.week", _("这一周")),
        ("guide.guide", _("指南")),
        ("rules.rules", _("规则")),
        ("state.state", _("健康")),
    )
    return [
        Place(url_for(endpoint), label, request.blueprint == endpoint.partition(".")[0])
        for endpoint, label in named
        if endpoint in current_app.view_functions
    ]


def _refuse_foreign_writes() -> FlaskResponse | None:
    """A write comes from a form of ours: by its origin, and by the token that only our pages know."""
    if request.method in _READS:
        return None
    origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
    is_ours = (origin is None or urlsplit(origin).netloc == request.host) and site in (None, "same-origin")
    given, kept = request.form.get(FORM_FIELD, ""), request.cookies.get(_FORM_COOKIE, "")
    if is_ours and kept and hmac.compare_digest(given.encode("utf-8", "replace"), kept.encode()):
        return None
    return page(
        "problem.html",
        403,
        title=_("这次提交没有被接受"),
        advice=_("页面太旧，或提交来自别的网站。刷新后再试。"),
    )


def _store_failed(exc: StoreError) -> FlaskResponse:
    the_service().metrics.store_failed("api", exc)
    return page(
        "problem.html",
        503,
        title=_("数据库没有回应"),
        advice=_("机器人照常给出排查步骤。过一会儿刷新；原因在日志里。"),
    )


def _problem(exc: HTTPException) -> FlaskResponse:
    known = {
        403: (_("这一页不对你开放"), _("在聊天里给机器人发“登录”，打开它回的链接。")),
        404: (_("没有这一页"), _("链接可能过期了，或你看不到这个公众号的事件。")),
    }
    title, advice = known.get(exc.code or 500, (exc.name, _("返回上一页再试。")))
    return page("problem.html", exc.code or 500, title=title, advice=advice)
