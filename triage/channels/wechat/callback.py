"""WeChat Official Account: what the callback receives and answers, and the platform's half for the probe and tests.

It rests on https://developers.weixin.qq.com/doc/service/guide/product/message/Passive_user_reply_message.html and
https://developers.weixin.qq.com/doc/oplatform/Third-party_Platforms/2.0/api/Before_Develop/Technical_Plan.html
Nothing is parsed before its signature holds, except in plain mode, where the signature leaves out the body.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType

from triage.channels import UnreadableMessageError
from triage.channels.envelope import (
    decrypt,
    encrypt,
    find_encrypted,
    is_signed,
    is_xml,
    read_fields,
    sign,
    strip_controls,
    write_fields,
)
from triage.channels.wechat.messages import Signed, decode_message, find_push_of
from triage.errors import BadMessageError, InputError, RefusedError, SettingsError
from triage.findings import Finding, Severity
from triage.message import Message, Reply, Request, Response
from triage.platform.pushes import Family, Push, ReplyForm, find_push
from triage.platform.reply_law import MAX_CONTENT_BYTES, judge

MAX_BODY_BYTES = 128 * 1024
MODES = ("plain", "compatible", "safe")

_AES_KEY = re.compile(r"[A-Za-z0-9+/]{43}")
_TIMESTAMP = re.compile(r"[0-9]{10}")
_NONCE = re.compile(r"[A-Za-z0-9_.-]{1,128}")
_ECHO = re.compile(r"[!-~]{1,512}")


@dataclass(frozen=True, slots=True)
class Account:
    """An Official Account as its console knows it; `window` is how far a timestamp may be off.

    Raises SettingsError for what could never verify a message.
    """

    appid: str
    token: str = field(repr=False)
    aes_key: str | None = field(default=None, repr=False)
    window: timedelta = timedelta(minutes=5)

    def __post_init__(self) -> None:
        if not self.token.strip() or not self.token.isprintable():
            raise SettingsError("the Token is empty or unprintable; copy it from the account's console")
        if not self.appid.isprintable():
            raise SettingsError("the AppID is unprintable; copy it from the account's console")
        if self.aes_key is not None and not _AES_KEY.fullmatch(self.aes_key):
            size = len(self.aes_key)
            raise SettingsError(f"the EncodingAESKey has {size} characters; it must be 43 letters and digits")
        if self.aes_key is not None and not self.appid:
            raise SettingsError("an EncodingAESKey needs the AppID: it stands in every encrypted message")
        if self.window <= timedelta():
            raise SettingsError("the window for timestamps must be longer than nothing")


@dataclass(frozen=True, slots=True)
class Echo:
    """The console's verification passed; answer `text` and nothing else."""

    text: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """What the platform makes of an answer: the text it carries (None: none), and what is wrong with it.

    With a finding the fan may see nothing. Spans are bytes of the body, or of what was decrypted from it.
    """

    text: str | None
    findings: tuple[Finding, ...]


# -- our half: receive


def receive(request: Request, account: Account, now: datetime) -> Message | Echo:
    """Verify and decode. With an AES key only what is encrypted counts, whatever the URL says.

    Raises RefusedError (403): signature, timestamp, AppID, or a plain POST where AES is due; BadMessageError (400):
    nobody's; UnreadableMessageError (bare `success`): signed, yet unreadable.
    """
    if request.method not in ("GET", "POST"):
        raise BadMessageError("the platform sends GET and POST only")
    if len(request.body) > MAX_BODY_BYTES:
        raise BadMessageError(f"the body has {len(request.body):,} bytes; {MAX_BODY_BYTES:,} are read")
    timestamp, nonce = _fresh(request.query, account, now)
    if request.method == "POST" and account.aes_key is not None:
        return _receive_encrypted(request, account, account.aes_key, timestamp, nonce)
    signature = request.query.get("signature", "")
    if not is_signed(signature, account.token, timestamp, nonce):
        raise RefusedError("the signature is wrong; is the Token that of the console?")
    if request.method == "GET":
        return _echo(request.query)
    return _receive_plain(request.body, account, Signed(account.appid, int(timestamp), signature))


def _fresh(query: Mapping[str, str], account: Account, now: datetime) -> tuple[str, str]:
    """Timestamp and nonce. The signature holds with the two swapped, hence the strict shapes."""
    timestamp, nonce = query.get("timestamp", ""), query.get("nonce", "")
    if not _TIMESTAMP.fullmatch(timestamp) or not _NONCE.fullmatch(nonce):
        raise RefusedError("timestamp or nonce is missing or has not the platform's shape")
    if (off := abs(now.timestamp() - int(timestamp))) > account.window.total_seconds():
        raise RefusedError(f"the timestamp is {off:.0f} s off; check this server's clock")
    return timestamp, nonce


def _echo(query: Mapping[str, str]) -> Echo:
    echostr = query.get("echostr", "")
    if not _ECHO.fullmatch(echostr):
        raise BadMessageError("echostr is missing or no visible ASCII")
    return Echo(echostr)


def _receive_plain(body: bytes, account: Account, signed: Signed) -> Message:
    try:
        fields = read_fields(body.decode())
    except UnicodeDecodeError as exc:
        raise UnreadableMessageError("the message is not UTF-8") from exc
    if "Encrypt" in fields and "MsgType" not in fields:
        raise UnreadableMessageError(f"{account.appid} is in safe mode; give its EncodingAESKey")
    return decode_message(fields, signed)


def _receive_encrypted(
    request: Request, account: Account, aes_key: str, timestamp: str, nonce: str
) -> Message:
    body, signature = request.body.decode("utf-8", "replace"), request.query.get("msg_signature", "")
    if not is_xml(body):
        raise BadMessageError("the body is no XML with the root <xml>")
    envelopes = list(find_encrypted(body))
    if not envelopes:
        raise RefusedError(f"a plain message for {account.appid}, which has an EncodingAESKey")
    for encrypted in envelopes:
        if is_signed(signature, account.token, timestamp, nonce, encrypted):
            signed = Signed(account.appid, int(timestamp), signature, encrypted=True)
            return decode_message(read_fields(decrypt(encrypted, aes_key, account.appid)), signed)
    raise RefusedError("msg_signature is wrong; is the Token that of the console?")


# -- our half: respond

_SUCCESS = Response(200, b"success")
_XML = "application/xml; charset=utf-8"


def respond(
    reply: Reply, message: Message, account: Account, now: datetime, nonce: str, random16: bytes
) -> Response:
    """Answer legally, whatever the reply holds: bare `success`, or a text, encrypted if the message was.

    `nonce` is that of the request, `random16` 16 random bytes. Never raises.
    """
    content, push = _fit(reply.text or ""), find_push_of(message.kind, message.push)
    may_speak = push is not None and ReplyForm.XML in push.replies and message.sender and message.recipient
    if content in ("", "success") or not may_speak:
        return _SUCCESS
    timestamp, nonce = str(int(now.timestamp())), strip_controls(nonce)
    to, from_ = strip_controls(message.sender), strip_controls(message.recipient)
    head = {"ToUserName": to, "FromUserName": from_, "CreateTime": timestamp, "MsgType": "text"}
    xml = write_fields({**head, "Content": content})
    if not message.encrypted:
        return Response(200, xml.encode(), _XML)
    if account.aes_key is None:
        return _SUCCESS
    encrypted = encrypt(xml, account.aes_key, account.appid, random16)
    signature = sign(account.token, timestamp, nonce, encrypted)
    envelope = {"Encrypt": encrypted, "MsgSignature": signature, "TimeStamp": timestamp, "Nonce": nonce}
    return Response(200, write_fields(envelope).encode(), _XML)


def _fit(text: str) -> str:
    """What WeChat shows: line feeds, no character XML cannot carry, at most 2048 bytes, cut at a character."""
    clean = strip_controls(text)
    if "\r" in clean:
        clean = clean.replace("\r\n", "\n").replace("\r", "\n")
    clean = clean.strip()
    if len(encoded := clean.encode()) <= MAX_CONTENT_BYTES:
        return clean
    return encoded[:MAX_CONTENT_BYTES].decode("utf-8", "ignore").strip()


# -- the platform's half

_SAMPLES: Mapping[str, Mapping[str, str]] = {
    "text": {"Content": "你好"},
    "image": {"PicUrl": "http://mmbiz.qpic.cn/probe", "MediaId": "probe"},
    "voice": {"MediaId": "probe", "Format": "amr"},
    "video": {"MediaId": "probe", "ThumbMediaId": "probe"},
    "shortvideo": {"MediaId": "probe", "ThumbMediaId": "probe"},
    "location": {"Location_X": "23.134521", "Location_Y": "113.358803", "Scale": "20", "Label": "广州市"},
    "link": {"Title": "公众平台", "Description": "链接", "Url": "https://mp.weixin.qq.com/"},
    "subscribe": {"EventKey": ""},
    "LOCATION": {"Latitude": "23.137466", "Longitude": "113.352425", "Precision": "119.385040"},
    "SCAN": {"EventKey": "1", "Ticket": "probe"},
    "CLICK": {"EventKey": "probe"},
    "VIEW": {"EventKey": "https://mp.weixin.qq.com/"},
    "TEMPLATESENDJOBFINISH": {"MsgID": "200163836", "Status": "success"},
    "component_verify_ticket": {"ComponentVerifyTicket": "ticket@@@probe"},
}

_NO_FIELDS: Mapping[str, str] = MappingProxyType({})


def compose(
    push: str,
    account: Account,
    now: datetime,
    *,
    sender: str,
    recipient: str,
    nonce: str,
    fields: Mapping[str, str] = _NO_FIELDS,
    message_id: str | None = None,
    mode: str = "safe",
    random16: bytes,
) -> Request:
    """What the platform would POST: a push by its wire name, one the catalogue does not know as a message.

    `fields` come on top of a sample's, or in place of them; one named InfoType makes it a component push. Control
    characters stay, as on the platform. Raises InputError for a mode without its key, and for payment.
    """
    if mode not in MODES:
        raise InputError(f"{mode!r} is no mode; there are {', '.join(MODES)}")
    if mode != "plain" and account.aes_key is None:
        raise InputError(f"{mode} mode needs an EncodingAESKey")
    known = find_push(push, Family.COMPONENT if "InfoType" in fields else None)
    timestamp = str(int(now.timestamp()))
    query = {"signature": sign(account.token, timestamp, nonce), "timestamp": timestamp, "nonce": nonce}
    if known and known.family is Family.COMPONENT:
        inside = {"AppId": account.appid, "CreateTime": timestamp, "InfoType": push}
    else:
        query["openid"] = sender
        inside = {"ToUserName": recipient, "FromUserName": sender, "CreateTime": timestamp}
        inside |= _type(push, known)
    outside = dict(list(inside.items())[:1])
    inside |= {**_SAMPLES.get(push, {}), **fields, **({"MsgId": message_id} if message_id else {})}
    if mode == "plain" or account.aes_key is None:
        return Request("POST", query, write_fields(inside).encode())
    encrypted = encrypt(write_fields(inside), account.aes_key, account.appid, random16)
    query |= {"encrypt_type": "aes", "msg_signature": sign(account.token, timestamp, nonce, encrypted)}
    shown = inside if mode == "compatible" else outside
    return Request("POST", query, write_fields({**shown, "Encrypt": encrypted}).encode())


def _type(name: str, push: Push | None) -> Mapping[str, str]:
    if push and push.family is Family.PAYMENT:
        raise InputError("payment notifies have a callback of their own")
    is_event = push is not None and push.family is Family.EVENT
    return {"MsgType": "event", "Event": name} if is_event else {"MsgType": name}


def compose_echo(account: Account, now: datetime, *, nonce: str, echostr: str) -> Request:
    """What the console would GET when the address is saved."""
    timestamp = str(int(now.timestamp()))
    signature = sign(account.token, timestamp, nonce)
    query = {"signature": signature, "timestamp": timestamp, "nonce": nonce, "echostr": echostr}
    return Request("GET", query)


def accepts(
    response: Response, request: Request, account: Account, push: str, *, sender: str, recipient: str
) -> Accepted:
    """Read an answer as the platform would: status, envelope, then the reply law. Never raises."""
    status = _judge_status(response.status)
    if request.method == "GET":
        is_echo = response.body == request.query.get("echostr", "").encode("utf-8", "replace")
        wrong = () if is_echo else (_flaw("wrong_echo", "R3", "没有原样返回 echostr"),)
        return Accepted(None, (*status, *wrong))
    sent = _fields(request.body)
    is_component = "AppId" in sent and "ToUserName" not in sent
    known = find_push(push, Family.COMPONENT if is_component else None)
    is_safe = "Encrypt" in sent and "MsgType" not in sent and "InfoType" not in sent
    encrypted = True if is_safe else None if "Encrypt" in sent else False
    findings = judge(response.body, known, encrypted=encrypted, sender=sender, account=recipient)
    answer = _fields(response.body)
    if not findings and "Encrypt" in answer:
        inner, findings = _open_envelope(answer, request, account)
        if inner is not None:
            findings += judge(inner.encode(), known, encrypted=False, sender=sender, account=recipient)
            answer = _fields(inner.encode())
    text = answer.get("Content") if answer.get("MsgType") == "text" else None
    return Accepted(text, (*status, *findings))


def _judge_status(status: int) -> tuple[Finding, ...]:
    return () if status == 200 else (_flaw("http_status", "R1", f"HTTP 状态码是 {status}；应是 200"),)


def _fields(body: bytes) -> Mapping[str, str]:
    try:
        return read_fields(body.decode())
    except (UnicodeDecodeError, BadMessageError):
        return {}


def _open_envelope(
    envelope: Mapping[str, str], request: Request, account: Account
) -> tuple[str | None, tuple[Finding, ...]]:
    """The reply inside an envelope, None where it does not open, and what is wrong with the envelope."""
    findings = []
    signed = [envelope.get(name, "").strip() for name in ("TimeStamp", "Nonce", "Encrypt")]
    if not is_signed(envelope.get("MsgSignature", "").strip(), account.token, *signed):
        findings.append(_flaw("wrong_envelope_signature", "R14", "MsgSignature 与内容不符"))
    if signed[1] != request.query.get("nonce"):
        findings.append(_flaw("wrong_nonce", "R14", "Nonce 不是请求里的那个"))
    try:
        inner = decrypt(signed[2], account.aes_key or "", account.appid)
    except (BadMessageError, RefusedError):
        return None, (*findings, _flaw("undecryptable_reply", "R14", "密文解不开，或者 AppID 不对"))
    return inner, tuple(findings)


def _flaw(id_: str, source: str, message: str) -> Finding:
    return Finding(id_, Severity.HIGH, message, source=source)
