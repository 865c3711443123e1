"""A connection goes to the checked address, waits no longer than the platform, and names what went wrong."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.support.sick_peer import Authority, Peer, Raw, closed_port, full_backlog, serving
from triage.errors import ForbiddenError, TransportProblem, UnreachableError
from triage.message import Request, Response
from triage.probe.connection import MAX_BODY_BYTES, Connection, time_connect
from triage.probe.guard import Guard, Target, parse_target

LOOPBACK = Guard(frozenset({"127.0.0.1"}), allow_private=True)
PUBLIC = Guard(frozenset({"mp.example.com"}))
GET = Request("GET", {"echostr": "1 &"})


def ok(request: Request) -> Response:
    return Response(200, b"success")


@pytest.fixture
def peer() -> Iterator[Peer]:
    with serving(ok) as peer:
        yield peer


# -- the one place that connects


def test_nothing_is_sent_to_a_host_that_nobody_named(peer: Peer) -> None:
    with (
        Connection(parse_target(peer.url), "127.0.0.1", Guard(frozenset(), True)) as line,
        pytest.raises(ForbiddenError, match="--allow 127"),
    ):
        line.exchange(GET)
    assert peer.requests == []


def test_nothing_is_sent_to_a_private_address_behind_a_named_host(peer: Peer) -> None:
    target = Target("http", "mp.example.com", peer.port, "/")
    with (
        Connection(target, "127.0.0.1", PUBLIC) as line,
        pytest.raises(ForbiddenError, match="--allow-private"),
    ):
        line.exchange(GET)
    with pytest.raises(ForbiddenError):
        time_connect(target, "127.0.0.1", PUBLIC)
    assert peer.requests == []


def test_a_name_is_no_address_to_connect_to(peer: Peer) -> None:
    target = Target("http", "localhost", peer.port, "/")
    with pytest.raises(ForbiddenError):
        time_connect(target, "localhost", Guard(frozenset({"localhost"}), True))


def test_the_connection_goes_to_the_checked_address_under_the_name(peer: Peer) -> None:
    target = Target("http", "mp.example.com", peer.port, "/wx?a=1")
    with Connection(target, "127.0.0.1", Guard(frozenset({"mp.example.com"}), True)) as line:
        answer = line.exchange(GET)
    assert answer.response.body == b"success"
    assert peer.hosts == [f"mp.example.com:{peer.port}"]
    assert peer.requests[0].query == {"a": "1", "echostr": "1 &"}


# -- answers


def test_a_line_is_kept_and_opened_anew_when_the_peer_hangs_up() -> None:
    answers: Iterator[Response | Raw] = iter(
        [
            Response(200, b"1"),
            Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n2"),
            Response(200, b"3"),
        ]
    )
    with serving(lambda request: next(answers)) as peer:
        with Connection(parse_target(peer.url), "127.0.0.1", LOOPBACK) as line:
            assert [line.exchange(GET).response.body for _ in range(3)] == [b"1", b"2", b"3"]
        assert len(peer.requests) == 3


HEAD = b"HTTP/1.1 200 OK\r\n"
BROKEN = {
    "no byte": (Raw(), TransportProblem.EMPTY),
    "half a head": (Raw(b"HTTP/1.1 200 OK\r\nCont"), TransportProblem.BROKEN),
    "half a body": (Raw(HEAD + b"Content-Length: 7\r\n\r\nsucc"), TransportProblem.BROKEN),
    "half a chunk": (Raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n7\r\nsucc"), TransportProblem.BROKEN),
    "another protocol": (Raw(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), TransportProblem.NOT_HTTP),
    "no answer": (Raw(hold=True), TransportProblem.TIMEOUT),
    "a head and no body": (Raw(HEAD + b"Content-Length: 7\r\n\r\n", hold=True), TransportProblem.TIMEOUT),
    "drop by drop": (Raw(HEAD + b"X: y\r\n" * 500, step=8, pause=0.02), TransportProblem.TIMEOUT),
    "too much": (Response(200, b"x" * (MAX_BODY_BYTES + 1)), TransportProblem.TOO_LARGE),
    "too much in chunks": (
        Raw(
            HEAD
            + b"Transfer-Encoding: chunked\r\n\r\n"
            + b"8000\r\n" * 1
            + b"x" * 0x8000
            + (b"\r\n8000\r\n" + b"x" * 0x8000) * 9
        ),
        TransportProblem.TOO_LARGE,
    ),
    "too much without an end": (
        Raw(HEAD + b"\r\n" + b"x" * (MAX_BODY_BYTES + 9)),
        TransportProblem.TOO_LARGE,
    ),
    "a head without end": (Raw(HEAD + b"X: y\r\n" * 500 + b"\r\n"), TransportProblem.NOT_HTTP),
}


@pytest.mark.parametrize(("answer", "problem"), BROKEN.values(), ids=BROKEN)
def test_a_broken_answer_has_a_name(answer: Response | Raw, problem: TransportProblem) -> None:
    with serving(lambda request: answer) as peer:
        line = Connection(parse_target(peer.url), "127.0.0.1", LOOPBACK, timeout=0.25)
        with line, pytest.raises(UnreachableError) as caught:
            line.exchange(GET)
        assert caught.value.problem is problem
        assert caught.value.seconds < 2


SLOPPY = {
    "a blank before the colon": b"HTTP/1.1 200 OK\r\nX-A : 1\r\nContent-Length: 7\r\n\r\nsuccess",
    "a blank in a name": b"HTTP/1.1 200 OK\r\nX A: 1\r\nContent-Length: 7\r\n\r\nsuccess",
    "a name in Chinese": "HTTP/1.1 200 OK\r\n名: 1\r\nContent-Length: 7\r\n\r\nsuccess".encode(),
    "line feeds alone": b"HTTP/1.1 200 OK\nContent-Length: 7\n\nsuccess",
    "no reason": b"HTTP/1.1 200\r\nContent-Length: 7\r\n\r\nsuccess",
    "a length twice": b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nContent-Length: 7\r\n\r\nsuccess",
    "HTTP/1.0": b"HTTP/1.0 200 OK\r\n\r\nsuccess",
}


@pytest.mark.parametrize("head", SLOPPY.values(), ids=SLOPPY)
def test_a_sloppy_head_that_curl_takes_is_taken(head: bytes) -> None:
    with (
        serving(lambda request: Raw(head)) as peer,
        Connection(parse_target(peer.url), "127.0.0.1", LOOPBACK) as connection,
    ):
        assert connection.exchange(GET).response.body == b"success"


def test_a_closed_port_and_a_full_queue_have_names() -> None:
    with pytest.raises(UnreachableError) as caught:
        time_connect(parse_target(f"http://127.0.0.1:{closed_port()}/"), "127.0.0.1", LOOPBACK)
    assert caught.value.problem is TransportProblem.REFUSED
    with full_backlog() as port, pytest.raises(UnreachableError) as caught:
        time_connect(parse_target(f"http://127.0.0.1:{port}/"), "127.0.0.1", LOOPBACK, timeout=0.1)
    assert caught.value.problem is TransportProblem.CONNECT_TIMEOUT


def test_a_redirect_is_told_and_not_followed(peer: Peer) -> None:
    def redirect(request: Request) -> Response:
        return Response(302, peer.url.encode())

    with serving(redirect) as first, Connection(parse_target(first.url), "127.0.0.1", LOOPBACK) as line:
        answer = line.exchange(GET)
    assert (answer.response.status, answer.location) == (302, peer.url)
    assert peer.requests == []


def test_no_proxy_is_used(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port()}")
    with Connection(parse_target(peer.url), "127.0.0.1", LOOPBACK) as line:
        assert line.exchange(GET).response.status == 200


# -- TLS


def _line(peer: Peer, authority: Authority | None, host: str = "mp.example.com") -> Connection:
    target = Target("https", host, peer.port, "/wx")
    context = authority.trusting() if authority else None
    return Connection(target, "127.0.0.1", Guard(frozenset({host}), True), timeout=2, tls=context)


def test_the_certificate_is_that_of_the_name_and_can_be_read(authority: Authority) -> None:
    with serving(ok, authority.serving("mp.example.com")) as peer, _line(peer, authority) as line:
        assert line.certificate() is None
        assert line.exchange(GET).response.body == b"success"
        shown = line.certificate()
    assert shown
    assert shown.names == ("mp.example.com",)
    assert "authority" in shown.issuer


@pytest.mark.parametrize("case", ["nobody's", "another name", "expired"])
def test_a_bad_certificate_is_refused(case: str, authority: Authority) -> None:
    left = timedelta(days=-1 if case == "expired" else 90)
    host = "other.example.com" if case == "another name" else "mp.example.com"
    with serving(ok, authority.serving(host, left)) as peer:
        line = _line(peer, None if case == "nobody's" else authority)
        with line, pytest.raises(UnreachableError) as caught:
            line.exchange(GET)
        is_expired = case == "expired"
        assert caught.value.problem == (
            TransportProblem.EXPIRED if is_expired else TransportProblem.CERTIFICATE
        )
        assert peer.requests == []


def test_plain_http_behind_https_has_a_name(peer: Peer, authority: Authority) -> None:
    with _line(peer, authority) as line, pytest.raises(UnreachableError) as caught:
        line.connect()
    assert caught.value.problem is TransportProblem.TLS
