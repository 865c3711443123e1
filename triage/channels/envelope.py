"""WeChat's callback as bytes: signatures, the cipher of safe mode, and XML that neither side can break.

wechatpy does the AES, expat the parsing. By hand are the frame around the cipher, whose random bytes come in from
outside and whose padding and AppID are checked, and the signature, compared in constant time; no exception of theirs,
no `]]>` and no control character gets through. The official page is
https://developers.weixin.qq.com/doc/oplatform/Third-party_Platforms/2.0/api/Before_Develop/Technical_Plan.html
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import struct
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import lru_cache
from xml.etree.ElementTree import TreeBuilder
from xml.parsers import expat

from wechatpy.crypto.cryptography import WeChatCipher

from triage.channels import UnreadableMessageError
from triage.errors import RefusedError

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
    return WeChatCipher(base64.b64decode(aes_key + "="))


def encrypt(text: str, aes_key: str, appid: str, random16: bytes) -> str:
    """The text as base64 of AES-256-CBC over 16 random bytes, length, text, AppID."""
    said = text.encode()
    head = random16[:_RANDOM_BYTES].ljust(_RANDOM_BYTES, b"\0") + _LENGTH.pack(len(said))
    frame = head + said + appid.encode()
    padding = _BLOCK - len(frame) % _BLOCK
    return base64.b64encode(_cipher_of(aes_key).encrypt(frame + bytes([padding]) * padding)).decode()


def decrypt(encrypted: str, aes_key: str, appid: str) -> str:
    """The text that was encrypted for `appid`.

    Raises RefusedError where it is meant for another AppID, UnreadableMessageError where the key does not fit.
    """
    try:
        frame = _unpad(_cipher_of(aes_key).decrypt(base64.b64decode(encrypted.encode())))
        end = _TEXT_AT + _LENGTH.unpack_from(frame, _RANDOM_BYTES)[0]
        text, meant_for = frame[_TEXT_AT:end].decode(), frame[end:].decode()
    except (ValueError, IndexError, struct.error) as exc:
        raise UnreadableMessageError(
            "the message cannot be decrypted; is the EncodingAESKey that of the console?"
        ) from exc
    if meant_for != appid:
        raise RefusedError(f"the message is encrypted for another AppID than {appid}; check the AppID")
    return text


def _unpad(plain: bytes) -> bytes:
    """Without its PKCS#7 padding. Raises ValueError where that is wrong, IndexError where there is nothing."""
    size = plain[-1]
    if not 1 <= size <= _BLOCK or not plain.endswith(bytes([size]) * size):
        raise ValueError("the padding is wrong")
    return plain[:-size]


# -- XML

_START = re.compile(r"(?:<\?xml[ \t\r\n][^>]{0,200}>)?[ \t\r\n]*+<xml[ \t\r\n/>]")
_ENCRYPTED = re.compile(
    r"<Encrypt>\s*+(?:<!\[CDATA\[)?+\s*+([A-Za-z0-9+/=]{40,}+)\s*+(?:\]\]>)?+\s*+</Encrypt>", re.ASCII
)
_NO_XML_CHARACTER = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_OUTER = "\ufeff \t\r\n"


def is_xml(text: str) -> bool:
    """Whether the text begins with the root WeChat sends; nothing, so no DOCTYPE, may stand before it."""
    return _START.match(text.lstrip(_OUTER)) is not None


def find_encrypted(text: str) -> Iterator[str]:
    """What stands in each `Encrypt` element, found without a parser: nothing is parsed before it is signed.

    There is one, but in compatible mode somebody may have typed another.
    """
    return iter(_ENCRYPTED.findall(text))


def strip_controls(text: str) -> str:
    """The text without what XML cannot carry: control characters, lone surrogates, U+FFFE and U+FFFF."""
    # XML can carry all that is printable; in a short text this is seen at once.
    return text if text.isprintable() else _NO_XML_CHARACTER.sub("", text)


def read_fields(text: str) -> Mapping[str, str]:
    """The fields below `<xml>` that hold text and stand there once; an empty one is "".

    A repeated or nested field is left out. Control characters are dropped if the parser stumbles.
    Raises UnreadableMessageError.
    """
    if not is_xml(text):
        raise UnreadableMessageError("the message is no XML with the root <xml>")
    try:
        return _parse(text.lstrip(_OUTER))
    except (expat.ExpatError, ValueError) as exc:
        raise UnreadableMessageError(f"the message is malformed XML: {exc}") from exc


def _parse(text: str) -> Mapping[str, str]:
    try:
        return _parse_strictly(text)
    except expat.ExpatError:
        if (stripped := strip_controls(text)) == text:
            raise
        return _parse_strictly(stripped)


def _parse_strictly(text: str) -> Mapping[str, str]:
    tree = TreeBuilder()
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = tree.start, tree.end
    parser.CharacterDataHandler = tree.data
    parser.Parse(text, True)
    root = tree.close()
    fields = {field.tag: field.text or "" for field in root if not len(field)}
    if len(fields) == len(root):
        return fields
    times = Counter(field.tag for field in root)
    return {name: text for name, text in fields.items() if times[name] == 1}


def write_fields(fields: Mapping[str, str]) -> str:
    """`<xml>` with these fields, as WeChat writes it: numbers bare, everything else in CDATA."""
    return f"<xml>{''.join([f'<{name}>{_value(text)}</{name}>' for name, text in fields.items()])}</xml>"


def _value(text: str) -> str:
    if text.isdecimal():
        return text
    return f"<![CDATA[{text.replace(']]>', ']]]]><![CDATA[>')}]]>"
