"""The demo: a chat page that talks to the real callback over the real wire format, without any WeChat account.

Each message is composed as the platform would, signed and encrypted, answered by the callback itself, and the
answer is read and judged as the platform would. Nothing here is reachable once an account is configured.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar

from asgiref.sync import async_to_sync
from flask import Blueprint, abort, current_app, redirect, render_template, request, url_for
from flask import Response as FlaskResponse
from jinja2 import Environment, StrictUndefined
from pydantic import BaseModel, ConfigDict, ValidationError
from werkzeug.wrappers import Response as WerkzeugResponse

from triage import __version__
from triage.alerts.parser import BEIJING
from triage.channels.wechat.account import Account
from triage.channels.wechat.channel import WECHAT
from triage.channels.wechat.platform_side import Accepted, accepts, compose
from triage.message import Request, Response
from triage.settings.directories import data_directory
from triage.web.callback import Callback
from triage.web.callers import is_from_our_page
from triage.web.console.demo_people import APPID, COOKIE, PEOPLE, chosen_id, random_key
from triage.web.console.signing_in import local_path
from triage.web.responses import answer
from triage.web.service import the_service

ModelT = TypeVar("ModelT", bound=BaseModel)

RECIPIENT = "gh_demo00000000"
_MAX_BYTES = 256 * 1024
_SHOWN = 1200


Who = Literal["wang", "li", "guest"]


class Sent(BaseModel):
    """What the page sends: who says what."""

    model_config = ConfigDict(extra="forbid", strict=True)

    who: Who = "wang"
    push: Literal["text", "image", "subscribe"] = "text"
    text: str = ""


@dataclass(frozen=True, slots=True)
class Sample:
    """An alert to forward: its label, what it shows, its text."""

    id: str
    label: str
    note: str
    text: str


def make_account(window: timedelta) -> Account:
    """The demo's account, with random secrets for each start."""
    return Account(APPID, secrets.token_hex(16), random_key(), window)


def make_blueprint(callback: Callback, account: Account) -> Blueprint:
    """The page, and the way from it through the callback."""
    blueprint = Blueprint("demo", __name__)
    blueprint.get("/")(chat)
    blueprint.post("/demo/who")(choose_who)
    blueprint.post("/demo/send", endpoint="send")(partial(_send, callback, account))
    return blueprint


def load_samples(now: datetime) -> tuple[Sample, ...]:
    """The samples of templates/console/samples, as if they had happened just before `now`.

    A file's first line is its label, the second what it shows; `{{ time(n) }}` is n minutes before.
    """
    environment = Environment(undefined=StrictUndefined, autoescape=False)  # noqa: S701 - plain text
    return tuple(
        _sample(file, environment.from_string(file.read_text(encoding="utf-8")).render(_clock(now)))
        for file in sorted((data_directory("templates") / "console" / "samples").glob("*.txt"))
    )


def chat() -> str:
    """The chat page."""
    duty = url_for("duty.duty") if "duty.duty" in current_app.view_functions else None
    samples = load_samples(the_service().started)
    return render_template(
        "chat.html", samples=samples, duty=duty, version=__version__, who=chosen_id(request.cookies)
    )


def choose_who() -> WerkzeugResponse:
    """Look at the pages as somebody else."""
    _require_our_page()
    who = request.form.get("who", "")
    if who not in PEOPLE:
        abort(400, "send who: wang, li or guest")
    response = redirect(local_path(request.form.get("next", "")), 303)
    response.set_cookie(COOKIE, who, httponly=True, samesite="Lax")
    return response


def _require_our_page() -> None:
    is_foreign = request.headers.get("Sec-Fetch-Site") not in (None, "same-origin")
    if is_foreign or not is_from_our_page(the_service().settings.host):
        abort(403, "the demo answers its own page; open it by the address that triage serve shows")


def _send(callback: Callback, account: Account) -> FlaskResponse:
    """One message on its way through the callback and back, and how the platform takes the answer."""
    return answer(deliver(callback, account, read_sent(Sent)))


def deliver(callback: Callback, account: Account, sent: Sent, media_id: str = "") -> dict[str, Any]:
    """One push through the callback and what the platform makes of the answer; a picture by its media id."""
    push = _compose(sent, account, datetime.now(UTC), media_id)
    started = time.perf_counter()
    response = async_to_sync(callback.answer)(push, WECHAT, account)
    milliseconds = (time.perf_counter() - started) * 1000
    sender = PEOPLE[sent.who]
    accepted = accepts(response, push, account, sent.push, sender=sender, recipient=RECIPIENT)
    return _shown(push, response, accepted, milliseconds)


def read_sent(what: type[ModelT]) -> ModelT:
    """What one of our pages has sent; whatever else is sent ends the request with a 4xx."""
    _require_our_page()
    request.max_content_length = _MAX_BYTES
    if not request.is_json:
        abort(415, "send application/json")
    try:
        return what.model_validate_json(request.get_data())
    except ValidationError:
        abort(400, f"send {{{', '.join(what.model_fields)}}}")


def _compose(sent: Sent, account: Account, now: datetime, media_id: str) -> Request:
    """What the platform would push; a text longer than WeChat takes is pushed all the same."""
    fields = {
        "text": {"Content": sent.text},
        "image": {"PicUrl": "", "MediaId": media_id},
        "subscribe": {},
    }[sent.push]
    return compose(
        sent.push,
        account,
        now,
        sender=PEOPLE[sent.who],
        recipient=RECIPIENT,
        nonce=str(secrets.randbelow(10**9) + 10**9),
        fields=fields,
        message_id=str(secrets.randbelow(10**18) + 10**18) if sent.push != "subscribe" else None,
        mode="safe",
        random16=secrets.token_bytes(16),
    )


def _shown(push: Request, response: Response, accepted: Accepted, milliseconds: float) -> dict[str, Any]:
    return {
        "reply": accepted.text,
        "pieces": [asdict(piece) for piece in accepted.pieces],
        "legal": not any(finding.is_fault for finding in accepted.findings),
        "findings": [str(finding) for finding in accepted.findings],
        "status": response.status,
        "ms": round(milliseconds, 1),
        "sent": {
            "bytes": len(push.body),
            "query": dict(push.query),
            "body": push.body.decode()[:_SHOWN],
        },
        "received": {"bytes": len(response.body), "body": response.body.decode("utf-8", "replace")[:_SHOWN]},
    }


def _sample(file: Path, text: str) -> Sample:
    label, note, alert = text.split("\n", 2)
    return Sample(file.stem, label, note, alert.strip())


def _clock(now: datetime) -> dict[str, Any]:
    def at(minutes: int) -> datetime:
        return now.astimezone(BEIJING) - timedelta(minutes=minutes)

    return {
        "time": lambda minutes: at(minutes).strftime("%Y-%m-%d %H:%M:%S"),
        "stamp": lambda minutes: int(at(minutes).timestamp()),
    }
