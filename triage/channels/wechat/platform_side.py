"""The platform's half of the callback, for the probe, the simulator and tests: what it pushes, how it reads answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from triage.channels.envelope import decrypt, encrypt, is_signed, sign
from triage.channels.wechat.account import Account
from triage.channels.wechat.tappable import Piece, read_pieces
from triage.channels.xml import read_fields, write_fields
from triage.errors import BadMessageError, InputError, RefusedError
from triage.findings import Finding, Severity
from triage.message import Request, Response
from triage.platform.pushes import EXAMPLE_FIELDS, Family, Push, find_push
from triage.platform.reply_law import judge
from triage.wording import Wording

MODES = ("plain", "compatible", "safe")


@dataclass(frozen=True, slots=True)
class Accepted:
    """What the platform makes of an answer: what the follower reads (None: nothing), and what is wrong with it.

    With a finding the fan may see nothing. Spans are bytes of the body, or of what was decrypted from it.
    """

    text: str | None
    findings: tuple[Finding, ...]
    pieces: tuple[Piece, ...] = ()
    """The text in pieces, of which some can be tapped."""


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

    `fields` come on top of the example's, or in place of them; one named InfoType makes it a component push. Control
    characters stay, as on the platform. Raises InputError for a mode without its key, and for payment.
    """
    if mode not in MODES:
        raise InputError(Wording("{mode!r} is no mode; there are {modes}", mode=mode, modes=", ".join(MODES)))
    if mode != "plain" and account.aes_key is None:
        raise InputError(Wording("{mode} mode needs an EncodingAESKey", mode=mode))
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
    inside |= {**EXAMPLE_FIELDS.get(push, {}), **fields, **({"MsgId": message_id} if message_id else {})}
    if mode == "plain" or account.aes_key is None:
        return Request("POST", query, write_fields(inside).encode())
    encrypted = encrypt(write_fields(inside), account.aes_key, account.appid, random16)
    query |= {"encrypt_type": "aes", "msg_signature": sign(account.token, timestamp, nonce, encrypted)}
    shown = inside if mode == "compatible" else outside
    return Request("POST", query, write_fields({**shown, "Encrypt": encrypted}).encode())


def _type(name: str, push: Push | None) -> Mapping[str, str]:
    if push and push.family is Family.PAYMENT:
        raise InputError(Wording("payment notifies have a callback of their own"))
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
        wrong = () if is_echo else (_flaw("wrong_echo", "R3", Wording("没有原样返回 echostr")),)
        return Accepted(None, (*status, *wrong))
    sent = _fields(request.body)
    is_component = "AppId" in sent and "ToUserName" not in sent
    known = find_push(push, Family.COMPONENT if is_component else None)
    is_safe = "Encrypt" in sent and "MsgType" not in sent and "InfoType" not in sent
    encrypted = True if is_safe else None if "Encrypt" in sent else False
    findings = judge(response.body, known, encrypted=encrypted, sender=sender, account=recipient)
    answer = _fields(response.body)
    if not any(finding.is_fault for finding in findings) and "Encrypt" in answer:
        inner, sealed = _open_envelope(answer, request, account)
        findings += sealed
        if inner is not None:
            told = {finding.id for finding in findings}
            inside = judge(inner.encode(), known, encrypted=False, sender=sender, account=recipient)
            findings += tuple(finding for finding in inside if finding.id not in told)
            answer = _fields(inner.encode())
    content = answer.get("Content") if answer.get("MsgType") == "text" else None
    if content is None:
        return Accepted(None, (*status, *findings))
    pieces = tuple(read_pieces(content))
    return Accepted("".join(piece.text for piece in pieces), (*status, *findings), pieces)


def _judge_status(status: int) -> tuple[Finding, ...]:
    return (
        ()
        if status == 200
        else (_flaw("http_status", "R1", Wording("HTTP 状态码是 {status}；应是 200", status=status)),)
    )


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
        findings.append(_flaw("wrong_envelope_signature", "R14", Wording("MsgSignature 与内容不符")))
    if signed[1] != request.query.get("nonce"):
        # the platform's own sample libraries let EncryptMsg take any nonce: it is signed with the envelope
        hint = Wording("信封里的 Nonce 是自己生成的，不是请求里的那个")
        findings.append(Finding("wrong_nonce", Severity.INFO, hint, source="R14"))
    try:
        inner = decrypt(signed[2], account.aes_key or "", account.appid)
    except (BadMessageError, RefusedError):
        return None, (*findings, _flaw("undecryptable_reply", "R14", Wording("密文解不开，或者 AppID 不对")))
    return inner, tuple(findings)


def _flaw(id_: str, source: str, message: str) -> Finding:
    return Finding(id_, Severity.HIGH, message, source=source)
