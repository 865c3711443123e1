"""The probe names what is wrong below HTTP, and calls no host and no address that it was not sent to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta

import dns.rcode
import pytest

from tests.support.probing import LOOPBACK, QUICK, SHORT, failed, found
from tests.support.sick_peer import PLAIN, Authority, closed_port, dns_server, full_backlog, healthy, serving
from triage.errors import InputError
from triage.probe import CheckState, ForbiddenError, Guard, Limits, World, examine
from triage.probe.guard import parse_target
from triage.probe.network_checks import check_dns
from triage.probe.report import Layer
from triage.probe.resolver import DnsProblem, Resolution

# -- below HTTP


def test_a_closed_port_is_named() -> None:
    report = examine(f"http://127.0.0.1:{closed_port()}/", QUICK, LOOPBACK)
    assert found(report) == {("tcp", "tcp_connect", "curl_connect")}
    assert report.first is Layer.TCP
    assert {check.state for check in report.checks if check.layer.rank > Layer.TCP.rank} == {
        CheckState.SKIPPED
    }


def test_a_full_queue_is_named() -> None:
    with full_backlog() as port:
        plan = replace(QUICK, limits=Limits(connect=0.1))
        report = examine(f"http://127.0.0.1:{port}/", plan, LOOPBACK)
    assert found(report) == {("tcp", "tcp_connect", "connect_timeout")}


def test_a_slow_connection_is_named() -> None:
    with serving(healthy(PLAIN)) as peer:
        report = examine(peer.url, replace(QUICK, limits=Limits(slow_connect=0.0)), LOOPBACK)
    assert found(report) == {("tcp", "tcp_connect", "slow_connect")}


def test_every_address_is_tried_and_one_that_answers_is_enough() -> None:
    with serving(healthy(PLAIN)) as peer:
        world = World(lambda host: Resolution(("127.0.0.77", "127.0.0.1"), 0.0), None)
        guard = Guard(frozenset({"mp.example.com"}), True)
        report = examine(f"http://mp.example.com:{peer.port}/", QUICK, guard, world=world)
        assert set(peer.hosts) == {f"mp.example.com:{peer.port}"}
    assert found(report) == {("tcp", "tcp_connect", "curl_connect")}
    assert {check.state for check in report.checks if check.id == "reply_law"} == {CheckState.PASSED}


# -- where it does not go


def world_of(*addresses: str) -> World:
    return World(lambda host: Resolution(addresses, 0.0), None)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "169.254.1.1",
        "::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "100.64.0.1",
    ],
)
def test_a_name_that_resolves_inside_is_not_called(address: str) -> None:
    with serving(healthy(PLAIN)) as peer:
        report = examine(f"http://mp.example.com:{peer.port}/", QUICK, world=world_of(address))
        assert peer.requests == []
    assert ("dns", "dns_system", "forbidden_address") in found(report)
    assert {check.state for check in report.checks if check.layer.rank > Layer.DNS.rank} == {
        CheckState.SKIPPED
    }


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "10.0.0.1", "169.254.169.254"])
def test_an_address_inside_is_not_called(host: str) -> None:
    report = examine(f"http://{host}/", QUICK)
    assert ("url", "url", "forbidden_address") in found(report)
    assert report.first is Layer.URL


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1"])
def test_an_address_in_disguise_is_a_mistake(host: str) -> None:
    with pytest.raises(InputError, match="disguise"):
        examine(f"http://{host}/", QUICK)


def test_a_name_that_changes_its_mind_gains_nothing() -> None:
    """DNS rebinding: the first answer is checked and connected to, and there is no second one."""
    answers: Iterator[tuple[str, ...]] = iter([("127.0.0.1",), ("127.0.0.2",)])
    with serving(healthy(PLAIN)) as peer:
        world = World(lambda host: Resolution(next(answers), 0.0), None)
        guard = Guard(frozenset({"mp.example.com"}), True)
        report = examine(f"http://mp.example.com:{peer.port}/", replace(QUICK, count=3), guard, world=world)
    assert report.is_clean, failed(report)
    assert next(answers) == ("127.0.0.2",)


def test_a_host_that_nobody_named_is_not_looked_up() -> None:
    def never(host: str) -> Resolution:
        raise AssertionError(host)

    with pytest.raises(ForbiddenError):
        examine("http://mp.example.com/", QUICK, Guard(frozenset({"other.example.com"})), world=World(never))


def test_a_port_that_the_platform_does_not_know_is_named() -> None:
    report = examine("http://mp.example.com:8080/", QUICK, world=world_of())
    assert ("url", "url", "odd_port") in found(report)


# -- DNS, compared

DNS_CASES: Mapping[
    str, tuple[Resolution, tuple[str, ...] | dns.rcode.Rcode | None, set[tuple[str, str]], CheckState]
] = {
    "the same": (Resolution(("8.8.8.8",), 0.0), ("8.8.8.8", "8.8.4.4"), set(), CheckState.PASSED),
    "different": (
        Resolution(("8.8.8.8",), 0.0),
        ("1.1.1.1",),
        {("dns_wechat", "dns_differs")},
        CheckState.FAILED,
    ),
    "gone there": (
        Resolution(("8.8.8.8",), 0.0),
        dns.rcode.NXDOMAIN,
        {("dns_wechat", "dns_wechat_failure")},
        CheckState.FAILED,
    ),
    "broken there": (
        Resolution(("8.8.8.8",), 0.0),
        dns.rcode.SERVFAIL,
        {("dns_wechat", "dns_wechat_failure")},
        CheckState.FAILED,
    ),
    "empty there": (
        Resolution(("8.8.8.8",), 0.0),
        (),
        {("dns_wechat", "dns_wechat_failure")},
        CheckState.FAILED,
    ),
    "silent there": (Resolution(("8.8.8.8",), 0.0), None, {("dns_wechat", "dns_timeout")}, CheckState.FAILED),
    "gone here": (
        Resolution((), 0.0, DnsProblem.UNKNOWN),
        ("8.8.8.8",),
        {("dns_system", "dns_failure")},
        CheckState.PASSED,
    ),
    "silent here": (
        Resolution((), 5.0, DnsProblem.TIMEOUT),
        ("8.8.8.8",),
        {("dns_system", "dns_timeout")},
        CheckState.PASSED,
    ),
    "gone": (
        Resolution((), 0.0, DnsProblem.UNKNOWN),
        dns.rcode.NXDOMAIN,
        {("dns_system", "dns_failure"), ("dns_wechat", "dns_failure")},
        CheckState.FAILED,
    ),
}


@pytest.mark.parametrize("case", DNS_CASES)
def test_two_resolvers_are_compared(case: str) -> None:
    system, known, expected, state = DNS_CASES[case]
    target = parse_target("http://mp.example.com/")
    guard = Guard(frozenset({"mp.example.com"}))
    with dns_server({"mp.example.com": known, "weixin.qq.com": ("8.8.8.8",)}) as server:
        checks, addresses = check_dns(target, guard, World(lambda host: system, server.place), SHORT)
    assert {(check.id, finding.id) for check in checks for finding in check.findings} == expected
    assert checks[1].state is state
    assert set(addresses) == {*system.addresses, *(known if isinstance(known, tuple) else ())}


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (("8.8.8.8",), {("dns_wechat", "dns_differs")}),
        (("10.0.0.1", "8.8.8.8"), {("dns_system", "forbidden_address")}),
        (dns.rcode.NXDOMAIN, {("dns_system", "forbidden_address"), ("dns_wechat", "dns_wechat_failure")}),
    ],
    ids=["the platform gets a public one", "the platform gets it too", "the platform gets none"],
)
def test_a_name_that_a_hosts_file_leads_inside_is_judged_by_what_the_platform_gets(
    known: tuple[str, ...] | dns.rcode.Rcode, expected: set[tuple[str, str]]
) -> None:
    with dns_server({"mp.example.com": known}) as server:
        world = World(lambda host: Resolution(("10.0.0.1",), 0.0), server.place)
        guard = Guard(frozenset({"mp.example.com"}))
        checks, addresses = check_dns(parse_target("http://mp.example.com/"), guard, world, SHORT)
    assert {(check.id, finding.id) for check in checks for finding in check.findings} == expected
    assert "10.0.0.1" not in addresses


def test_a_comparison_that_nobody_wanted_blames_no_name() -> None:
    guard = Guard(frozenset({"mp.example.com"}))
    checks, _ = check_dns(parse_target("http://mp.example.com/"), guard, world_of("8.8.8.8"), SHORT)
    assert (checks[1].state, checks[1].seen) == (CheckState.SKIPPED, "没有对照的 DNS 可问")


def test_a_server_that_answers_us_nothing_at_all_proves_nothing() -> None:
    guard = Guard(frozenset({"mp.example.com"}))
    with dns_server({"mp.example.com": None, "weixin.qq.com": None}) as server:
        world = replace(world_of("8.8.8.8"), nameserver=server.place)
        checks, _ = check_dns(parse_target("http://mp.example.com/"), guard, world, SHORT)
    assert (checks[1].state, checks[1].findings) == (CheckState.UNKNOWN, ())


@pytest.mark.parametrize("host", ["localhost", "wx.internal", "host"])
def test_a_name_of_our_own_is_nobody_elses_business(host: str) -> None:
    with dns_server({}) as server:
        world = replace(world_of("127.0.0.1"), nameserver=server.place)
        checks, _ = check_dns(parse_target(f"http://{host}/"), Guard(frozenset({host})), world, SHORT)
        assert server.asked == []
    assert checks[1].state is CheckState.SKIPPED


# -- TLS


@pytest.mark.parametrize(
    ("host", "days", "trusted", "expected"),
    [
        ("mp.example.com", 90, True, set()),
        ("mp.example.com", 5, True, {("tls", "tls", "certificate_expires")}),
        ("mp.example.com", -3, True, {("tls", "tls", "expired_certificate")}),
        ("mp.example.com", 90, False, {("tls", "tls", "bad_certificate")}),
        ("other.example.com", 90, True, {("tls", "tls", "bad_certificate")}),
    ],
)
def test_a_certificate_is_judged_and_the_rest_examined_all_the_same(
    host: str, days: int, trusted: bool, expected: set[tuple[str, str, str]], authority: Authority
) -> None:
    with serving(healthy(PLAIN), authority.serving(host, timedelta(days=days))) as peer:
        world = replace(world_of("127.0.0.1"), tls=authority.trusting() if trusted else None)
        guard = Guard(frozenset({"mp.example.com"}), True)
        report = examine(f"https://mp.example.com:{peer.port}/wx", QUICK, guard, world=world)
    assert found(report) == expected
    assert {check.state for check in report.checks if check.id in ("echo", "reply_law")} == {
        CheckState.PASSED
    }


def test_plain_http_behind_https_is_named() -> None:
    with serving(healthy(PLAIN)) as peer:
        guard = Guard(frozenset({"mp.example.com"}), True)
        report = examine(f"https://mp.example.com:{peer.port}/", QUICK, guard, world=world_of("127.0.0.1"))
    assert found(report) == {("tls", "tls", "tls_failed")}
