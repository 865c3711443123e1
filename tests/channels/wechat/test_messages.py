"""Every push of the catalogue in every mode: what it says when it is decoded."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.support.platform import CATALOGUE, FAN, GH, NOW
from tests.support.wechat import ACCOUNTS, SAFE, platform, received
from triage.channels.wechat.callback import receive
from triage.channels.wechat.platform_side import MODES
from triage.message import Message, Picture
from triage.platform.pushes import Family, Push, ReplyForm, find_push


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
    "an image": (
        "image",
        {"PicUrl": "http://mmbiz.qpic.cn/1", "MediaId": "m1"},
        {"kind": "image", "text": None, "pictures": (Picture("http://mmbiz.qpic.cn/1", "m1"),)},
    ),
    "an image of nothing": ("image", {"PicUrl": "", "MediaId": ""}, {"kind": "image", "pictures": ()}),
    "a text beside an address": ("text", {"PicUrl": "http://mmbiz.qpic.cn/1"}, {"pictures": ()}),
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
