"""The API client against a loopback server that behaves like the platform, well and badly."""

from __future__ import annotations

import gc
import json
import logging
import os
import socket
import stat
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support.wechat_api import (
    APPID,
    CREATE_MENU,
    NOW,
    SECRET,
    STABLE,
    FakeWeChat,
    Misbehaviour,
    _Handler,
)
from triage.channels.tokens import FileTokens, MemoryTokens, Token, TokenCache, token_cache
from triage.channels.wechat.api import ApiError, WeChatApi

MENU: dict[str, object] = {}


class Clock:
    """A clock that stands until it is put forward."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False  # no proxy of this machine between the test and its server
        yield session


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pauses() -> list[float]:
    return []


Connect = Callable[..., WeChatApi]


@pytest.fixture
def connect(platform: FakeWeChat, session: requests.Session, clock: Clock, pauses: list[float]) -> Connect:
    def connected(cache: TokenCache | None = None, **changes: Any) -> WeChatApi:
        values: dict[str, Any] = {"secret": SECRET, "base_url": platform.url, "timeout": (1, 1), **changes}
        return WeChatApi(
            APPID, cache=cache or MemoryTokens(), session=session, clock=clock, sleep=pauses.append, **values
        )

    return connected


@pytest.fixture(params=["memory", "file"])
def cache(request: pytest.FixtureRequest, tmp_path: Path) -> TokenCache:
    return FileTokens(tmp_path) if request.param == "file" else MemoryTokens()


def _together(platform: FakeWeChat, api: WeChatApi) -> list[ApiError | None]:
    """What twenty threads get that start at once; a token takes long enough for all to ask for one."""
    platform.takes = 0.1
    barrier = threading.Barrier(20)

    def ask(_: int) -> ApiError | None:
        barrier.wait()
        try:
            api.create_menu(MENU)
        except ApiError as exc:
            return exc
        return None

    with ThreadPoolExecutor(20) as pool:
        return list(pool.map(ask, range(20)))


# -- one token for all


def test_twenty_cold_threads_fetch_one_token(
    connect: Connect, platform: FakeWeChat, cache: TokenCache
) -> None:
    answers = _together(platform, connect(cache))
    assert answers == [None] * 20
    assert (platform.count(STABLE), platform.count(CREATE_MENU)) == (1, 20)


def test_twenty_threads_with_a_revoked_token_fetch_one_more(
    connect: Connect, platform: FakeWeChat, cache: TokenCache
) -> None:
    api = connect(cache)
    api.create_menu(MENU)
    platform.revoke()
    assert [answer for answer in _together(platform, api) if isinstance(answer, ApiError)] == []
    assert platform.count(STABLE) == 2


def test_processes_with_one_file_cache_fetch_one_token(platform: FakeWeChat, tmp_path: Path) -> None:
    script = """
import pathlib, sys, threading
from triage.channels.wechat.api import WeChatApi
from triage.channels.tokens import FileTokens
_, url, appid, secret, folder = sys.argv
with WeChatApi(appid, secret, FileTokens(pathlib.Path(folder)), base_url=url) as api:
    threads = [threading.Thread(target=api.create_menu, args=({},)) for _ in range(5)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
"""
    command = [sys.executable, "-c", script, platform.url, APPID, SECRET, str(tmp_path)]
    environment = {**os.environ, "NO_PROXY": "127.0.0.1"}
    platform.takes = 0.2
    processes = [subprocess.Popen(command, env=environment) for _ in range(4)]
    assert [process.wait(20) for process in processes] == [0] * 4
    assert (platform.count(STABLE), platform.count(CREATE_MENU)) == (1, 20)


def test_a_failed_fetch_fails_all_who_wait_for_it_and_is_not_repeated_at_once(
    connect: Connect, platform: FakeWeChat, clock: Clock
) -> None:
    api = connect(secret="wrong" * 6)
    answers = _together(platform, api)
    assert {answer.errcode for answer in answers if isinstance(answer, ApiError)} == {40125}
    assert (len(answers), platform.count(STABLE), platform.count(CREATE_MENU)) == (20, 1, 0)
    for after, fetches in ((timedelta(seconds=4, milliseconds=999), 1), (timedelta(milliseconds=1), 2)):
        clock.now += after
        with pytest.raises(ApiError):
            api.create_menu(MENU)
        assert platform.count(STABLE) == fetches


# -- a token that is refused


def test_a_lasting_40001_costs_two_calls_and_two_fetches(
    connect: Connect, platform: FakeWeChat, cache: TokenCache
) -> None:
    platform.accepts_tokens = False
    with pytest.raises(ApiError, match="AppSecret") as caught:
        connect(cache).create_menu(MENU)
    assert caught.value.errcode == 40001
    assert (platform.count(CREATE_MENU), platform.count(STABLE)) == (2, 2)
    assert cache.load(APPID) is None


@pytest.mark.parametrize("errcode", [40001, 40014, 42001])
def test_a_token_that_is_refused_is_renewed_once(
    connect: Connect, platform: FakeWeChat, errcode: int
) -> None:
    platform.answers[CREATE_MENU] = [{"errcode": errcode, "errmsg": "invalid"}]
    connect().create_menu(MENU)
    assert (platform.count(CREATE_MENU), platform.count(STABLE)) == (2, 2)


def test_any_other_refusal_is_final_and_keeps_the_token(
    connect: Connect, platform: FakeWeChat, cache: TokenCache
) -> None:
    platform.answers[CREATE_MENU] = [
        {"errcode": 40164, "errmsg": "invalid ip 203.0.113.9, not in whitelist rid: 1-2-3"}
    ]
    with pytest.raises(ApiError, match=r"203\.0\.113\.9.*rid: 1-2-3.*白名单") as caught:
        connect(cache).create_menu(MENU)
    assert caught.value.errcode == 40164
    assert (platform.count(CREATE_MENU), cache.load(APPID) is None) == (1, False)


def test_only_the_token_that_failed_is_expired(cache: TokenCache) -> None:
    old = Token("a", NOW, NOW + timedelta(hours=2))
    newer = Token("a", NOW + timedelta(microseconds=1), NOW + timedelta(hours=2))
    with cache.refreshing(APPID):
        cache.save(APPID, newer)
        cache.expire(APPID, old)
        assert cache.load(APPID) == newer
        cache.expire(APPID, newer)
        assert cache.load(APPID) is None
        cache.expire(APPID, newer)


@pytest.mark.parametrize(
    ("after", "fetches"),
    [(0, 1), (7139, 1), (7140, 2), (100_000, 2)],
    ids=["at once", "before the margin", "within the margin", "a day later"],
)
def test_a_token_is_renewed_before_it_ends(
    connect: Connect, platform: FakeWeChat, clock: Clock, cache: TokenCache, after: int, fetches: int
) -> None:
    api = connect(cache)
    api.create_menu(MENU)
    clock.now += timedelta(seconds=after)
    api.create_menu(MENU)
    assert platform.count(STABLE) == fetches


def test_a_token_shorter_than_the_margin_is_used_for_its_call(connect: Connect, platform: FakeWeChat) -> None:
    platform.expires_in = 10
    api = connect()
    api.create_menu(MENU)
    api.create_menu(MENU)
    assert platform.count(STABLE) == 2


# -- a platform that is busy, slow, or somebody else


def test_a_busy_platform_is_given_time(connect: Connect, platform: FakeWeChat, pauses: list[float]) -> None:
    busy = {"errcode": -1, "errmsg": "system error"}
    platform.answers = {STABLE: [busy], CREATE_MENU: [busy, busy]}
    connect().create_menu(MENU)
    assert pauses == [0.5, 0.5, 1.5]


def test_a_platform_that_stays_busy_is_left_alone(
    connect: Connect, platform: FakeWeChat, pauses: list[float]
) -> None:
    platform.answers[STABLE] = [{"errcode": -1, "errmsg": "system error"}] * 9
    with pytest.raises(ApiError, match="系统繁忙") as caught:
        connect().create_menu(MENU)
    assert (caught.value.errcode, platform.count(STABLE), pauses) == (-1, 3, [0.5, 1.5])


def _hang(handler: _Handler) -> None:
    handler.rfile.read(1)  # until the client goes away


def _drip(handler: _Handler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    for _ in range(100):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        threading.Event().wait(0.1)


def _cut(handler: _Handler) -> None:
    handler.say(b'{"errcode"', length=100)
    handler.close_connection = True


def _garbage(handler: _Handler) -> None:
    handler.wfile.write(b"\x15\x03\x01 this is not HTTP\r\n\r\n")
    handler.close_connection = True


BAD: dict[str, Misbehaviour] = {
    "a login page": lambda handler: handler.say(b"<html>login</html>", header="Content-Type: text/html"),
    "nothing": lambda handler: handler.say(b""),
    "a list": lambda handler: handler.say(b"[]"),
    "a text errcode": lambda handler: handler.say(b'{"errcode": "0", "access_token": "x", "expires_in": 1}'),
    "not UTF-8": lambda handler: handler.say(b'{"errmsg": "\xff"}'),
    "deep nesting": lambda handler: handler.say(b"[" * 100_000),
    "a megabyte": lambda handler: handler.say(b'{"a": "' + b"a" * 1_000_000 + b'"}'),
    "a redirect": lambda handler: handler.say(
        b"{}", 302, header=f"Location: {handler.server.url}/cgi-bin/elsewhere"
    ),
    "a bad gateway": lambda handler: handler.say(b'{"errcode": 0}', 502),
    "false compression": lambda handler: handler.say(b"no gzip", header="Content-Encoding: gzip"),
    "half an answer": _cut,
    "another protocol": _garbage,
    "no answer": _hang,
    "an answer in drops": _drip,
}


@pytest.mark.parametrize("path", [STABLE, CREATE_MENU])
@pytest.mark.parametrize("behave", BAD.values(), ids=BAD)
def test_what_is_no_answer_is_one_error_without_secrets(
    connect: Connect,
    platform: FakeWeChat,
    caplog: pytest.LogCaptureFixture,
    path: str,
    behave: Misbehaviour,
) -> None:
    caplog.set_level(logging.DEBUG)
    platform.instead[path] = behave
    began = time.monotonic()
    with pytest.raises(ApiError) as caught:
        connect(timeout=(0.3, 0.3)).create_menu(MENU)
    assert time.monotonic() - began < 2
    _assert_no_secret(caught.value, platform, caplog)
    assert platform.count("cgi-bin/elsewhere") == 0
    assert platform.count(path) == 1


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"access_token": "", "expires_in": 7200},
        {"access_token": 5, "expires_in": 7200},
        {"access_token": "a b\r\n", "expires_in": 7200},
        {"access_token": "a" * 5000, "expires_in": 7200},
        {"access_token": "abc"},
        {"access_token": "abc", "expires_in": "7200"},
        {"access_token": "abc", "expires_in": True},
        {"access_token": "abc", "expires_in": 0},
        {"access_token": "abc", "expires_in": 10**12},
    ],
    ids=str,
)
def test_a_token_that_cannot_be_one_is_refused(
    connect: Connect, platform: FakeWeChat, answer: dict[str, Any]
) -> None:
    platform.answers[STABLE] = [answer]
    with pytest.raises(ApiError, match="stable_token"):
        connect().create_menu(MENU)


def test_nobody_there_is_an_error_without_secrets(
    connect: Connect, platform: FakeWeChat, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    cache = MemoryTokens()
    connect(cache).create_menu(MENU)
    with pytest.raises(ApiError, match="连不上") as caught:
        connect(cache, base_url=f"http://127.0.0.1:{port}").create_menu(MENU)
    _assert_no_secret(caught.value, platform, caplog)


@pytest.mark.parametrize("secret", [SECRET, "wrong" * 6], ids=["a refused token", "a wrong secret"])
def test_what_the_platform_says_is_repeated_without_secrets(
    connect: Connect, platform: FakeWeChat, caplog: pytest.LogCaptureFixture, secret: str
) -> None:
    caplog.set_level(logging.DEBUG)
    platform.accepts_tokens = False
    with pytest.raises(ApiError, match="rid: 1-2") as caught:
        connect(secret=secret).create_menu(MENU)
    _assert_no_secret(caught.value, platform, caplog)


def _assert_no_secret(error: ApiError, platform: FakeWeChat, caplog: pytest.LogCaptureFixture) -> None:
    chain = [error, error.__cause__, error.__context__]
    shown = "".join(map(repr, chain)) + str(error) + "".join(traceback.format_exception(error)) + caplog.text
    for secret in (SECRET, "wrong" * 6, platform.token, "access_token="):
        assert secret not in shown
    assert not any(isinstance(exc, requests.RequestException) for exc in chain)
    assert "Token(fetched_at=" in repr(Token(platform.token, NOW, NOW))


# -- the file cache


def test_the_file_is_readable_by_its_owner_only(connect: Connect, tmp_path: Path) -> None:
    connect(FileTokens(tmp_path)).create_menu(MENU)
    names = sorted(file.suffix for file in tmp_path.iterdir())
    assert names == [".json", ".lock"]
    if os.name == "posix":
        assert {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()} == {0o600}


def test_another_process_finds_the_stored_token(
    connect: Connect, platform: FakeWeChat, tmp_path: Path
) -> None:
    connect(FileTokens(tmp_path)).create_menu(MENU)
    connect(FileTokens(tmp_path)).create_menu(MENU)
    assert platform.count(STABLE) == 1


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff", b"[]", b"{}", b"[" * 99_999, b'{"token": "a", "fetched_at": "x", "expires_at": 1}'],
    ids=["empty", "not UTF-8", "a list", "no token", "nested", "no instants"],
)
def test_a_damaged_file_is_replaced(
    connect: Connect, platform: FakeWeChat, tmp_path: Path, content: bytes
) -> None:
    connect(FileTokens(tmp_path)).create_menu(MENU)
    next(tmp_path.glob("*.json")).write_bytes(content)
    gc.collect()  # a finalizer that runs in the middle of a deep nesting has no stack left
    connect(FileTokens(tmp_path)).create_menu(MENU)
    assert platform.count(STABLE) == 2
    assert FileTokens(tmp_path).load(APPID) is not None


def test_a_folder_that_is_not_there_is_named(connect: Connect, tmp_path: Path) -> None:
    with pytest.raises(ApiError, match="missing"):
        connect(FileTokens(tmp_path / "missing")).create_menu(MENU)


def test_who_waits_too_long_for_another_gives_up(
    connect: Connect, platform: FakeWeChat, cache: TokenCache, tmp_path: Path
) -> None:
    in_file = isinstance(cache, FileTokens)
    hasty = FileTokens(tmp_path, lock_timeout=0.05) if in_file else MemoryTokens(lock_timeout=0.05)
    other = FileTokens(tmp_path) if in_file else hasty
    with other.refreshing(APPID), pytest.raises(ApiError, match="过一会儿再试"):
        connect(hasty).create_menu(MENU)
    assert platform.count(STABLE) == 0
    connect(hasty).create_menu(MENU)


@pytest.mark.parametrize(
    ("url", "folder"),
    [
        ("", None),
        ("sqlite://", None),
        ("sqlite:///:memory:", None),
        ("postgresql+psycopg://u:p@db/triage", None),
        ("sqlite:///triage.db", "."),
        ("sqlite:////var/lib/triage/triage.db", "/var/lib/triage"),
        ("sqlite+pysqlite:////srv/a%20b/t.db?timeout=5", "/srv/a b"),
    ],
)
def test_the_cache_lies_beside_an_sqlite_file(url: str, folder: str | None) -> None:
    cache = token_cache(url)
    assert isinstance(cache, MemoryTokens if folder is None else FileTokens)
    assert getattr(cache, "_directory", None) == (Path(folder) if folder else None)


@pytest.mark.parametrize(("size", "is_read"), [(64 * 1024, True), (64 * 1024 + 1, False)])
def test_an_answer_has_64_kib_at_most(
    connect: Connect, platform: FakeWeChat, size: int, is_read: bool
) -> None:
    answer = json.dumps({"errcode": 40020, "errmsg": "x" * (size - 32)}).encode()
    assert len(answer) == size
    platform.instead[CREATE_MENU] = lambda handler: handler.say(answer)
    with pytest.raises(ApiError) as caught:
        connect().create_menu(MENU)
    assert (caught.value.errcode == 40020) == is_read


@pytest.mark.parametrize("length", [200, 201])
def test_200_characters_of_the_platform_s_words_are_repeated(
    connect: Connect, platform: FakeWeChat, length: int
) -> None:
    platform.answers[CREATE_MENU] = [{"errcode": 40020, "errmsg": "x" * length}]
    with pytest.raises(ApiError, match=r"errcode 40020 \(x{200}\)"):
        connect().create_menu(MENU)


# -- the methods


def test_a_menu_is_sent_as_it_is_to_be_read(connect: Connect, platform: FakeWeChat) -> None:
    connect().create_menu({"button": [{"type": "click", "name": "帮助", "key": "帮助"}]})
    path, body = platform.requests[-1]
    assert path == "cgi-bin/menu/create"
    assert "帮助".encode() in body
