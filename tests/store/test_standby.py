"""The standby: a Redis that is away, silent or full costs a moment, never a reply; the first reply kept stands."""

from __future__ import annotations

import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, NoReturn

import pytest
from redis import Redis

from tests.support.redis_server import redis_server
from tests.support.road import Road
from tests.support.stores import HOSTILE
from triage import background
from triage.errors import SettingsError, StoreDownError, StoreError
from triage.store import Recorded
from triage.store.standby import Standby

PLACE = "triage:reply:"


@pytest.fixture
def url() -> str:
    return redis_server()


@pytest.fixture
def standby(url: str) -> Standby:
    return Standby(url)


@pytest.fixture
def raw(url: str) -> Iterator[Redis]:
    """A client of somebody else."""
    with Redis.from_url(url) as client:
        yield client


@pytest.fixture
def key() -> str:
    return f"wechat|wx1|{uuid.uuid4().hex}"


def _seconds(work: Callable[[], object], problem: type[StoreError] = StoreDownError) -> float:
    """How long it took to be told."""
    started = time.monotonic()
    with pytest.raises(problem):
        work()
    return time.monotonic() - started


def _both(standby: Standby, key: str) -> tuple[Callable[[], object], ...]:
    """What the bot asks."""
    return partial(standby.reply_to, key), partial(standby.keep, key, "回复")


@contextmanager
def _server(serve: Callable[[socket.socket], None]) -> Iterator[str]:
    """The URL of a loopback server that treats each connection so."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            with suppress(OSError):
                while True:
                    near, _ = listener.accept()
                    threading.Thread(target=serve_one, args=(near,), daemon=True).start()

        def serve_one(near: socket.socket) -> None:
            with near, suppress(OSError):
                serve(near)

        threading.Thread(target=accept, daemon=True).start()
        yield f"redis://:hush@127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)


# -- what must not happen


def test_a_closed_port_is_told_at_once_and_without_the_password() -> None:
    standby = Standby("redis://:hush@127.0.0.1:1/0")
    for work in (standby.check, *_both(standby, "k")):
        assert _seconds(work) < 0.3
    with pytest.raises(StoreDownError, match="TRIAGE_REDIS_URL") as raised:
        Standby("redis://:hush@127.0.0.1:1/0").check()
    assert "hush" not in str(raised.value)


def _say_nothing(near: socket.socket) -> None:
    while near.recv(65536):
        pass


def _dribble(near: socket.socket) -> None:
    """An answer that never ends, though it goes on all the time."""
    while True:
        near.sendall(b"+")
        time.sleep(0.05)


@pytest.mark.parametrize("serve", [_say_nothing, _dribble], ids=["silent", "dribbling"])
@pytest.mark.parametrize(
    "options", ["", "?socket_timeout=60&retry_on_timeout=true"], ids=["plain", "patient"]
)
def test_a_server_that_does_not_come_to_an_answer_holds_one_caller_not_the_next(
    serve: Callable[[socket.socket], None], options: str
) -> None:
    with _server(serve) as url:
        standby = Standby(url + options)
        assert _seconds(lambda: standby.reply_to("k")) < 1
        assert _seconds(lambda: standby.keep("k", "回复")) < 0.1
        assert _seconds(standby.check) < 0.1


def test_a_name_that_nobody_looks_up_holds_one_caller_not_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()

    def silent(*_: Any, **__: Any) -> NoReturn:
        answered.wait(20)
        raise OSError("no resolver answers")

    monkeypatch.setattr(socket, "getaddrinfo", silent)
    standby = Standby("redis://cache.example.com")
    before = set(threading.enumerate())
    try:
        with ThreadPoolExecutor(40) as pool:
            assert max(pool.map(lambda _: _seconds(lambda: standby.keep("k", "回复")), range(40))) < 1
        assert _seconds(lambda: standby.reply_to("k")) < 0.1
        assert len({thread for thread in threading.enumerate() if thread.name == "standby"} - before) <= 16
    finally:
        answered.set()


def test_a_name_that_is_none_is_told() -> None:
    assert _seconds(lambda: Standby(f"redis://{'a' * 64}.example").reply_to("k"), StoreError) < 0.5


def test_a_moment_without_a_thread_to_spare_is_told(
    standby: Standby, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as scarce:
        scarce.setattr(background, "start", lambda work, name: None)
        assert _seconds(lambda: standby.reply_to(key)) < 0.1
    assert standby.reply_to(key) is None


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(b"-OOM command not allowed when used memory > 'maxmemory'.", id="out of memory"),
        pytest.param(b"-READONLY You can't write against a read only replica.", id="a replica"),
        pytest.param(b"-MISCONF Redis is configured to save RDB snapshots, but it can't.", id="a full disk"),
        pytest.param(b"-NOAUTH Authentication required.", id="no password"),
        pytest.param(
            b"-WRONGPASS invalid username-password pair or user is disabled.", id="a wrong password"
        ),
        pytest.param(b"-NOPERM this user has no permissions to run the 'set' command", id="no permission"),
        pytest.param(b"-LOADING Redis is loading the dataset in memory", id="still loading"),
        pytest.param(b"-MOVED 3999 127.0.0.1:6381", id="a node of a cluster"),
        pytest.param(b"-ERR unknown command 'SET', with args beginning with: 'oAlice' '\\xe5'", id="no SET"),
        pytest.param(b"HTTP/1.1 400 Bad Request", id="no Redis at all"),
        pytest.param(b"$-1", id="nothing, to everything"),
        pytest.param(b"*-1", id="no list, to everything"),
        pytest.param(b":1", id="a number, to everything"),
        pytest.param(b"+QUEUED", id="a word, to everything"),
        pytest.param(b"$2\r\n{}", id="another value, to everything"),
    ],
)
def test_a_refusal_is_told_at_once_and_repeats_nothing(said: bytes) -> None:
    def refuse(near: socket.socket) -> None:
        while asked := near.recv(65536):
            near.sendall((said + b"\r\n") * asked.count(b"*"))

    with _server(refuse) as url:
        standby = Standby(url)
        started = time.monotonic()
        with pytest.raises(StoreError) as raised:
            standby.keep("oAlice", "回复")
        assert time.monotonic() - started < 0.3
    assert not [word for word in ("oAlice", "回复", "hush") if word in str(raised.value)]


def test_a_connection_that_ends_at_once_is_told() -> None:
    with _server(lambda near: None) as url:
        assert _seconds(lambda: Standby(url).keep("k", "回复"), StoreError) < 0.5


@pytest.mark.parametrize("foreign", [b"", b"plain words", b"[1]", b"12", b"\xff"])
def test_what_others_have_put_there_is_no_reply(
    foreign: bytes, standby: Standby, raw: Redis, key: str
) -> None:
    raw.set(PLACE + key, foreign, ex=60)
    for work in _both(standby, key):
        with pytest.raises(StoreError, match="something else"):
            work()


def test_another_kind_of_value_is_no_reply(standby: Standby, raw: Redis, key: str) -> None:
    raw.rpush(PLACE + key, "x")
    raw.expire(PLACE + key, 60)
    for work in _both(standby, key):
        with pytest.raises(StoreError, match="refused"):
            work()


def test_others_may_use_the_same_names(standby: Standby, raw: Redis, key: str) -> None:
    raw.set(key, "theirs", ex=60)
    assert standby.reply_to(key) is None
    assert standby.keep(key, "ours") == Recorded("ours")
    assert raw.get(key) == b"theirs"


def test_an_option_that_redis_does_not_know_stops_the_start_and_is_not_repeated() -> None:
    for options in ("?hush=1", "?db=hush", "?socket_timeout=hush"):
        with pytest.raises(SettingsError, match="TRIAGE_REDIS_URL cannot be used") as raised:
            Standby(f"redis://127.0.0.1/{options}")
        assert "hush" not in str(raised.value)


# -- what it is for


def test_no_reply_an_answer_without_words_and_an_empty_one_are_three_things(
    standby: Standby, key: str
) -> None:
    assert standby.reply_to(key) is None
    for number, reply in enumerate((None, "")):
        assert standby.keep(f"{key}{number}", reply) == Recorded(reply)
        assert standby.reply_to(f"{key}{number}") == Recorded(reply)


@pytest.mark.parametrize(
    "text", [*HOSTILE.values(), "\ud800", "null", '"'], ids=[*HOSTILE, "half", "null", "quote"]
)
def test_a_text_comes_back_as_it_was(text: str, standby: Standby, key: str) -> None:
    standby.keep(key, text)
    assert standby.reply_to(key) == Recorded(text)


def test_the_reply_that_was_kept_first_stands_for_all(url: str, key: str) -> None:
    nodes = [Standby(url) for _ in range(4)]
    with ThreadPoolExecutor(16) as pool:
        stand = list(pool.map(lambda n: nodes[n % 4].keep(key, f"回复 {n}"), range(32)))
    assert len(set(stand)) == 1
    assert nodes[0].reply_to(key) == stand[0]


def test_a_reply_is_kept_for_ten_minutes(standby: Standby, raw: Redis, key: str) -> None:
    standby.keep(key, "回复")
    raw.expire(PLACE + key, 300)
    standby.keep(key, "later")
    assert 0 < int(raw.ttl(PLACE + key)) <= 300, "whoever asks again does not make it last"
    raw.delete(PLACE + key)
    standby.keep(key, "回复")
    assert 590 < int(raw.ttl(PLACE + key)) <= 600


def test_a_server_that_was_away_is_used_again(url: str, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("triage.store.standby._SLOW", 1.0)  # a refusal on a busy machine is no silence
    road = Road(url)
    standby = Standby(road.url)
    try:
        standby.keep(key, "回复")
        road.block()
        assert _seconds(lambda: standby.reply_to(key)) < 0.3
        road.unblock()
        assert standby.reply_to(key) == Recorded("回复")
        road.block()
        road.unblock()
        assert standby.reply_to(key) == Recorded("回复"), "a dropped connection is replaced unnoticed"
    finally:
        road.block()


def test_a_server_that_fell_silent_is_used_again(url: str, key: str) -> None:
    road = Road(url)
    standby = Standby(road.url)
    try:
        standby.keep(key, "回复")
        road.hold()
        assert _seconds(lambda: standby.reply_to(key)) < 1
        assert _seconds(lambda: standby.keep(key, "later")) < 0.1
        road.release()
        time.sleep(1.1)
        assert standby.keep(key, "later") == Recorded("回复")
    finally:
        road.release()
        road.block()
