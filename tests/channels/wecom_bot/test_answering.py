"""The one later answer of a bot, against a server that takes each address once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import requests

from tests.support.fetching import ResponseUrls
from tests.support.wecom import BOT
from triage.channels.apis import Apis
from triage.channels.delivery import Delivery, Notice, Result, Sender
from triage.channels.wecom_bot.answering import open_answerer
from triage.message import Person

LI = Person("wecom_bot", "B1", "lilei")
NOW = datetime.now(UTC)


@pytest.fixture
def server() -> Iterator[ResponseUrls]:
    served = ResponseUrls()
    with served.serving():
        yield served


@pytest.fixture
def answerer(server: ResponseUrls) -> Iterator[Sender]:
    with requests.Session() as session:
        yield open_answerer(BOT, Apis(session, {"wecom_bot": server.url}))


def _send(answerer: Sender, text: str, url: str | None) -> Delivery:
    return answerer.send(Notice(LI, text, answer_url=url), 5)


@pytest.mark.parametrize(
    "url",
    [None, "https://example.org/x", "http://169.254.169.254/", "https://qyapi.weixin.qq.com.example.org/"],
)
def test_nothing_is_sent_but_to_the_platform(answerer: Sender, server: ResponseUrls, url: str | None) -> None:
    assert _send(answerer, "读好了", url).result is Result.OTHER_WAY
    assert server.asked == []


def test_an_answer_stands_in_the_chat_once(answerer: Sender, server: ResponseUrls) -> None:
    url = f"{server.url}/cgi-bin/aibot/response?response_code=RC"
    assert _send(answerer, "1 看 *域名*", url).result is Result.SENT
    assert server.shown == ["1 看 \\*域名\\*"]
    again = _send(answerer, "1 看域名", url)
    assert again.result is Result.OTHER_WAY
    assert "846610" in again.reason
    assert "RC" not in again.reason


def test_a_long_answer_is_cut_to_what_is_taken(answerer: Sender, server: ResponseUrls) -> None:
    assert _send(answerer, "汉" * 9000, f"{server.url}/x?response_code=1").result is Result.SENT


@pytest.mark.parametrize(
    ("instead", "result"),
    [
        pytest.param((200, b'{"errcode": -1, "errmsg": "busy"}'), Result.LATER, id="busy"),
        pytest.param((200, b'{"errcode": 45009}'), Result.LATER, id="too fast"),
        pytest.param((502, b"<html>"), Result.LATER, id="a gateway"),
        pytest.param(None, Result.MAYBE_SENT, id="hung up"),
    ],
)
def test_what_may_work_later_is_tried_later(
    answerer: Sender, server: ResponseUrls, instead: tuple[int, bytes] | None, result: Result
) -> None:
    server.instead.append(instead)
    assert _send(answerer, "读好了", f"{server.url}/x?response_code=2").result is result
