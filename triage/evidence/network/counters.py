"""netstat -s and nstat: counters since boot. One paste can only suspect; the same counter twice, grown, proves.

https://docs.kernel.org/networking/snmp_counter.html
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from triage.evidence.host.sysstat import judge_retransmits
from triage.evidence.judgement import Finding, Part, sick, suspect
from triage.evidence.paste import Paste
from triage.wording import Wording

_OVERFLOWS = re.compile(
    r"^\s*(\d+)\s+(times the listen queue of a socket overflowed|SYNs to LISTEN sockets (?:dropped|ignored))"
)
_SECTION = re.compile(r"^\s*(?:Tcp|TcpExt|Ip|Icmp|IcmpMsg|Udp|UdpLite|IpExt|MPTcpExt):\s*$")
_COUNTER = re.compile(r"^\s{2,}(?:\d+ [a-zA-Z]|[A-Z][\w]*: \d+)")
_SENT = re.compile(r"(\d+) segments (?:sent out|send out|sended out)")
_AGAIN = re.compile(r"(\d+) segments retransmi")
_NSTAT = re.compile(r"^\s*((?:TcpExt|Tcp|Ip|Udp|Icmp|IpExt)[A-Z]\w+)\s+(\d+)\s+\d+\.\d\s*$")
_NSTAT_HEAD = re.compile(r"^#kernel\s*$")


def read(paste: Paste) -> Iterator[Part]:
    """One part for each tool."""
    yield from _netstat(paste)
    yield from _nstat(paste)


def _netstat(paste: Paste) -> Iterator[Part]:
    lines = [i for i, line in enumerate(paste.lines) if _OVERFLOWS.match(line) or _SECTION.match(line)]
    if not lines:
        return
    has_section = any(_SECTION.match(paste.lines[i]) for i in lines)
    if has_section:
        first = next(i for i in lines if _SECTION.match(paste.lines[i]))
        lines += [i for i in range(first, len(paste.lines)) if _COUNTER.match(paste.lines[i])]
    text = "\n".join(paste.lines[i] for i in sorted(set(lines)))
    findings = list(
        _overflows([(m[2], int(m[1])) for line in text.splitlines() if (m := _OVERFLOWS.match(line))])
    )
    sent, again = _SENT.search(text), _AGAIN.search(text)
    if sent and again:
        findings += judge_retransmits(float(again[1]), float(sent[1]))
    yield Part("netstat_s", tuple(findings), tuple(sorted(set(lines))))


def _nstat(paste: Paste) -> Iterator[Part]:
    rows = [(i, m) for i, line in enumerate(paste.lines) if (m := _NSTAT.match(line))]
    if not rows:
        return
    heads = [i for i, line in enumerate(paste.lines) if _NSTAT_HEAD.match(line)]
    values = [(m[1], int(m[2])) for _, m in rows]
    overflow = [
        (name, value) for name, value in values if name in ("TcpExtListenOverflows", "TcpExtListenDrops")
    ]
    findings = list(_overflows(overflow))
    last = dict(values)
    if "TcpOutSegs" in last:
        findings += judge_retransmits(float(last.get("TcpRetransSegs", 0)), float(last["TcpOutSegs"]))
    yield Part("nstat", tuple(findings), tuple(sorted([*heads, *(i for i, _ in rows)])))


def _overflows(found: list[tuple[str, int]]) -> Iterator[Finding]:
    series: dict[str, list[int]] = defaultdict(list)
    for name, value in found:
        series[name].append(value)
    yield from judge_overflows(series)


def judge_overflows(series: Mapping[str, Sequence[int]]) -> Iterator[Finding]:
    """What the counters of full listening queues say, each read once or more."""
    grown = [values for values in series.values() if len(values) > 1 and values[-1] > values[0]]
    if grown:
        yield sick(
            "listen_overflows", Wording("{before} 涨到 {after}", before=grown[0][0], after=grown[0][-1])
        )
        yield sick("rising", Wording("两次之间多了 {more}", more=grown[0][-1] - grown[0][0]))
    elif any(value > 0 for values in series.values() for value in values):
        yield suspect(
            "listen_overflows",
            Wording("开机以来 {count} 次", count=max(v for values in series.values() for v in values)),
        )
