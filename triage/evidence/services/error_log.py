"""nginx's error.log. https://nginx.org/en/docs/ngx_core_module.html#error_log"""

from __future__ import annotations

import re
from collections.abc import Iterator

from triage.evidence.judgement import Finding, Part, note, sick, suspect, unreadable
from triage.evidence.paste import Paste
from triage.masking import mask

_LINE = re.compile(
    r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[(debug|info|notice|warn|error|crit|alert|emerg)\] \d+#\d+:"
)
_NOISE = (
    r"client sent (?:invalid|plain)|SSL_do_handshake\(\) failed.*while SSL handshaking, client"
    r"|invalid host in request|client closed keepalive connection"
)
_SIGNS: tuple[tuple[str, str, str], ...] = (
    ("upstream_refused", "sick", r"\(111: Connection refused\) while connecting to upstream"),
    ("upstream_connect_timeout", "sick", r"\(110: Connection timed out\) while connecting to upstream"),
    ("upstream_slow", "sick", r"upstream timed out \(110: Connection timed out\) while reading"),
    ("upstream_reset", "sick", r"\(104: Connection reset by peer\) while (?:reading|sending)"),
    (
        "upstream_closed",
        "sick",
        r"upstream prematurely closed connection|\(32: Broken pipe\) while sending request to upstream",
    ),
    ("no_live_upstream", "sick", r"no live upstreams"),
    ("worker_connections_full", "sick", r"worker_connections are not enough"),
    ("nofile_full", "sick", r"\(24: Too many open files\)"),
    ("ports_exhausted", "sick", r"\(99: Cannot assign requested address\)"),
    ("fpm_socket_full", "sick", r"connect\(\) to unix:\S+ failed \(11: Resource temporarily unavailable\)"),
    ("selinux_denied", "sick", r"\(13: Permission denied\) while connecting to upstream"),
    ("rate_limited", "sick", r"limiting (?:requests|connections)"),
    ("forbidden_by_rule", "sick", r"access forbidden by rule"),
    ("disk_full", "sick", r"\(28: No space left on device\)"),
    (
        "client_gave_up",
        "suspect",
        r"client (?:\S+ )?prematurely closed connection|client closed connection while",
    ),
    (
        "scanner_noise",
        "note",
        _NOISE,
    ),
    ("body_buffered", "note", r"client request body is buffered|an upstream response is buffered"),
)
_PATTERNS = tuple((id_, kind, re.compile(pattern)) for id_, kind, pattern in _SIGNS)
_MAKERS = {"sick": sick, "suspect": suspect, "note": note}


def read(paste: Paste) -> Iterator[Part]:
    """One part for all lines of an error.log; lines may be folded, or several stand on one."""
    found: dict[str, Finding] = {}
    lines: list[int] = []
    open_line = ""
    for index, line in enumerate(paste.lines):
        starts = [m.start() for m in _LINE.finditer(line)]
        if starts:
            lines.append(index)
            _scan(open_line, found)
            for low, high in zip(starts, [*starts[1:], len(line)], strict=True):
                open_line = line[low:high]
                _scan(open_line, found)
        elif (
            lines
            and lines[-1] == index - 1
            and line.strip()
            and not re.match(r"^\S+ +- +\S+ +\[|^\{|^\d+\.\d+\.\d+\.\d+ ", line)
        ):
            open_line += " " + line.strip()
            _scan(open_line, found)
            if ", client:" in open_line or re.search(r"(?:host|upstream|request): \"", line):
                lines.append(index)
    if not lines:
        return
    if not found and all(len(paste.lines[i]) < 60 for i in lines):
        yield Part("nginx_error_log", (unreadable("truncated", "行没有粘全"),), tuple(lines))
        return
    yield Part("nginx_error_log", tuple(found.values()), tuple(lines))


def _scan(line: str, found: dict[str, Finding]) -> None:
    for id_, kind, pattern in _PATTERNS:
        if id_ not in found and (match := pattern.search(line)):
            found[id_] = _MAKERS[kind](id_, mask(match[0][:80]))
            return
