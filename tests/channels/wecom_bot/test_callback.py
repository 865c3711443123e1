"""What a bot receives and answers, against WeCom's half of the wire."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.sealed import OF_BOT, VECTORS, at
from tests.support.wecom import BOT, NOW, RANDOM
from triage.channels.channel import Echo
from triage.channels.sealed import close_sealed
from triage.channels.wecom_bot.callback import MAX_BODY_BYTES, SILENCE, receive, respond
from triage.channels.wecom_bot.platform_side import EVENTS, IN_GROUPS, MESSAGES, Accepted, accepts, compose
from triage.errors import BadMessageError, RefusedError, UnreadableMessageError
from triage.message import Message, MessageKind, Picture, Reply, Request

SILENT = {"stream", "feedback_event", "disconnected_event"}
PICTURE = {"msgtype": "image", "image": {"url": "https://example.cn/1"}}


def _request(name: str = "text", fields: Mapping[str, Any] | None = None, chat: str | None = "C1") -> Request:
    return compose(
        name, BOT, NOW, sender="lilei", nonce="n1", random16=RANDOM, chat=chat, fields=fields or {}
    )


def _pushed(name: str = "text", fields: Mapping[str, Any] | None = None, chat: str | None = "C1") -> Message:
    message = receive(_request(name, fields, chat), BOT, NOW)
    assert isinstance(message, Message)
    return message


def _signed(inside: str) -> Request:
    sealed = close_sealed(inside, OF_BOT, NOW, "n1", RANDOM)
    query = {"msg_signature": sealed.signature, "timestamp": sealed.timestamp, "nonce": "n1"}
    return Request("POST", query, json.dumps({"encrypt": sealed.encrypted}).encode())


def _answered(text: str | None, name: str = "text", fields: Mapping[str, Any] | None = None) -> Accepted:
    chat = "C1" if name in IN_GROUPS else None
    response = respond(Reply(text), _pushed(name, fields, chat), BOT, NOW, "n1", RANDOM)
    return accepts(response, name, BOT, nonce="n1")


def _text(content: str, **more: object) -> dict[str, object]:
    return {"text": {"content": content}, **more}


def _quote(content: str) -> dict[str, object]:
    return {"msgtype": "text", "text": {"content": content}}


# -- what is refused


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"hello", id="a word"),
        pytest.param(b"<xml/>", id="XML"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b"null", id="null"),
        pytest.param(b"{}", id="no encrypt"),
        pytest.param(b'{"encrypt": 1}', id="a number in encrypt"),
        pytest.param(b'{"encrypt": "' + b"A" * 60_000 + b'"}', id="rubbish in encrypt"),
        pytest.param(b'{"msgtype": "text", "text": {"content": "x"}}', id="a plain message"),
        pytest.param(b"[" * 100_000, id="100,000 levels"),
        pytest.param("{}".encode("utf-16"), id="UTF-16"),
        pytest.param(b"\xff\xfe\x00", id="not text"),
    ],
)
def test_a_body_that_is_no_message_is_refused_and_breaks_nothing(body: bytes) -> None:
    with pytest.raises((RefusedError, BadMessageError)) as caught:
        receive(replace(_request(), body=body), BOT, NOW)
    assert not isinstance(caught.value, UnreadableMessageError), "nobody has signed it"


@pytest.mark.parametrize(
    "inside",
    [
        pytest.param("", id="nothing"),
        pytest.param("<xml/>", id="XML"),
        pytest.param("[]", id="a list"),
        pytest.param("[" * 60_000, id="60,000 levels"),
        pytest.param('{"msgtype": "text"}', id="no sender"),
        pytest.param('{"msgtype": "text", "aibotid": "B", "from": "lilei"}', id="a sender of another shape"),
        pytest.param('{"msgtype": ["text"], "aibotid": "B", "from": {"userid": "U"}}', id="a list as kind"),
        pytest.param(
            '{"msgtype": "text", "aibotid": "B", "chattype": "group", "from": {"userid": "U"}}', id="no chat"
        ),
    ],
)
def test_what_was_signed_and_cannot_be_read_is_met_by_silence(inside: str) -> None:
    with pytest.raises(UnreadableMessageError):
        receive(_signed(inside), BOT, NOW)


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param({"text": "hello"}, id="a text that is a string"),
        pytest.param({"text": {"content": {}}}, id="a content that is an object"),
        pytest.param({"text": None, "quote": []}, id="nothing where objects are due"),
        pytest.param(
            {"quote": {"msgtype": "mixed", "mixed": {"msg_item": [1, None, {}]}}}, id="odd parts of a quote"
        ),
        pytest.param({"quote": {"msgtype": "text", "text": {"content": 5}}}, id="a number in a quote"),
        pytest.param({"msgid": 5, "create_time": "soon"}, id="a number as id and a word as time"),
    ],
)
def test_what_has_another_shape_than_promised_is_nothing(odd: Mapping[str, object]) -> None:
    push = {"msgtype": "text", "aibotid": "B", "chattype": "single", "from": {"userid": "U"}, **odd}
    message = receive(_signed(json.dumps(push)), BOT, NOW)
    assert isinstance(message, Message)
    assert (message.text or None, message.quote) == (None, None)


@pytest.mark.parametrize(("length", "is_read"), [(MAX_BODY_BYTES, True), (MAX_BODY_BYTES + 1, False)])
def test_a_body_has_at_most_128_kib(length: int, is_read: bool) -> None:
    assert MAX_BODY_BYTES == 131_072
    request = _request()
    request = replace(request, body=request.body.ljust(length))
    if is_read:
        assert isinstance(receive(request, BOT, NOW), Message)
    else:
        with pytest.raises(BadMessageError):
            receive(request, BOT, NOW)


def test_a_push_that_is_sent_again_much_later_is_refused() -> None:
    with pytest.raises(RefusedError):
        receive(_request(), BOT, NOW + timedelta(minutes=6))


# -- what is read


def test_the_message_of_the_vector_is_read() -> None:
    vector = VECTORS["bot_message"]
    sealed = close_sealed(vector["text"], OF_BOT, at(vector), vector["nonce"], vector["random16"].encode())
    message = receive(
        Request("POST", vector, json.dumps({"encrypt": sealed.encrypted}).encode()), BOT, at(vector)
    )
    assert isinstance(message, Message)
    assert (message.channel, message.account, message.sender) == ("wecom_bot", "B1", "U1")
    assert (message.chat, message.text, message.quote, message.id) == ("C1", "看看", "hello", "M1")


def test_the_address_is_verified_by_what_is_encrypted() -> None:
    vector = VECTORS["bot_echo"]
    sealed = close_sealed(vector["text"], OF_BOT, at(vector), vector["nonce"], vector["random16"].encode())
    request = Request("GET", {**vector, "echostr": sealed.encrypted})
    assert receive(request, BOT, at(vector)) == Echo("1616140317555161061")


@pytest.mark.parametrize(
    ("name", "kind", "text"),
    [
        ("text", MessageKind.TEXT, "连接超时"),
        ("mixed", MessageKind.TEXT, "连接超时"),
        ("voice", MessageKind.VOICE, "连接超时"),
        ("image", MessageKind.IMAGE, None),
        ("file", MessageKind.UNSUPPORTED, None),
        ("video", MessageKind.VIDEO, None),
        ("stream", MessageKind.UNKNOWN, None),
        ("invented_tomorrow", MessageKind.UNKNOWN, None),
        ("enter_chat", MessageKind.EVENT, None),
        ("template_card_event", MessageKind.EVENT, None),
    ],
)
def test_every_kind_is_told(name: str, kind: MessageKind, text: str | None) -> None:
    message = _pushed(name, chat="C1" if name in IN_GROUPS else None)
    assert (message.kind, message.text, message.push) == (kind, text, name)
    assert message.chat == ("C1" if name in IN_GROUPS else None)


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        pytest.param("报警助手", "@报警助手 看看", "看看", id="its name goes"),
        pytest.param("报警助手", "@报警助手", "", id="its name alone leaves nothing"),
        pytest.param("报警助手", "@报警助手看看", "看看", id="without a blank behind it"),
        pytest.param("报警 助手", "@报警 助手 看看", "看看", id="a name with a blank"),
        pytest.param("报警助手", "看看 @报警助手", "看看", id="behind the words"),
        pytest.param("报警助手", "@别名 看看", "看看", id="another first mention, as after a change of name"),
        pytest.param(None, "@bot 看看", "看看", id="any first mention without a configured name"),
        pytest.param(None, "看看 @李雷", "看看 @李雷", id="another one stays"),
    ],
)
def test_what_is_said_to_the_bot_is_without_its_name(name: str | None, content: str, text: str) -> None:
    message = receive(_request("text", _text(content)), replace(BOT, name=name), NOW)
    assert isinstance(message, Message)
    assert message.text == text


@pytest.mark.parametrize(
    ("name", "fields", "kind", "text", "quote"),
    [
        pytest.param(
            "text", _text("@bot", quote=PICTURE), MessageKind.IMAGE, None, None, id="a quoted picture alone"
        ),
        pytest.param(
            "text", _text("@bot 怎么办", quote=PICTURE), MessageKind.TEXT, "怎么办", None, id="with words"
        ),
        pytest.param(
            "mixed", {"mixed": {"msg_item": [PICTURE]}}, MessageKind.IMAGE, None, None, id="a picture alone"
        ),
        pytest.param(
            "text", _text("@bot", quote=_quote("一\n二")), MessageKind.TEXT, "", "一\n二", id="a quoted text"
        ),
        pytest.param(
            "text",
            _text(
                "@bot",
                quote={"msgtype": "mixed", "mixed": {"msg_item": [_quote("一"), PICTURE, _quote("二")]}},
            ),
            MessageKind.TEXT,
            "",
            "一\n二",
            id="the words between quoted pictures",
        ),
    ],
)
def test_what_is_quoted_comes_beside_what_is_said(
    name: str, fields: Mapping[str, Any], kind: MessageKind, text: str | None, quote: str | None
) -> None:
    message = _pushed(name, fields)
    assert (message.kind, message.text, message.quote) == (kind, text, quote)


@pytest.mark.parametrize(
    ("name", "fields", "pictures"),
    [
        pytest.param("text", _text("@bot"), 0, id="a text"),
        pytest.param("text", _text("@bot", quote=PICTURE), 1, id="a quoted picture"),
        pytest.param("mixed", {"mixed": {"msg_item": [_quote("@bot"), PICTURE]}}, 1, id="one beside words"),
        pytest.param("mixed", {"mixed": {"msg_item": [PICTURE] * 9}}, 3, id="of many the first three"),
        pytest.param(
            "mixed",
            {"mixed": {"msg_item": [1, {"msgtype": "image"}, {"msgtype": "image", "image": {"url": 5}}]}},
            0,
            id="odd ones",
        ),
    ],
)
def test_pictures_come_with_where_they_are(name: str, fields: Mapping[str, Any], pictures: int) -> None:
    message = _pushed(name, fields)
    assert message.pictures == (Picture("https://example.cn/1"),) * pictures
    assert message.answer_url == "https://qyapi.weixin.qq.com/cgi-bin/aibot/response?response_code=RC"


def test_what_is_sent_itself_goes_before_what_is_quoted() -> None:
    other = {"msgtype": "image", "image": {"url": "https://example.cn/2"}}
    message = _pushed("mixed", {"mixed": {"msg_item": [PICTURE]}, "quote": other})
    assert message.pictures == (Picture("https://example.cn/1"),)


def test_a_picture_that_calls_nobody_is_for_the_others_in_the_group() -> None:
    message = _pushed("image", chat="C1")
    assert message.kind is MessageKind.UNKNOWN
    assert respond(Reply("收到"), message, BOT, NOW, "n1", RANDOM) == SILENCE
    assert _pushed("image", chat=None).kind is MessageKind.IMAGE


def test_somebody_of_another_corporation_is_never_taken_for_one_of_ours() -> None:
    outsider = _pushed("text", {"from": {"userid": "lilei", "corpid": "wwOther"}})
    assert outsider.sender == "wwOther/lilei"
    assert outsider.person != _pushed().person


def test_a_click_tells_button_and_card() -> None:
    message = _pushed("template_card_event")
    assert (message.event_key, message.task_id, message.chat) == ("claim:12", "inc-12-1", "C1")


# -- what is answered


@pytest.mark.parametrize("name", [*MESSAGES, *EVENTS])
def test_every_push_is_answered_as_its_kind_may_be(name: str) -> None:
    accepted = _answered("先做\n看域名", name)
    assert accepted.problem is None
    if name == "template_card_event":
        assert accepted.card
        assert accepted.card["main_title"]["title"] == "先做"
    else:
        assert accepted.text == (None if name in SILENT else "先做\n看域名")


@pytest.mark.parametrize("text", [None, "", " \n", "\x00"])
def test_nothing_to_say_is_an_empty_answer(text: str | None) -> None:
    assert respond(Reply(text), _pushed(), BOT, NOW, "n1", RANDOM) == SILENCE


@pytest.mark.parametrize(
    ("key", "buttons"),
    [
        ("claim:12", ["看步骤", "关闭"]),
        ("steps:12", ["认领", "关闭"]),
        ("close:12", ["看步骤"]),
        ("claim:x", []),
        ("other:12", []),
    ],
)
def test_a_clicked_card_keeps_the_buttons_that_still_make_sense(key: str, buttons: list[str]) -> None:
    click = {"template_card_event": {"event_key": key, "task_id": "inc-12-1"}}
    card = _answered("李雷已认领", "template_card_event", click).card
    assert card
    assert card["task_id"] == "inc-12-1"
    assert [button["text"] for button in card["button_list"]] == buttons
    assert "userids" not in card, "it changes for everybody in the chat"


def test_a_card_s_lines_are_cut_to_what_it_holds() -> None:
    card = _answered("一" * 30 + "\n" + "二" * 200, "template_card_event").card
    assert card
    assert (len(card["main_title"]["title"]), len(card["sub_title_text"])) == (26, 112)


@pytest.mark.parametrize(("number", "shown"), [(6826, 6826), (6827, 6826)])
def test_an_answer_has_at_most_20480_bytes_and_no_half_character(number: int, shown: int) -> None:
    assert _answered("汉" * number).text == "汉" * shown


def test_an_answer_that_markup_makes_too_long_loses_lines_and_no_half_of_one() -> None:
    line = "*" * 99
    accepted = _answered("\n".join([line] * 200))
    assert accepted.problem is None
    assert accepted.text
    assert set(accepted.text.split("\n")) == {"\\*" * 99}


@settings(deadline=None, max_examples=200)
@given(
    text=st.text(
        st.one_of(st.characters(), st.sampled_from(list("`*_#<>\x00\ud800\ufffe😀\r\n "))), max_size=900
    )
)
@example("`" * 20_480)
@example("\ud800\x00")
def test_whatever_we_say_arrives(text: str) -> None:
    for name in ("text", "template_card_event", "enter_chat"):
        assert _answered(text, name).problem is None
