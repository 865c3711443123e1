"""A name is resolved by the system and by a named server, and no longer waited for than the platform does."""

from __future__ import annotations

import socket
from collections.abc import Mapping

import dns.rcode
import pytest

from tests.support.sick_peer import dns_server, serving
from triage.errors import ForbiddenError, UnreachableError
from triage.message import Request, Response
from triage.probe.guard import Guard, Target
from triage.probe.resolver import DnsProblem, Resolution, ask_nameserver, find_address, resolve_system

PUBLIC = Guard(frozenset({"mp.example.com"}))


def ok(request: Request) -> Response:
    return Response(200, b"success")


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
