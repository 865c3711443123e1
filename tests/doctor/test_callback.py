"""The way to a callback: name, connection and certificate, each judged under the ids of pasted tools."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.support.sick_peer import PLAIN, Authority, closed_port, healthy, serving
from triage.doctor.callback import examine_way
from triage.probe.guard import Guard, parse_target
from triage.probe.network_checks import World
from triage.probe.resolver import DnsProblem, Resolution

GUARD = Guard(frozenset({"mp.example.com"}), allow_private=True)
Found = list[tuple[str, tuple[str, ...]]]


def look(url: str, world: World, guard: Guard = GUARD) -> Found:
    parts = examine_way(parse_target(url), guard, world)
    return [(part.tool, tuple(finding.id for finding in part.findings)) for part in parts]


def world_of(authority: Authority | None = None) -> World:
    return World(
        lambda host: Resolution(("127.0.0.1",), 0.0), None, authority.trusting() if authority else None
    )


@pytest.mark.parametrize(("days", "found"), [(90, ()), (13, ("cert_expires_soon",)), (-1, ("cert_expired",))])
def test_a_certificate_is_judged(days: int, found: tuple[str, ...], authority: Authority) -> None:
    with serving(healthy(PLAIN), authority.serving("mp.example.com", timedelta(days=days))) as peer:
        seen = look(f"https://mp.example.com:{peer.port}/wx", world_of(authority))
    assert seen == [("dig", ()), ("connect", ()), ("openssl", found)]


def test_a_port_that_speaks_no_tls_is_named() -> None:
    with serving(healthy(PLAIN)) as peer:
        seen = look(f"https://mp.example.com:{peer.port}/wx", world_of())
    assert seen[-1] == ("openssl", ("no_tls",))


def test_nothing_that_listens_is_named_and_no_certificate_is_asked_for() -> None:
    seen = look(f"https://mp.example.com:{closed_port()}/wx", world_of())
    assert seen == [("dig", ()), ("connect", ("connection_refused",))]


@pytest.mark.parametrize(
    ("problem", "id_"), [(DnsProblem.UNKNOWN, "name_not_resolved"), (DnsProblem.TIMEOUT, "dns_timeout")]
)
def test_a_name_that_leads_nowhere_is_the_end_of_the_way(problem: DnsProblem, id_: str) -> None:
    world = World(lambda host: Resolution((), 0.0, problem), None)
    assert look("http://mp.example.com/wx", world) == [("dig", (id_,))]


def test_a_private_address_is_named_and_not_called() -> None:
    public = Guard(frozenset({"mp.example.com"}))
    assert look("http://mp.example.com/wx", world_of(), public) == [("dig", ("private_address",))]
