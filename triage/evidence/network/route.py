"""mtr and traceroute. Loss in the middle alone is a router that answers few probes; only the last hop counts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from triage.evidence.judgement import Finding, Part, note, sick, suspect, unreadable
from triage.evidence.paste import Paste

_LOSS = 5.0
"""Percent."""
_MTR_HEAD = re.compile(r"Loss%\s+Snt\b")
_MTR_ROW = re.compile(
    r"^\s*(\d+)\.\s*(?:\|[-—]+)?\s*(?:AS\S+\s+)?(\S+)\s+(?:\(\S+\)\s+)?(\d+(?:\.\d+)?)%?\s+\d+\s"
)
_MTR_CUT = re.compile(r"^\s*\d+\.(?:\|[-—]|\s)")
_MTR_CSV = re.compile(r"^MTR\.[\d.]+,\d+,OK,[^,]+,\d+,([^,]+),(\d+\.\d+),\d+,")
_TRACE_HEAD = re.compile(
    r"^\s*traceroute to \S+.*hops max|over a maximum of \d+ hops|通过最多 \d+ 个跃点跟踪|^\s*Tracing route to",
    re.IGNORECASE,
)
_TRACE_ROW = re.compile(r"^\s*(\d{1,2})\s+(.*)$")
_REFUSED = re.compile(r"![HNXAP]|reports: Destination|无法访问目标")
_TIME = re.compile(r"\d+(?:\.\d+)?\s?(?:ms|毫秒)|<1 (?:ms|毫秒)")


def read(paste: Paste) -> Iterator[Part]:
    """One part for each run."""
    for index, line in enumerate(paste.lines):
        if _MTR_HEAD.search(line):
            yield from _mtr(paste, index)
        elif _TRACE_HEAD.search(line):
            yield from _trace(paste, index)
    if rows := [(i, m) for i, line in enumerate(paste.lines) if (m := _MTR_CSV.match(line))]:
        head = [i for i in (rows[0][0] - 1,) if i >= 0 and paste.lines[i].startswith("Mtr_Version,")]
        behind = paste.lines[rows[-1][0] + 1 : rows[-1][0] + 2]
        is_cut = any(line.startswith("MTR.") for line in behind)
        hops = [] if is_cut else [(m[1], float(m[2])) for _, m in rows]
        yield Part("mtr", tuple(_judge_mtr(hops)), (*head, *(i for i, _ in rows)))


def _mtr(paste: Paste, start: int) -> Iterator[Part]:
    rows = []
    for index in range(start + 1, len(paste.lines)):
        match = _MTR_ROW.match(paste.lines[index])
        if match is None and paste.lines[index].strip() and "|" not in paste.lines[index]:
            break
        if match:
            rows.append((index, match[2], float(match[3])))
    title = [i for i in (start - 1,) if i >= 0 and paste.lines[i].startswith("Start:")]
    lines = (*title, start, *(index for index, _, _ in rows))
    behind = rows[-1][0] + 1 if rows else start + 1
    is_cut = behind < len(paste.lines) and bool(_MTR_CUT.match(paste.lines[behind]))
    findings = list(_judge_mtr([] if is_cut else [(host, loss) for _, host, loss in rows]))
    yield Part("mtr", tuple(findings), lines)


def _judge_mtr(hops: list[tuple[str, float]]) -> Iterator[Finding]:
    if not hops:
        yield unreadable("truncated", "没有最后一跳")
        return
    host, loss = hops[-1]
    if host == "???":
        yield suspect("path_ends", "最后一跳没有回")
    elif loss >= _LOSS:
        yield sick("loss_at_destination", f"{host} 丢 {loss:g}%")
    elif any(loss >= _LOSS and host != "???" for host, loss in hops[:-1]):
        yield note("middle_hop_loss", "只有中间的一跳丢，终点不丢")


def _trace(paste: Paste, start: int) -> Iterator[Part]:
    rows: list[tuple[int, str]] = []
    is_cut = False
    for index in range(start + 1, len(paste.lines)):
        match = _TRACE_ROW.match(paste.lines[index])
        if match and (_TIME.search(match[2]) or "*" in match[2] or _REFUSED.search(match[2])):
            rows.append((index, match[2]))
        elif paste.lines[index].strip() and rows:
            is_cut = bool(match) and paste.lines[index].lstrip().startswith(str(len(rows) + 1))
            break
    texts = [text for _, text in rows]
    findings: list[Finding] = []
    if not texts or is_cut:
        findings.append(unreadable("truncated", "没有一跳"))
    elif refused := next((text for text in texts if _REFUSED.search(text)), None):
        findings.append(sick("unreachable", refused[:60]))
    elif len(texts) >= 3 and not any(_TIME.search(text) for text in texts[-3:]):
        findings.append(suspect("path_ends", "最后三跳都是星号"))
    yield Part("traceroute", tuple(findings), (start, *(index for index, _ in rows)))
