"""nginx's access.log: the format of the guide (A3.4), combined, and JSON.

https://nginx.org/en/docs/http/ngx_http_log_module.html: a line is written when its request ends.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from triage.evidence.judgement import Finding, Part, note, sick, suspect, unreadable
from triage.evidence.paste import Paste
from triage.evidence.services.log_fields import LATE, SLOW, parse_seconds, read_any

_CUT = re.compile(r'^\s*\S+\s+-\s+\S+\s+\[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "[^"]*$')
_START = re.compile(r"(?<!\S)\S+ +- +\S+ +\[\d\d/\w{3}/\d{4}:")
_NOISE = re.compile(
    r"^(?:\\x16|\\x03|$|-$)|/\.env|/wp-|/phpmyadmin|/actuator|/\.git|zgrab|/cgi-bin/luci|/boaform|HNAP1|/favicon\.ico|/robots\.txt",
    re.IGNORECASE,
)
_WITH_FINDING = (502, 504, 500, 404, 403, 413)
_OF_ONE_PATH = frozenset({404, 403, 413})
"""Where pushes can be told by their query, other requests with these are none of theirs: a browser's icon."""
_NAMED = frozenset({*_WITH_FINDING, 499, 503})


@dataclass(frozen=True, slots=True)
class Entry:
    """One request of an access log."""

    status: int
    request: str
    seconds: float | None
    """request_time; None where the format has none."""
    upstream: str | None
    """upstream_addr; `-` where nginx itself answered, None where the format has none."""
    is_noise: bool


def read(paste: Paste) -> Iterator[Part]:
    """One part for all lines; several requests may stand on one."""
    entries: list[Entry] = []
    lines: list[int] = []
    cut = 0
    for index, line in enumerate(paste.lines):
        starts = [match.start() for match in _START.finditer(line)] if line.count(" - ") > 1 else []
        ends = [*starts[1:], len(line)]
        pieces = [line[low:high] for low, high in zip(starts, ends, strict=True)] if starts else [line]
        found = [entry for piece in pieces if (entry := parse_line(piece))]
        if found:
            entries += found
            lines.append(index)
        elif _CUT.match(line):
            cut += 1
            lines.append(index)
    if entries:
        yield Part("access_log", tuple(_judge(entries)), tuple(lines))
    elif cut:
        yield Part("access_log", (unreadable("truncated", "行没有粘全"),), tuple(lines))


def parse_line(line: str) -> Entry | None:
    """The request of one line; None where it is none."""
    fields = read_any(line)
    if fields is None:
        return None
    _, request, status, upstream, seconds, _ = fields
    noise = bool(_NOISE.search(request or "") or "zgrab" in line)
    return Entry(int(status or 0), request or "", parse_seconds(seconds), upstream, noise)


def _judge_others(ours: list[Entry]) -> Iterator[Finding]:
    """Failures that have no finding of their own: sick where a push got one, else somebody else's request."""
    if others := [e for e in ours if e.status >= 400 and e.status not in _NAMED]:
        pushes = [e for e in others if "signature=" in e.request]
        worst = (pushes or others)[0].status
        yield (sick if pushes else suspect)("http_status", f"{len(pushes or others)} 行 {worst}")


def _judge_failures(ours: list[Entry], pushes: list[Entry]) -> Iterator[Finding]:
    all_counts, of_pushes = (Counter(entry.status for entry in entries) for entries in (ours, pushes))
    for status in _WITH_FINDING:
        count = (of_pushes if status in _OF_ONE_PATH else all_counts)[status]
        if count:
            yield sick(f"status_{status}", f"{count} 行 {status}")


def _judge(entries: list[Entry]) -> Iterator[Finding]:
    ours = [entry for entry in entries if not entry.is_noise]
    if not ours:
        yield note("scanner_noise", f"{len(entries)} 行都是扫描")
        return
    pushes = [entry for entry in ours if "signature=" in entry.request] or ours
    gave_up = [e for e in ours if e.status == 499 and (e.seconds is None or e.seconds >= LATE)]
    if gave_up:
        yield sick("status_499_at_5s", f"{len(gave_up)} 行 499")
    yield from _judge_failures(ours, pushes)
    yield from _judge_others(ours)
    if refused := [e for e in ours if e.status == 503]:
        yield sick("status_503_self", f"{len(refused)} 行 503")
    if slow := [e for e in ours if e.status == 200 and e.seconds is not None and e.seconds >= SLOW]:
        yield sick("slow_ge_3s", f"{len(slow)} 行超过 3 秒")
    if moved := [e for e in pushes if e.status in (301, 302, 307, 308)]:
        yield sick("redirect", f"{len(moved)} 行 {moved[0].status}")
    if retried := [e for e in ours if e.upstream and "," in e.upstream]:
        yield suspect("retried_upstream", f"{len(retried)} 行换过后端")
    if all(e.seconds is None for e in ours) and all(e.status == 200 for e in ours):
        yield suspect("no_timing_fields", "没记 request_time")
