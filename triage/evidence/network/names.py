"""dig, nslookup and host. https://bind9.readthedocs.io/en/latest/manpages.html"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from triage.evidence.judgement import Finding, Part, Verdict, note, sick, suspect, unreadable
from triage.evidence.paste import Paste

_STATUS = re.compile(r"->>HEADER<<- opcode: \w+, status: (\w+)")
_ANSWERS = re.compile(r"\bANSWER: (\d+)")
_RECORD = re.compile(r"^\S+\.?\s+(?:\d+\s+)?IN\s+(A|AAAA|CNAME)\s+(\S+)")
_ANSWER = re.compile(r"^[\w*-]+(?:\.[\w-]+)*\.\s+\d+\s+IN\s+(?:A|AAAA|CNAME)\s+\S+$")
"""A record as dig prints it where it is told to print the answer alone."""
_QUESTION = re.compile(r"^;\s?\S+\.?\s+IN\s+(?!A\b|ANY\b)([A-Z]+)\s*$", re.MULTILINE)
"""The question for something else than the address that the platform connects to."""
_DIG = re.compile(r"^;|^\S+\.?\s+(?:\d+\s+)?IN\s+[A-Z]+\b")
_TIMEOUT = re.compile(
    r"communications error to \S+: timed out|"
    r"connection timed out; no servers could be reached|no servers could be reached|"
    r"DNS request timed out|timeout was \d+ seconds|请求超时"
)
_TRY = re.compile(
    r"^;; (?:communications error to \S+#\d+: |(?:connection timed out; )?no servers could be reached)"
)
_LEAST_TRIES = 2
_NO_SERVER = re.compile(r"^;; connection timed out; no servers could be reached$")
_HOST = re.compile(
    r"^(?:Using domain server:|\S+\.\S+ has (?:IPv6 )?address (?P<address>[0-9a-f.:]+)"
    r"|\S+\.\S+ is an alias for (?P<alias>\S+\.\S+)|\S+\.\S+ has no A record"
    r"|Host \S+ not found: \d\((?P<error>[A-Z]+)\))$"
)
"""The lines of host that stand for themselves."""
_SHORT = re.compile(r"\bdig\b.*\+short\b")
_ADDRESS = re.compile(r"^\d{1,3}(?:\.\d{1,3}){3}$|^[0-9a-f:]*:[0-9a-f:]+$")
_SERVER = re.compile(r"^\s*(?:Server|服务器)\s*:\s*(\S+)")
_NS_ADDRESS = re.compile(r"^\s*(?:Address(?:es)?|地址)\s*:\s*(\S+)|^\s+(\d{1,3}(?:\.\d{1,3}){3})\s*$")
_CANT = re.compile(
    r"server can't find \S+?:? (NXDOMAIN|SERVFAIL|REFUSED)|(?:找不到|"
    r"can't find) \S+: (?:Non-existent domain|Server failed|NXDOMAIN|Query refused)|No answer",
    re.IGNORECASE,
)
_NS_LINE = re.compile(
    r"Non-authoritative answer|非权威应答|^\s*(?:Name|名称|Aliases|别名)\s*:|canonical name"
)
_RESOLVERS = frozenset({"dig", "nslookup"})
_ADDRESSES_SHOWN = 3
_ANSWERED = re.compile(
    r"^[ \t>]*(?:\S+\.[ \t]+\d+[ \t]+IN[ \t]+A[ \t]+|Address(?:es)?:[ \t]*)?(\d{1,3}(?:\.\d{1,3}){3})[ \t\r]*$",
    re.MULTILINE,
)
"""An address in an answer: alone on its line, in a record, or behind `Address:`, where the server's has `#53`."""
_FAKE = (ipaddress.ip_network("198.18.0.0/15"), ipaddress.ip_network("100.64.0.0/10"))


def read(paste: Paste) -> Iterator[Part]:
    """One part for each query."""
    yield from _dig(paste)
    yield from _short(paste)
    if paste.has("IN"):
        yield from _answers(paste)
    yield from _nslookup(paste)
    if paste.has(" address ", " is an alias for ", "no A record", " not found: ", "domain server:"):
        yield from _host(paste)
    yield from _unanswered(paste)


def _unanswered(paste: Paste) -> Iterator[Part]:
    """No server answered: dig +short and nslookup print a line for each try (since 9.18), and a last one."""
    lines = [i for i, line in enumerate(paste.lines) if _TRY.match(line)]
    if any(line.startswith("; <<>> DiG ") for line in paste.lines):
        return
    if len(lines) < _LEAST_TRIES and not any(_NO_SERVER.match(paste.lines[i]) for i in lines):
        return
    is_dig = not re.search(r"\b(?:nslookup|host)\b", paste.commands[lines[0]])
    tool = "dig" if is_dig else "nslookup"
    yield Part(tool, (sick("dns_timeout", paste.lines[lines[0]][:80]),), tuple(lines))


def _dig(paste: Paste) -> Iterator[Part]:
    starts = [i for i, line in enumerate(paste.lines) if re.match(r"^; <<>> DiG |^;; ->>HEADER", line)]
    starts = [i for place, i in enumerate(starts) if not place or "DiG" in paste.lines[i]]
    for place, start in enumerate(starts):
        stop = starts[place + 1] if place + 1 < len(starts) else len(paste.lines)
        first = start
        while first and _TIMEOUT.search(paste.lines[first - 1] or ""):
            first -= 1
        if (
            first
            and not paste.lines[first - 1].strip()
            and first > 1
            and _TIMEOUT.search(paste.lines[first - 2])
        ):
            first -= 2
            while first and _TIMEOUT.search(paste.lines[first - 1]):
                first -= 1
        lines = [
            i for i in range(first, stop) if _DIG.match(paste.lines[i]) or _TIMEOUT.search(paste.lines[i])
        ]
        text = "\n".join(paste.lines[i] for i in lines)
        yield Part("dig", tuple(_judge_dig(text)), tuple(lines))


def _judge_dig(text: str) -> Iterator[Finding]:
    status = _STATUS.search(text)
    answers = _ANSWERS.search(text)
    records = [m for line in text.splitlines() if not line.startswith(";") and (m := _RECORD.match(line))]
    if status is None and (timeout := _TIMEOUT.search(text)):
        yield sick("dns_timeout", timeout[0])
        return
    named = status[1] if status else "NOERROR"
    if named == "NOERROR" and not records and (answers is None or int(answers[1])):
        yield unreadable("truncated", "没有 ANSWER 一段")
    elif named == "NOERROR" and not records and (other := _QUESTION.search(text)):
        yield unreadable("other_record", f"问的是 {other[1]}")
    else:
        yield from _judge_answer(named, [m[2] for m in records if m[1] != "CNAME"], len(records))
    if any(m[1] == "CNAME" for m in records):
        yield note("cname", "中间有 CNAME")


def _judge_answer(status: str, addresses: list[str], answers: int) -> Iterator[Finding]:
    if status == "NXDOMAIN":
        yield sick("nxdomain", "没有这个域名")
    elif status in ("SERVFAIL", "REFUSED"):
        yield sick("servfail", f"DNS 服务器回 {status}")
    elif not addresses and answers == 0:
        yield sick("no_address", "有这个域名，没有 A 记录")
    else:
        yield from judge_addresses(addresses)


def judge_addresses(addresses: Iterable[str]) -> Iterator[Finding]:
    """Whether a name leads to an address that nobody outside reaches."""
    if private := next(filter(_is_private, addresses), None):
        yield sick("private_address", f"解析到内网地址 {private}")


def _is_private(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    documentation = text.startswith(("192.0.2.", "198.51.100.", "203.0.113."))
    return not documentation and (
        address.is_private or any(address in net for net in _FAKE if address.version == 4)
    )


def _short(paste: Paste) -> Iterator[Part]:
    for index, line in enumerate(paste.lines):
        if not _SHORT.search(line):
            continue
        found = []
        for after in range(index + 1, len(paste.lines)):
            answer = paste.lines[after].strip()
            if not answer:
                continue
            if not _ADDRESS.match(answer) and not re.match(r"^[\w.-]+\.$", answer):
                break
            found.append((after, answer))
        timeout = index + 1 < len(paste.lines) and _TIMEOUT.search(paste.lines[index + 1])
        if timeout:
            yield Part("dig", (sick("dns_timeout", timeout[0]),), (index, index + 1))
            continue
        addresses = [answer for _, answer in found if _ADDRESS.match(answer)]
        findings = list(_judge_answer("NOERROR", addresses, 0))
        if any(not _ADDRESS.match(answer) for _, answer in found):
            findings.append(note("cname", "中间有 CNAME"))
        yield Part("dig", tuple(findings), (index, *(after for after, _ in found)))


def _answers(paste: Paste) -> Iterator[Part]:
    """dig +noall +answer: the records alone."""
    if any(line.startswith("; <<>> DiG ") or _STATUS.search(line) for line in paste.lines):
        return
    lines = [i for i, line in enumerate(paste.lines) if _ANSWER.match(line)]
    if lines:
        text = "\n".join(paste.lines[i] for i in lines)
        more = [i for i, line in enumerate(paste.lines) if line.startswith((";; Query time", ";; SERVER:"))]
        yield Part("dig", tuple(_judge_dig(text)), tuple(sorted([*lines, *more])))


def _host(paste: Paste) -> Iterator[Part]:
    """What host says of a name; the server that it names asked is no address of it."""
    found = [(i, m) for i, line in enumerate(paste.lines) if (m := _HOST.match(line.strip()))]
    if not found or any(_STATUS.search(line) for line in paste.lines):
        return
    addresses = [m["address"] for _, m in found if m["address"]]
    error = next((m["error"] for _, m in found if m["error"]), "NOERROR")
    if len(found) == 1 and found[0][1][0].startswith("Using"):
        findings = [unreadable("truncated", "没有结果")]
    else:
        findings = list(_judge_answer(error, addresses, 0))
        findings += [note("cname", "中间有 CNAME")] if any(m["alias"] for _, m in found) else []
    server = [
        i
        for start, m in found
        if m[0].startswith("Using")
        for i in range(start + 1, min(start + 4, len(paste.lines)))
        if _NS_LINE.search(paste.lines[i]) or _NS_ADDRESS.match(paste.lines[i])
    ]
    yield Part("nslookup", tuple(findings), tuple(sorted({*(i for i, _ in found), *server})))


def _nslookup(paste: Paste) -> Iterator[Part]:
    starts = [i for i, line in enumerate(paste.lines) if _SERVER.match(line)]
    for place, start in enumerate(starts):
        stop = starts[place + 1] if place + 1 < len(starts) else len(paste.lines)
        after = [
            i
            for i in range(start + 1, min(stop, start + 24))
            if paste.commands[i] == paste.commands[start] and not _DIG.match(paste.lines[i])
        ]
        own = next((i for i in after if _NS_ADDRESS.match(paste.lines[i])), None)
        if own is None:
            continue
        rest = [
            i
            for i in after
            if i != own
            and (
                _NS_ADDRESS.match(paste.lines[i])
                or _CANT.search(paste.lines[i])
                or _NS_LINE.search(paste.lines[i])
                or _TIMEOUT.search(paste.lines[i])
            )
        ]
        text = "\n".join(paste.lines[i] for i in rest)
        is_end = not any(line.strip() for line in paste.lines[max([own, *rest]) + 1 :])
        before = [start - 1] if start and _TIMEOUT.search(paste.lines[start - 1]) else []
        yield Part(
            "nslookup",
            tuple(_judge_nslookup(text, is_end=is_end)),
            tuple(sorted([*before, start, own, *rest])),
        )


def _judge_nslookup(text: str, *, is_end: bool) -> Iterator[Finding]:
    """What was printed for a name; `is_end` says that the paste ends with it."""
    if not text.strip():
        yield unreadable("truncated", "没有结果")
        return
    if cant := _CANT.search(text):
        word = cant[0].upper()
        status = (
            "SERVFAIL"
            if "SERVFAIL" in word or "SERVER FAILED" in word
            else "REFUSED"
            if "REFUSED" in word
            else "NOERROR"
            if "NO ANSWER" in word
            else "NXDOMAIN"
        )
        yield from _judge_answer(status, [], 0)
    elif timeout := _TIMEOUT.search(text):
        yield sick("dns_timeout", timeout[0])
    else:
        found = [m[1] or m[2] for line in text.splitlines() if (m := _NS_ADDRESS.match(line))]
        if not found and re.search(
            r"(?:authoritative answer:|非权威应答:|canonical name = \S*)\s*$", text, re.IGNORECASE
        ):
            yield unreadable("truncated", "没有地址")
            return
        if not found and is_end:
            yield suspect("no_address", "有名字，没有地址，也可能没有粘全")
            return
        yield from _judge_answer("NOERROR", found, 0)
        if "canonical name" in text or re.search(r"Aliases|别名", text):
            yield note("cname", "中间有 CNAME")


def against_sample(parts: tuple[Part, ...], text: str, host: str, ip: str) -> tuple[Part, ...]:
    """The parts, and that the answer to a question for an alert's host lacks the address that the alert names."""
    found = _ANSWERED.findall(text)
    asked = re.search(rf"(?<![\w.-]){re.escape(host)}(?![\w-]|\.\w)", text, re.IGNORECASE) if host else None
    if asked is None or not found or ip in found:
        return parts
    proof = f"样例 {ip}，结果 {'、'.join(dict.fromkeys(found[:_ADDRESSES_SHOWN]))}"
    return tuple(
        replace(part, findings=(*part.findings, suspect("other_address", proof)))
        if part.tool in _RESOLVERS and part.verdict is Verdict.HEALTHY
        else part
        for part in parts
    )
