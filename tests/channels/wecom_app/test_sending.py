"""What an app sends by itself, against a server with WeCom's documented limits and error codes."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import requests

from tests.support.wecom_api import AGENTID, CORPID, SECRET, SEND, TOKEN, Wecom
from triage.channels.apis import Apis
from triage.channels.delivery import Button, Card, Group, Notice, RateLimit, Result, Sender, UpdatesCards
from triage.channels.sealed import Seal
from triage.channels.tokens import FileTokens, MemoryTokens, TokenCache
from triage.channels.wecom_app.account import Account
from triage.channels.wecom_app.sending import WecomSender, open_sender
from triage.message import Person

ACCOUNT = Account(
    CORPID, AGENTID, Seal("QDG6eK", "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C", CORPID), SECRET
)
LI = Person("wecom", CORPID, "lilei")
CARD = Card(
    12,
    "#12 14:05 连接超时",
    (("账号", "时令果蔬"), ("地址", "wx.example.org"), ("次数", "5分钟 86次")),
    tuple(Button),
    "inc-12-1",
)
NOTICE = Notice(LI, "#12 14:05 连接超时，时令果蔬")

Connect = Callable[..., WecomSender]


def _open(account: Account, apis: Apis) -> WecomSender:
    sender = open_sender(account, apis)
    assert sender
    return sender


def test_without_its_secret_an_app_can_only_answer() -> None:
    with requests.Session() as session:
        assert open_sender(replace(ACCOUNT, secret=None), Apis(session)) is None


@pytest.fixture
def wecom() -> Iterator[Wecom]:
    server = Wecom()
    with server.serving():
        yield server


@pytest.fixture
def connect(wecom: Wecom) -> Iterator[Connect]:
    with requests.Session() as session:
        session.trust_env = False  # no proxy of this machine between the test and its server

        def connected(
            account: Account = ACCOUNT, tokens: TokenCache | None = None, url: str = ""
        ) -> WecomSender:
            urls = {"wecom": url or wecom.url}
            apis = Apis(session, urls, tokens or MemoryTokens(), wecom.clock)
            return _open(account, apis)

        yield connected


# -- what does not arrive


@pytest.mark.parametrize(
    ("account", "code"),
    [
        pytest.param(replace(ACCOUNT, secret="wrong"), 40001, id="a wrong Secret"),  # noqa: S106
        pytest.param(replace(ACCOUNT, corpid="ww0"), 40013, id="another corporation"),
        pytest.param(replace(ACCOUNT, agentid=7), 40056, id="another app"),
    ],
)
def test_a_wrong_setting_is_named_and_asked_once(
    wecom: Wecom, connect: Connect, account: Account, code: int
) -> None:
    delivery = connect(account).send(NOTICE, 5)
    assert (delivery.result, wecom.shown) == (Result.SETTING_WRONG, [])
    assert f"errcode {code}" in delivery.reason
    assert "TRIAGE_WECOM_" in delivery.reason
    assert wecom.count(TOKEN) == 1, "40001 means a wrong Secret here, and no stale token"


def test_an_address_that_is_not_trusted_is_named(wecom: Wecom, connect: Connect) -> None:
    wecom.trusted = False
    delivery = connect().send(NOTICE, 5)
    assert delivery.result is Result.SETTING_WRONG
    assert "企业可信IP：加上 203.0.113.9" in delivery.reason


@pytest.mark.parametrize(
    ("members", "licensed"),
    [
        pytest.param({"han"}, {"han"}, id="out of sight, and nobody else: 81013"),
        pytest.param({"lilei"}, {"han"}, id="without a licence, though errcode is 0"),
    ],
)
def test_somebody_whom_the_app_does_not_reach_is_reached_another_way(
    wecom: Wecom, connect: Connect, members: set[str], licensed: set[str]
) -> None:
    wecom.members, wecom.licensed = members, licensed
    assert connect().send(NOTICE, 5).result is Result.OTHER_WAY
    assert wecom.shown == []


def test_an_invalid_user_beside_errcode_0_is_a_failure_for_that_person(
    wecom: Wecom, connect: Connect
) -> None:
    sender = connect()
    sender.send(NOTICE, 5)
    wecom.instead = [(200, b'{"errcode": 0, "errmsg": "ok", "invaliduser": "lilei", "msgid": "x"}')]
    assert sender.send(NOTICE, 5).result is Result.OTHER_WAY


def test_a_group_is_reached_another_way(connect: Connect, wecom: Wecom) -> None:
    notice = replace(NOTICE, destination=Group("wecom", CORPID, "chat"))
    assert (connect().send(notice, 5).result, wecom.asked) == (Result.OTHER_WAY, [])


@pytest.mark.parametrize("where", ["token", "message"])
@pytest.mark.parametrize(
    ("answer", "for_token", "for_message"),
    [
        pytest.param(None, Result.LATER, Result.MAYBE_SENT, id="the line breaks"),
        pytest.param((502, b"bad gateway"), Result.LATER, Result.LATER, id="a bad gateway"),
        pytest.param((200, b"<html>"), Result.LATER, Result.LATER, id="a login page"),
        pytest.param((200, b'{"errcode": -1, "errmsg": "busy"}'), Result.LATER, Result.LATER, id="busy"),
        pytest.param((200, b'{"errcode": 45033, "errmsg": "x"}'), Result.LATER, Result.LATER, id="too many at once"),
    ],
)  # fmt: skip
def test_trouble_with_the_token_has_sent_nothing_and_with_the_message_perhaps(
    wecom: Wecom,
    connect: Connect,
    where: str,
    answer: tuple[int, bytes] | None,
    for_token: Result,
    for_message: Result,
) -> None:
    tokens = MemoryTokens()
    if where == "message":
        connect(tokens=tokens).send(NOTICE, 5)
    wecom.instead = [answer]
    delivery = connect(tokens=tokens).send(replace(NOTICE, text="#13"), 5)
    assert delivery.result is (for_token if where == "token" else for_message)
    assert SECRET not in delivery.reason


# -- what arrives


def test_a_text_arrives(wecom: Wecom, connect: Connect) -> None:
    delivery = connect().send(NOTICE, 5)
    assert (delivery.result, delivery.receipt) == (Result.SENT, None)
    assert wecom.shown == [("lilei", {"content": NOTICE.text})]


def test_markdown_goes_to_whoever_can_read_it(wecom: Wecom, connect: Connect) -> None:
    connect().send(replace(NOTICE, markdown="**#12** 14:05"), 5)
    assert wecom.shown == [("lilei", {"content": "**#12** 14:05"})]


@pytest.mark.parametrize("markdown", [False, True], ids=["text", "Markdown"])
def test_682_characters_fit_and_one_more_is_cut(wecom: Wecom, connect: Connect, markdown: bool) -> None:
    for count in (682, 683):
        text = "好" * count
        assert connect().send(Notice(LI, text, text if markdown else None), 5).result is Result.SENT
        assert wecom.asked[-1].json["markdown" if markdown else "text"]["content"] == "好" * 682


def test_a_text_that_was_perhaps_sent_is_not_shown_twice_and_a_reminder_is(
    wecom: Wecom, connect: Connect
) -> None:
    sender = connect()
    for after, shown in ((0, 1), (299, 1), (2, 2)):
        wecom.clock.now += timedelta(seconds=after)
        assert sender.send(NOTICE, 5).result is Result.SENT
        assert len(wecom.shown) == shown


@pytest.mark.parametrize(("limit", "pause"), [(RateLimit(30, timedelta(minutes=1)), 1)])
def test_what_a_member_gets_above_the_limit_is_dropped_in_silence_so_the_limit_is_told(
    wecom: Wecom, connect: Connect, limit: RateLimit, pause: int
) -> None:
    sender = connect()
    for number in range(limit.count + 1):
        assert sender.send(replace(NOTICE, text=f"#{number}"), 5).result is Result.SENT
    assert len(wecom.shown) == limit.count
    assert sender.limits == (limit, RateLimit(1000, timedelta(hours=1)))


# -- cards


def test_a_card_arrives_with_its_buttons_and_a_receipt(wecom: Wecom, connect: Connect) -> None:
    delivery = connect().send(replace(NOTICE, card=CARD, markdown="**#12**"), 5)
    assert (delivery.result, delivery.receipt) == (Result.SENT, "response-2")
    card = wecom.shown[0][1]
    assert [(button["text"], button["key"]) for button in card["button_list"]] == [
        ("认领", "claim:12"), ("看步骤", "steps:12"), ("关闭", "close:12"),
    ]  # fmt: skip
    assert card["main_title"] == {"title": CARD.title}
    assert card["horizontal_content_list"][0] == {"keyname": "账号", "value": "时令果蔬"}
    assert card["task_id"] == "inc-12-1"


def test_a_card_is_cut_to_what_the_platform_takes(wecom: Wecom, connect: Connect) -> None:
    lines = tuple(("名字很长的一行", "值" * 40) for _ in range(9))
    assert (
        connect().send(replace(NOTICE, card=replace(CARD, title="题" * 50, lines=lines)), 5).result
        is Result.SENT
    )
    card = wecom.shown[0][1]
    assert card["main_title"]["title"] == "题" * 36
    assert card["horizontal_content_list"] == [{"keyname": "名字很长的", "value": "值" * 30}] * 6


def test_a_card_has_a_line_that_opens_the_incident(wecom: Wecom, connect: Connect) -> None:
    card = replace(CARD, lines=CARD.lines * 6, url="https://triage.example.cn/i/Wz.a_b-c")
    assert connect().send(replace(NOTICE, card=card), 5).result is Result.SENT
    lines = wecom.shown[0][1]["horizontal_content_list"]
    assert len(lines) == 6
    assert lines[-1] == {"keyname": "详情", "value": "打开事件 #12", "type": 1, "url": card.url}


def test_a_card_that_is_claimed_says_so_to_everybody_once(wecom: Wecom, connect: Connect) -> None:
    sender: Sender = connect()
    receipt = sender.send(replace(NOTICE, card=CARD), 5).receipt
    assert receipt is not None
    assert isinstance(sender, UpdatesCards)
    assert sender.update_card(receipt, "已由李雷认领", 5).result is Result.SENT
    assert wecom.updated == [(receipt, "已由李雷认领")]
    assert sender.update_card(receipt, "已由韩梅认领", 5).result is Result.OUR_TEXT


# -- tokens


def test_a_token_is_fetched_once_and_again_before_it_ends(
    wecom: Wecom, connect: Connect, tmp_path: Path
) -> None:
    for after, fetched in ((0, 1), (7139, 1), (1, 2)):
        wecom.clock.now += timedelta(seconds=after)
        assert (
            connect(tokens=FileTokens(tmp_path)).send(replace(NOTICE, text=f"#{after}"), 5).result
            is Result.SENT
        )
        assert wecom.count(TOKEN) == fetched


@pytest.mark.parametrize("how", ["revoked", "expired early"])
def test_a_token_that_is_refused_is_renewed_once(wecom: Wecom, connect: Connect, how: str) -> None:
    sender = connect()
    sender.send(NOTICE, 5)
    if how == "revoked":
        wecom.revoke()
    else:
        wecom.expires_at = wecom.clock()
    assert sender.send(replace(NOTICE, text="#13"), 5).result is Result.SENT
    assert (wecom.count(TOKEN), wecom.count(SEND)) == (2, 3)


def test_a_new_token_that_is_refused_too_is_told(wecom: Wecom, connect: Connect) -> None:
    sender = connect()
    sender.send(NOTICE, 5)
    refused = (200, b'{"errcode": 40014, "errmsg": "invalid access_token"}')
    token = (200, b'{"errcode": 0, "access_token": "abc", "expires_in": 7200}')
    wecom.instead = [refused, token, refused]
    assert sender.send(NOTICE, 5).result is Result.TOKEN_REFUSED
    assert wecom.count(SEND) == 3


def test_token_and_message_share_one_time_limit(connect: Connect) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        delivery = connect(url=f"http://127.0.0.1:{silent.getsockname()[1]}").send(NOTICE, 0.3)
        assert time.monotonic() - began < 2
    assert delivery.result is Result.LATER


def test_nobody_waits_longer_than_the_time_limit_while_another_fetches_the_token(
    wecom: Wecom, connect: Connect, tmp_path: Path
) -> None:
    sender = connect(tokens=FileTokens(tmp_path))
    with FileTokens(tmp_path).refreshing(f"wecom/{CORPID}/{AGENTID}"):
        began = time.monotonic()
        delivery = sender.send(NOTICE, 0.1)
        assert time.monotonic() - began < 2
    assert (delivery.result, wecom.asked) == (Result.LATER, [])


def test_each_app_of_a_corporation_has_a_token_of_its_own(wecom: Wecom, connect: Connect) -> None:
    tokens = MemoryTokens()
    connect(tokens=tokens).send(NOTICE, 5)
    connect(replace(ACCOUNT, agentid=7), tokens).send(NOTICE, 5)
    assert wecom.count(TOKEN) == 2


def test_an_account_never_shows_its_secret() -> None:
    assert SECRET not in repr(ACCOUNT)
