"""Pictures are fetched within a size and a time, from the platform alone, by address or by its API."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import requests

from tests.support.customer_messages import CustomerMessages
from tests.support.loopback import Given
from tests.support.sealed import OF_BOT
from tests.support.wechat_api import APPID, SECRET
from triage.channels.apis import Apis
from triage.channels.downloading import LARGEST_PICTURE, MEDIA_PATH, MOST_REDIRECTS
from triage.channels.json_http import within
from triage.channels.pictures import Fetcher
from triage.channels.registry import CHANNELS
from triage.channels.sealed import Seal
from triage.channels.wechat.account import Account
from triage.channels.wecom_bot.account import BotAccount
from triage.channels.wecom_bot.fetching import open_fetcher
from triage.errors import DownloadError
from triage.message import Picture

PNG = b"\x89PNG\r\n\x1a\n" + bytes(1000)
ACCOUNT = Account(APPID, "a-token", secret=SECRET)
SECONDS = 5.0


@pytest.fixture
def api() -> Iterator[CustomerMessages]:
    server = CustomerMessages()
    server.clock.now = datetime.now(UTC)
    with server.serving():
        yield server


@pytest.fixture
def apis(api: CustomerMessages) -> Iterator[Apis]:
    with requests.Session() as session:
        yield Apis(session, dict.fromkeys(CHANNELS, api.url))


@pytest.fixture
def fetcher(apis: Apis) -> Fetcher:
    found = CHANNELS["wechat"].fetcher(replace(ACCOUNT, secret=None), apis)
    assert found
    return found


@pytest.fixture
def by_api(apis: Apis) -> Fetcher:
    found = CHANNELS["wechat"].fetcher(ACCOUNT, apis)
    assert found
    return found


def _problem(fetcher: Fetcher, picture: Picture, seconds: float = SECONDS) -> DownloadError:
    with pytest.raises(DownloadError) as caught:
        fetcher.fetch(picture, seconds)
    error = caught.value
    assert error.__cause__ is None, "a foreign exception holds the URL"
    assert "127.0.0.1" not in str(error)
    return error


# -- by its address


@pytest.mark.parametrize(
    "to",
    [
        pytest.param("http://169.254.169.254/latest/meta-data/", id="a metadata service"),
        pytest.param("http://localhost/x", id="this machine"),
        pytest.param("//example.org/x", id="another host"),
        pytest.param("https://user@mmbiz.qpic.cn/x", id="with a user"),
        pytest.param("file:///etc/passwd", id="a file"),
    ],
)
def test_a_redirect_leads_nowhere_but_to_the_platform(
    fetcher: Fetcher, api: CustomerMessages, to: str
) -> None:
    api.given["/1"] = Given(status=302, headers={"Location": to})
    error = _problem(fetcher, Picture(f"{api.url}/1"))
    assert (error.reason, error.is_passing) == ("图的地址不是平台自己的，不去取", False)


def test_a_redirect_within_the_platform_is_followed_twice(fetcher: Fetcher, api: CustomerMessages) -> None:
    api.given["/1"] = Given(status=302, headers={"Location": "/2"})
    api.given["/2"] = Given(status=301, headers={"Location": f"{api.url}/3"})
    api.given["/3"] = Given([PNG])
    assert fetcher.fetch(Picture(f"{api.url}/1"), SECONDS) == PNG
    api.given["/3"] = Given(status=302, headers={"Location": "/1"})
    assert not _problem(fetcher, Picture(f"{api.url}/1")).is_passing
    assert [asked.path for asked in api.asked[3:]] == ["/1", "/2", "/3"]
    assert MOST_REDIRECTS == 2


@pytest.mark.parametrize("is_announced", [True, False])
def test_a_picture_has_at_most_10_mb(fetcher: Fetcher, api: CustomerMessages, is_announced: bool) -> None:
    piece, sent = bytes(1024 * 1024), []

    def pieces() -> Iterator[bytes]:
        for number in range(100):
            sent.append(number)
            yield piece

    headers = {"Content-Length": str(100 * len(piece))} if is_announced else {}
    api.given["/1"] = Given(pieces(), headers=headers)
    error = _problem(fetcher, Picture(f"{api.url}/1"))
    assert (error.reason, error.is_passing) == ("图太大，最多读 10 MB", False)
    assert len(sent) < 40, "the rest is not even sent"
    api.given["/1"] = Given([piece] * 10)
    assert len(fetcher.fetch(Picture(f"{api.url}/1"), SECONDS)) == LARGEST_PICTURE == 10 * len(piece)


def test_a_slow_host_is_not_waited_for(fetcher: Fetcher, api: CustomerMessages) -> None:
    ended = threading.Event()

    def drops() -> Iterator[bytes]:
        for _ in range(1000):
            yield b"x"
            if ended.wait(0.05):
                return

    api.given["/1"] = Given(drops())
    started = time.monotonic()
    error = _problem(fetcher, Picture(f"{api.url}/1"), 0.5)
    assert time.monotonic() - started < 5
    ended.set()
    assert error.is_passing
    assert "超时" in error.reason


def test_a_host_that_says_nothing_is_not_waited_for(fetcher: Fetcher, api: CustomerMessages) -> None:
    ended = threading.Event()

    def nothing() -> Iterator[bytes]:
        ended.wait(20)
        yield b""

    api.given["/1"] = Given(nothing())
    assert _problem(fetcher, Picture(f"{api.url}/1"), 0.3).is_passing
    ended.set()


@pytest.mark.parametrize(
    ("status", "is_passing"),
    [(404, False), (403, False), (400, False), (429, True), (500, True), (503, True)],
)
def test_what_a_status_means(fetcher: Fetcher, api: CustomerMessages, status: int, is_passing: bool) -> None:
    api.given["/1"] = Given([b"no"], status)
    error = _problem(fetcher, Picture(f"{api.url}/1"))
    assert error.is_passing == is_passing
    assert f"HTTP {status}" in error.reason


def test_a_connection_that_breaks_may_hold_the_next_time(fetcher: Fetcher, api: CustomerMessages) -> None:
    api.given["/1"] = Given([b"x"], headers={"Content-Length": "1000"})
    assert _problem(fetcher, Picture(f"{api.url}/1")).is_passing
    api.server_close()
    assert _problem(fetcher, Picture(f"{api.url}/1")).is_passing


def test_a_platform_is_given_three_seconds_to_connect_and_never_more_than_all() -> None:
    assert within(10) == (3, 10)
    assert within(0.5) == (0.5, 0.5)


def test_nothing_says_where_it_is(fetcher: Fetcher) -> None:
    for picture in (Picture(), Picture(media_id="m1")):
        assert not _problem(fetcher, picture).is_passing


# -- by the API


def test_an_account_with_a_secret_asks_the_api_where_the_address_fails(
    by_api: Fetcher, api: CustomerMessages
) -> None:
    api.media["m1"] = PNG
    assert by_api.fetch(Picture("https://example.org/1", "m1"), SECONDS) == PNG
    assert by_api.fetch(Picture(media_id="m1"), SECONDS) == PNG
    api.revoke()
    assert by_api.fetch(Picture(media_id="m1"), SECONDS) == PNG, "a token that was refused is fetched anew"


def test_the_api_is_left_alone_where_the_address_works(by_api: Fetcher, api: CustomerMessages) -> None:
    api.given["/1"] = Given([PNG])
    assert by_api.fetch(Picture(f"{api.url}/1", "m1"), SECONDS) == PNG
    assert api.count(f"/{MEDIA_PATH}") == 0


@pytest.mark.parametrize(
    ("code", "is_passing"), [(40007, False), (48001, False), (-1, True)], ids=["gone", "not allowed", "busy"]
)
def test_what_an_error_code_means(
    by_api: Fetcher, api: CustomerMessages, code: int, is_passing: bool
) -> None:
    api.media_error = code
    error = _problem(by_api, Picture(media_id="m1"))
    assert error.is_passing == is_passing
    assert f"errcode {code}" in error.reason


def test_an_api_that_gives_no_token_is_told_with_what_to_do(by_api: Fetcher, api: CustomerMessages) -> None:
    api.is_listed = False
    error = _problem(by_api, Picture(media_id="m1"))
    assert "IP 白名单" in error.reason
    assert SECRET not in error.reason


# -- of a bot

KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
ENCRYPTED = base64.b64decode("y4HBxBVZrd+RmZ1TvE3DlWxUrNU1Fb/s9s+J5xbsvH0=")


def test_a_bot_s_file_is_decrypted_by_the_bot_s_key(apis: Apis, api: CustomerMessages) -> None:
    api.given["/1"] = Given([ENCRYPTED])
    bot = BotAccount(Seal("a-token", KEY))
    assert open_fetcher(bot, apis).fetch(Picture(f"{api.url}/1"), SECONDS) == b"hello"


@pytest.mark.parametrize(
    "content", [ENCRYPTED, ENCRYPTED[:-1], b"", PNG], ids=["other key", "cut", "empty", "plain"]
)
def test_a_file_that_the_key_does_not_open_is_no_picture(
    apis: Apis, api: CustomerMessages, content: bytes
) -> None:
    api.given["/1"] = Given([content])
    assert not _problem(open_fetcher(BotAccount(OF_BOT), apis), Picture(f"{api.url}/1")).is_passing
