"""The registry of tools: one reader for each file, in the order in which they claim lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from triage.evidence import reports, transcript
from triage.evidence.host import disks, dmesg, limits, memory, sysstat, top, uptime, vmstat
from triage.evidence.judgement import Part
from triage.evidence.network import callback, counters, curl, names, openssl, ping, route, sockets
from triage.evidence.paste import Paste
from triage.evidence.services import access_log, error_log, nginx_config, nginx_test, processes

Reader = Callable[[Paste], Iterator[Part]]
"""Yields a part for each output of its tool that it recognises, by at least two independent marks."""

READERS: tuple[Reader, ...] = (
    transcript.read,
    reports.read,
    vmstat.read,
    top.read,
    memory.read,
    sysstat.read_iostat,
    sysstat.read,
    disks.read,
    limits.read,
    error_log.read,
    access_log.read,
    nginx_config.read,
    nginx_test.read,
    dmesg.read,
    sockets.read,
    counters.read,
    ping.read,
    route.read,
    names.read,
    openssl.read,
    curl.read,
    callback.read,
    processes.read,
    uptime.read,
)
"""Of two parts that claim the same line the one with more lines is kept, then that of the earlier reader."""

TOOL_IDS: tuple[str, ...] = (
    *(
        "uptime",
        "vmstat",
        "top",
        "free",
        "mpstat",
        "sar_u",
        "sar_q",
        "sar_dev",
        "sar_tcp",
        "iostat",
        "df",
        "df_inodes",
    ),
    *(
        "ulimit",
        "limits",
        "cgroup_cpu",
        "cgroup_memory",
        "dmesg",
        "tcp_states",
        "ss_summary",
        "ss",
        "netstat",
    ),
    *("netstat_s", "nstat", "ping", "mtr", "traceroute", "dig", "nslookup", "curl", "curl_timing", "openssl"),
    *(
        "callback_check",
        "callback_ip",
        "nginx_test",
        "nginx_config",
        "nginx_error_log",
        "access_log",
        "stub_status",
    ),
    *("php_fpm_status", "php_fpm_log", "mysql_processlist", "jstack"),
)
"""The tools whose output is recognised."""
