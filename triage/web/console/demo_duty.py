"""The demo's page of a team on call: its group and the chats of two people, side by side.

What is typed or clicked there goes through the real callbacks of WeCom, and what goes out comes from the real outbox
over the real API calls; only WeCom is played (`simulator/wecom`).
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal

from asgiref.sync import async_to_sync
from flask import Blueprint, abort, render_template, request
from flask import Response as FlaskResponse
from pydantic import BaseModel, ConfigDict, Field

from triage import __version__
from triage.channels.wecom_app import platform_side as app_side
from triage.channels.wecom_app.channel import WECOM_APP
from triage.channels.wecom_bot import platform_side as bot_side
from triage.channels.wecom_bot.channel import WECOM_BOT
from triage.simulator.wecom import GROUP, PlayedWecom
from triage.web.callback import Callback
from triage.web.console.demo import load_samples, read_sent
from triage.web.console.demo_team import BOT_NAME, ON_CALL, SECOND_AFTER, DemoTeam
from triage.web.responses import answer
from triage.web.service import the_service

_CHAT_ID = "wrDemoGroup"
_CLICK = "template_card_event"
_LATEST = 1 << 53


class Said(BaseModel):
    """What somebody types in a chat; in the group it is written to the bot, perhaps about a message that is quoted."""

    model_config = ConfigDict(extra="forbid", strict=True)

    chat: Literal["group", "wang", "li"]
    who: Literal["wang", "li"] = "wang"
    """Who it is in the group."""
    text: str = ""
    quote: str | None = None


class Clicked(BaseModel):
    """A click on a button of a card."""

    model_config = ConfigDict(extra="forbid", strict=True)

    id: int
    key: str = Field(max_length=64)


@dataclass(frozen=True, slots=True)
class _Desk:
    """What the page works with."""

    callback: Callback
    team: DemoTeam
    wecom: PlayedWecom


def make_blueprint(callback: Callback, team: DemoTeam, wecom: PlayedWecom) -> Blueprint:
    """The page, and the ways from it through the callbacks."""
    desk = _Desk(callback, team, wecom)
    blueprint = Blueprint("duty", __name__)
    blueprint.get("/duty")(duty)
    blueprint.get("/demo/duty/news", endpoint="news")(partial(_news, desk))
    blueprint.post("/demo/duty/say", endpoint="say")(partial(_say, desk))
    blueprint.post("/demo/duty/click", endpoint="click")(partial(_click, desk))
    return blueprint


def duty() -> str:
    """The page of the team."""
    return render_template(
        "duty.html",
        samples=load_samples(the_service().started),
        people=ON_CALL,
        seconds=int(SECOND_AFTER.total_seconds()),
        bot=BOT_NAME,
        version=__version__,
    )


def _news(desk: _Desk) -> FlaskResponse:
    """What the chats show that the page has not."""
    try:
        version = int(request.args.get("since", "0"))
    except ValueError:
        abort(400, "since is a number")
    return answer({"shown": desk.wecom.since(min(version, _LATEST))})


def _say(desk: _Desk) -> FlaskResponse:
    """A message on its way through a callback and back into the chat."""
    said = read_sent(Said)
    if said.chat == GROUP:
        _say_in_group(desk, said)
    else:
        desk.wecom.show(said.chat, said.chat, said.text)
        _to_app(desk, said.chat, "text", {"Content": said.text}, message_id=_number())
    return answer({})


def _say_in_group(desk: _Desk, said: Said) -> None:
    text = f"@{BOT_NAME} {said.text}".rstrip()
    desk.wecom.show(GROUP, said.who, text, quote=said.quote)
    fields: dict[str, Any] = {"text": {"content": text}, "response_url": desk.wecom.response_url()}
    if said.quote is not None:
        fields["quote"] = {"msgtype": "text", "text": {"content": said.quote}}
    account, nonce = desk.team.bot, _number()
    push = bot_side.compose(
        "text",
        account,
        datetime.now(UTC),
        sender=said.who,
        nonce=nonce,
        random16=secrets.token_bytes(16),
        chat=_CHAT_ID,
        fields=fields,
        message_id=_number(),
    )
    response = async_to_sync(desk.callback.answer)(push, WECOM_BOT, account)
    accepted = bot_side.accepts(response, "text", account, nonce=nonce)
    if accepted.text or accepted.problem:
        desk.wecom.show(GROUP, "bot", accepted.text or f"（企业微信不认这个回应：{accepted.problem}）")


def _click(desk: _Desk) -> FlaskResponse:
    """A click on its way through the app's callback; what comes back stands on the card, or below it."""
    clicked = read_sent(Clicked)
    shown = desk.wecom.find(clicked.id)
    if shown is None or shown.card is None or shown.label is not None:
        abort(409, "this card has no buttons any more")
    fields = {
        "EventKey": clicked.key,
        "TaskId": str(shown.card["task_id"]),
        "ResponseCode": secrets.token_urlsafe(16),
    }
    label = _to_app(desk, shown.chat, _CLICK, fields)
    if label is not None:
        desk.wecom.settle(shown.id, label)
    return answer({})


def _to_app(
    desk: _Desk, who: str, name: str, fields: Mapping[str, str], message_id: str | None = None
) -> str | None:
    """Push to the app and show its answer; the words for a clicked button are returned."""
    account = desk.team.app
    push = app_side.compose(
        name,
        account,
        datetime.now(UTC),
        sender=who,
        nonce=_number(),
        random16=secrets.token_bytes(16),
        fields=fields,
        message_id=message_id,
    )
    response = async_to_sync(desk.callback.answer)(push, WECOM_APP, account)
    accepted = app_side.accepts(response, name, account, sender=who)
    if accepted.text or accepted.problem:
        desk.wecom.show(who, "bot", accepted.text or f"（企业微信不认这个回应：{accepted.problem}）")
    return accepted.label


def _number() -> str:
    return str(secrets.randbelow(10**18) + 10**18)
