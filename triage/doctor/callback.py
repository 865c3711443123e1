"""The way to a callback, by the probe's layers of DNS, TCP and TLS, as parts like those of pasted tools."""

from __future__ import annotations

from collections.abc import Iterable

from triage.evidence.checks import PROBE
from triage.evidence.judgement import Finding, Part, Verdict, unreadable
from triage.probe.guard import Guard, Target
from triage.probe.network_checks import Limits, World, check_dns, check_tcp, check_tls, check_url
from triage.probe.report import Check, CheckState

_FINDINGS = {
    "dns_failure": "name_not_resolved",
    "dns_wechat_failure": "name_not_resolved",
    "dns_timeout": "dns_timeout",
    "forbidden_address": "private_address",
    "curl_connect": "connection_refused",
    "connect_timeout": "connect_timeout",
    "slow_connect": "connect_slow",
    "bad_certificate": "bad_certificate",
    "expired_certificate": "cert_expired",
    "certificate_expires": "cert_expires_soon",
    "tls_failed": "no_tls",
}
"""The probe's ids by those of evidence; what has none here is a hint."""
_SUSPECT = ("slow_connect", "certificate_expires")


def examine_way(target: Target, guard: Guard, world: World | None = None) -> tuple[Part, ...]:
    """A part for the name, the connection and the certificate, as far as each can be tried from here."""
    world, limits = world or World(), Limits()
    named, addresses = check_dns(target, guard, world, limits)
    connected, reachable = check_tcp(target, addresses, guard, limits)
    own = [check_url(target, guard), *(check for check in named if check.id != "dns_wechat")]
    parts = [Part("dig", _findings(own), ())]
    asked = [check for check in named if check.id == "dns_wechat" and check.state is not CheckState.SKIPPED]
    if asked:
        parts.append(Part(f"{PROBE}dns_wechat", _findings(asked), ()))
    if addresses:  # from this host, so it proves nothing of the firewall before it: no output of curl
        parts.append(Part("connect", _findings(connected), ()))
    if reachable and target.scheme == "https":
        parts.append(
            Part("openssl", _findings([check_tls(target, reachable, guard, limits, world).check]), ())
        )
    return tuple(parts)


def _findings(checks: Iterable[Check]) -> tuple[Finding, ...]:
    found: dict[str, Finding] = {}
    for check in checks:
        for item in check.findings:
            if id_ := _FINDINGS.get(item.id):
                verdict = Verdict.SUSPECT if item.id in _SUSPECT else Verdict.SICK
                found.setdefault(id_, Finding(id_, verdict, item.message))
        if check.state is CheckState.UNKNOWN:
            found.setdefault("not_tried", unreadable("not_tried", check.seen))
    return tuple(found.values())
