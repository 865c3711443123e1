"""Sends 客服消息: text to a follower who has written within 48 hours, five after each message of theirs.

That serves an answer that comes too late for its push; nobody can be called by it after two silent days. Only verified
accounts may. https://developers.weixin.qq.com/doc/service/api/customer/message/api_sendcustommessage.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from triage.channels.answers import judge_answer, judge_failure
from triage.channels.apis import Apis
from triage.channels.delivery import Delivery, Notice, RateLimit, Result
from triage.channels.wechat.account import Account
from triage.channels.wechat.callback import PAGE_SIZE
from triage.channels.wechat.codes import CODES
from triage.channels.wechat.messages import CHANNEL
from triage.channels.wechat.tappable import without_links
from triage.channels.xml import strip_controls
from triage.errors import ApiError
from triage.message import PageSize, Person

if TYPE_CHECKING:
    from triage.channels.wechat.api import WeChatApi


class WechatSender:
    """Sends for one Official Account."""

    limits: tuple[RateLimit, ...] = ()
    """None that a clock tells: a follower's own messages open the way, and the platform counts."""
    page_size: PageSize = PAGE_SIZE

    def __init__(self, api: WeChatApi) -> None:
        self._api = api

    def send(self, notice: Notice, timeout: float) -> Delivery:
        """As `Sender.send`."""
        if not isinstance(notice.destination, Person):
            return Delivery(Result.OTHER_WAY, "公众号不能发到群里")
        content = PAGE_SIZE.cut(without_links(strip_controls(notice.text)))
        body = {"touser": notice.destination.id, "msgtype": "text", "text": {"content": content}}
        try:
            answer = self._api.send("cgi-bin/message/custom/send", body, timeout)
        except ApiError as exc:
            return judge_failure(exc, CODES)
        return judge_answer(answer.status, answer.body, CODES)


def open_sender(account: Account, apis: Apis) -> WechatSender | None:
    """What sends for an account; None where it has no AppSecret, and so can only answer."""
    api = connect(account, apis)
    return WechatSender(api) if api else None


def connect(account: Account, apis: Apis) -> WeChatApi | None:
    """The API for an account; None where it has no AppSecret."""
    if account.secret is None or not account.appid:
        return None
    # imported here: requests takes a tenth of a second, and most commands send nothing
    from triage.channels.wechat.api import WeChatApi

    url = apis.urls.get(CHANNEL)
    return WeChatApi(account.appid, account.secret, apis.tokens, apis.session, url, clock=apis.clock)
