"""A URL is spelt in one way, and an address that is not public is refused."""

from __future__ import annotations

import pytest

from triage.errors import ForbiddenError, InputError
from triage.probe.guard import Guard, Refusal, Target, parse_host, parse_target, refuse

PUBLIC = Guard(frozenset({"mp.example.com"}))


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
