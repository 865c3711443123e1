"""curl with -v or -i, its error line, and the times of -w. https://curl.se/libcurl/c/libcurl-errors.html"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import takewhile

from triage.evidence.judgement import Finding, Part, note, sick, suspect
from triage.evidence.paste import Paste

_ERROR = re.compile(r"^\s*curl: \((\d+)\) (.*)$")
_STATUS = re.compile(r"^\s*(?:<\s*)?HTTP/(?:1\.[01]|2|3)\s+(\d{3})\b")
_VERBOSE = re.compile(r"^\s*(?:\*|>|<)(?:\s|$)")
_HEADER = re.compile(r"^\s*(?:<\s*)?[A-Za-z][\w-]*: \S")
_CONNECTED = re.compile(r"Connected to \S+")
_REFUSAL = re.compile(r"signature|sign|签名|token|验签|invalid", re.IGNORECASE)
_ERRORS = {
    6: "name_not_resolved",
    7: "connection_refused",
    52: "empty_reply",
    60: "bad_certificate",
    51: "bad_certificate",
    22: "http_status",
    35: "tls_failed",
    56: "empty_reply",
}
_NOT_TLS = re.compile(r"wrong version number|unknown protocol")
_SERVER = re.compile(r"^\s*(?:<\s*)?Server:.*$", re.MULTILINE | re.IGNORECASE)
_NAMED_TIMES = re.compile(
    r"\b(?:time_)?(dns|namelookup|tcp|connect|tls|appconnect|ttfb|starttransfer|total)\s*[:=]?\s*(\d+\.\d+)\s?s?"
)
_BARE_TIMES = re.compile(r"^\s*(?:\d{3}\s+)?(?:\d+\.\d{1,6}s?\s*){1,6}$")
_WRITE_OUT = re.compile(r"-w\s+(?:'([^']*)'|\"([^\"]*)\")")
_FORMAT = re.compile(r"%\{(?:time_)?(\w+)\}")
_CHINESE_TIMES = re.compile(
    r"(解析|连接|握手|首字节|首包|总计|总共|总耗时|总时间|耗时)(?:耗时|时间)?\s?[:=]?\s?(\d+\.\d{3,})\s?(?:s|秒)?"
)
_IN_ENGLISH = {"解析": "dns", "连接": "tcp", "握手": "tls", "首字节": "ttfb", "首包": "ttfb"}
_CODE = re.compile(r"(?:\b(?:http_)?code|状态码)\s?[:=]?\s?(\d{3})(?!\d)", re.IGNORECASE)
_REAL = re.compile(r"^real\s+(\d+)m(\d+\.\d+)s$")
_BARE_CODE = re.compile(r"^\s*(\d{3})\s*$")
_ERROR_PAGE = re.compile(r"<title>([45]\d\d) [A-Z][\w -]+</title>")
_UNTOLD = 0
"""The status that curl writes where no answer came."""
_NAMES = {"namelookup": "dns", "connect": "tcp", "appconnect": "tls", "starttransfer": "ttfb"}
_LATE, _SLOW = 5.0, 1.0
"""Seconds: the platform's limit (P.8), and what is slow for one stage."""


def read(paste: Paste) -> Iterator[Part]:
    """One part for each run."""
    yield from _times(paste)
    yield from _runs(paste)
    if any(paste.commands):
        yield from _answers(paste)


def _answers(paste: Paste) -> Iterator[Part]:
    """What a curl without headers printed: the status alone, by its -w, or an error page."""
    is_told = False
    for index, line in enumerate(paste.lines):
        command = paste.commands[index]
        if not re.search(r"\bcurl\b", command):
            is_told = False
            continue
        is_told = (is_told and paste.commands[index - 1] == command) or bool(_STATUS.match(line))
        written = _WRITE_OUT.search(command)
        code = _BARE_CODE.match(line) if written and "http_code" in written[0] else None
        page = None if is_told else _ERROR_PAGE.search(line)
        if told := code or page:
            last = index + 1
            while page and last < len(paste.lines) and paste.lines[last].startswith("<"):
                last += 1
            yield Part("curl", tuple(_judge_code(int(told[1]))), tuple(range(index, last)))


def _judge_code(status: int) -> Iterator[Finding]:
    """Findings that an HTTP status allows by itself, where neither headers nor body of the answer were pasted."""
    if status == _UNTOLD:
        yield sick("connection_refused", "状态 000，没有回应")
    elif status in (301, 302, 303, 307, 308):
        yield sick("redirect", f"状态 {status}")
    elif status in (401, 403):  # an application refuses what is not signed; so does a rule
        yield suspect("http_status", f"状态 {status}，看不出是谁回的")
    elif status >= 400:
        yield sick("http_status", f"状态 {status}")


def _runs(paste: Paste) -> Iterator[Part]:
    marks = [i for i, line in enumerate(paste.lines) if _ERROR.match(line) or _STATUS.match(line)]
    groups: list[list[int]] = []
    for index in marks:
        same = (
            groups and index - groups[-1][-1] < 30 and paste.commands[index] == paste.commands[groups[-1][-1]]
        )
        before = _STATUS.match(paste.lines[groups[-1][-1]]) if groups else None
        is_answered = before is not None and not before[1].startswith("1")
        if same and not (is_answered and _STATUS.match(paste.lines[index])):
            groups[-1].append(index)
        else:
            groups.append([index])
    for group in groups:
        is_curl = any(_ERROR.match(paste.lines[i]) for i in group) or _is_exchange(paste, group[0])
        if not is_curl:
            continue
        lines = sorted({*group, *_around(paste, group)})
        text = "\n".join(paste.lines[i] for i in range(lines[0], min(lines[-1] + 12, len(paste.lines))))
        yield Part("curl", tuple(_judge("\n".join(paste.lines[i] for i in group), text)), tuple(lines))


def _is_exchange(paste: Paste, index: int) -> bool:
    """Whether a status line is that of curl: after the command, with `<`, or followed by headers."""
    line = paste.lines[index]
    following = sum(
        bool(_HEADER.match(paste.lines[i])) for i in range(index + 1, min(index + 6, len(paste.lines)))
    )
    return "curl" in paste.commands[index] or line.lstrip().startswith("<") or following >= 2


def _around(paste: Paste, group: list[int]) -> Iterator[int]:
    for index in range(max(0, group[0] - 60), min(group[-1] + 40, len(paste.lines))):
        if _VERBOSE.match(paste.lines[index]):
            yield index
    for mark in group:
        if _STATUS.match(paste.lines[mark]):
            step = 1 if "".join(paste.lines[mark + 1 : mark + 2]).strip() else 2  # or a copy with empty lines
            behind = range(mark + step, min(mark + 40, len(paste.lines)), step)
            yield from takewhile(lambda index: bool(_HEADER.match(paste.lines[index])), behind)


def _judge(marks: str, text: str) -> Iterator[Finding]:
    error = next((m for line in marks.splitlines() if (m := _ERROR.match(line))), None)
    if error:
        code, words = int(error[1]), error[2]
        if code == 28:
            late = _CONNECTED.search(text) or "bytes received" in words or "Operation timed out" in words
            connecting = re.search(
                r"Failed to connect|Connection timed out|connect\(\) timed out|Connection timeout|Resolving timed out",
                words,
            )
            id_ = (
                "connect_timeout"
                if connecting and not _CONNECTED.search(text)
                else "response_timeout"
                if late
                else "connect_timeout"
            )
            yield sick(id_, f"curl ({code}) {words[:60]}")
        else:
            id_ = "no_tls" if _NOT_TLS.search(words) else _ERRORS.get(code, "curl_error")
            yield sick(id_, f"curl ({code}) {words[:60]}")
        return
    statuses = [int(m[1]) for line in marks.splitlines() if (m := _STATUS.match(line))]
    status = [code for code in statuses if code >= 200][-1:] or statuses[-1:]
    if not status or status[0] == 200 or status[0] < 200:
        return
    if status[0] in (301, 302, 303, 307, 308):
        yield sick("redirect", f"状态 {status[0]}")
    elif (
        status[0] in (401, 403)
        and _REFUSAL.search(text.partition(f" {status[0]}")[2])
        and not re.search(r"<html|nginx/|<center>", _SERVER.sub("", text), re.IGNORECASE)
    ):
        yield note("unsigned_refused", f"状态 {status[0]}，没签名，应用拒了")
    else:
        yield sick("http_status", f"状态 {status[0]}")


def _times(paste: Paste) -> Iterator[Part]:
    for index, line in enumerate(paste.lines):
        named = _line_times(line)
        code = _CODE.search(line) if "total" in named else None
        if len(named) + bool(code) < 2 or "total" not in named:
            named, code = _by_format(paste, index) or _block(paste, index) or _timed(paste, index), None
        status = int(code[1]) if code else int(named.pop("http_code", 200))
        if "total" in named and (len(named) >= 2 or code or "time" in paste.commands[index]):
            used = (
                [index]
                if len(_NAMED_TIMES.findall(line)) != 1
                else [
                    i
                    for i in range(index, min(index + 8, len(paste.lines)))
                    if _NAMED_TIMES.search(paste.lines[i])
                ]
            )
            yield Part("curl_timing", (*_judge_code(status), *_judge_times(named)), tuple(used))


def _line_times(line: str) -> dict[str, float]:
    """The times that a line names, in English or in Chinese."""
    found = {_NAMES.get(name, name): float(value) for name, value in _NAMED_TIMES.findall(line)}
    if not found and ("总" in line or "耗时" in line):
        found = {_IN_ENGLISH.get(name, "total"): float(value) for name, value in _CHINESE_TIMES.findall(line)}
    return found


def _timed(paste: Paste, index: int) -> dict[str, float]:
    """The total of a curl behind the shell's time."""
    real = _REAL.match(paste.lines[index])
    if real and re.match(r"time\s.*\bcurl\b", paste.commands[index]):
        return {"total": 60 * int(real[1]) + float(real[2])}
    return {}


def _by_format(paste: Paste, index: int) -> dict[str, float]:
    """A bare line of numbers, by the -w of the command before it."""
    match = _BARE_TIMES.match(paste.lines[index])
    written = _WRITE_OUT.search(paste.commands[index]) if match else None
    if not match or not written:
        return {}
    names = [_NAMES.get(name, name) for name in _FORMAT.findall(written[1] or written[2])]
    values = [float(word.rstrip("s")) for word in paste.lines[index].split()]
    if len(names) != len(values):
        return {}
    return dict(zip(names, values, strict=True))


def _block(paste: Paste, index: int) -> dict[str, float]:
    """Times on a line each, of which this is the first."""
    if not _NAMED_TIMES.search(paste.lines[index]) or (index and _NAMED_TIMES.search(paste.lines[index - 1])):
        return {}
    found: dict[str, float] = {}
    for line in paste.lines[index : index + 8]:
        found |= {_NAMES.get(name, name): float(value) for name, value in _NAMED_TIMES.findall(line)}
    return found


def _judge_times(times: dict[str, float]) -> Iterator[Finding]:
    total = times["total"]
    if total >= _LATE:
        yield sick("slower_than_5s", f"一共 {total:g} 秒")
    dns, tcp = times.get("dns", 0.0), times.get("tcp", 0.0)
    if dns >= _SLOW:
        yield suspect("dns_slow", f"解析 {dns:g} 秒")
    if tcp - dns >= _SLOW:
        yield sick("connect_slow", f"连接 {tcp - dns:.3g} 秒")
    if "ttfb" in times and (wait := times["ttfb"] - max(tcp, times.get("tls", 0.0))) >= _SLOW:
        yield suspect("slow_answer", f"等回应 {wait:.3g} 秒")
