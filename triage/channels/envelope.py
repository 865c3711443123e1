"""Signatures and the cipher of safe mode, as WeChat's platforms share them.

wechatpy does the AES. By hand are the frame around the cipher, whose random bytes come in from outside and whose
padding and receiver are checked, and the signature, compared in constant time. The official page is
https://developers.weixin.qq.com/doc/oplatform/Third-party_Platforms/2.0/api/Before_Develop/Technical_Plan.html
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct
from functools import lru_cache
from typing import TYPE_CHECKING

from triage.errors import RefusedError, UnreadableMessageError

if TYPE_CHECKING:
    from wechatpy.crypto.cryptography import WeChatCipher

_RANDOM_BYTES = 16
_BLOCK = 32
_LENGTH = struct.Struct(">I")
_TEXT_AT = _RANDOM_BYTES + _LENGTH.size


# -- signatures


def sign(*parts: str) -> str:
    """SHA-1 of the sorted and joined parts, as 40 lower-case hexadecimal digits."""
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()  # noqa: S324 - the protocol's choice


def is_signed(signature: str, *parts: str) -> bool:
    """Whether `signature` is that of the parts, compared in constant time."""
    return hmac.compare_digest(sign(*parts).encode(), signature.encode("utf-8", "replace"))


# -- the cipher of safe mode


@lru_cache(maxsize=64)
def _cipher_of(aes_key: str) -> WeChatCipher:
    """The cipher of an account: it holds a key and no state, so calls and threads may share it."""
    # imported here: it takes a tenth of a second, and only safe mode needs it
    from wechatpy.crypto.cryptography import WeChatCipher

    return WeChatCipher(base64.b64decode(aes_key + "="))


def encrypt(text: str, aes_key: str, receiveid: str, random16: bytes) -> str:
    """The text as base64 of AES-256-CBC over 16 random bytes, length, text, receiver.

    `receiveid` is an AppID, a corp id, or `""` where the platform names none.
    """
    said = text.encode()
    head = random16[:_RANDOM_BYTES].ljust(_RANDOM_BYTES, b"\0") + _LENGTH.pack(len(said))
    frame = head + said + receiveid.encode()
    padding = _BLOCK - len(frame) % _BLOCK
    return base64.b64encode(_cipher_of(aes_key).encrypt(frame + bytes([padding]) * padding)).decode()


def decrypt(encrypted: str, aes_key: str, receiveid: str) -> str:
    """The text that was encrypted for `receiveid`, which may be `""`.

    Raises RefusedError where it is meant for another receiver, UnreadableMessageError where the key does not fit.
    """
    try:
        frame = _unpad(_cipher_of(aes_key).decrypt(base64.b64decode(encrypted.encode())))
        end = _TEXT_AT + _LENGTH.unpack_from(frame, _RANDOM_BYTES)[0]
        text, meant_for = frame[_TEXT_AT:end].decode(), frame[end:].decode()
    except (ValueError, IndexError, struct.error) as exc:
        raise UnreadableMessageError(
            "the message cannot be decrypted; is the EncodingAESKey that of the console?"
        ) from exc
    if meant_for != receiveid:
        raise RefusedError(
            f"the message is encrypted for another account than '{receiveid}'; check the AppID or corp id",
            "appid",
        )
    return text


def decrypt_file(encrypted: bytes, aes_key: str) -> bytes:
    """A file as a bot is given it: the same cipher and padding, without a frame around it.

    Raises UnreadableMessageError where the key does not fit.
    """
    try:
        return _unpad(_cipher_of(aes_key).decrypt(encrypted))
    except (ValueError, IndexError) as exc:
        raise UnreadableMessageError("the file cannot be decrypted") from exc


def _unpad(plain: bytes) -> bytes:
    """Without its PKCS#7 padding. Raises ValueError where that is wrong, IndexError where there is nothing."""
    size = plain[-1]
    if not 1 <= size <= _BLOCK or not plain.endswith(bytes([size]) * size):
        raise ValueError("the padding is wrong")
    return plain[:-size]
