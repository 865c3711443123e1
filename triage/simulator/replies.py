"""The replies of sick callbacks: every way to break the reply law, made from what was pushed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from triage.channels.wechat.callback import Account, respond
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
    """What a callback has received: the bytes, and the message where they are one. A payment notify is none."""

    body: bytes
    message: Message | None
    account: Account
    now: datetime
    nonce: str = ""


Answering = Callable[[ReceivedPush], bytes]


def healthy(pushed: ReceivedPush) -> bytes:
    """What any push takes: `success`, or the XML of a payment notify."""
    return PAYMENT_REPLY.encode() if b"<transaction_id>" in pushed.body else b"success"


def fixed(body: str | bytes) -> Answering:
    """The same bytes whatever is pushed."""
    encoded = body.encode() if isinstance(body, str) else body
    return lambda pushed: encoded


def text(pushed: ReceivedPush) -> bytes:
    """A legal text reply, in the clear."""
    return _xml(pushed, _text(_GREETING))


def changed(old: str, new: str, times: int = 1) -> Answering:
    """The legal text reply with one mistake in it; a mistake that changes nothing is ours and raises."""

    def answer(pushed: ReceivedPush) -> bytes:
        body = text(pushed).decode()
        if old not in body:
            raise ValueError(f"{old!r} does not stand in the reply")
        return body.replace(old, new, times).encode()

    return answer


def quoted(inner: Answering) -> Answering:
    """In double quotes, as JSON serialisation leaves it."""
    return lambda pushed: b'"' + inner(pushed) + b'"'


def without_line(name: str) -> Answering:
    """The legal text reply without one element."""

    def answer(pushed: ReceivedPush) -> bytes:
        lines = text(pushed).decode().split("\n")
        return "\n".join(line for line in lines if not line.startswith(f"<{name}>")).encode()

    return answer


def content(words: str) -> Answering:
    """A text reply that says this."""
    return lambda pushed: _xml(pushed, _text(words))


def rest(inner: str) -> Answering:
    """A reply whose four fields are right as far as MsgType, which is in `inner` with what follows."""
    return lambda pushed: _xml(pushed, inner)


def created(render: Callable[[datetime], str]) -> Answering:
    """The legal text reply with another CreateTime."""
    return lambda pushed: _xml(pushed, _text(_GREETING), render(pushed.now))


def to(stranger: str) -> Answering:
    """The legal text reply to somebody else."""
    return lambda pushed: _xml(pushed, _text(_GREETING), to=stranger)


def unswapped(pushed: ReceivedPush) -> bytes:
    """To and From as they came."""
    message = _message(pushed)
    return _xml(
        replace(pushed, message=replace(message, sender=message.recipient, recipient=message.sender)),
        _text(_GREETING),
    )


def echoed(pushed: ReceivedPush) -> bytes:
    """The push itself."""
    return pushed.body


def sealed(*, wrong: str = "", drop: str = "", nonce: str | None = None) -> Answering:
    """An encrypted reply; `wrong` names what is not the account's (key, appid), `drop` an element that is missing."""

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
    """A reply with news."""
    head = f"<MsgType><![CDATA[news]]></MsgType>\n<ArticleCount>{declared}</ArticleCount>\n"
    return rest(f"{head}<Articles>\n{ARTICLE * items}</Articles>\n")
