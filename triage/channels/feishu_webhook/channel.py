"""Feishu's group robots: https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from triage.channels.delivery import EVERYBODY, Notice, RateLimit
from triage.channels.feishu_webhook.codes import CODES
from triage.channels.robot import Letter, Robot, RobotChannel, hmac_sha256, with_keyword
from triage.message import PageSize, Unit

TEXT_SIZE = PageSize(9_000, Unit.BYTES)
"""Of the 20 KB of a body: in JSON a line feed or a quotation mark is two."""
_ALL = '<at user_id="all">所有人</at>'
_AT = re.compile(r"<(?=/?at\b)", re.IGNORECASE)


def compose(notice: Notice, robot: Robot, now: datetime) -> Letter:
    """Markdown goes into a card, where nobody is called."""
    signature = {} if robot.secret is None else _signed(robot.secret, now)
    if notice.markdown is not None and not notice.mentions:
        content = TEXT_SIZE.cut(with_keyword(_quiet(notice.markdown), robot))
        card = {"config": {"wide_screen_mode": True}, "elements": [{"tag": "markdown", "content": content}]}
        return Letter({**signature, "msg_type": "interactive", "card": card})
    called = "".join(_ALL if one == EVERYBODY else f'<at user_id="{one}"></at>' for one in notice.mentions)
    text = TEXT_SIZE.cut(f"{called}{' ' if called else ''}{with_keyword(_quiet(notice.text), robot)}")
    return Letter({**signature, "msg_type": "text", "content": {"text": text}})


def _quiet(text: str) -> str:
    """The text without tags of its own: one in a forwarded alert would call people."""
    return _AT.sub("＜", text)


def _signed(secret: str, now: datetime) -> dict[str, object]:
    """What the body carries; it is good for an hour. The key holds everything, and the text is empty."""
    timestamp = str(round(now.timestamp()))
    return {"timestamp": timestamp, "sign": hmac_sha256(f"{timestamp}\n{secret}", "")}


FEISHU_WEBHOOK = RobotChannel(
    name="feishu_webhook",
    official="https://open.feishu.cn/open-apis/bot/v2/hook/{}",
    page_size=TEXT_SIZE,
    limits=(RateLimit(100, timedelta(minutes=1)), RateLimit(5, timedelta(seconds=1))),
    codes=CODES,
    compose=compose,
)
