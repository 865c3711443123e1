"""What decides each machine check: the tools that must be healthy, and the findings that speak against it.

A check is healthy only if everything that it needs was looked at; one sick finding of any tool is enough to fail it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from triage.evidence.findings import FINDINGS
from triage.evidence.judgement import Finding, Part, Verdict, rank

PROBE = "probe_"
"""Before the id of a check: the tool of a part that `triage probe` reports on that check."""


@dataclass(frozen=True, slots=True)
class Tick:
    """The state of a check or of a step."""

    verdict: Verdict
    """UNREADABLE where it was not looked at, or not at all of it."""
    proof: str = ""
    """The tools that are healthy, the finding with its tool, or what is still to be looked at; `""` for nothing."""
    is_answered: bool = False
    """Whether it is a step and everything that its command asks for is there."""


NOT_LOOKED_AT = Tick(Verdict.UNREADABLE)


@dataclass(frozen=True, slots=True)
class _Decider:
    needs: tuple[str, ...]
    """Tools; of each entry one must be healthy. Empty: only the probe can find it healthy."""
    signs: str = ""
    """The findings that speak against it, whichever tool has them."""


_NAME_SIGNS = "nxdomain servfail no_address dns_timeout"
_DECIDERS: Mapping[str, _Decider] = {
    # what nobody would see in pasted lines of a log is not there: only the join of `triage logs` covers the minutes
    "access_log": _Decider(
        ("logs",),
        "never_arrived late_backend refused_by_nginx wrong_answer status_499_at_5s status_502 status_504 status_500"
        " status_404 status_403 status_413 status_503_self slow_ge_3s redirect",
    ),
    # an unsigned request is refused before it reaches what is slow
    "answer_time": _Decider((), "slower_than_5s slow_answer response_timeout late_backend status_499_at_5s"),
    "app_workers": _Decider(
        ("php_fpm_status jstack",),
        "fpm_queue fpm_max_children fpm_slow fpm_child_killed fpm_socket_full threads_blocked threads_wait_backend"
        " deadlock",
    ),
    "callback_check": _Decider(("callback_check",), "ping_loss check_error token_invalid ip_not_allowed"),
    "callback_ip": _Decider((), "deny_wechat forbidden_by_rule ip_not_allowed token_invalid"),
    "component_ticket": _Decider(()),
    "dns_system": _Decider(
        ("dig nslookup",), f"{_NAME_SIGNS} other_address private_address name_not_resolved dns_slow"
    ),
    "dns_wechat": _Decider(("callback_check",), _NAME_SIGNS),
    "echo": _Decider((), "redirect redirect_callback http_status"),
    "egress_ip": _Decider(("callback_check callback_ip",), "ip_not_allowed"),
    "fd_limit": _Decider(
        ("limits",),
        "nofile_low nofile_full rlimit_low connections_low worker_connections_full connections_dropped",
    ),
    "host_disk": _Decider(
        ("iostat", "df", "df_inodes"),
        "disk_slow disk_full disk_nearly_full inode_full io_wait blocked disk_error read_only_fs hung_task io_stalled",
    ),
    "host_load": _Decider(
        ("uptime sar_q top", "vmstat top mpstat sar_u"),
        "load_high load_rising cpu_saturated run_queue io_wait blocked steal swapping one_core_full cpu_stalled"
        " cpu_throttled",
    ),
    "host_memory": _Decider(
        ("free top", "vmstat"),
        "mem_low swap_used swap_full swapping oom_kill cgroup_oom memory_stalled",
    ),
    "jstack": _Decider(("jstack",), "deadlock threads_blocked threads_wait_backend"),
    "listen_queue": _Decider(
        ("ss netstat", "nstat netstat_s"), "listen_queue_full listen_overflows rising syn_flood syn_recv_many"
    ),
    "mysql_processlist": _Decider(("mysql_processlist",), "mysql_lock mysql_slow_query mysql_too_many"),
    "nginx_config": _Decider(
        ("nginx",),
        "config_invalid slash_comment outside_http fullwidth unknown_log_format redirect_callback deny_wechat"
        " pushes_refused port_not_80_443 rlimit_low no_request_time access_log_off masks_errors rate_limit_callback"
        " body_size_small path_rewritten connections_low read_timeout_over_5s connect_timeout_over_3s"
        " error_level_hides hides_499 log_buffer_no_flush real_ip_any rate_limited forbidden_by_rule upstream_name",
    ),
    "php_fpm_status": _Decider(
        ("php_fpm_status",), "fpm_queue fpm_max_children fpm_slow fpm_child_killed fpm_socket_full"
    ),
    "reply_law": _Decider(()),
    "retry": _Decider(()),
    "signature_refused": _Decider((), "deny_wechat forbidden_by_rule"),
    "tcp_connect": _Decider(
        ("curl curl_timing",),
        "connection_refused connect_timeout connect_slow unreachable no_web_listener conntrack_full syn_flood"
        " listen_queue_full",
    ),
    "tcp_states": _Decider(
        ("tcp_states ss_summary",),
        "close_wait syn_recv_many syn_sent_many time_wait_many estab_many last_ack_many orphaned_many tw_overflow"
        " retransmits",
    ),
    "timestamp_refused": _Decider(()),
    "tls": _Decider(
        ("openssl",), "bad_certificate cert_expired cert_expires_soon chain_incomplete self_signed no_tls"
    ),
    "url": _Decider(()),
}
SIGNS: Mapping[str, frozenset[str]] = {
    check: frozenset(decider.signs.split()) for check, decider in _DECIDERS.items()
}
"""By the id of a check the findings that speak against it."""


def tick_checks(parts: Iterable[Part]) -> Mapping[str, Tick]:
    """The checks that some parts say something of, by id; a tool that was judged again counts as it is now."""
    latest = _latest(parts)
    found = ((check, _tick(check, decider, latest)) for check, decider in _DECIDERS.items())
    return {check: tick for check, tick in found if tick is not None}


def decided(ticks: Mapping[str, Tick]) -> dict[str, str]:
    """The checks that are healthy, suspect or sick, for JSON."""
    return {
        check: tick.verdict.value for check, tick in ticks.items() if tick.verdict is not Verdict.UNREADABLE
    }


def tick_step(check: str | None, command: str, parts: Iterable[Part]) -> Tick | None:
    """The state of a step by its check and by the tools that its command asks for; None for a step with neither."""
    latest = _latest(parts)
    asked = tools_asked(command)
    if check is None and not asked:
        return None
    decider = _DECIDERS.get(check or "")
    by_check = _tick(check or "", decider, latest) if decider else None
    own = [latest[tool] for tool in asked if tool in latest]
    is_answered = len(own) == len(asked) > 0
    against = _worst(own) or (by_check if by_check and by_check.verdict in _BAD else None)
    if against:
        return replace(against, is_answered=is_answered)
    if is_answered and all(_answers(part) for part in own):
        return Tick(Verdict.HEALTHY, "、".join(asked), is_answered=True)
    if own and not (by_check and by_check.verdict is Verdict.HEALTHY):
        missing = [tool for tool in asked if tool not in latest]
        return Tick(Verdict.UNREADABLE, f"还差 {'、'.join(missing)}" if missing else "")
    return by_check or NOT_LOOKED_AT


def tools_asked(command: str) -> tuple[str, ...]:
    """The tools whose output a step's command prints, as far as they are judged."""
    return tuple(tool for tool, words in _COMMANDS if words.search(command))


def _latest(parts: Iterable[Part]) -> dict[str, Part]:
    return {part.tool: part for part in parts}


def _tick(check: str, decider: _Decider, latest: Mapping[str, Part]) -> Tick | None:
    """None where no part says anything of the check."""
    examined = latest.get(PROBE + check)
    against = _worst(latest.values(), SIGNS[check]) or (_worst([examined]) if examined else None)
    if against:
        return against
    if examined and examined.verdict is Verdict.HEALTHY:
        return Tick(Verdict.HEALTHY, "triage probe")
    well = [_well(names, latest) for names in decider.needs]
    if well and all(well):
        return Tick(Verdict.HEALTHY, "、".join(dict.fromkeys(filter(None, well))))
    if any(well):
        missing = [names.split()[0] for names, tool in zip(decider.needs, well, strict=True) if not tool]
        return Tick(Verdict.UNREADABLE, f"还差 {'、'.join(missing)}")
    return None


def _well(names: str, latest: Mapping[str, Part]) -> str | None:
    """The first of some tools whose output shows what it looked at: what it found is told by the signs."""
    return next((name for name in names.split() if name in latest and _has_looked(latest[name])), None)


def _has_looked(part: Part) -> bool:
    return part.verdict is not Verdict.UNREADABLE and all(
        item.id not in _CAME_TO_NOTHING for item in part.findings
    )


_CAME_TO_NOTHING = frozenset(
    [
        "name_not_resolved",
        "connection_refused",
        "connect_timeout",
        "unreachable",
        "token_invalid",
        "ip_not_allowed",
        "check_error",
    ]
)
"""After these a tool has not come to what else it looks at: a certificate, a name, an address."""


def _worst(parts: Iterable[Part], signs: frozenset[str] | None = None) -> Tick | None:
    """The worst sick or suspect finding, of those in `signs` where they are given."""
    found = [
        (part, finding)
        for part in parts
        for finding in part.findings
        if (signs is None or finding.id in signs) and finding.verdict in _BAD
    ]
    if not found:
        return None
    part, finding = min(found, key=lambda item: rank(item[1].verdict))
    return Tick(finding.verdict, _told(part, finding))


_BAD = frozenset({Verdict.SICK, Verdict.SUSPECT})


def _told(part: Part, finding: Finding) -> str:
    tool = "triage probe" if part.tool.startswith(PROBE) else part.tool
    return f"{tool} {FINDINGS[finding.id].says}" + (f"（{finding.proof}）" if finding.proof else "")


def _answers(part: Part) -> bool:
    """Whether a healthy output of the tool is the answer to the step that asked for it.

    It is not for lines of logs and of configurations, of which anything may be left out, nor for what only a person
    can compare: addresses, the limits of a shell.
    """
    return part.verdict is Verdict.HEALTHY and part.tool not in _ANSWERS_NOTHING


_ANSWERS_NOTHING = frozenset(
    {"access_log", "nginx_error_log", "nginx_config", "dmesg", "dig", "nslookup", "callback_ip", "ulimit"}
)


def _commands() -> Iterator[tuple[str, re.Pattern[str]]]:
    for tool, words in {
        "logs": r"\btriage logs\b",
        "nginx": r"\btriage nginx\b",
        "uptime": r"\buptime\b",
        "vmstat": r"\bvmstat\b",
        "top": r"\btop -",
        "free": r"\bfree -",
        "mpstat": r"\bmpstat\b",
        "sar_u": r"\bsar -u",
        "sar_q": r"\bsar -q",
        "sar_dev": r"\bsar -n DEV",
        "sar_tcp": r"\bsar -n TCP",
        "iostat": r"\biostat\b",
        "df": r"\bdf -h",
        "df_inodes": r"\bdf -i",
        "limits": r"/limits\b",
        "cgroup_cpu": r"\bcpu\.stat\b",
        "cgroup_memory": r"\bmemory\.events\b",
        "tcp_states": r"\b(?:ss|netstat) -\w+ \|.*\[\$",
        "ss_summary": r"\bss -s\b",
        "ss": r"\bss -\w*l\w*(?! -?\|)",
        "netstat_s": r"\bnetstat -s\b",
        "nstat": r"\bnstat\b",
        "ping": r"\bping -",
        "mtr": r"\bmtr -",
        "dig": r"\bdig (?!\+trace)",
        "openssl": r"\bopenssl s_client\b(?!.*openssl x509)",
        "curl_timing": r"\bcurl .*%\{time_total\}",
        "callback_check": r"/callback/check\b",
        "callback_ip": r"/getcallbackip\b(?!.*%\{)",
        "mysql_processlist": r"(?i)\bSHOW FULL PROCESSLIST\b",
        "php_fpm_status": r"/status\?full",
        "jstack": r"\bjstack\b",
    }.items():
        yield tool, re.compile(words)


_COMMANDS = tuple(_commands())
