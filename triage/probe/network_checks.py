"""Checks below HTTP: the URL, the addresses of its name, a TCP connection to each, TLS."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from triage.errors import TransportProblem, UnreachableError
from triage.findings import Finding
from triage.probe.connection import CERT_HAS_EXPIRED, TIMEOUT, Certificate, Connection, time_connect
from triage.probe.faults import REFUSALS, explain_failure, make_finding, words_of
from triage.probe.guard import Guard, Refusal, Target, refuse
from triage.probe.report import Check, CheckState, Layer, make_check, milliseconds, skip_check
from triage.probe.resolver import (
    MAX_ADDRESSES,
    WECHAT_DNS,
    DnsProblem,
    Resolution,
    ask_nameserver,
    resolve_system,
)
from triage.wording import Wording, joined

_CONTROL_NAME = "weixin.qq.com"
"""A name that surely exists: a DNS server that does not answer for it either cannot be reached from here."""
_SHOWN_NAMES = 5
_PRIVATE_SUFFIXES = ("localhost", "local", "internal", "lan", "test", "home", "intranet")


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds that the platform allows, seconds from which we warn, and how long a certificate should last."""

    connect: float = TIMEOUT
    slow_connect: float = 3.0
    answer: float = TIMEOUT
    slow_answer: float = 3.0
    expiry: timedelta = timedelta(days=14)
    control: float = 2.0
    """Seconds to wait for the control name when WeChat's DNS server has not answered."""


@dataclass(frozen=True, slots=True)
class World:
    """What an examination takes from outside: resolver, nameserver, trusted authorities (None: the system's), clock."""

    resolve: Callable[[str], Resolution] = resolve_system
    nameserver: tuple[str, int] | None = WECHAT_DNS
    tls: ssl.SSLContext | None = None
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))


# -- the URL


def check_url(target: Target, guard: Guard) -> Check:
    findings = []
    if target.port != (80 if target.scheme == "http" else 443) and not guard.allow_private:
        findings.append(make_finding("odd_port", Wording("端口是 {port}", port=target.port)))
    if target.is_address and (refusal := refuse(target.host, allow_private=guard.allow_private)):
        findings.append(_forbidden(target.host, refusal))
    return make_check("url", Layer.URL, "URL", str(target), findings)


def _forbidden(address: str, refusal: Refusal) -> Finding:
    return make_finding(
        "forbidden_address",
        Wording("{address} 是{what}，没有去连", address=address, what=REFUSALS[refusal]),
    )


# -- the name


def check_dns(target: Target, guard: Guard, world: World, limits: Limits) -> tuple[list[Check], list[str]]:
    """Resolve the host by the system and by WeChat's DNS; returns the checks and the addresses that may be called."""
    if target.is_address:
        seen = Wording("URL 里写的就是 IP")
        refused_itself = refuse(target.host, allow_private=guard.allow_private)
        ids = {"dns_system": Wording("系统解析"), "dns_wechat": Wording("微信 DNS")}
        checks = [skip_check(id_, Layer.DNS, subject, seen) for id_, subject in ids.items()]
        return checks, [] if refused_itself else [target.host]
    system = world.resolve(target.host)
    wechat = _ask_wechat(target.host, world, limits)
    found = dict.fromkeys((*system.addresses, *(wechat.addresses if wechat else ())))
    refused = {address: refuse(address, allow_private=guard.allow_private) for address in found}
    # what this host's own hosts file or DNS says is nobody's fault where the platform gets other addresses
    told = wechat.addresses if wechat and wechat.addresses else (*found,)
    forbidden = [_forbidden(address, refusal) for address in told if (refusal := refused[address])]
    own = [make_finding(_dns_id(system.problem), words_of(system.problem))] if system.problem else []
    checks = [make_check("dns_system", Layer.DNS, Wording("系统解析"), _seen(system), [*own, *forbidden])]
    checks.append(_compare(system, wechat, world, limits))
    return checks, [address for address in found if not refused[address]][:MAX_ADDRESSES]


def _ask_wechat(host: str, world: World, limits: Limits) -> Resolution | None:
    """None for a name of a private network, which is not sent to a public DNS server."""
    if world.nameserver is None or host.rpartition(".")[2] in _PRIVATE_SUFFIXES or "." not in host:
        return None
    return ask_nameserver(host, world.nameserver, limits.answer)


def _dns_id(problem: DnsProblem) -> str:
    return "dns_timeout" if problem is DnsProblem.TIMEOUT else "dns_failure"


def _seen(resolved: Resolution) -> str:
    what = joined("{a}、{b}", resolved.addresses) or (
        words_of(resolved.problem) if resolved.problem else Wording("没有地址")
    )
    return Wording("{what}，{time}", what=what, time=milliseconds(resolved.seconds))


def _compare(system: Resolution, wechat: Resolution | None, world: World, limits: Limits) -> Check:
    if wechat is None or world.nameserver is None:
        seen = (
            Wording("内网的名字，没有去问微信的 DNS") if world.nameserver else Wording("没有对照的 DNS 可问")
        )
        return skip_check("dns_wechat", Layer.DNS, Wording("微信 DNS"), seen)
    subject = world.nameserver[0]
    if wechat.problem is DnsProblem.TIMEOUT:
        control = ask_nameserver(_CONTROL_NAME, world.nameserver, min(limits.control, wechat.seconds))
        if control.problem is DnsProblem.TIMEOUT:
            seen = Wording("本机问不到 {subject}（UDP 53 被拦？），无从比较", subject=subject)
            return Check("dns_wechat", Layer.DNS, subject, CheckState.UNKNOWN, seen)
    findings = []
    if wechat.problem is DnsProblem.TIMEOUT:
        findings = [
            make_finding("dns_timeout", Wording("对照的 DNS：{problem}", problem=words_of(wechat.problem)))
        ]
    elif wechat.problem:
        id_ = "dns_wechat_failure" if system.addresses else "dns_failure"
        findings = [make_finding(id_, Wording("对照的 DNS：{problem}", problem=words_of(wechat.problem)))]
    elif system.addresses and not set(system.addresses) & set(wechat.addresses):
        ours, theirs = (joined("{a}、{b}", resolved.addresses) for resolved in (system, wechat))
        findings = [
            make_finding(
                "dns_differs",
                Wording(
                    "本机解析到 {ours}，{subject} 解析到 {theirs}", ours=ours, subject=subject, theirs=theirs
                ),
            )
        ]
    return make_check("dns_wechat", Layer.DNS, subject, _seen(wechat), findings)


# -- TCP


def check_tcp(
    target: Target, addresses: Sequence[str], guard: Guard, limits: Limits
) -> tuple[list[Check], str | None]:
    """One check for each address, and the first address that can be connected to."""
    checks, reachable = [], None
    for address in addresses:
        try:
            seconds = time_connect(target, address, guard, limits.connect)
        except UnreachableError as exc:
            checks.append(_unconnected(address, exc))
            continue
        reachable = reachable or address
        seen = Wording("{time}连上", time=milliseconds(seconds))
        slow = (
            [
                make_finding(
                    "slow_connect",
                    Wording("连 {address} 用了 {seconds:.2f} 秒", address=address, seconds=seconds),
                )
            ]
            if seconds >= limits.slow_connect
            else []
        )
        checks.append(make_check("tcp_connect", Layer.TCP, address, seen, slow, seconds))
    return checks, reachable


def _unconnected(address: str, exc: UnreachableError) -> Check:
    seen = Wording("{problem}（{detail}）", problem=words_of(exc.problem), detail=exc.detail)
    if exc.problem is TransportProblem.NO_ROUTE:
        return Check("tcp_connect", Layer.TCP, address, CheckState.UNKNOWN, seen)
    finding = make_finding(
        exc.problem,
        Wording(
            "连 {address}：{problem}（{seconds:.2f} 秒）",
            address=address,
            problem=words_of(exc.problem),
            seconds=exc.seconds,
        ),
    )
    return make_check("tcp_connect", Layer.TCP, address, seen, [finding], exc.seconds)


# -- TLS


@dataclass(frozen=True, slots=True)
class TlsResult:
    """The check of TLS, and the context for the connections that follow it; None without TLS."""

    check: Check
    context: ssl.SSLContext | None = None
    is_usable: bool = True
    """Whether a connection can be made at all."""


def check_tls(target: Target, address: str, guard: Guard, limits: Limits, world: World) -> TlsResult:
    """Judge the certificate. Behind a bad one the examination goes on with a context that verifies nothing.

    What is sent over it is worth nothing to a stranger: pushes that the probe has made up.
    """
    if target.scheme == "http":
        return TlsResult(skip_check("tls", Layer.TLS, "TLS", Wording("http 没有证书")))
    strict = world.tls or ssl.create_default_context()

    def read(tls: ssl.SSLContext) -> Certificate | None:
        with Connection(target, address, guard, timeout=limits.connect, tls=tls) as connection:
            connection.connect()
            return connection.certificate()

    try:
        return TlsResult(_judge_expiry(read(strict), world.clock(), limits), strict)
    except UnreachableError as exc:
        if exc.verify_code is None:
            return TlsResult(
                make_check("tls", Layer.TLS, "TLS", exc.detail, [explain_failure(exc)]), is_usable=False
            )
        failure = exc
    lax = _unverified()
    shown = None
    with contextlib.suppress(UnreachableError):
        shown = read(lax)
    return TlsResult(_bad_certificate(target, failure, shown), lax)


def _unverified() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


# by OpenSSL's X509_V_ERR_ numbers: https://docs.openssl.org/master/man3/X509_STORE_CTX_get_error/
_FLAWS = {
    2: Wording("证书链不完整，或者签发机构不受信任"),
    9: Wording("证书还没生效"),
    CERT_HAS_EXPIRED: Wording("证书过期了"),
    18: Wording("证书是自签名的"),
    19: Wording("证书链里的根证书不受信任"),
    20: Wording("证书链不完整，或者签发机构不受信任"),
    62: Wording("证书不是给这个域名的"),
    64: Wording("证书不是给这个域名的"),
}


def _bad_certificate(target: Target, exc: UnreachableError, shown: Certificate | None) -> Check:
    flaw = _FLAWS.get(exc.verify_code or 0, Wording("证书通不过验证"))
    said = flaw
    if shown:
        names = joined("{a}、{b}", shown.names[:_SHOWN_NAMES]) or Wording("无名")
        said = Wording(
            "{flaw}：写给 {names}，{expires:%Y-%m-%d} 到期", flaw=flaw, names=names, expires=shown.expires
        )
    return make_check("tls", Layer.TLS, target.host, exc.detail, [make_finding(exc.problem, said)])


def _judge_expiry(shown: Certificate | None, now: datetime, limits: Limits) -> Check:
    if shown is None:
        return make_check("tls", Layer.TLS, "TLS", Wording("握手成功"), [])
    left = shown.expires - now
    seen = Wording("证书有效，{expires:%Y-%m-%d} 到期，还有 {days} 天", expires=shown.expires, days=left.days)
    late = (
        [make_finding("certificate_expires", Wording("证书还有 {days} 天到期", days=left.days))]
        if left < limits.expiry
        else []
    )
    return make_check("tls", Layer.TLS, "TLS", seen, late)
