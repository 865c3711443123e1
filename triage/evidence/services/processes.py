"""stub_status of nginx, status and log of php-fpm, the process list of MySQL, and thread dumps of Java."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import takewhile

from triage.evidence.judgement import Finding, Part, sick, suspect, unreadable
from triage.evidence.paste import Paste

_SLOW_QUERY, _MANY_CONNECTIONS = 5, 500
"""Seconds; connections."""
_STUB = re.compile(r"^\s*Active connections:\s*(\d+)")
_ACCEPTS = re.compile(r"^\s*(\d+)\s+(\d+)\s+(\d+)\s*$")
_FPM_KEY = re.compile(
    r"^\s*(pool|process manager|start time|start since|accepted conn|listen queue|"
    r"max listen queue|listen queue len|idle processes|active processes|total processes|"
    r"max active processes|max children reached|slow requests)\s*:\s*(\S.*)$"
)
_FPM_JSON = re.compile(r'"([a-z]+(?: [a-z]+){0,3})"\s*:\s*"?([\w:/+ -]+)')
"""The same as JSON: `?json` behind the address."""
_FPM_LOG = re.compile(r"^\s*\[\d\d-\w{3}-\d{4} \d\d:\d\d:\d\d(?:\.\d+)?\] (?:WARNING|NOTICE|ERROR|ALERT)")
_MAX_CHILDREN = re.compile(r"server reached (?:pm\.)?max_children|seems busy \(you may need to increase")
_FPM_SLOW = re.compile(r"executing too slow|execution timed out")
_KILLED = re.compile(
    r"child \d+ exited on signal (?:9|11)|child \d+.*exited on signal \d+ \(SIG(?:KILL|SEGV|BUS)\)"
)
_MY_HEAD = re.compile(
    r"\bId\s*\|?\s+User\s*\|?\s+Host\s*\|?\s+db\s*\|?\s+Command\s*\|?\s+Time\s*\|?\s+State\b"
)
_MY_VERTICAL = re.compile(r"^\*{5,} \d+\. row \*{5,}$")
_MY_BORDER = re.compile(r"^\s*\+-[-+]+\+?\s*$")
_MY_CELLS = re.compile(r"^\s*\|\s*(?:\d+|Id)\s*\|")
_MY_BELOW = re.compile(r"^\|?\s*\d+\s*[|\s]")
_MY_ROW = re.compile(r"^\|\s*\d+\s*\|\s*\S+\s*\|\s*\S+\s*\|\s*\S+\s*\|")
"""A row whose header was not pasted."""
_MY_FIELD = re.compile(r"^\s*(Id|User|Host|db|Command|Time|State|Info|Progress): ?(.*)$")
_LOCK = re.compile(r"Waiting for .*lock|Locked|waiting for handler|Waiting for table", re.IGNORECASE)
_DUMP = re.compile(r"^Full thread dump |^Found one Java-level deadlock|java\.lang\.Thread\.State: ")
_THREAD = re.compile(r'^\s*"([^"]+)"')
_REQUEST = re.compile(r"exec-\d+|http-|nio-|worker|XNIO|qtp|pool-\d+-thread", re.IGNORECASE)
_MONITOR = re.compile(r"- waiting to lock <(0x[0-9a-f]+)>")
_SOCKET = re.compile(
    r"socketRead0|SocketDispatcher\.read0|Net\.poll|SocketInputStream\.(?:socketRead|read)|NioSocketImpl\.(?:park|timedRead|read)"
)
_BACKEND = re.compile(
    r"jdbc|mysql|postgres|oracle|HttpClient|httpcomponents|okhttp|redis|jedis|lettuce|HttpURLConnection|dubbo",
    re.IGNORECASE,
)


def read(paste: Paste) -> Iterator[Part]:
    """One part for each output."""
    yield from _stub(paste)
    yield from _fpm(paste)
    yield from _fpm_log(paste)
    yield from _mysql(paste)
    yield from _jstack(paste)


def _stub(paste: Paste) -> Iterator[Part]:
    for index, line in enumerate(paste.lines):
        if not _STUB.match(line):
            continue
        after = range(index + 1, min(index + 5, len(paste.lines)))
        counts = next((m for i in after if (m := _ACCEPTS.match(paste.lines[i]))), None)
        lines = (
            index,
            *(
                i
                for i in after
                if re.match(r"^\s*server accepts|^\s*\d+ +\d+ +\d+|^\s*Reading:", paste.lines[i])
            ),
        )
        lost = int(counts[1]) - int(counts[2]) if counts else 0
        findings = (sick("connections_dropped", f"丢了 {lost} 个连接"),) if lost > 0 else ()
        if counts is None:
            findings = (unreadable("truncated", "没有 accepts 的数字"),)
        yield Part("stub_status", findings, lines)


def _fpm(paste: Paste) -> Iterator[Part]:
    rows = {m[1]: (i, m[2]) for i, line in enumerate(paste.lines) if (m := _FPM_KEY.match(line))}
    if not rows and paste.has('"listen queue"'):
        rows = {m[1]: (i, m[2]) for i, line in enumerate(paste.lines) for m in _FPM_JSON.finditer(line)}
    if not {"pool", "listen queue"} <= rows.keys() and len(rows) < 4:
        return
    findings: list[Finding] = []
    queue, reached = (
        _whole(rows.get(name, (0, "0"))[1]) for name in ("listen queue", "max children reached")
    )
    if queue > 0:
        findings.append(sick("fpm_queue", f"listen queue {queue}"))
    if reached > 0:
        busy = queue > 0 or _whole(rows.get("idle processes", (0, "1"))[1]) == 0
        findings.append((sick if busy else suspect)("fpm_max_children", f"max children reached {reached}"))
    yield Part("php_fpm_status", tuple(findings), tuple(sorted(i for i, _ in rows.values())))


def _whole(text: str) -> int:
    return int(text) if text.isdigit() else 0


def _fpm_log(paste: Paste) -> Iterator[Part]:
    lines = [
        i
        for i, line in enumerate(paste.lines)
        if _FPM_LOG.match(line) and ("pool" in line or "child" in line or "fpm" in line)
    ]
    if not lines:
        return
    ends = [*lines[1:], len(paste.lines)]
    rests = [  # lines that a phone broke, also within a word
        list(takewhile(str.strip, paste.lines[low:high])) for low, high in zip(lines, ends, strict=True)
    ]
    text = "\n".join(joint.join(rest) for rest in rests for joint in ("", " "))
    signs = (("fpm_max_children", _MAX_CHILDREN), ("fpm_slow", _FPM_SLOW), ("fpm_child_killed", _KILLED))
    findings = tuple(sick(id_, m[0]) for id_, pattern in signs if (m := pattern.search(text)))
    yield Part("php_fpm_log", findings, tuple(lines))


def _mysql(paste: Paste) -> Iterator[Part]:
    found = [*_mysql_table(paste), *_mysql_vertical(paste)]
    if found:
        borders = {len(line) for line in paste.lines if _MY_BORDER.match(line)}
        is_cut = len(borders) > 1 or any(
            _MY_CELLS.match(line) and not line.rstrip().endswith("|") for line in paste.lines
        )
        heads = [i for i, line in enumerate(paste.lines) if _MY_HEAD.search(line)]
        lines = {*heads, *(index for used, _ in found for index in used)}
        findings = list(_judge_mysql([row for _, row in found]))
        if is_cut and not findings:
            findings.append(unreadable("truncated", "表格的行断了"))
        yield Part("mysql_processlist", tuple(findings), tuple(sorted(lines)))


_Row = tuple[str, int, str]
"""Command, seconds, state."""


def _mysql_table(paste: Paste) -> Iterator[tuple[list[int], _Row]]:
    """The rows below a header, and rows between bars whose header was not pasted."""
    below = False
    for index, line in enumerate(paste.lines):
        if _MY_HEAD.search(line):
            below = True
        elif (below and _MY_BELOW.match(line)) or _MY_ROW.match(line):
            if row := _mysql_row(line):
                yield [index], row
        elif line.strip() and not line.strip().startswith("+-"):
            ahead = paste.lines[index + 1 : index + 2]
            below = below and bool(ahead and _MY_BELOW.match(ahead[0]))  # the rest of a folded row


def _mysql_vertical(paste: Paste) -> Iterator[tuple[list[int], _Row]]:
    for index, line in enumerate(paste.lines):
        if _MY_VERTICAL.match(line.strip()):
            after = range(index + 1, min(index + 10, len(paste.lines)))
            fields = {m[1]: (i, m[2]) for i in after if (m := _MY_FIELD.match(paste.lines[i]))}
            if {"Command", "Time"} <= fields.keys():
                used = [index, *(i for i, _ in fields.values())]
                yield used, (fields["Command"][1], _whole(fields["Time"][1]), fields.get("State", (0, ""))[1])


_COMMAND = re.compile(
    r"\b(Sleep|Query|Connect|Binlog Dump|Daemon|Execute|Prepare|Quit|Init DB)\b\W+(\d+)\W+(.*)"
)


def _mysql_row(line: str) -> _Row | None:
    match = _COMMAND.search(line)
    return (match[1], int(match[2]), match[3]) if match else None


def _judge_mysql(rows: list[_Row]) -> Iterator[Finding]:
    locked = [row for row in rows if _LOCK.search(row[2])]
    if locked:
        yield sick("mysql_lock", f"{len(locked)} 个在等锁")
    slow = [
        row for row in rows if row[0] in ("Query", "Execute") and row[1] >= _SLOW_QUERY and row not in locked
    ]
    if slow:
        yield sick("mysql_slow_query", f"查询跑了 {max(row[1] for row in slow)} 秒")
    if len(rows) >= _MANY_CONNECTIONS:
        yield suspect("mysql_too_many", f"{len(rows)} 个连接")


def _jstack(paste: Paste) -> Iterator[Part]:
    if not any(_DUMP.search(line) for line in paste.lines):
        return
    lines = [
        i
        for i, line in enumerate(paste.lines)
        if _DUMP.search(line)
        or _THREAD.match(line)
        or re.match(r"^\s*(?:at \S|- [a-z]|waiting|which is)|^=+$", line)
    ]
    blocks: list[tuple[str, str]] = []
    for i in lines:
        if name := _THREAD.match(paste.lines[i]):
            blocks.append((name[1], ""))
        elif blocks:
            blocks[-1] = (blocks[-1][0], blocks[-1][1] + paste.lines[i] + "\n")
    text = "\n".join(paste.lines[i] for i in lines)
    findings: list[Finding] = []
    if "Java-level deadlock" in text:
        findings.append(sick("deadlock", "Found one Java-level deadlock"))
    else:
        requests = [body for name, body in blocks if _REQUEST.search(name)]
        monitors = Counter(m[1] for body in requests if (m := _MONITOR.search(body)))
        if monitors and monitors.most_common(1)[0][1] >= 2:
            findings.append(sick("threads_blocked", f"{monitors.most_common(1)[0][1]} 个线程等同一把锁"))
        waiting = [body for body in requests if _SOCKET.search(body) and _BACKEND.search(body)]
        if len(waiting) >= 2:
            findings.append(sick("threads_wait_backend", f"{len(waiting)} 个线程在等后端"))
    if not blocks:
        findings.append(unreadable("truncated", "没有线程的名字"))
    yield Part("jstack", tuple(findings), tuple(lines))
