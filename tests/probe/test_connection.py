"""The probe goes where its operator sent it and nowhere else, and waits no longer than the platform."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from datetime import timedelta

import dns.rcode
import pytest

from tests.support.sick_peer import Authority, Peer, Raw, closed_port, dns_server, full_backlog, serving
from triage.errors import ForbiddenError, InputError, TransportProblem, UnreachableError
from triage.message import Request, Response
from triage.probe.connection import MAX_BODY_BYTES, Connection, time_connect
from triage.probe.guard import Guard, Refusal, Target, parse_host, parse_target, refuse
from triage.probe.resolver import DnsProblem, Resolution, ask_nameserver, find_address, resolve_system

LOOPBACK = Guard(frozenset({"127.0.0.1"}), allow_private=True)
PUBLIC = Guard(frozenset({"mp.example.com"}))
GET = Request("GET", {"echostr": "1 &"})


def ok(request: Request) -> Response:
    return Response(200, b"success")


@pytest.fixture
def peer() -> Iterator[Peer]:
    with serving(ok) as peer:
        yield peer


# -- URLs


@pytest.mark.parametrize(
    "url",
    [
        "ftp://mp.example.com/",
        "file:///etc/passwd",
        "mp.example.com/wx",
        "http:///wx",
        "http://2130706433/",
        "http://017700000001/",
        "http://0x7f000001/",
        "http://0x7f.0.0.1/",
        "http://0177.0.0.1/",
        "http://127.1/",
        "http://127.0.0.01/",
        "http://127.0.0.1.5/",
        "http://1.2.3.256/",
        "http://user:word@mp.example.com/",
        "http://mp.example.com@127.0.0.1/",
        "http://mp.example.com\\@127.0.0.1/",
        "http://mp.example.com/a b",
        "http://mp.example.com/\r\nHost: x",
        "http://mp.exa\tmple.com/",
        "http://mp%2eexample.com/",
        "http://mp.example.com:0/",
        "http://mp.example.com:99999/",
        "http://[fe80::1%25eth0]/",
        "http://[::1/",
        "http://-mp.example.com/",
        "http://mp..example.com/",
        "http://" + "a" * 70 + ".com/",
        "http://mp.example.com/" + "a" * 3000,
    ],
)
def test_a_url_that_two_programs_may_read_in_two_ways_is_refused(url: str) -> None:
    with pytest.raises(InputError):
        parse_target(url)


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://MP.Example.com", Target("https", "mp.example.com", 443, "/")),
        ("http://mp.example.com.:8080/wx?a=1#x", Target("http", "mp.example.com", 8080, "/wx?a=1")),
        (
            "http://例子.中国/回调?名=值",
            Target("http", "xn--fsqu00a.xn--fiqs8s", 80, "/%E5%9B%9E%E8%B0%83?%E5%90%8D=%E5%80%BC"),
        ),
        ("http://１２７.０.０.１/", Target("http", "127.0.0.1", 80, "/")),
        ("http://127。0。0。1/", Target("http", "127.0.0.1", 80, "/")),
        ("http://[::FFFF:127.0.0.1]/", Target("http", "::ffff:7f00:1", 80, "/")),
    ],
)
def test_a_url_is_spelt_in_one_way(url: str, target: Target) -> None:
    found = parse_target(url)
    if ":" in found.host:
        assert refuse(found.host) is Refusal.EMBEDDED
    else:
        assert found == target


def test_a_target_shows_no_query() -> None:
    assert str(parse_target("http://mp.example.com/wx?token=secret")) == "http://mp.example.com/wx"


# -- addresses

REFUSED = {
    "127.0.0.1": Refusal.LOOPBACK,
    "127.255.255.254": Refusal.LOOPBACK,
    "::1": Refusal.LOOPBACK,
    "10.1.2.3": Refusal.PRIVATE,
    "172.16.0.1": Refusal.PRIVATE,
    "172.31.255.255": Refusal.PRIVATE,
    "192.168.1.1": Refusal.PRIVATE,
    "fd12:3456::1": Refusal.PRIVATE,
    "fec0::1": Refusal.PRIVATE,
    "169.254.7.7": Refusal.LINK_LOCAL,
    "fe80::1": Refusal.LINK_LOCAL,
    "fe80::1%eth0": Refusal.LINK_LOCAL,
    "100.64.0.1": Refusal.CGNAT,
    "100.127.255.255": Refusal.CGNAT,
    "::ffff:8.8.8.8": Refusal.EMBEDDED,
    "::ffff:127.0.0.1": Refusal.EMBEDDED,
    "::127.0.0.1": Refusal.EMBEDDED,
    "64:ff9b::7f00:1": Refusal.EMBEDDED,
    "64:ff9b:1::7f00:1": Refusal.EMBEDDED,
    "2002:7f00:1::": Refusal.EMBEDDED,
    "2001:0:7f00:1::1": Refusal.EMBEDDED,
    "192.0.2.1": Refusal.RESERVED,
    "198.18.0.1": Refusal.RESERVED,
    "240.0.0.1": Refusal.RESERVED,
    "2001:db8::1": Refusal.RESERVED,
    "localhost": Refusal.RESERVED,
}
NEVER = {
    "169.254.169.254": Refusal.METADATA,
    "169.254.170.2": Refusal.METADATA,
    "100.100.100.200": Refusal.METADATA,
    "fd00:ec2::254": Refusal.METADATA,
    "0.0.0.0": Refusal.NOWHERE,  # noqa: S104 - to be refused
    "::": Refusal.NOWHERE,
    "224.0.0.1": Refusal.NOWHERE,
    "ff02::1": Refusal.NOWHERE,
    "255.255.255.255": Refusal.NOWHERE,
}


@pytest.mark.parametrize(("address", "why"), (REFUSED | NEVER).items())
def test_an_address_that_is_not_public_is_refused(address: str, why: Refusal) -> None:
    assert refuse(address) is why
    with pytest.raises(ForbiddenError):
        PUBLIC.check(address)


@pytest.mark.parametrize("address", [address for address in REFUSED if address != "localhost"])
def test_a_private_address_is_let_through_if_allowed(address: str) -> None:
    assert refuse(address, allow_private=True) is None


@pytest.mark.parametrize(
    "address", [*NEVER, "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "localhost"]
)
def test_what_is_never_a_callback_is_refused_even_then(address: str) -> None:
    assert refuse(address, allow_private=address != "localhost")


@pytest.mark.parametrize("address", ["8.8.8.8", "182.254.116.116", "2606:4700::1111"])
def test_a_public_address_is_let_through(address: str) -> None:
    assert refuse(address) is None


def test_hosts_are_named_in_their_own_spelling() -> None:
    assert parse_host("MP.Example.com.") == "mp.example.com"


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


@pytest.mark.parametrize(
    ("addresses", "chosen"),
    [(("10.0.0.1", "8.8.8.8"), "8.8.8.8"), (("8.8.8.8", "1.1.1.1"), "8.8.8.8")],
)
def test_the_first_public_address_is_chosen(addresses: tuple[str, ...], chosen: str) -> None:
    target = Target("http", "mp.example.com", 80, "/")
    assert find_address(target, PUBLIC, lambda host: Resolution(addresses, 0.0)) == chosen


def test_a_name_with_private_addresses_alone_is_refused() -> None:
    target = Target("http", "mp.example.com", 80, "/")
    with pytest.raises(ForbiddenError):
        find_address(target, PUBLIC, lambda host: Resolution(("10.0.0.1", "127.0.0.1"), 0.0))
    with pytest.raises(UnreachableError):
        find_address(target, PUBLIC, lambda host: Resolution((), 0.0, DnsProblem.UNKNOWN))


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


# -- DNS

NAMES: Mapping[str, tuple[str, ...] | dns.rcode.Rcode | None] = {
    "mp.example.com": ("203.0.113.9", "203.0.113.10", "2001:db8::9"),
    "six.example.com": ("2001:db8::6",),
    "empty.example.com": (),
    "broken.example.com": dns.rcode.SERVFAIL,
    "silent.example.com": None,
}


@pytest.mark.parametrize(
    ("name", "addresses", "problem"),
    [
        ("mp.example.com", ("203.0.113.9", "203.0.113.10", "2001:db8::9"), None),
        ("six.example.com", ("2001:db8::6",), None),
        ("empty.example.com", (), DnsProblem.EMPTY),
        ("gone.example.com", (), DnsProblem.UNKNOWN),
        ("broken.example.com", (), DnsProblem.FAILED),
        ("silent.example.com", (), DnsProblem.TIMEOUT),
    ],
)
def test_a_named_server_is_asked(name: str, addresses: tuple[str, ...], problem: DnsProblem | None) -> None:
    with dns_server(NAMES) as server:
        found = ask_nameserver(name, server.place, timeout=0.3)
        assert (sorted(found.addresses), found.problem) == (sorted(addresses), problem)
        assert set(server.asked) == {name}


def test_the_system_resolver_knows_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "127.0.0.1" in resolve_system("localhost").addresses

    def unknown(*args: object, **kwargs: object) -> object:
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert resolve_system("gone.example.com").problem is DnsProblem.UNKNOWN


def test_a_resolver_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(ok) as peer:

        def hang(*args: object, **kwargs: object) -> list[object]:
            peer.over.wait(10)
            return []

        monkeypatch.setattr(socket, "getaddrinfo", hang)
        assert resolve_system("mp.example.com", timeout=0.05).problem is DnsProblem.TIMEOUT
