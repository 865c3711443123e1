"""The weaknesses of wechatpy and of XML parsers that must not reach a channel."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wechatpy.crypto.cryptography import WeChatCipher

from tests.support.platform import FAN, GH, NOW
from tests.support.wechat import FUZZ, SAFE, TEXT, VECTORS, platform, read, received, xml
from triage.channels.envelope import decrypt, encrypt
from triage.channels.wechat.account import Account
from triage.channels.wechat.callback import receive
from triage.channels.xml import read_fields, strip_controls
from triage.errors import BadMessageError, RefusedError, SettingsError, UnreadableMessageError


@pytest.mark.parametrize(
    "inner",
    [
        pytest.param(xml(), id="1: no MsgType"),
        pytest.param(xml("<MsgType/>"), id="1: MsgType empty"),
        pytest.param(xml(TEXT, TEXT), id="1: MsgType repeated"),
        pytest.param(xml("<MsgType><a>text</a></MsgType>"), id="1: MsgType nested"),
        pytest.param(xml(f"<MsgType>{'t' * 129}</MsgType>"), id="1: MsgType too long"),
        pytest.param("<xml><MsgType>text</MsgType></xml>", id="1: nobody sent it"),
        pytest.param(xml(TEXT).replace(FAN, "o " * 9), id="1: the sender has blanks"),
        pytest.param(xml(TEXT).replace(FAN, "o" * 129), id="1: the sender is too long"),
        pytest.param(xml(TEXT).replace(GH, ""), id="1: sent to nobody"),
        pytest.param("<xml>\x1d" + TEXT, id="1: control characters are not all that is wrong"),
    ],
)
def test_what_says_not_enough_is_unreadable(inner: str) -> None:
    with pytest.raises(UnreadableMessageError):
        read(inner)


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        pytest.param(
            xml(TEXT, "<Content><![CDATA[a\x1db\0c]]></Content>"), {"text": "abc"}, id="1: control characters"
        ),
        pytest.param(xml('<MsgType a="1">text</MsgType>'), {"kind": "text"}, id="1: attributes"),
        pytest.param(xml("<MsgType>TEXT</MsgType>"), {"kind": "text", "push": "text"}, id="1: capitals"),
        pytest.param(xml("<MsgType> text\n</MsgType>"), {"kind": "text"}, id="1: blanks around MsgType"),
        pytest.param(
            "\ufeff\n<?xml version='1.0' encoding='gbk'?>" + xml(TEXT), {"kind": "text"}, id="1: a BOM"
        ),
        pytest.param(
            "<xml><InfoType>authorized</InfoType></xml>", {"kind": "component"}, id="2: InfoType alone"
        ),
        pytest.param(
            xml("<MsgType>file</MsgType>"), {"kind": "unknown", "push": "file"}, id="3: an unknown type"
        ),
        pytest.param(xml("<MsgType>event</MsgType>"), {"kind": "unknown", "event": None}, id="3: no Event"),
        pytest.param(
            xml("<MsgType>event</MsgType><Event>new_one</Event>"),
            {"kind": "event", "event": "new_one"},
            id="3: an unknown event",
        ),
        pytest.param(xml(TEXT, "<MsgId>abc</MsgId>"), {"id": None}, id="4: MsgId is no number"),
        pytest.param(xml(TEXT, f"<MsgId>{'9' * 5000}</MsgId>"), {"id": None}, id="4: MsgId is endless"),
        pytest.param(xml(TEXT, "<MsgId>１２</MsgId>"), {"id": None}, id="4: MsgId in full width"),
        pytest.param(
            xml(TEXT).replace("1772188300", "9" * 5000),
            {"created": int(NOW.timestamp())},
            id="4: CreateTime endless",
        ),
        pytest.param(
            xml(TEXT).replace("1772188300", "1772188300123"), {"created": int(NOW.timestamp())}, id="4: in ms"
        ),
        pytest.param(
            xml(TEXT).replace("1772188300", ""), {"created": int(NOW.timestamp())}, id="4: CreateTime empty"
        ),
        pytest.param(xml(TEXT), {"text": None, "created": 1772188300}, id="5: Content missing"),
        pytest.param(xml(TEXT, "<Content/>"), {"text": ""}, id="5: Content empty"),
        pytest.param(
            xml(TEXT, "<Content>a</Content><Content>b</Content>"), {"text": None}, id="5: Content repeated"
        ),
        pytest.param(xml(TEXT, "<Content><b>a</b></Content>"), {"text": None}, id="5: Content nested"),
        pytest.param(
            xml(TEXT, "<Content> 告警\n </Content>"), {"text": " 告警\n "}, id="5: outer blanks stay"
        ),
        pytest.param(
            xml(TEXT, "<Content><![CDATA[<xml><a>]]]]><![CDATA[>&amp;]]></Content>"),
            {"text": "<xml><a>]]>&amp;"},
            id="5: XML in CDATA",
        ),
        pytest.param(xml(TEXT, "<MsgId>0</MsgId>"), {"id": None}, id="6: MsgId 0"),
        pytest.param(xml(TEXT, "<MsgId>24517</MsgId>"), {"id": "24517"}, id="6: MsgId"),
    ],
)
def test_a_field_of_another_shape_is_read_with_care(inner: str, expected: Mapping[str, object]) -> None:
    message = read(inner)
    assert {name: getattr(message, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("inner", "fields"),
    [
        pytest.param("<a>1</a>", {"a": "1"}, id="a field"),
        pytest.param("words", {}, id="words, no field"),
        pytest.param("\n<a>1</a> words\n<b/>", {"a": "1", "b": ""}, id="words between fields"),
        pytest.param("<a>1<!-- no -->2<?no no?>3</a>", {"a": "123"}, id="comments inside"),
        pytest.param("<a>1<![CDATA[<2>]]>3&amp;&#52;</a>", {"a": "1<2>3&4"}, id="text in many pieces"),
        pytest.param(
            "<a>" + "中\n" * 9000 + "</a>", {"a": "中\n" * 9000}, id="more text than a buffer holds"
        ),
        pytest.param("<a>1<b>2</b>3</a><b>4</b>", {"b": "4"}, id="a nested field, named as another is"),
        pytest.param("<a><a/></a>", {}, id="a field inside itself"),
        pytest.param("<a><b/></a><a>1</a>", {}, id="nested first, plain later"),
        pytest.param("<a>1</a><b>2</b><a><c/></a>", {"b": "2"}, id="plain first, nested later"),
        pytest.param("<a/><a/><a/>", {}, id="empty three times"),
        pytest.param('<n:a n:x="1" xmlns="u">1</n:a>', {"n:a": "1"}, id="namespaces mean nothing"),
    ],
)
def test_a_field_is_a_child_of_the_root_that_stands_there_once_and_holds_text(
    inner: str, fields: Mapping[str, str]
) -> None:
    assert read_fields(f"<xml>{inner}</xml>") == fields


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            '<?xml\x1cx x><xml ?><!DOCTYPE xml [<!ENTITY a "b">]><xml><a>&a;</a></xml>', id="a DOCTYPE"
        ),
        pytest.param("<xml\x1cfoo></xml\x1cfoo>", id="another root"),
    ],
)
def test_nothing_is_smuggled_in_behind_a_control_character(text: str) -> None:
    with pytest.raises(UnreadableMessageError, match="root"):
        read_fields(text)


def test_only_what_xml_cannot_carry_is_stripped() -> None:
    characters = [chr(code) for code in range(0x110000)]
    kept = [c for c in characters if strip_controls(c) == c]
    assert "".join(kept) == strip_controls("".join(characters))
    assert len(characters) - len(kept) == 29 + 2048 + 2  # controls, surrogates, U+FFFE and U+FFFF


def test_threads_and_accounts_share_the_ciphers_without_harm() -> None:
    keys = [letter * 43 for letter in "AEIM"] * 50

    def round_trip(number: int) -> str:
        encrypted = encrypt(f"{number}", keys[number], "wx1", f"{number:016}".encode())
        return decrypt(encrypted, keys[number], "wx1")

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(round_trip, range(len(keys)))) == [f"{n}" for n in range(len(keys))]


def test_a_doctype_before_a_true_envelope_is_refused_unparsed() -> None:
    request = platform().request("text")
    with pytest.raises(BadMessageError, match="no XML"):
        receive(replace(request, body=b"<!DOCTYPE xml>" + request.body), SAFE, NOW)


def test_hole_8_a_true_envelope_is_found_beside_one_that_somebody_typed() -> None:
    typed = f"<Encrypt>{'A' * 44}</Encrypt>"
    assert received("compatible", "text", {"Content": typed}).text == typed


@pytest.mark.parametrize("token", ["", "  ", "a\ud800", "a\n"])
def test_hole_12_an_account_needs_a_token(token: str) -> None:
    with pytest.raises(SettingsError, match="Token"):
        Account("wx1", token)


@pytest.mark.parametrize(
    "cipher", ["", "A", "A" * 43, "A" * 44, "A" * 64, "!" * 44, "A" * 63 + "=", VECTORS["safe"]["encrypt"]]
)
def test_hole_13_a_cipher_that_does_not_open_is_one_of_our_errors(cipher: str) -> None:
    with pytest.raises((UnreadableMessageError, RefusedError)):
        decrypt(cipher, SAFE.aes_key or "", SAFE.appid)


KEY, FRAME = "A" * 43, b"0123456789abcdef" + b"\0\0\0\2hi" + b"wx1"  # 25 bytes


def encrypted_bytes(plain: bytes) -> str:
    """As one would encrypt who does not keep to the frame."""
    return base64.b64encode(WeChatCipher(b"\0" * 32).encrypt(plain)).decode()


def test_a_frame_of_bytes_opens() -> None:
    assert decrypt(encrypted_bytes(FRAME + b"\7" * 7), KEY, "wx1") == "hi"


@pytest.mark.parametrize(
    "plain",
    [
        pytest.param(FRAME + b"\0" * 7, id="a padding of nothing"),
        pytest.param(FRAME + b"\1\2\3\4\5\6\7", id="a padding of other bytes"),
        pytest.param(FRAME + b"\x27" * 39, id="a padding longer than a block"),
        pytest.param(b"\x20" * 32, id="nothing but padding"),
        pytest.param(b"0123456789abcdef" + b"\x10" * 16, id="no length"),
        pytest.param(FRAME.replace(b"hi", b"\xb8\xe6") + b"\7" * 7, id="GBK"),
    ],
)
def test_hole_13_a_broken_frame_is_unreadable(plain: bytes) -> None:
    with pytest.raises(UnreadableMessageError, match="EncodingAESKey"):
        decrypt(encrypted_bytes(plain), KEY, "wx1")


@pytest.mark.parametrize("size", [0, 1, 3, 2**31, 2**32 - 1])
def test_hole_13_a_wrong_length_is_refused(size: int) -> None:
    frame = FRAME.replace(b"\0\0\0\2", size.to_bytes(4, "big"))
    with pytest.raises(RefusedError, match="wx1"):
        decrypt(encrypted_bytes(frame + b"\7" * 7), KEY, "wx1")


@FUZZ
@given(st.binary(max_size=128))
def test_hole_13_no_plaintext_behind_the_cipher_raises_anything_else(plain: bytes) -> None:
    with pytest.raises((UnreadableMessageError, RefusedError)):
        decrypt(encrypted_bytes(plain + b"\0" * (-len(plain) % 16)), KEY, "wx1")


@pytest.mark.parametrize("key", ["", "A" * 42, "A" * 44, "A" * 42 + "=", "密" * 43, "A" * 42 + "\n"])
def test_hole_14_a_key_has_43_characters_and_is_not_told(key: str) -> None:
    with pytest.raises(SettingsError, match="43") as raised:
        Account("wx1", "a-Token", key)
    assert not key or key not in str(raised.value)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Account("", "a-Token", "A" * 43),
        lambda: Account("wx1", "a-Token", window=timedelta()),
        lambda: Account("wx\n", "a-Token"),
    ],
    ids=["a key without an AppID", "no window", "an AppID with a line end"],
)
def test_an_account_that_could_not_verify_anything_is_refused(make: Callable[[], Account]) -> None:
    with pytest.raises(SettingsError):
        make()


def test_an_account_shows_no_secret() -> None:
    assert SAFE.token not in repr(SAFE)
    assert SAFE.aes_key is not None
    assert SAFE.aes_key not in repr(SAFE)


def test_hole_15_a_lower_case_encrypt_is_no_envelope() -> None:
    request = platform().request("text")
    with pytest.raises(RefusedError):
        receive(replace(request, body=request.body.replace(b"Encrypt>", b"encrypt>")), SAFE, NOW)
