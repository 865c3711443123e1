"""Sends to members of a corporation: text, Markdown, and cards with buttons that can be replaced later.

https://developer.work.weixin.qq.com/document/path/90236 and, for cards, /94888 and /94867. Inside WeChat (微信插件)
only text shows, so whoever reads there gets neither Markdown nor a card.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from triage.channels.answers import judge_answer, judge_failure
from triage.channels.apis import Apis
from triage.channels.delivery import Button, Card, Delivery, Notice, RateLimit, Result
from triage.channels.wecom_app.account import Account
from triage.channels.wecom_app.codes import CODES
from triage.channels.xml import strip_controls
from triage.errors import ApiError
from triage.message import PageSize, Person, Unit

if TYPE_CHECKING:
    from triage.channels.token_api import TokenApi

TEXT_SIZE = PageSize(2048, Unit.BYTES)
_SAME_TEXT_SECONDS = 300
"""A second message of the same text within this is swallowed: a try again, and no reminder of ten minutes later."""
_TITLE, _NAME, _VALUE = 36, 5, 30
_MOST_LINES = 6
_LINK = 1
"""What a line does that is touched: it opens its address."""
_MAIN, _OTHER = 1, 2
_NOT_REACHED = ("invaliduser", "unlicenseduser")


class WecomSender:
    """Sends for one app."""

    limits: tuple[RateLimit, ...] = (RateLimit(30, timedelta(minutes=1)), RateLimit(1000, timedelta(hours=1)))
    """What a member gets above them is dropped without an error."""
    page_size: PageSize = TEXT_SIZE

    def __init__(self, account: Account, api: TokenApi) -> None:
        self._account = account
        self._api = api

    def send(self, notice: Notice, timeout: float) -> Delivery:
        """As `Sender.send`; the receipt of a card is its response_code."""
        if not isinstance(notice.destination, Person):
            return Delivery(Result.OTHER_WAY, "企业微信应用不能发到群里：用群机器人")
        body = {
            "touser": notice.destination.id,
            "agentid": self._account.agentid,
            "enable_duplicate_check": 1,
            "duplicate_check_interval": _SAME_TEXT_SECONDS,
            **_content(notice),
        }
        return self._post("cgi-bin/message/send", body, timeout)

    def update_card(self, receipt: str, label: str, timeout: float) -> Delivery:
        """As `UpdatesCards.update_card`."""
        body = {
            "atall": 1,
            "agentid": self._account.agentid,
            "response_code": receipt,
            "button": {"replace_name": label},
        }
        return self._post("cgi-bin/message/update_template_card", body, timeout)

    def _post(self, path: str, body: Mapping[str, object], timeout: float) -> Delivery:
        try:
            answer = self._api.send(path, body, timeout)
        except ApiError as exc:
            return judge_failure(exc, CODES)
        delivery = judge_answer(answer.status, answer.body, CODES)
        if delivery.result is not Result.SENT or answer.body is None:
            return delivery
        missed = [name for name in _NOT_REACHED if answer.body.get(name)]
        if missed:
            return Delivery(Result.OTHER_WAY, f"errcode 0，{missed[0]}：收件人不在应用可见范围里，或没有授权")
        receipt = answer.body.get("response_code")
        return Delivery(Result.SENT, delivery.reason, receipt=receipt if isinstance(receipt, str) else None)


def open_sender(account: Account, apis: Apis) -> WecomSender | None:
    """What sends for an app; None where it has no Secret, and so can only answer."""
    if account.secret is None:
        return None
    # imported here: requests takes a tenth of a second, and most commands send nothing
    from triage.channels.wecom_app.api import connect

    return WecomSender(account, connect(account, account.secret, apis))


def _content(notice: Notice) -> dict[str, object]:
    """The richest form that the notice has."""
    if notice.card is not None:
        return {"msgtype": "template_card", "template_card": _card(notice.card)}
    if notice.markdown is not None:
        return {"msgtype": "markdown", "markdown": {"content": _cut(notice.markdown)}}
    return {"msgtype": "text", "text": {"content": _cut(notice.text)}}


def _cut(text: str) -> str:
    return TEXT_SIZE.cut(strip_controls(text))


def _card(card: Card) -> dict[str, object]:
    lines: list[dict[str, object]] = [
        {"keyname": name[:_NAME], "value": strip_controls(value)[:_VALUE]} for name, value in card.lines
    ]
    if card.url is not None:
        link = {"keyname": "详情", "value": f"打开事件 #{card.number}", "type": _LINK, "url": card.url}
        lines = [*lines[: _MOST_LINES - 1], link]
    return {
        "card_type": "button_interaction",
        "main_title": {"title": strip_controls(card.title)[:_TITLE]},
        "horizontal_content_list": lines[:_MOST_LINES],
        "button_list": [
            {
                "text": button.label,
                "style": _MAIN if button is Button.CLAIM else _OTHER,
                "key": button.key(card.number),
            }
            for button in card.buttons
        ],
        "task_id": card.task_id,
    }
