"""WeCom's group robots (消息推送): https://developer.work.weixin.qq.com/document/path/99110"""

from __future__ import annotations

from datetime import datetime, timedelta

from triage.channels.delivery import Notice, RateLimit
from triage.channels.robot import Letter, Robot, RobotChannel, with_keyword
from triage.channels.wecom_webhook.codes import CODES
from triage.message import PageSize, Unit

MARKDOWN_SIZE = PageSize(4096, Unit.BYTES)
TEXT_SIZE = PageSize(2048, Unit.BYTES)


def compose(notice: Notice, robot: Robot, now: datetime) -> Letter:
    """Markdown where nobody is called: only a text calls people whatever their client."""
    if notice.markdown is not None and not notice.mentions:
        content = MARKDOWN_SIZE.cut(with_keyword(notice.markdown, robot))
        return Letter({"msgtype": "markdown", "markdown": {"content": content}})
    text: dict[str, object] = {"content": TEXT_SIZE.cut(with_keyword(notice.text, robot))}
    if notice.mentions:
        text["mentioned_list"] = list(notice.mentions)
    return Letter({"msgtype": "text", "text": text})


WECOM_WEBHOOK = RobotChannel(
    name="wecom_webhook",
    official="https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={}",
    page_size=TEXT_SIZE,
    limits=(RateLimit(20, timedelta(minutes=1)),),
    codes=CODES,
    compose=compose,
)
