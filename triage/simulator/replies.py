"""The replies of sick callbacks: every way to break the reply law, made from the push."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from triage.channels.wechat.account import Account
from triage.channels.wechat.callback import respond
from triage.message import Message, MessageKind, Reply
from triage.platform.pushes import PAYMENT_REPLY

_RANDOM = b"0123456789abcdef"
_GREETING = "您好，请问有什么可以帮您？"
_OTHER_KEY = "A" * 43
_FIELDS = (
    "<ToUserName><![CDATA[{to}]]></ToUserName>\n<FromUserName><![CDATA[{from_}]]></FromUserName>\n"
    "<CreateTime>{created}</CreateTime>\n"
)


@dataclass(frozen=True, slots=True)
class ReceivedPush:
    """A push as a callback has received it; `message` is None for a payment notify."""

    body: bytes
    message: Message | None
    account: Account
    now: datetime
    nonce: str = ""


Answering = Callable[[ReceivedPush], bytes]


def healthy(pushed: ReceivedPush) -> bytes:
    """The reply that any push accepts: `success`, or the XML for a payment notify."""
    return PAYMENT_REPLY.encode() if b"<transaction_id>" in pushed.body else b"success"


def fixed(body: str | bytes) -> Answering:
    """The same bytes whatever is pushed."""
    encoded = body.encode() if isinstance(body, str) else body
    return lambda pushed: encoded


def text(pushed: ReceivedPush) -> bytes:
    """A legal text reply, in the clear."""
    return _xml(pushed, _text(_GREETING))


def changed(old: str, new: str, times: int = 1) -> Answering:
    """The legal text reply with `old` replaced by `new`. Raises ValueError if `old` is not in it."""

    def answer(pushed: ReceivedPush) -> bytes:
        body = text(pushed).decode()
        if old not in body:
            raise ValueError(f"{old!r} does not stand in the reply")
        return body.replace(old, new, times).encode()

    return answer


def quoted(inner: Answering) -> Answering:
    """A reply in double quotes, as after JSON serialisation."""
    return lambda pushed: b'"' + inner(pushed) + b'"'


def without_line(name: str) -> Answering:
    """The legal text reply without one element."""

    def answer(pushed: ReceivedPush) -> bytes:
        lines = text(pushed).decode().split("\n")
        return "\n".join(line for line in lines if not line.startswith(f"<{name}>")).encode()

    return answer


def content(words: str) -> Answering:
    """A text reply with these words as its Content."""
    return lambda pushed: _xml(pushed, _text(words))


def rest(inner: str) -> Answering:
    """A reply with a right head up to CreateTime; `inner` is what follows, from MsgType on."""
    return lambda pushed: _xml(pushed, inner)


def created(render: Callable[[datetime], str]) -> Answering:
    """The legal text reply with another CreateTime."""
    return lambda pushed: _xml(pushed, _text(_GREETING), render(pushed.now))


def to(stranger: str) -> Answering:
    """The legal text reply, addressed to `stranger`."""
    return lambda pushed: _xml(pushed, _text(_GREETING), to=stranger)


def unswapped(pushed: ReceivedPush) -> bytes:
    """The legal text reply with To and From as in the push, not swapped."""
    message = _message(pushed)
    return _xml(
        replace(pushed, message=replace(message, sender=message.recipient, recipient=message.sender)),
        _text(_GREETING),
    )


def echoed(pushed: ReceivedPush) -> bytes:
    """The push, sent back unchanged."""
    return pushed.body


def sealed(*, wrong: str = "", drop: str = "", nonce: str | None = None) -> Answering:
    """An encrypted reply; `wrong` is key, appid or token: not the account's; `drop` is an element to leave out."""

    def answer(pushed: ReceivedPush) -> bytes:
        account = pushed.account
        if account.aes_key is None or wrong == "key":
            account = replace(account, aes_key=_OTHER_KEY, window=timedelta(minutes=5))
        if wrong == "appid":
            account = replace(account, appid="wxffffffffffffffff")
        if wrong == "token":
            account = replace(account, token="another")  # noqa: S106 - wrong on purpose
        # a message of a fan, so that the reply may speak
        message = replace(_message(pushed), encrypted=True, kind=MessageKind.TEXT, push="text")
        given = pushed.nonce if nonce is None else nonce
        body = respond(Reply(_GREETING), message, account, pushed.now, given, _RANDOM).body.decode()
        return _without_element(body, drop).encode() if drop else body.encode()

    return answer


def _without_element(body: str, name: str) -> str:
    before, _, behind = body.partition(f"<{name}>")
    return before + behind.partition(f"</{name}>")[2]


def _message(pushed: ReceivedPush) -> Message:
    if pushed.message is None:
        raise ValueError("this reply needs a message to answer")
    return pushed.message


def _text(words: str) -> str:
    return f"<MsgType><![CDATA[text]]></MsgType>\n<Content><![CDATA[{words}]]></Content>\n"


def _xml(pushed: ReceivedPush, inner: str, created: str | None = None, to: str | None = None) -> bytes:
    message = _message(pushed)
    seconds = str(int(pushed.now.timestamp()))
    head = _FIELDS.format(
        to=message.sender if to is None else to,
        from_=message.recipient,
        created=seconds if created is None else created,
    )
    return f"<xml>\n{head}{inner}</xml>".encode()


ARTICLE = (
    "<item><Title><![CDATA[春季菜单]]></Title><Description><![CDATA[新品]]></Description>"
    "<PicUrl><![CDATA[https://img.example.com/1.jpg]]></PicUrl><Url><![CDATA[https://www.example.com/1]]></Url></item>\n"
)


def news(declared: int, items: int) -> Answering:
    """A news reply that declares a number of articles and has `items`."""
    head = f"<MsgType><![CDATA[news]]></MsgType>\n<ArticleCount>{declared}</ArticleCount>\n"
    return rest(f"{head}<Articles>\n{ARTICLE * items}</Articles>\n")
