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
    r"|\(104: Connection reset by peer\) while (?:reading client|waiting for|SSL handshaking, client)"
    r"|(?:\"/\S*|request: \"\w+ /\S*)(?:/\.env|/\.git|/wp-|phpmyadmin|/cgi-bin/|/actuator|/boaform)"
)
_UPSTREAM = (
    r"(?:reading (?:response header from )?upstream|sending request to upstream|SSL handshaking to upstream)"
)
_REFUSED = (
    r"\(111: Connection refused\) while connecting to upstream"
    r"|connect\(\) to unix:\S+ failed \(2: No such file or directory\)"
)
_NO_WAY = r"110: Connection timed out|113: No route to host|101: Network is unreachable"
_CLOSED = r"upstream prematurely closed connection|\(32: Broken pipe\) while sending request to upstream"
_BROKEN_OFF = r"104: Connection reset by peer|110: Connection timed out|32: Broken pipe"
_GAVE_UP = (
    r"client (?:\S+ )?prematurely closed connection|client closed connection while"
    rf"|\((?:{_BROKEN_OFF})\) while sending (?:response )?to client"
)
_SIGNS: tuple[tuple[str, str, str], ...] = (
    ("upstream_refused", "sick", _REFUSED),
    ("upstream_connect_timeout", "sick", rf"\((?:{_NO_WAY})\) while connecting to upstream"),
    ("upstream_slow", "sick", r"upstream timed out \(110: Connection timed out\) while reading"),
    ("upstream_reset", "sick", rf"\(104: Connection reset by peer\) while {_UPSTREAM}"),
    ("upstream_closed", "sick", _CLOSED),
    ("upstream_invalid", "sick", r"upstream sent (?:too big header|invalid|no valid|duplicate)"),
    ("no_live_upstream", "sick", r"no live upstreams"),
    ("worker_connections_full", "sick", r"worker_connections are not enough"),
    ("nofile_full", "sick", r"\(24: Too many open files\)"),
    ("ports_exhausted", "sick", r"\(99: Cannot assign requested address\)"),
    ("fpm_socket_full", "sick", r"connect\(\) to unix:\S+ failed \(11: Resource temporarily unavailable\)"),
    ("selinux_denied", "sick", r"\(13: Permission denied\) while connecting to upstream"),
    ("rate_limited", "sick", r"limiting (?:requests|connections)"),
    ("forbidden_by_rule", "sick", r"access forbidden by rule"),
    ("disk_full", "sick", r"\(28: No space left on device\)"),
    ("status_413", "sick", r"client intended to send too large body"),
    ("status_404", "sick", r"\(2: No such file or directory\), client: .*request: \"\w+ \S*[?&]signature="),
    ("status_404", "sick", r"Primary script unknown"),
    ("status_500", "sick", r"PHP (?:Fatal|Parse) error|PHP message: .{0,40}Uncaught"),
    ("upstream_name", "sick", r" could not be resolved \(|host not found in upstream"),
    ("worker_killed", "sick", r"worker process \d+ exited on signal (?:9|11|6|7)"),
    ("config_invalid", "sick", r"^\S+ \S+ \[emerg\]"),
    ("client_gave_up", "suspect", _GAVE_UP),
    ("scanner_noise", "note", _NOISE),
    ("body_buffered", "note", r"client request body is buffered|an upstream response is buffered"),
)
_PATTERNS = tuple((id_, kind, re.compile(pattern)) for id_, kind, pattern in _SIGNS)
_MAX_FOLDS = 6
"""Lines that a phone may break the words before `client:` into."""
_OTHER_LOG = re.compile(r"^\S+ +- +\S+ +\[|^\{|^\d+\.\d+\.\d+\.\d+ ")
_WHOLE = re.compile(r', client: .*(?:host|request|referrer): "[^"]*"\s*$')
_LAST_FIELDS = re.compile(r"(?:host|upstream|request): \"")
_MAKERS = {"sick": sick, "suspect": suspect, "note": note}


def read(paste: Paste) -> Iterator[Part]:
    """One part for all lines of an error.log; lines may be folded, in the midst of a word too, or several stand on
    one.
    """
    found: dict[str, Finding] = {}
    lines: list[int] = []
    open_line, unbroken = "", ""
    folded: list[int] = []
    for index, line in enumerate(paste.lines):
        starts = [m.start() for m in _LINE.finditer(line)]
        if starts:
            lines.append(index)
            _scan(open_line, found)
            for low, high in zip(starts, [*starts[1:], len(line)], strict=True):
                open_line = unbroken = line[low:high]
                _scan(open_line, found)
            folded = []
        elif (
            lines
            and lines[-1] + len(folded) == index - 1
            and len(folded) < _MAX_FOLDS
            and line.strip()
            and not _WHOLE.search(open_line)
            and not _OTHER_LOG.match(line)
        ):
            open_line += " " + line.strip()
            unbroken += line.rstrip()
            _scan(open_line, found)
            _scan(unbroken, found)
            folded.append(index)
            if ", client:" in f"{open_line} {unbroken}" or _LAST_FIELDS.search(line):
                lines += folded
                folded = []
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
