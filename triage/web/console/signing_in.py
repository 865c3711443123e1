"""The console's door: sign in by a link from the chat or by the password, follow a link to an incident, sign out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from flask import Blueprint, abort, current_app, g, redirect, request, url_for
from werkzeug.security import check_password_hash, generate_password_hash
from werkzeug.wrappers import Response

from triage.bot.links import INCIDENT_LASTS
from triage.message import Person
from triage.settings.console import PASSWORD_HOLDER
from triage.web.callers import client_address
from triage.web.console import cookies
from triage.web.console.attempts import Attempts
from triage.web.console.frame import audited, page
from triage.web.console.visitors import How, Sight, seen_by, the_visitor, visitor_of
from triage.web.invitations import random_token
from triage.web.service import the_service

SESSION_LASTS = timedelta(hours=12)
_HOME = "/now"
_LONGEST_PATH = 500
_LONGEST_PASSWORD = 500
_ATTEMPTS = "triage.console.attempts"
_PASSWORD_HASH = "triage.console.password"  # noqa: S105 - where its hash is kept
blueprint = Blueprint("signing_in", __name__)


@blueprint.get("/login")
@seen_by(Sight.ANYBODY)
def login() -> Response:
    """How to get in."""
    if the_visitor().is_member:
        return redirect(local_path(request.args.get("next", "")), 303)
    return _door()


@blueprint.post("/login")
@seen_by(Sight.ANYBODY)
def sign_in_by_password() -> Response:
    """Sign in by the console's password."""
    password = the_service().settings.console_password
    if password is None:
        abort(404)
    address, now, attempts = client_address(), datetime.now(UTC), _attempts()
    wait = attempts.wait(address, now)
    if wait:
        return _door(429, wait)
    attempts.failed(address, now)  # before it is looked at, so that many at once are counted too
    given = request.form.get("password", "")[: _LONGEST_PASSWORD + 1]
    if not check_password_hash(_hash_of(password.get_secret_value()), given):
        audited("wrong_password")
        return _door(403, attempts.wait(address, now), is_wrong=True)
    attempts.succeeded(address)
    token = random_token()
    the_service().ask(lambda store: store.sign_ins.begin(token, PASSWORD_HOLDER, now, now + SESSION_LASTS))
    return _let_in(PASSWORD_HOLDER, token, local_path(request.form.get("next", "")))


@blueprint.get("/l/<token>")
@seen_by(Sight.ANYBODY)
def show_link(token: str) -> Response:
    """A button: chats open every link for a preview, which must not use it up."""
    now = datetime.now(UTC)
    holder = the_service().ask(lambda store: store.sign_ins.link_holder(token, now))
    return page("link.html", is_good=True) if holder else _used_up()


@blueprint.post("/l/<token>")
@seen_by(Sight.ANYBODY)
def sign_in_by_link(token: str) -> Response:
    """Use a link from the chat up."""
    now, session = datetime.now(UTC), random_token()
    until = now + SESSION_LASTS
    holder = the_service().ask(lambda store: store.sign_ins.use_link(token, session, now, until))
    return _let_in(holder, session, _HOME) if holder else _used_up()


@blueprint.get("/i/<token>")
@seen_by(Sight.ANYBODY)
def follow_link(token: str) -> Response:
    """The link behind a reply: keep it, and show its incident."""
    links = the_service().links
    link = links.read(token, datetime.now(UTC)) if links else None
    if link is None:
        return _used_up()
    response = redirect(f"/incidents/{link.incident}", 303)
    cookies.keep(response, cookies.INCIDENT, token, INCIDENT_LASTS)
    return response


@blueprint.post("/incidents/<int:number>/links/void")
@seen_by(Sight.MEMBER)
def void_links(number: int) -> Response:
    """Let no link that was sent until now show this incident any more."""
    incident = the_service().ask(lambda store: store.incident(number))
    if incident is None or not the_visitor().may_open(incident):
        abort(404)
    the_service().ask(lambda store: store.sign_ins.void_links(number, datetime.now(UTC)))
    audited("void_links", number)
    return redirect(f"/incidents/{number}", 303)


@blueprint.post("/logout")
@seen_by(Sight.ANYBODY)
def logout() -> Response:
    """End this session, or with `everywhere` all of the same person."""
    visitor, now = the_visitor(), datetime.now(UTC)
    if "everywhere" in request.form and visitor.viewer and visitor.may_write:
        person = visitor.viewer.person
        the_service().ask(lambda store: store.sign_ins.end_all(person, now))
        audited("sign_out_everywhere")
    elif token := cookies.read(cookies.SESSION):
        the_service().ask(lambda store: store.sign_ins.end(token, now))
        audited("sign_out")
    response = redirect(url_for("signing_in.login"), 303)
    for name in (cookies.SESSION, cookies.INCIDENT):
        cookies.drop(response, name)
    return response


def local_path(text: str) -> str:
    """A path of ours to go on to; of anything else, the first page.

    Browsers read `//`, `/\\` and a control character before them as the start of another host.
    """
    is_plain = text.isprintable() and "\\" not in text and len(text) <= _LONGEST_PATH
    if not is_plain or not text.startswith("/") or text.startswith("//"):
        return _HOME
    try:
        parts = urlsplit(text)
    except ValueError:
        return _HOME
    return _HOME if parts.scheme or parts.netloc else text


def _door(status: int = 200, wait: timedelta = timedelta(0), *, is_wrong: bool = False) -> Response:
    """The page to sign in by; `wait` until the next try."""
    seconds = -int(-wait.total_seconds() // 1)
    response = page(
        "login.html",
        status,
        has_password=the_service().settings.console_password is not None,
        next=local_path(request.values.get("next", "")),
        seconds=seconds,
        is_wrong=is_wrong,
        is_guest=the_visitor().how is How.DEMO,
    )
    if seconds:
        response.headers["Retry-After"] = str(seconds)
    return response


def _used_up() -> Response:
    return page("link.html", 410, is_good=False)


def _let_in(person: Person, token: str, path: str) -> Response:
    """A new session, whose token nobody has seen before; the one from before ends."""
    g.visitor = visitor_of(person, the_service())
    now, before = datetime.now(UTC), cookies.read(cookies.SESSION)
    if before:
        the_service().ask(lambda store: store.sign_ins.end(before, now))
    response = redirect(path, 303)
    cookies.keep(response, cookies.SESSION, token, SESSION_LASTS)
    cookies.drop(response, cookies.INCIDENT)
    audited("sign_in")
    return response


def _attempts() -> Attempts:
    attempts: Attempts = current_app.extensions.setdefault(_ATTEMPTS, Attempts())
    return attempts


def _hash_of(password: str) -> str:
    """Scrypt of the password, made at the first try; a comparison of it takes the same time whatever was given."""
    kept: str = current_app.extensions.setdefault(_PASSWORD_HASH, "")
    if not kept:
        kept = current_app.extensions[_PASSWORD_HASH] = generate_password_hash(password)
    return kept
