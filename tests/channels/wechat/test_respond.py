"""Replies: legal whatever they hold, and shown as they were meant."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.paths import DATA
from tests.support.platform import FAN, GH, NOW
from tests.support.wechat import FUZZ, PLAIN, SAFE, platform, received, reply
from triage.channels.wechat.callback import respond
from triage.channels.wechat.platform_side import MODES, accepts
from triage.message import Message, MessageKind, Reply, Response
from triage.platform.limits import MAX_CONTENT_BYTES


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
