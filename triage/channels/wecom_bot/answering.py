"""Sends the one later answer that each message to a bot may get, within an hour, at the address that came with it.

https://developer.work.weixin.qq.com/document/path/101138
"""

from __future__ import annotations

import re

from triage.channels.answers import Codes, Meaning, error_code, judge_answer, judge_failure
from triage.channels.apis import Apis
from triage.channels.delivery import Delivery, Notice, RateLimit, Result
from triage.channels.pictures import Origins
from triage.channels.wecom_bot.account import BotAccount
from triage.channels.wecom_bot.callback import STREAM_SIZE, fitting_markdown
from triage.channels.wecom_bot.messages import CHANNEL
from triage.channels.xml import strip_controls
from triage.errors import ApiError
from triage.message import PageSize

_HOSTS = re.compile(r"qyapi\.weixin\.qq\.com")
_CODES: Codes = {
    -1: Meaning(Result.LATER, "系统繁忙，过一会儿再试"),
    45009: Meaning(Result.LATER, "调用太频繁，过一会儿再试"),
    45033: Meaning(Result.LATER, "并发太多，过一会儿再试"),
}


class BotAnswerer:
    """Sends the later answers of one bot."""

    limits: tuple[RateLimit, ...] = ()
    """None that a clock tells: each address works once."""
    page_size: PageSize = STREAM_SIZE

    def __init__(self, apis: Apis) -> None:
        self._session = apis.session
        self._origins = Origins(_HOSTS, apis.urls.get(CHANNEL))

    def send(self, notice: Notice, timeout: float) -> Delivery:
        """Send a notice to its `answer_url` and wait at most `timeout` seconds for what the platform says."""
        from triage.channels.json_http import exchange, within

        url = self._origins.admit(notice.answer_url) if notice.answer_url else None
        if url is None:
            return Delivery(Result.OTHER_WAY, "智能机器人只能回复消息，这一条没有 response_url")
        content = fitting_markdown(strip_controls(notice.text))
        body = {"msgtype": "markdown", "markdown": {"content": content}}
        try:
            answer = exchange(self._session, url, "response_url", body, within(timeout))
        except ApiError as exc:
            return judge_failure(exc, _CODES)
        code = error_code(answer.body)
        if code and code not in _CODES:  # the address was used or is too old, and there is no other
            return Delivery(Result.OTHER_WAY, f"errcode {code}：response_url 用过了，或者过了一小时")
        return judge_answer(answer.status, answer.body, _CODES)


def open_answerer(account: BotAccount, apis: Apis) -> BotAnswerer:
    """The `answerer` of the channel: it needs no secret, as each `response_url` is one."""
    return BotAnswerer(apis)
