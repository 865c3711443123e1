"""Findings of several tools that agree on one cause, so that an incident can be closed with its name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from triage.evidence.judgement import Part, Verdict


@dataclass(frozen=True, slots=True)
class NamedCause:
    """A cause in words, and the tools whose findings speak for it, in order of appearance."""

    name: str
    tools: tuple[str, ...]

    @property
    def is_agreed(self) -> bool:
        """Whether two tools say so; one alone is a hint."""
        return len(self.tools) > 1


_SIGNS = {
    "内存不够，在换页": "swapping mem_low swap_full oom_kill cgroup_oom memory_stalled",
    "CPU 不够": "cpu_saturated run_queue load_high cpu_throttled steal cpu_stalled one_core_full",
    "磁盘慢": "disk_slow io_wait blocked hung_task disk_error io_stalled",
    "磁盘满了": "disk_full inode_full",
    "数据库慢": "mysql_lock mysql_slow_query mysql_too_many",
    "后端太慢": (
        "upstream_slow upstream_connect_timeout status_504 status_499_at_5s slow_ge_3s client_gave_up"
        " threads_wait_backend threads_blocked deadlock slow_answer slower_than_5s response_timeout"
    ),
    "应用的进程不够": "fpm_queue fpm_max_children fpm_slow fpm_socket_full",
    "后端没起来": "upstream_refused no_live_upstream status_502 connection_refused upstream_reset upstream_closed",
    "连接队列满": "listen_queue_full listen_overflows rising syn_recv_many syn_flood conntrack_full",
    "打开的文件或连接数到顶": "nofile_low nofile_full worker_connections_full connections_dropped ports_exhausted",
    "程序不关连接": "close_wait",
    "线路丢包": "packet_loss loss_at_destination retransmits last_ack_many bandwidth_full",
    "域名解析坏了": "nxdomain servfail no_address dns_timeout private_address name_not_resolved",
    "证书有问题": "cert_expired chain_incomplete self_signed bad_certificate no_tls",
    "微信被挡在外面": "status_403 forbidden_by_rule rate_limited status_503_self deny_wechat rate_limit_callback"
    " pushes_refused",
    "回调在跳转": "redirect redirect_callback",
}
"""The findings that speak for each cause; several causes may hold, and the one with most tools is named."""
CAUSES: Mapping[str, frozenset[str]] = {name: frozenset(ids.split()) for name, ids in _SIGNS.items()}
"""By the name of a cause the ids of those findings."""


def name_cause(parts: Iterable[Part]) -> NamedCause | None:
    """The cause that most tools speak for by something sick, the first of the table among equals; None for none.

    A tool that was judged again counts as it is now.
    """
    latest = {part.tool: part for part in parts}
    found = [
        NamedCause(name, tools)
        for name, signs in CAUSES.items()
        if (tools := tuple(tool for tool, part in latest.items() if _speaks(part, signs)))
    ]
    return max(found, key=lambda cause: len(cause.tools), default=None)


def _speaks(part: Part, signs: frozenset[str]) -> bool:
    return any(finding.id in signs and finding.verdict is Verdict.SICK for finding in part.findings)
