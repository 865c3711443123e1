"""What WeChat's callback lets in: the official vectors, and nothing forged or broken."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.platform import FAN, GARBAGE, GH, NOW, with_query
from tests.support.wechat import ACCOUNTS, FUZZ, OFFICIAL, PLAIN, SAFE, TEXT, VECTORS, at, platform, read, xml
from triage.channels.channel import Echo
from triage.channels.envelope import decrypt, encrypt, sign
from triage.channels.wechat.callback import MAX_BODY_BYTES, receive
from triage.channels.wechat.platform_side import MODES
from triage.channels.xml import write_fields
from triage.errors import BadMessageError, RefusedError, UnreadableMessageError
from triage.message import Message, Request, Response


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
