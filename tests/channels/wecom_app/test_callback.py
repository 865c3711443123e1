"""What an app receives and answers, against WeCom's half of the wire."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.platform import GARBAGE
from tests.support.sealed import OF_APP, VECTORS, at
from tests.support.wecom import APP, NOW, RANDOM
from triage.channels.channel import Echo
from triage.channels.sealed import close_sealed
from triage.channels.wecom_app.callback import LONGEST_LABEL, MAX_BODY_BYTES, SILENCE, receive, respond
from triage.channels.wecom_app.platform_side import EVENTS, MESSAGES, Accepted, accepts, compose, compose_echo
from triage.channels.xml import write_fields
from triage.errors import BadMessageError, RefusedError, UnreadableMessageError
from triage.message import Message, MessageKind, Picture, Reply, Request

ANSWERED = {
    "subscribe",
    "enter_agent",
    "LOCATION",
    "click",
    "view",
    "scancode_waitmsg",
    "template_card_event",
}
WARNINGS = {name for name in EVENTS if "active" in name}


def _pushed(name: str, fields: Mapping[str, str] | None = None, message_id: str | None = "77") -> Message:
    request = compose(
        name,
        APP,
        NOW,
        sender="lilei",
        nonce="n1",
        random16=RANDOM,
        fields=fields or {},
        message_id=message_id,
    )
    message = receive(request, APP, NOW)
    assert isinstance(message, Message)
    return message


def _answered(text: str | None, name: str = "text", fields: Mapping[str, str] | None = None) -> Accepted:
    message = _pushed(name, fields)
    return accepts(respond(Reply(text), message, APP, NOW, "n1", RANDOM), name, APP, sender="lilei")


# -- what is refused


@pytest.mark.parametrize("body", GARBAGE.values(), ids=list(GARBAGE))
def test_a_body_that_is_no_message_is_refused_and_breaks_nothing(body: bytes) -> None:
    request = replace(compose("text", APP, NOW, sender="lilei", nonce="n1", random16=RANDOM), body=body)
    with pytest.raises((RefusedError, BadMessageError)) as caught:
        receive(request, APP, NOW)
    assert not isinstance(caught.value, UnreadableMessageError), "nobody has signed it"


@pytest.mark.parametrize(
    "inside",
    [
        pytest.param("", id="nothing"),
        pytest.param("\0\x01\x02", id="control characters"),
        pytest.param("{}", id="JSON"),
        pytest.param("<xml><MsgType>text</MsgType></xml>", id="no sender"),
        pytest.param("<xml><FromUserName>lilei</FromUserName></xml>", id="no kind"),
        pytest.param(
            "<xml><MsgType>text</MsgType><FromUserName>a b</FromUserName></xml>", id="a blank in a userid"
        ),
        pytest.param("<xml>" + "<a>" * 9_000, id="9,000 open tags"),
    ],
)
def test_what_was_signed_and_cannot_be_read_is_met_by_silence(inside: str) -> None:
    sealed = close_sealed(inside, OF_APP, NOW, "n1", RANDOM)
    query = {"msg_signature": sealed.signature, "timestamp": sealed.timestamp, "nonce": "n1"}
    with pytest.raises(UnreadableMessageError):
        receive(Request("POST", query, write_fields({"Encrypt": sealed.encrypted}).encode()), APP, NOW)


def test_a_message_for_another_app_of_the_corporation_is_not_read() -> None:
    with pytest.raises(UnreadableMessageError) as caught:
        _pushed("text", {"AgentID": "219"})
    assert "218" in str(caught.value)


@pytest.mark.parametrize(("length", "is_read"), [(MAX_BODY_BYTES, True), (MAX_BODY_BYTES + 1, False)])
def test_a_body_has_at_most_128_kib(length: int, is_read: bool) -> None:
    request = compose("text", APP, NOW, sender="lilei", nonce="n1", random16=RANDOM, message_id="1")
    request = replace(request, body=request.body.ljust(length))
    if is_read:
        assert isinstance(receive(request, APP, NOW), Message)
    else:
        with pytest.raises(BadMessageError):
            receive(request, APP, NOW)


def test_a_push_that_is_sent_again_much_later_is_refused() -> None:
    request = compose("text", APP, NOW, sender="lilei", nonce="n1", random16=RANDOM)
    with pytest.raises(RefusedError):
        receive(request, APP, NOW + timedelta(minutes=6))


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_only_get_and_post_are_the_platform_s(method: str) -> None:
    request = replace(compose("text", APP, NOW, sender="lilei", nonce="n1", random16=RANDOM), method=method)
    with pytest.raises(BadMessageError):
        receive(request, APP, NOW)


# -- what is read


def test_the_official_message_is_read() -> None:
    vector = VECTORS["app_message"]
    body = write_fields({"ToUserName": APP.corpid, "AgentID": "218", "Encrypt": vector["encrypt"]}).encode()
    message = receive(Request("POST", vector, body), APP, at(vector))
    assert isinstance(message, Message)
    assert (message.sender, message.text, message.id) == ("mycreate", "hello", "4561255354251345929")
    assert (message.channel, message.account, message.chat) == ("wecom", APP.corpid, None)


def test_the_address_is_verified_by_what_is_encrypted() -> None:
    request = compose_echo(APP, NOW, nonce="n1", text="1616140317555161061", random16=RANDOM)
    assert receive(request, APP, NOW) == Echo("1616140317555161061")


@pytest.mark.parametrize(
    ("name", "kind", "text"),
    [
        ("text", MessageKind.TEXT, "连接超时"),
        ("image", MessageKind.IMAGE, None),
        ("voice", MessageKind.VOICE, None),
        ("video", MessageKind.VIDEO, None),
        ("location", MessageKind.LOCATION, None),
        ("link", MessageKind.LINK, "连接超时\nhttps://example.cn/"),
        ("invented_tomorrow", MessageKind.UNKNOWN, None),
        ("subscribe", MessageKind.EVENT, None),
        ("template_card_event", MessageKind.EVENT, None),
    ],
)
def test_every_kind_is_told(name: str, kind: MessageKind, text: str | None) -> None:
    message = _pushed(name)
    assert (message.kind, message.text, message.push) == (kind, text, name)


def test_a_picture_comes_with_where_it_is() -> None:
    assert _pushed("image").pictures == (Picture("https://wework.qpic.cn/1", "m1"),)
    assert _pushed("text", {"PicUrl": "https://wework.qpic.cn/1"}).pictures == ()


@pytest.mark.parametrize("name", sorted(WARNINGS))
def test_that_an_app_is_unused_is_a_warning_with_its_time(name: str) -> None:
    message = _pushed(name, {"FromUserName": "sys"}, None)
    assert message.kind is MessageKind.WARNING
    assert "2026-01-01 00:00" in (message.text or "")
    assert "从" not in (_pushed(name, {"EffectTime": "soon"}, None).text or "")


def test_a_click_tells_the_card_and_how_to_change_it() -> None:
    message = _pushed("template_card_event", message_id=None)
    assert (message.event_key, message.task_id, message.response_code) == ("claim:12", "inc-12-1", "RC")


def test_clicks_within_a_second_are_told_apart_by_button_and_card_and_retries_are_one() -> None:
    fields: tuple[dict[str, str], ...] = ({}, {"EventKey": "close:12"}, {"TaskId": "inc-12-2"})
    keys = [_pushed("template_card_event", each, None).key for each in fields]
    assert len(set(keys)) == 3
    assert keys[0] == _pushed("template_card_event", message_id=None).key


# -- what is answered


@pytest.mark.parametrize("name", [*MESSAGES, *EVENTS])
def test_every_push_is_answered_as_its_kind_may_be(name: str) -> None:
    accepted = _answered("先做\n1 看域名", name)
    may_be = name in MESSAGES or name in ANSWERED
    assert accepted == (Accepted("先做\n1 看域名") if may_be else Accepted())


@pytest.mark.parametrize("text", [None, "", " \n", "\x00"])
def test_nothing_to_say_is_an_empty_answer(text: str | None) -> None:
    assert respond(Reply(text), _pushed("text"), APP, NOW, "n1", RANDOM) == SILENCE


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        pytest.param("李雷已认领", Accepted(label="李雷已认领"), id="a few words stand on the button"),
        pytest.param("字" * LONGEST_LABEL, Accepted(label="字" * LONGEST_LABEL), id="as many as fit"),
        pytest.param(
            "字" * (LONGEST_LABEL + 1), Accepted("字" * (LONGEST_LABEL + 1)), id="more are a message"
        ),
        pytest.param("一\n二", Accepted("一\n二"), id="two lines are a message"),
    ],
)
def test_a_click_is_answered_on_the_button_where_that_is_enough(text: str, accepted: Accepted) -> None:
    assert LONGEST_LABEL == 20
    assert _answered(text, "template_card_event") == accepted


@pytest.mark.parametrize(("number", "shown"), [(682, 682), (683, 682)])
def test_a_text_has_at_most_2048_bytes_and_no_half_character(number: int, shown: int) -> None:
    assert _answered("汉" * number).text == "汉" * shown


@settings(deadline=None, max_examples=200)
@given(
    text=st.text(
        st.one_of(st.characters(), st.sampled_from(list("]]>\x00\ud800\ufffe<&😀\r\n"))), max_size=900
    )
)
@example("]]>" * 700)
@example("\ud800\x00")
def test_whatever_we_say_arrives(text: str) -> None:
    for name in ("text", "template_card_event"):
        assert _answered(text, name).problem is None
