"""A client that plays WeChat's servers against a callback: whatever they send, and what others send in their name."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from triage.channels.wechat.account import Account
from triage.channels.wechat.platform_side import Accepted, accepts, compose, compose_echo
from triage.message import Request, Response
from triage.platform.pushes import PUSHES, Family, Push, find_push

NOW = datetime(2026, 3, 9, 18, 31, 40, tzinfo=UTC)
FAN, GH = "oQ7dXk2VbnTzLr5WfGh8JmPs3YcA", "gh_5d21c07be94f"
CATALOGUE = tuple(push for push in PUSHES if push.family is not Family.PAYMENT)

Send = Callable[[Request], Response]


@dataclass(frozen=True)
class Exchange:
    """What was sent, what came back, and what the platform makes of it."""

    push: str
    request: Request
    response: Response
    accepted: Accepted


@dataclass
class Platform:
    """The platform for one account; `mode` is what the account's console says, plain where it has no key."""

    account: Account
    send: Send
    mode: str = "safe"
    sender: str = FAN
    recipient: str = GH
    now: datetime = NOW
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1), repr=False)

    def _nonce(self) -> str:
        return str(1_372_623_149 + next(self._numbers))

    def __post_init__(self) -> None:
        self.mode = self.mode if self.account.aes_key else "plain"

    # -- what the platform sends

    def verify(self, echostr: str = "4375120948345356249") -> Exchange:
        """The GET that saving the address in the console sends."""
        return self.exchange("", compose_echo(self.account, self.now, nonce=self._nonce(), echostr=echostr))

    def say(self, text: str, message_id: str | None = None) -> Exchange:
        """A fan types a text."""
        return self.push("text", {"Content": text}, message_id or str(24_000_000_000 + next(self._numbers)))

    def push(
        self, push: Push | str, fields: Mapping[str, str] | None = None, message_id: str | None = None
    ) -> Exchange:
        """A push of the catalogue, or one it does not know."""
        name = push if isinstance(push, str) else push.name
        return self.exchange(name, self.request(push, fields, message_id))

    def request(
        self, push: Push | str, fields: Mapping[str, str] | None = None, message_id: str | None = None
    ) -> Request:
        """The same, not sent yet."""
        known = find_push(push) if isinstance(push, str) else push
        name = push if isinstance(push, str) else push.name
        component = {"InfoType": name} if known and known.family is Family.COMPONENT else {}
        return compose(
            name,
            self.account,
            self.now,
            sender=self.sender,
            recipient=self.recipient,
            nonce=self._nonce(),
            fields={**component, **(fields or {})},
            message_id=message_id,
            mode=self.mode,
            random16=f"{next(self._numbers):016}".encode(),
        )

    def push_with_retries(
        self, push: Push | str, fields: Mapping[str, str] | None = None, message_id: str | None = None
    ) -> list[Exchange]:
        """Three attempts, five seconds apart: same MsgId and CreateTime, a signature of their own."""
        created = {"CreateTime": str(int(self.now.timestamp())), **(fields or {})}
        exchanges = []
        for attempt in range(3):
            self.now += timedelta(seconds=5 if attempt else 0)
            exchanges.append(self.push(push, created, message_id))
        return exchanges

    def replay(self, exchange: Exchange) -> Exchange:
        """The very same bytes once more."""
        return self.exchange(exchange.push, exchange.request)

    def catalogue(self) -> Iterator[Exchange]:
        """Every push there is, and two that the catalogue does not know."""
        for push in CATALOGUE:
            yield self.push(push, message_id="8" if push.family is Family.MESSAGE else None)
        yield self.push("miniprogrampage", {"Title": "?"}, "9")
        yield self.push("event", {"Event": "invented_tomorrow"})

    def exchange(self, push: str, request: Request) -> Exchange:
        response = self.send(request)
        accepted = accepts(
            response, request, self.account, push, sender=self.sender, recipient=self.recipient
        )
        return Exchange(push, request, response, accepted)

    # -- what others send in its name

    def forgeries(self) -> Iterator[tuple[str, Request]]:
        """Requests that must be refused, each with its name."""
        true = self.request("text", {"Content": "转发的告警"}, "77")
        name = "signature" if self.mode == "plain" else "msg_signature"
        for changed in (name, "nonce", "timestamp"):
            yield f"one character of {changed} flipped", with_query(true, changed, _flip(true.query[changed]))
            yield f"{changed} missing", with_query(true, changed, None)
            yield f"{changed} empty", with_query(true, changed, "")
            yield f"{changed} of odd characters", with_query(true, changed, "签\ud800\0")
        swapped = {"timestamp": true.query["nonce"], "nonce": true.query["timestamp"]}
        yield "timestamp and nonce swapped", replace(true, query={**true.query, **swapped})
        for minutes in (-6, 6, -60 * 24 * 365):
            elsewhen = replace(self, now=self.now + timedelta(minutes=minutes))
            yield f"signed {minutes} minutes from now", elsewhen.request("text", {}, "78")
        stranger = replace(self, account=replace(self.account, token="guessed"))  # noqa: S106  # nobody's
        yield "signed with another token", stranger.request("text", {}, "79")
        if self.mode != "plain":
            yield from self._forgeries_of_safe_mode(true)

    def _forgeries_of_safe_mode(self, true: Request) -> Iterator[tuple[str, Request]]:
        at = true.body.index(b"<Encrypt><![CDATA[") + 40
        flipped = true.body[:at] + _flip(true.body[at : at + 1].decode()).encode() + true.body[at + 1 :]
        yield "one character of Encrypt flipped", replace(true, body=flipped)
        other = replace(self, account=replace(self.account, appid="wx0000000000000000"))
        yield "encrypted for another AppID", other.request("text", {}, "80")
        plain = replace(self, account=replace(self.account, aes_key=None), mode="plain").request("text")
        yield "a plain POST", plain
        for mode in ("raw", "aes", ""):
            yield f"a plain POST with encrypt_type={mode}", with_query(plain, "encrypt_type", mode)
        signed_body = with_query(plain, "msg_signature", plain.query["signature"])
        yield "a plain POST with its signature as msg_signature", signed_body
        yield (
            "a safe body under the plain signature",
            with_query(true, "msg_signature", true.query["signature"]),
        )

    def garbage(self) -> Iterator[tuple[str, Request]]:
        """Bodies that are no message, under a signature that holds (in plain mode it leaves out the body)."""
        true = self.request("text", {"Content": "转发的告警"}, "81")
        yield from ((name, replace(true, body=body)) for name, body in GARBAGE.items())


def with_query(request: Request, name: str, value: str | None) -> Request:
    """The request with one parameter changed, or taken away."""
    query = {**request.query, name: value} if value is not None else dict(request.query)
    if value is None:
        query.pop(name, None)
    return replace(request, query=query)


def _flip(text: str) -> str:
    return ("1" if text[0] == "0" else "0") + text[1:]


def _nested(depth: int) -> bytes:
    return b"<xml>" + b"<a>" * depth + b"</a>" * depth + b"</xml>"


_LAUGHS = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 10))
GARBAGE: Mapping[str, bytes] = {
    "nothing": b"",
    "blanks": b" \r\n",
    "a word": b"hello",
    "JSON": b'{"MsgType": "text"}',
    "HTML": b"<!DOCTYPE html><html><body>502 Bad Gateway</body></html>",
    "NUL bytes": b"\0" * 64,
    "another root": b"<message><MsgType>text</MsgType></message>",
    "an empty root": b"<xml/>",
    "a root with a word": b"<xml>text</xml>",
    "cut in the middle": b"<xml><ToUserName><![CDATA[gh_",
    "GBK": "<xml><MsgType>text</MsgType><Content>告警</Content></xml>".encode("gbk"),
    "GBK as declared": '<?xml version="1.0" encoding="gbk"?><xml><Content>告警</Content></xml>'.encode("gbk"),
    "UTF-16": "<xml><MsgType>text</MsgType></xml>".encode("utf-16"),
    "an undefined entity": b"<xml><MsgType>&nbsp;</MsgType></xml>",
    "a billion laughs": f'<!DOCTYPE x [<!ENTITY l0 "ha">{_LAUGHS}]><xml><MsgType>&l9;</MsgType></xml>'.encode(),
    "a local file": b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><xml><MsgType>&f;</MsgType></xml>',
    "an external DTD": b'<!DOCTYPE xml SYSTEM "http://198.51.100.7/x.dtd"><xml><MsgType>text</MsgType></xml>',
    "a DOCTYPE inside": b"<xml><!DOCTYPE x><MsgType>text</MsgType></xml>",
    "18,000 levels": _nested(18_000),
    "a million levels": _nested(1_000_000),
    "40,000 open tags": b"<xml>" + b"<a>" * 40_000,
    "30,000 siblings": b"<xml>" + b"<a/>" * 30_000 + b"</xml>",
    "120,000 blanks in Encrypt": b"<xml><Encrypt>" + b" " * 120_000,
    "no Encrypt in it": b"<xml><Encrypt></Encrypt></xml>",
    "2,000 envelopes": b"<xml>" + (b"<Encrypt>" + b"A" * 40 + b"</Encrypt>") * 2_000 + b"</xml>",
    "1 MB": b"<xml><Content>" + b"x" * 1_000_000 + b"</Content></xml>",
    "10 MB": b"<xml><Content>" + b"x" * 10_000_000 + b"</Content></xml>",
}
