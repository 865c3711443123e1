"""WeChat's callback: nothing forged gets in, nothing illegal gets out, and no input breaks it."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from wechatpy.crypto.cryptography import WeChatCipher

from tests.support.paths import DATA
from tests.support.platform import CATALOGUE, FAN, GARBAGE, GH, NOW, Exchange, Platform, Send, with_query
from triage.channels.channel import Echo
from triage.channels.envelope import decrypt, encrypt, sign
from triage.channels.wechat.account import Account
from triage.channels.wechat.callback import MAX_BODY_BYTES, receive, respond
from triage.channels.wechat.platform_side import MODES, accepts, compose
from triage.channels.xml import find_encrypted, read_fields, strip_controls, write_fields
from triage.errors import BadMessageError, InputError, RefusedError, SettingsError, UnreadableMessageError
from triage.message import Message, MessageKind, Reply, Request, Response
from triage.platform.limits import MAX_CONTENT_BYTES
from triage.platform.pushes import PAYMENT_NOTIFY, Family, Push, ReplyForm, find_push

VECTORS: Mapping[str, Mapping[str, str]] = json.loads((DATA / "wechat/vectors.json").read_text("utf-8"))
OFFICIAL = Account(VECTORS["account"]["appid"], VECTORS["account"]["token"], VECTORS["account"]["aes_key"])
SAFE = Account("wx5a1b2c3d4e5f6071", "a-Token", "kZ3vQ8mB1nX6cL0pW5tR9yU2iO7sD4fG8hJ3kL6zXcV")
PLAIN = replace(SAFE, aes_key=None)
ACCOUNTS = {"plain": PLAIN, "compatible": SAFE, "safe": SAFE}
RANDOM = b"0123456789abcdef"
FUZZ = settings(deadline=None, max_examples=500)


def at(vector: Mapping[str, str]) -> datetime:
    return datetime.fromtimestamp(int(vector["timestamp"]), UTC)


def callback(account: Account, text: str | None = "核对清单", now: datetime = NOW) -> Send:
    """What web does around the channel: our errors become statuses, any other escapes into the test."""

    def handle(request: Request) -> Response:
        try:
            came = receive(request, account, now)
        except RefusedError:
            return Response(403, b"")
        except UnreadableMessageError:
            return Response(200, b"success")
        except BadMessageError:
            return Response(400, b"")
        if isinstance(came, Echo):
            return Response(200, came.text.encode())
        return respond(Reply(text), came, account, now, request.query["nonce"], RANDOM)

    return handle


def platform(mode: str = "safe", text: str | None = "核对清单") -> Platform:
    return Platform(ACCOUNTS[mode], callback(ACCOUNTS[mode], text), mode)


def received(
    mode: str, push: Push | str, fields: Mapping[str, str] | None = None, id_: str | None = None
) -> Message:
    message = receive(platform(mode).request(push, fields, id_), ACCOUNTS[mode], NOW)
    assert isinstance(message, Message)
    return message


def read(inner: str, account: Account = SAFE) -> Message:
    """What receive makes of this XML, signed and encrypted."""
    timestamp, nonce = str(int(NOW.timestamp())), "1"
    assert account.aes_key is not None
    encrypted = encrypt(inner, account.aes_key, account.appid, RANDOM)
    query = {
        "timestamp": timestamp,
        "nonce": nonce,
        "msg_signature": sign(account.token, timestamp, nonce, encrypted),
    }
    message = receive(Request("POST", query, write_fields({"Encrypt": encrypted}).encode()), account, NOW)
    assert isinstance(message, Message)
    return message


def xml(*fields: str) -> str:
    head = (
        f"<ToUserName>{GH}</ToUserName><FromUserName>{FAN}</FromUserName><CreateTime>1772188300</CreateTime>"
    )
    return f"<xml>{head}{''.join(fields)}</xml>"


TEXT = "<MsgType>text</MsgType>"


# -- the official vectors


def test_the_official_url_verification_is_echoed() -> None:
    vector = VECTORS["verify"]
    assert receive(Request("GET", vector), OFFICIAL, at(vector)) == Echo("4375120948345356249")


def test_the_official_plain_signature_holds() -> None:
    vector, account = VECTORS["plain"], replace(OFFICIAL, aes_key=None)
    message = receive(Request("POST", vector, xml(TEXT).encode()), account, at(vector))
    assert isinstance(message, Message)
    assert message.signature == vector["signature"]


@pytest.mark.parametrize("name", ["safe", "reply"])
def test_the_official_ciphers_decrypt_sign_and_encrypt_again(name: str) -> None:
    vector, account = VECTORS[name], VECTORS["account"]
    assert decrypt(vector["encrypt"], account["aes_key"], account["appid"]) == vector["text"]
    again = encrypt(vector["text"], account["aes_key"], account["appid"], vector["random16"].encode())
    assert again == vector["encrypt"]
    signed = sign(account["token"], vector["timestamp"], vector["nonce"], vector["encrypt"])
    assert signed == vector["msg_signature"]


def test_the_official_safe_post_passes_all_checks_and_only_its_json_is_no_message() -> None:
    vector = VECTORS["safe"]
    body = write_fields({"ToUserName": "gh_97417a04a28d", "Encrypt": vector["encrypt"]}).encode()
    with pytest.raises(UnreadableMessageError, match="no XML"):
        receive(Request("POST", vector, body), OFFICIAL, at(vector))
    flipped = Request("POST", {**vector, "msg_signature": "1" + vector["msg_signature"][1:]}, body)
    with pytest.raises(RefusedError):
        receive(flipped, OFFICIAL, at(vector))


def test_the_signature_parameter_does_not_count_in_safe_mode() -> None:
    request = with_query(platform().request("text"), "signature", None)
    assert isinstance(receive(request, SAFE, NOW), Message)


# -- what must not get in


@pytest.mark.parametrize("mode", MODES)
def test_a_forgery_is_refused(mode: str) -> None:
    forgeries = list(platform(mode).forgeries())
    assert len(forgeries) > 10
    for name, request in forgeries:
        with pytest.raises(RefusedError):
            pytest.fail(f"{name}: {receive(request, ACCOUNTS[mode], NOW)}")


@pytest.mark.parametrize("name", ["signature", "timestamp", "nonce"])
def test_a_forged_url_verification_is_refused(name: str) -> None:
    true = platform().verify()
    assert true.response.body == b"4375120948345356249"
    for value in (None, "", "1", "0" * 40):
        with pytest.raises(RefusedError):
            receive(with_query(true.request, name, value), SAFE, NOW)


@pytest.mark.parametrize("echostr", [None, "", "<script>", "\ud800", "7" * 513, "a b"])
def test_an_echo_is_visible_ascii(echostr: str | None) -> None:
    request = with_query(platform().verify().request, "echostr", echostr)
    if echostr == "<script>":  # visible, and sent as text/plain
        assert receive(request, SAFE, NOW) == Echo(echostr)
        return
    with pytest.raises(BadMessageError):
        receive(request, SAFE, NOW)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_is_one_of_our_errors_at_once(mode: str, name: str) -> None:
    request = dict(platform(mode).garbage())[name]
    started = time.perf_counter()
    with pytest.raises((BadMessageError, RefusedError)):
        receive(request, ACCOUNTS[mode], NOW)
    assert time.perf_counter() - started < 1


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_that_was_truly_encrypted_is_unreadable(name: str) -> None:
    text = GARBAGE[name].decode("utf-8", "replace")
    if len(text) < MAX_BODY_BYTES // 2:
        with pytest.raises(UnreadableMessageError):
            read(text)


@pytest.mark.parametrize("mode", MODES)
def test_a_large_body_is_not_read(mode: str) -> None:
    request = platform(mode).request("text", {"Content": "x" * MAX_BODY_BYTES})
    with pytest.raises(BadMessageError, match="131,072"):
        receive(request, ACCOUNTS[mode], NOW)


@pytest.mark.parametrize("mode", MODES)
def test_who_sends_rubbish_is_told_so_or_nothing(mode: str) -> None:
    client = platform(mode)
    assert {client.send(request).status for _, request in client.forgeries()} == {403}
    for name, request in client.garbage():
        answer = client.send(request)
        assert answer.status in (400, 403) or answer == Response(200, b"success"), name


@FUZZ
@given(
    body=st.binary(max_size=400),
    query=st.dictionaries(
        st.sampled_from(["timestamp", "nonce", "signature", "msg_signature", "echostr"]),
        st.text(st.characters(), max_size=50),
    ),
)
def test_no_bytes_and_no_query_raise_anything_but_our_errors(body: bytes, query: dict[str, str]) -> None:
    for mode in ("plain", "safe"):
        true = platform(mode).request("text")
        for request in (
            replace(true, body=body),
            replace(true, query={**true.query, **query}),
            Request("GET", query),
        ):
            with suppress(BadMessageError, RefusedError):
                receive(request, ACCOUNTS[mode], NOW)


@FUZZ
@given(
    st.lists(
        st.sampled_from(
            [
                "<xml>",
                "</xml>",
                "<MsgType>",
                "text",
                "</MsgType>",
                "<![CDATA[",
                "]]>",
                "<Content>",
                "</Content>",
                "event",
                "<Event/>",
                "&#1;",
                "&amp;",
                "\x1d",
                "<InfoType>x</InfoType>",
                f"<FromUserName>{FAN}</FromUserName><ToUserName>{GH}</ToUserName>",
            ]
        ),
        max_size=14,
    )
)
def test_no_signed_xml_raises_anything_but_our_errors(pieces: list[str]) -> None:
    with suppress(BadMessageError, RefusedError):
        read("".join(["<xml>", *pieces, "</xml>"]))


@pytest.mark.parametrize("method", ["HEAD", "PUT", "get", ""])
def test_another_method_is_no_message(method: str) -> None:
    with pytest.raises(BadMessageError):
        receive(replace(platform().request("text"), method=method), SAFE, NOW)


def test_an_account_in_safe_mode_without_its_key_is_named() -> None:
    with pytest.raises(UnreadableMessageError, match="EncodingAESKey"):
        receive(platform("safe").request("text"), PLAIN, NOW)


# -- the holes of wechatpy that concern a channel (knowledge/wechatpy.md §3)


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


# -- every push, in every mode


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("push", CATALOGUE, ids=lambda push: f"{push.family}-{push.name}")
def test_every_push_comes_in_as_it_was_sent_and_gets_a_legal_answer(push: Push, mode: str) -> None:
    message = received(mode, push, id_="77" if push.family is Family.MESSAGE else None)
    assert find_push(message.push, push.family) is push
    assert message.encrypted is (mode != "plain")
    assert message.signature
    if push.family is not Family.COMPONENT:
        assert (message.sender, message.recipient, message.account) == (FAN, GH, SAFE.appid)
    accepted = platform(mode).push(push).accepted
    assert accepted.findings == ()
    assert accepted.text == ("核对清单" if ReplyForm.XML in push.replies else None)


@pytest.mark.parametrize("mode", MODES)
def test_the_whole_catalogue_gets_200_and_nothing_illegal(mode: str) -> None:
    exchanges = list(platform(mode).catalogue())
    assert {exchange.response.status for exchange in exchanges} == {200}
    assert not [exchange for exchange in exchanges if exchange.accepted.findings]
    assert [exchange.response.body for exchange in exchanges[-2:]] == [b"success", b"success"]


CASES: Mapping[str, tuple[str, Mapping[str, str], Mapping[str, object]]] = {
    "a text": ("text", {"Content": "帮助"}, {"kind": "text", "text": "帮助"}),
    "a text with a CDATA end": ("text", {"Content": "a]]>b"}, {"text": "a]]>b"}),
    "a text with 0x1d": ("text", {"Content": "a\x1db"}, {"text": "ab"}),
    "a chat record": ("text", {"Content": "【收到不支持的消息类型，暂无法显示】"}, {"kind": "unsupported"}),
    "a chat record says nothing": ("text", {"Content": "【收到不支援的訊息類型，無法顯示】"}, {"text": None}),
    "a chat record in English": ("text", {"Content": "[Unsupported Message]"}, {"kind": "unsupported"}),
    "talk about the placeholder": ("text", {"Content": "为什么是[Unsupported Message]？"}, {"kind": "text"}),
    "an image": ("image", {}, {"kind": "image", "text": None}),
    "a heard voice": ("voice", {"Recognition": "帮助。"}, {"kind": "voice", "text": "帮助。"}),
    "a voice nobody heard": ("voice", {}, {"kind": "voice", "text": None}),
    "a short video": ("shortvideo", {}, {"kind": "video", "push": "shortvideo"}),
    "a place": ("location", {"Label": "广州市"}, {"kind": "location", "push": "location", "text": "广州市"}),
    "a link": ("link", {"Title": "标题", "Url": "https://example.com/"}, {"kind": "link", "text": "标题\nhttps://example.com/"}),
    "a link without a title": ("link", {"Title": "", "Url": "https://example.com/"}, {"text": "https://example.com/"}),
    "a subscription by QR code": (
        "subscribe", {"EventKey": "qrscene_7"}, {"kind": "event", "event": "subscribe", "event_key": "qrscene_7"}
    ),
    "a click": ("CLICK", {"EventKey": "help"}, {"event": "CLICK", "event_key": "help", "push": "CLICK"}),
    "a position": ("LOCATION", {}, {"kind": "event", "event": "LOCATION", "push": "LOCATION"}),
    "an event in lower case": ("CLICK", {"Event": "click"}, {"event": "CLICK", "push": "CLICK"}),
    "an event that shares its name with a message": ("LOCATION", {"Event": "location"}, {"push": "LOCATION"}),
    "a ticket": (
        "component_verify_ticket", {}, {"kind": "component", "event": "component_verify_ticket", "sender": SAFE.appid}
    ),
    "an authorisation": ("authorized", {"AuthorizerAppid": "wx77"}, {"kind": "component", "sender": "wx77"}),
    "a retired device": ("device_text", {}, {"kind": "unknown", "push": "device_text"}),
}  # fmt: skip


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("case", CASES)
def test_a_message_says(case: str, mode: str) -> None:
    push, fields, expected = CASES[case]
    message = received(mode, push, fields)
    assert {name: getattr(message, name) for name in expected} == expected


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("push", "id_"), [("text", "24517"), ("text", None), ("subscribe", None)])
def test_retries_have_one_key_and_signatures_of_their_own(mode: str, push: str, id_: str | None) -> None:
    exchanges = platform(mode).push_with_retries(push, message_id=id_)
    messages = [receive(exchange.request, ACCOUNTS[mode], NOW) for exchange in exchanges]
    assert len({message.key for message in messages if isinstance(message, Message)}) == 1
    assert len({message.signature for message in messages if isinstance(message, Message)}) == 3
    assert {exchange.accepted.text for exchange in exchanges} == {"核对清单"}


def test_a_replay_has_the_signature_of_what_it_repeats() -> None:
    client = platform()
    first = client.say("帮助")
    again = client.replay(first)
    messages = [receive(exchange.request, SAFE, NOW) for exchange in (first, again)]
    assert messages[0] == messages[1]


# -- our replies


def reply(text: str | None, mode: str = "safe", push: str = "text") -> Exchange:
    return platform(mode, text).push(push, message_id="77")


def shown(text: str) -> str:
    """What a fan may see of a text."""
    legal = "".join(
        c
        for c in text
        if c in "\t\n\r" or (c >= " " and not "\ud800" <= c <= "\udfff" and c not in "\ufffe\uffff")
    )
    return legal.replace("\r\n", "\n").replace("\r", "\n").strip()


HOSTILE = st.text(
    st.one_of(st.characters(), st.sampled_from(list("]]>\x00\x0b\x1d\ud800\udfff\ufffe\r\n<&；😀"))),
    max_size=3000,
)


@FUZZ
@given(text=HOSTILE, mode=st.sampled_from(MODES))
@example(text="]]>" * 700, mode="safe")
@example(text="😀" * 513, mode="safe")
@example(text="a" + "中" * 700, mode="plain")
@example(text=" success\n", mode="safe")
@example(text="success" + " " * 2048 + "x", mode="plain")
@example(text="\ud800\x00", mode="plain")
@example(text="<xml><ToUserName>gh_1</ToUserName><MsgType>event</MsgType></xml>", mode="plain")
def test_whatever_we_say_obeys_the_law_and_arrives(text: str, mode: str) -> None:
    accepted = reply(text, mode).accepted
    assert accepted.findings == ()
    expected = shown(text)
    if expected in ("", "success"):
        assert accepted.text is None
    elif len(expected.encode()) <= MAX_CONTENT_BYTES:
        assert accepted.text == expected
    else:
        assert accepted.text is None or expected.startswith(accepted.text)


def test_a_long_text_is_cut_at_a_character_and_not_before_the_limit() -> None:
    text = reply("中" * 1000).accepted.text
    assert text == "中" * (MAX_CONTENT_BYTES // 3)


@pytest.mark.parametrize("mode", MODES)
def test_real_alerts_can_be_quoted_in_a_reply(mode: str) -> None:
    for line in (DATA / "alerts/alerts.jsonl").read_text("utf-8").splitlines():
        accepted = reply(json.loads(line)["text"], mode).accepted
        assert accepted.findings == ()
        assert accepted.text


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("push", ["text", "subscribe", "component_verify_ticket", "LOCATION", "never_seen"])
def test_no_words_are_a_bare_success_and_never_encrypted(push: str, mode: str) -> None:
    assert reply(None, mode, push).response == Response(200, b"success")


def test_a_reply_is_encrypted_only_if_the_message_was() -> None:
    assert b"<Encrypt>" in reply("好", "safe").response.body
    assert b"<Encrypt>" in reply("好", "compatible").response.body
    assert b"<Encrypt>" not in reply("好", "plain").response.body


def test_the_plain_reply_reads_as_on_the_official_page() -> None:
    body = reply("好]]>", "plain").response.body.decode()
    assert body == (
        f"<xml><ToUserName><![CDATA[{FAN}]]></ToUserName><FromUserName><![CDATA[{GH}]]></FromUserName>"
        f"<CreateTime>{int(NOW.timestamp())}</CreateTime><MsgType><![CDATA[text]]></MsgType>"
        "<Content><![CDATA[好]]]]><![CDATA[>]]></Content></xml>"
    )


def test_line_ends_become_line_feeds() -> None:
    assert b"a\nb\nc\n\nd]" in reply("\ra\r\nb\rc\n\rd\r\n", "plain").response.body


@pytest.mark.parametrize("random16", [b"", b"short", b"longer than sixteen bytes"])
@pytest.mark.parametrize("nonce", ["", "]]>", "\ud800\x00", "签"])
def test_an_odd_nonce_or_sender_leaves_the_envelope_whole(nonce: str, random16: bytes) -> None:
    request = platform().request("text")
    message = replace(received("safe", "text"), sender="o]]>\ud800\x00", recipient="\udfffgh_1\x01")
    response = respond(Reply("好"), message, SAFE, NOW, nonce, random16)
    accepted = accepts(response, request, SAFE, "text", sender="o]]>", recipient="gh_1")
    assert accepted.text == ("好" if nonce not in ("", "\ud800\x00") else None)
    assert {finding.id for finding in accepted.findings} <= {"wrong_nonce", "incomplete_envelope"}


@FUZZ
@given(
    text=st.none() | HOSTILE,
    names=st.tuples(*[st.text(st.characters(), max_size=20)] * 5),
    random16=st.binary(max_size=20),
    kind=st.sampled_from(MessageKind),
    encrypted=st.booleans(),
)
def test_respond_never_raises(
    text: str | None,
    names: tuple[str, str, str, str, str],
    random16: bytes,
    kind: MessageKind,
    encrypted: bool,
) -> None:
    sender, recipient, push, nonce, event = names
    for name in (push, "text", "CLICK"):
        message = Message(
            "wechat", "", sender, recipient, kind, 0, event=event, push=name, encrypted=encrypted
        )
        for account in (SAFE, PLAIN):
            assert respond(Reply(text), message, account, NOW, nonce, random16).status == 200


# -- the platform's half


def judged(response: Response, mode: str = "safe", push: str = "text") -> list[str]:
    request = platform(mode).request(push)
    accepted = accepts(response, request, ACCOUNTS[mode], push, sender=FAN, recipient=GH)
    return [finding.id for finding in accepted.findings]


def changed(**fields: str) -> Response:
    """A true envelope with these fields changed."""
    envelope = {**read_fields(reply("好").response.body.decode()), **fields}
    return Response(200, write_fields(envelope).encode())


@pytest.mark.parametrize(
    ("response", "ids"),
    [
        pytest.param(Response(201, b"success"), ["http_status"], id="another status"),
        pytest.param(Response(500, b"Error 500:"), ["http_status", "error_text"], id="an error page"),
        pytest.param(Response(200, b'"success"'), ["quoted_reply"], id="success in quotes"),
        pytest.param(Response(200, reply("好", "plain").response.body), ["not_encrypted"], id="plain XML"),
        pytest.param(
            changed(MsgSignature="0" * 40),
            ["wrong_envelope_signature"],
            id="a wrong signature",
        ),
        pytest.param(
            changed(Encrypt="A" * 44),
            ["wrong_envelope_signature", "undecryptable_reply"],
            id="a wrong cipher",
        ),
        pytest.param(changed(Nonce="7"), ["wrong_envelope_signature", "wrong_nonce"], id="a wrong nonce"),
        pytest.param(changed(MsgSignature=""), ["incomplete_envelope"], id="no signature"),
    ],
)
def test_the_platform_finds(response: Response, ids: list[str]) -> None:
    assert judged(response) == ids


def test_the_platform_refuses_an_envelope_where_the_account_is_plain() -> None:
    assert judged(reply("好").response, "plain") == ["unexpected_envelope"]


def test_in_compatible_mode_a_plain_reply_passes_too() -> None:
    assert judged(reply("好", "plain").response, "compatible") == []


def test_the_platform_judges_what_the_envelope_holds() -> None:
    client = platform()
    request = client.request("text")
    message = receive(request, SAFE, NOW)
    assert isinstance(message, Message)
    response = respond(
        Reply("好"), replace(message, sender="oSomebody"), SAFE, NOW, request.query["nonce"], RANDOM
    )
    accepted = accepts(response, request, SAFE, "text", sender=FAN, recipient=GH)
    assert [finding.id for finding in accepted.findings] == ["wrong_addressees"]


def test_the_platform_wants_its_echo_untouched() -> None:
    request = platform().verify().request
    for body in (b"", b'"4375120948345356249"', b"4375120948345356249\n"):
        accepted = accepts(Response(200, body), request, SAFE, "", sender=FAN, recipient=GH)
        assert [finding.id for finding in accepted.findings] == ["wrong_echo"]


@FUZZ
@given(body=st.binary(max_size=300), mode=st.sampled_from(MODES))
def test_the_platform_reads_any_answer(body: bytes, mode: str) -> None:
    judged(Response(200, body), mode)


@pytest.mark.parametrize("mode", ["aes", ""])
def test_an_unknown_mode_cannot_be_composed(mode: str) -> None:
    with pytest.raises(InputError, match="plain, compatible, safe"):
        compose("text", SAFE, NOW, sender=FAN, recipient=GH, nonce="1", mode=mode, random16=RANDOM)


@pytest.mark.parametrize("mode", ["compatible", "safe"])
def test_a_mode_with_a_cipher_needs_a_key(mode: str) -> None:
    with pytest.raises(InputError, match="EncodingAESKey"):
        compose("text", PLAIN, NOW, sender=FAN, recipient=GH, nonce="1", mode=mode, random16=RANDOM)


def test_payment_does_not_come_by_this_channel() -> None:
    with pytest.raises(InputError):
        platform().request(PAYMENT_NOTIFY)


def test_a_safe_push_hides_what_it_says() -> None:
    body = platform().request("text", {"Content": "secret"}).body.decode()
    assert set(read_fields(body)) == {"ToUserName", "Encrypt"}
    assert len(list(find_encrypted(body))) == 1
    ticket = platform().request("component_verify_ticket").body.decode()
    assert set(read_fields(ticket)) == {"AppId", "Encrypt"}
