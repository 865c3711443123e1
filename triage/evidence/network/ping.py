"""ping of Linux, busybox, macOS and Windows. All lost proves little: hosts may ignore it. Some lost does."""

from __future__ import annotations

import re
from collections.abc import Iterator

from triage.evidence.judgement import Finding, Part, sick, suspect, unreadable
from triage.evidence.paste import Paste

_BEHIND_TOTAL = 4
"""Lines of the statistics from the number of packets on."""
_LOSS, _HIGH_RTT = 5.0, 100.0
"""Percent; milliseconds."""
_HEAD = re.compile(r"^\s*(?:PING [\w.:-]+(?: \(|: \d)|PING6\(|Pinging \S+|正在 Ping \S+)")
_UNIX = re.compile(r"(\d+) packets transmitted, (\d+)(?: packets)? received.*?(\d+(?:\.\d+)?)% packet loss")
_WINDOWS = re.compile(
    r"(?:Sent = (\d+), Received = (\d+), Lost = \d+ \((\d+)% loss\)|"
    r"已发送 = (\d+)\s*,\s*已接收 = (\d+)\s*,\s*丢失 = \d+ \((\d+)% 丢失\))"
)
_RTT = re.compile(r"(?:rtt|round-trip) min/avg/max(?:/\w+)? = [\d.]+/([\d.]+)/")
_WINDOWS_RTT = re.compile(r"(?:Average|平均) = (\d+)\s?ms")
_UNREACHABLE = re.compile(
    r"Destination (?:Host|Net|Port) (?:Unreachable|Prohibited)|(?<!\d: )Network is unreachable|"
    r"无法访问目标主机|无法访问目标网|Packet filtered",
    re.IGNORECASE,
)
_NO_NAME = re.compile(
    r"ping: (?:unknown host|cannot resolve|\S+: (?:Name or service not known|"
    r"Temporary failure in name resolution|No address associated with hostname|未知的名称或服务|域名解析暂时失败))"
    r"|ping: bad address |could not find host|找不到主机"
)
_NO_WAY = re.compile(
    r"^\s*(?:ping: )?(?:connect|sendmsg|sendto): (?:Network is unreachable|No route to host)\s*$",
    re.MULTILINE,
)
_ROW = re.compile(
    r"icmp_seq|seq=\d+ ttl|(?:Reply from|来自) \S+|请求超时|Request timed? ?out|TTL=|"
    r"ping statistics|Ping 统计|rtt min|round-trip|packets transmitted|数据包: |Packets: Sent|"
    r"往返行程|Approximate round|最短 = |Minimum = ",
    re.IGNORECASE,
)
_TIMED_OUT = re.compile(r"^\s*(?:请求超时[。.]|Request timed out\.?|Request timeout for icmp_seq \d+)\s*$")


def read(paste: Paste) -> Iterator[Part]:
    """One part for each run."""
    starts = [i for i, line in enumerate(paste.lines) if _begins(line)]
    ends = [i for i, line in enumerate(paste.lines) if _UNIX.search(line) or _WINDOWS.search(line)]
    alone = [i for i, line in enumerate(paste.lines) if _TIMED_OUT.match(line)]
    if not starts and not ends and len(alone) >= 2:
        yield Part("ping", (unreadable("truncated", "只有超时的几行，没有统计"),), tuple(alone))
    if not starts and ends:
        starts = [max(0, ends[0] - 12)]
    for place, start in enumerate(starts):
        stop = starts[place + 1] if place + 1 < len(starts) else len(paste.lines)
        total = next((i for i in ends if start <= i < stop), stop)
        stop = min(stop, total + _BEHIND_TOTAL)
        lines = [start] if _begins(paste.lines[start]) else []
        lines += [
            i
            for i in range(start, stop)
            if i not in lines and (_ROW.search(paste.lines[i]) or _UNREACHABLE.search(paste.lines[i]))
        ]
        text = "\n".join(paste.lines[i] for i in lines)
        if lines and (findings := _judge(text)) is not None:
            yield Part("ping", tuple(findings), tuple(sorted(lines)))


def _begins(line: str) -> bool:
    return bool(_HEAD.match(line) or _NO_NAME.search(line) or _NO_WAY.match(line))


def _judge(text: str) -> list[Finding] | None:
    if no_name := _NO_NAME.search(text):
        return [sick("name_not_resolved", no_name[0])]
    if no_way := _NO_WAY.search(text):
        return [sick("unreachable", no_way[0].strip())]
    total = _UNIX.search(text) or _WINDOWS.search(text)
    if total is None:
        replies = len(re.findall(r"ttl=", text, re.IGNORECASE))
        return [unreadable("truncated", "没有统计的几行")] if replies or _HEAD.match(text) else None
    numbers = [float(value) for value in total.groups() if value is not None]
    loss = numbers[2]
    findings: list[Finding] = []
    if unreachable := _UNREACHABLE.search(text):
        findings.append(sick("unreachable", unreachable[0]))
    elif loss >= 100:
        findings.append(suspect("no_answer", "全部没有回"))
    elif loss > 0:
        findings.append((sick if loss >= _LOSS else suspect)("packet_loss", f"丢包 {loss:g}%"))
    rtt = _RTT.search(text) or _WINDOWS_RTT.search(text)
    if rtt and float(rtt[1]) >= _HIGH_RTT:
        findings.append(suspect("rtt_high", f"平均 {float(rtt[1]):g} 毫秒"))
    return findings
