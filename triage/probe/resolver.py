"""Resolves a callback's host: by this machine's resolver, and by one named DNS server."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from triage.errors import TransportProblem, UnreachableError
from triage.platform.limits import ANSWER_DEADLINE
from triage.probe.guard import Guard, Target, refuse

MAX_ADDRESSES = 8
# FAQ1.2 of https://developers.weixin.qq.com/doc/service/guide/dev/api/warn_guide.html names this server
WECHAT_DNS = ("182.254.116.116", 53)
_TIMEOUT = ANSWER_DEADLINE.total_seconds()


class DnsProblem(StrEnum):
    """Why a name has no address."""

    UNKNOWN = "unknown"
    EMPTY = "empty"
    TIMEOUT = "timeout"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Resolution:
    """The addresses of a name, or why it has none, and the seconds it took to find out."""

    addresses: tuple[str, ...]
    seconds: float
    problem: DnsProblem | None = None


def resolve_system(host: str, timeout: float = _TIMEOUT) -> Resolution:
    """Resolve by this machine's resolver, in a thread because it knows no timeout."""
    answers: list[tuple[str, ...] | DnsProblem] = []
    started = time.perf_counter()
    thread = threading.Thread(target=lambda: answers.append(_getaddrinfo(host)), daemon=True)
    thread.start()
    thread.join(timeout)
    seconds = time.perf_counter() - started
    answer = answers[0] if answers else DnsProblem.TIMEOUT
    return Resolution((), seconds, answer) if isinstance(answer, DnsProblem) else Resolution(answer, seconds)


def _getaddrinfo(host: str) -> tuple[str, ...] | DnsProblem:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except socket.gaierror as exc:
        return DnsProblem.UNKNOWN if exc.errno == socket.EAI_NONAME else DnsProblem.FAILED
    except (OSError, UnicodeError):
        return DnsProblem.FAILED
    return tuple(dict.fromkeys(str(item[4][0]) for item in found))


def find_address(target: Target, guard: Guard, resolve: Callable[[str], Resolution] = resolve_system) -> str:
    """The first address of the target that the guard allows. Raises ForbiddenError, UnreachableError."""
    guard.admit(target)
    if target.is_address:
        guard.check(target.host)
        return target.host
    resolved = resolve(target.host)
    for address in resolved.addresses:
        if refuse(address, allow_private=guard.allow_private) is None:
            return address
    for address in resolved.addresses:
        guard.check(address)
    raise UnreachableError(
        TransportProblem.NO_ADDRESS, f"{target.host}: {resolved.problem}", resolved.seconds
    )


def ask_nameserver(
    host: str, nameserver: tuple[str, int] = WECHAT_DNS, timeout: float = _TIMEOUT
) -> Resolution:
    """Resolve by one DNS server, by default the one that WeChat's guide names."""
    import dns.exception
    import dns.name
    import dns.resolver

    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = [nameserver[0]], nameserver[1]
    addresses: list[str] = []
    problem: DnsProblem | None = None
    started = time.perf_counter()
    for type_ in ("A", "AAAA"):
        try:
            answer = resolver.resolve(
                dns.name.from_text(host), type_, raise_on_no_answer=False, lifetime=timeout, search=False
            )
            addresses += [item.to_text() for item in answer.rrset or ()]
        except dns.resolver.NXDOMAIN:
            problem = DnsProblem.UNKNOWN
        except dns.exception.Timeout:
            problem = DnsProblem.TIMEOUT
        except dns.exception.DNSException:
            problem = DnsProblem.FAILED
        if problem:
            break
    problem = None if addresses else problem or DnsProblem.EMPTY
    return Resolution(tuple(addresses), time.perf_counter() - started, problem)
