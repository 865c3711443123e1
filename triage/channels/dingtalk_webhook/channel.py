"""DingTalk's group robots: https://open.dingtalk.com/document/orgapp/custom-robot-access"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from triage.channels.delivery import EVERYBODY, Notice, RateLimit
from triage.channels.dingtalk_webhook.codes import CODES
from triage.channels.robot import Letter, Robot, RobotChannel, hmac_sha256, with_keyword
from triage.message import PageSize, Unit

TEXT_SIZE = PageSize(9_000, Unit.BYTES)
"""Of the 20,000 bytes of a body: in JSON a line feed or a quotation mark is two."""
_MOBILE = re.compile(r"\+?[0-9-]{11,20}")
_LONGEST_TITLE = 40


def compose(notice: Notice, robot: Robot, now: datetime) -> Letter:
    """Markdown where nobody is called: in Markdown a mention must stand in the text as well."""
    params = {} if robot.secret is None else _signed(robot.secret, now)
    if notice.markdown is not None and not notice.mentions:
        text = TEXT_SIZE.cut(with_keyword(notice.markdown, robot))
        title = with_keyword(notice.text, robot).partition("\n")[0][:_LONGEST_TITLE]
        return Letter({"msgtype": "markdown", "markdown": {"title": title, "text": text}}, params)
    content = TEXT_SIZE.cut(with_keyword(notice.text, robot))
    return Letter({"msgtype": "text", "text": {"content": content}, "at": _at(notice.mentions)}, params)


def _at(mentions: tuple[str, ...]) -> dict[str, object]:
    people = [one for one in mentions if one != EVERYBODY]
    return {
        "atMobiles": [one for one in people if _MOBILE.fullmatch(one)],
        "atUserIds": [one for one in people if not _MOBILE.fullmatch(one)],
        "isAtAll": EVERYBODY in mentions,
    }


def _signed(secret: str, now: datetime) -> dict[str, str]:
    """What the query carries; it is good for an hour."""
    timestamp = str(round(now.timestamp() * 1000))
    return {"timestamp": timestamp, "sign": hmac_sha256(secret, f"{timestamp}\n{secret}")}


DINGTALK_WEBHOOK = RobotChannel(
    name="dingtalk_webhook",
    official="https://oapi.dingtalk.com/robot/send?access_token={}",
    page_size=TEXT_SIZE,
    limits=(RateLimit(20, timedelta(minutes=1)),),
    codes=CODES,
    compose=compose,
)
