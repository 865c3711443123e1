"""客服消息 against a server that has the platform's window, count and error codes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
import requests

from tests.support.customer_messages import PATH, TOKEN, WINDOW, CustomerMessages
from tests.support.wechat_api import APPID, SECRET
from triage.channels.apis import Apis
from triage.channels.delivery import Group, Notice, Result, Sender
from triage.channels.registry import CHANNELS
from triage.channels.wechat.account import Account
from triage.message import Person
from triage.settings import load_settings

ACCOUNT = Account(APPID, "a-token", secret=SECRET)
OPENID = "oFollower0000000000000000001"
NOTICE = Notice(Person("wechat", APPID, OPENID), "#12 14:05 刚才没来得及答：连接超时")


@pytest.fixture
def wechat() -> Iterator[CustomerMessages]:
    server = CustomerMessages()
    with server.serving():
        yield server


@pytest.fixture
def apis(wechat: CustomerMessages) -> Iterator[Apis]:
    with requests.Session() as session:
        session.trust_env = False  # no proxy of this machine between the test and its server
        yield Apis(session, {"wechat": wechat.url}, clock=wechat.clock)


@pytest.fixture
def sender(apis: Apis) -> Sender:
    opened = CHANNELS["wechat"].sender(ACCOUNT, apis)
    assert opened is not None
    return opened


@pytest.mark.parametrize(
    "account", [replace(ACCOUNT, secret=None), replace(ACCOUNT, appid="")], ids=["no AppSecret", "no AppID"]
)
def test_an_account_that_is_known_by_half_can_only_answer(apis: Apis, account: Account) -> None:
    assert CHANNELS["wechat"].sender(account, apis) is None


def test_nobody_is_written_to_who_has_not_written(sender: Sender, wechat: CustomerMessages) -> None:
    delivery = sender.send(NOTICE, 5)
    assert (delivery.result, wechat.shown) == (Result.OTHER_WAY, [])
    assert "45015" in delivery.reason


def test_the_way_is_open_for_48_hours(sender: Sender, wechat: CustomerMessages) -> None:
    wechat.hears(OPENID)
    wechat.clock.now += WINDOW
    assert sender.send(NOTICE, 5).result is Result.SENT
    wechat.clock.now += timedelta(seconds=1)
    assert sender.send(NOTICE, 5).result is Result.OTHER_WAY
    assert wechat.shown == [(OPENID, NOTICE.text)]


def test_a_sixth_message_waits_for_the_follower_s_next_word(sender: Sender, wechat: CustomerMessages) -> None:
    wechat.hears(OPENID)
    results = [sender.send(NOTICE, 5) for _ in range(6)]
    assert [delivery.result for delivery in results] == [Result.SENT] * 5 + [Result.OTHER_WAY]
    assert "45047" in results[-1].reason
    wechat.hears(OPENID)
    assert sender.send(NOTICE, 5).result is Result.SENT


def test_an_account_that_is_not_verified_answers_at_the_next_word(
    sender: Sender, wechat: CustomerMessages
) -> None:
    wechat.hears(OPENID)
    wechat.is_verified = False
    delivery = sender.send(NOTICE, 5)
    assert delivery.result is Result.OTHER_WAY
    assert "认证" in delivery.reason


def test_an_address_that_is_not_listed_is_a_wrong_setting(sender: Sender, wechat: CustomerMessages) -> None:
    wechat.is_listed = False
    delivery = sender.send(NOTICE, 5)
    assert delivery.result is Result.SETTING_WRONG
    assert "白名单" in delivery.reason


def test_a_wrong_appsecret_is_a_wrong_setting(apis: Apis) -> None:
    sender = CHANNELS["wechat"].sender(replace(ACCOUNT, secret="wrong" * 6), apis)
    assert sender is not None
    assert sender.send(NOTICE, 5).result is Result.SETTING_WRONG


def test_a_group_is_reached_another_way(sender: Sender, wechat: CustomerMessages) -> None:
    assert sender.send(replace(NOTICE, destination=Group("wechat", APPID)), 5).result is Result.OTHER_WAY
    assert wechat.asked == []


def test_a_token_that_somebody_else_renewed_is_fetched_again_once(
    sender: Sender, wechat: CustomerMessages
) -> None:
    wechat.hears(OPENID)
    sender.send(NOTICE, 5)
    wechat.revoke()
    assert sender.send(NOTICE, 5).result is Result.SENT
    assert (wechat.count(TOKEN), wechat.count(PATH)) == (2, 3)


@pytest.mark.parametrize("count", [682, 683])
def test_682_characters_fit_and_one_more_is_cut(sender: Sender, wechat: CustomerMessages, count: int) -> None:
    wechat.hears(OPENID)
    assert sender.send(replace(NOTICE, text="好" * count), 5).result is Result.SENT
    assert wechat.shown == [(OPENID, "好" * 682)]


def test_an_answer_that_was_lost_may_have_been_sent(sender: Sender, wechat: CustomerMessages) -> None:
    wechat.hears(OPENID)
    sender.send(NOTICE, 5)
    wechat.instead = [None]
    assert sender.send(NOTICE, 5).result is Result.MAYBE_SENT


def test_the_appsecret_of_the_settings_opens_the_way() -> None:
    settings = load_settings(
        {"TRIAGE_WECHAT_TOKEN": "t", "TRIAGE_WECHAT_APPID": APPID, "TRIAGE_WECHAT_SECRET": SECRET}
    )
    account = settings.accounts["wechat"][APPID]
    assert isinstance(account, Account)
    assert account.secret == SECRET
    assert SECRET not in repr(account)
