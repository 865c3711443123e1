"""What WeCom's callbacks share: everything is encrypted, and signed as such.

https://developer.work.weixin.qq.com/document/path/90930
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from triage.channels.channel import Echo
from triage.channels.credentials import require_aes_key, require_token
from triage.channels.envelope import decrypt, encrypt, is_signed, sign
from triage.channels.freshness import require_fresh
from triage.errors import BadMessageError, RefusedError, UnreadableMessageError

_LONGEST_ECHO = 512


@dataclass(frozen=True, slots=True)
class Seal:
    """What the requests of a callback are signed and encrypted by, and its answers then are.

    Raises SettingsError, with the name of the field, for what could never verify a message.
    """

    token: str = field(repr=False)
    aes_key: str = field(repr=False)
    receiveid: str = ""
    """Whom messages are encrypted for: the corp id; `""` for a bot."""
    window: timedelta = timedelta(minutes=5)
    """How far the timestamp of a request may be off."""

    def __post_init__(self) -> None:
        require_token(self.token)
        require_aes_key(self.aes_key)


@dataclass(frozen=True, slots=True)
class Sealed:
    """An encrypted text, and what proves who wrote it."""

    encrypted: str
    signature: str
    timestamp: str
    nonce: str


@dataclass(frozen=True, slots=True)
class Opened:
    """The text of a request that was signed."""

    text: str
    at: int
    """The timestamp of the signature, in unix seconds."""
    signature: str


def open_sealed(encrypted: str, query: Mapping[str, str], seal: Seal, now: datetime) -> Opened:
    """What a request holds.

    Raises RefusedError for one that the platform has not sent, UnreadableMessageError for one that it has signed and
    that the key does not open.
    """
    timestamp, nonce = require_fresh(query, seal.window, now)
    signature = query.get("msg_signature", "")
    if not is_signed(signature, seal.token, timestamp, nonce, encrypted):
        raise RefusedError("msg_signature is wrong; is the Token that of the console?", "signature")
    return Opened(decrypt(encrypted, seal.aes_key, seal.receiveid), int(timestamp), signature)


def open_echo(query: Mapping[str, str], seal: Seal, now: datetime) -> Echo:
    """The answer to the check of the address: what is encrypted in it. Raises RefusedError and BadMessageError."""
    try:
        text = open_sealed(query.get("echostr", ""), query, seal, now).text
    except UnreadableMessageError as exc:  # an empty 200 would tell the console nothing
        raise BadMessageError(f"echostr: {exc}") from exc
    if not text or len(text) > _LONGEST_ECHO:
        raise BadMessageError("echostr is empty or too long")
    return Echo(text)


def close_sealed(text: str, seal: Seal, now: datetime, nonce: str, random16: bytes) -> Sealed:
    """The text as the platform takes it; `nonce` is that of the request, `random16` are 16 random bytes."""
    timestamp = str(int(now.timestamp()))
    encrypted = encrypt(text, seal.aes_key, seal.receiveid, random16)
    return Sealed(encrypted, sign(seal.token, timestamp, nonce, encrypted), timestamp, nonce)
