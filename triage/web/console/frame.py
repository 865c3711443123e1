"""What the console's pages share: frame and words, the check of every write, and what is shown where a page fails."""

from __future__ import annotations

import hashlib
import hmac
import logging
from dataclasses import dataclass
from datetime import UTC, datetime

from flask import Blueprint, Flask, current_app, g, make_response, render_template, request, url_for
from flask import Response as FlaskResponse
from markupsafe import Markup
from werkzeug.exceptions import HTTPException

from triage import __version__
from triage.errors import StoreError
from triage.masking import mask
from triage.store import Audited
from triage.web.callers import client_address
from triage.web.console import cookies, demo_people, words
from triage.web.console.visitors import READS, the_visitor
from triage.web.console.words import gettext as _
from triage.web.invitations import random_token
from triage.web.logs import log_event
from triage.web.service import the_service

_LOG = logging.getLogger(__name__)
_LANG_SECONDS = 365 * 86_400
FORM_FIELD = "form_token"
"""The hidden field of every form."""
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
        cookies.keep(response, cookies.FORM, g.form_token)
    return response


def audited(what: str, incident: int | None = None, detail: str = "") -> None:
    """Note a write that was made on a page, or a try to get in: who did what, and to which incident.

    What was done is done: where the audit log cannot be written, the service's own log says so.
    """
    visitor, service = the_visitor(), the_service()
    how = visitor.how.name.lower()
    log_event(_LOG, logging.INFO, "console_write", what=what, incident=incident, how=how)
    who = visitor.viewer.person if visitor.viewer else None
    line = Audited(datetime.now(UTC), who, how, what, incident, mask(detail), client_address())
    try:
        service.ask(lambda store: store.sign_ins.note(line))
    except StoreError as exc:
        service.metrics.store_failed("audit", exc)


def csrf_field() -> Markup:
    """The hidden field without which a form is refused."""
    token = _token_of_session()
    if not token:
        if "form_token" not in g:
            g.form_token = cookies.read(cookies.FORM) or random_token()
        token = g.form_token
    return Markup('<input type="hidden" name="{}" value="{}">').format(FORM_FIELD, token)


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
        "people": demo_people.NAMES,
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
    if request.method in READS:
        return None
    given, kept = request.form.get(FORM_FIELD, ""), _token_of_session() or cookies.read(cookies.FORM)
    if _is_from_our_page() and kept and hmac.compare_digest(given.encode("utf-8", "replace"), kept.encode()):
        return None
    return page(
        "problem.html",
        403,
        title=_("这次提交没有被接受"),
        advice=_("页面太旧，或提交来自别的网站。刷新后再试。"),
    )


def _is_from_our_page() -> bool:
    """By what browsers say of a request: an origin of ours, if any, and no other site's page behind it."""
    origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
    ours = {f"{request.scheme}://{request.host}", the_service().settings.public_url}
    return (origin is None or origin in ours) and site in (None, "same-origin")


def _token_of_session() -> str:
    """What the forms of a session carry: nobody can compute it who does not have its cookie; `""` without one."""
    session = cookies.read(cookies.SESSION)
    return hmac.new(session.encode(), b"form", hashlib.sha256).hexdigest() if session else ""


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
        404: (_("没有这一页"), _("地址可能写错了，链接可能过期了，或你看不到这个公众号的事件。")),
    }
    title, advice = known.get(exc.code or 500, (exc.name, _("返回上一页再试。")))
    return page("problem.html", exc.code or 500, title=title, advice=advice)
