"""uptime, the first line of w, /proc/loadavg: how many tasks run or wait for a disk.

Thresholds: load1 > n suspect, > 2n sick, n the number of CPUs (Gregg's USE method). https://man7.org/linux/man-pages/man1/uptime.1.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from triage.evidence.judgement import Finding, Part, note, sick, suspect, unreadable
from triage.evidence.paste import Paste
from triage.wording import Wording

_MARK = re.compile(r"\bup\s+(?P<up>\d.*?|\S+ min.*?),?\s+(?:\d+ users?,?\s+)?load averages?\b", re.ASCII)
_CUT = re.compile(
    r"\d{1,2}:\d{2}(?::\d{2})?\s+up\s+\d[^a-z]*(?:day|min|\d+:\d+).*\busers?,\s+l(?:o(?:a(?:d.*)?)?)?$"
)
_LOADS = re.compile(r"load averages?:\s*(\d+(?:[.,]\d+)?),?\s+(\d+(?:[.,]\d+)?),?\s+(\d+(?:[.,]\d+)?)")
_LOADAVG = re.compile(r"^(\d+\.\d\d) (\d+\.\d\d) (\d+\.\d\d) \d+/\d+ \d+$")
_MINUTES = re.compile(r"^(\d{1,2})\s*min")
_JUST_REBOOTED = 10
"""Minutes."""
_TREND = 1.5


def read(paste: Paste) -> Iterator[Part]:
    """One part for each line of uptime."""
    for index, line in enumerate(paste.lines):
        if _MARK.search(line) or _LOADAVG.match(line):
            yield Part("uptime", tuple(_judge(line, paste.cpus)), (index,))
        elif _CUT.search(line):
            yield Part("uptime", (unreadable("truncated", line.strip()),), (index,))


def _judge(line: str, cpus: int | None) -> Iterator[Finding]:
    found = _LOADS.search(line) or _LOADAVG.match(line)
    if found is None:
        yield unreadable("truncated", line.strip())
        return
    one, _, fifteen = (float(value.replace(",", ".")) for value in found.groups())
    yield from judge_load(one, fifteen, cpus)
    up = _MARK.search(line)
    minutes = _MINUTES.match(up["up"]) if up else None
    if minutes and int(minutes[1]) < _JUST_REBOOTED:
        yield suspect("just_rebooted", Wording("开机 {minutes:.0f} 分钟", minutes=int(minutes[1])))


def judge_load(one: float, fifteen: float, cpus: int | None) -> Iterator[Finding]:
    """What the load of one and of fifteen minutes says on a machine of so many CPUs."""
    if cpus is None:
        if one >= 1:
            yield suspect("load_unknown_cpus", Wording("负载 {one:g}，不知道几核", one=one))
        return
    if one > cpus:
        high = sick if one > 2 * cpus else suspect
        yield high("load_high", Wording("1 分钟负载 {one:g}，{cpus} 核", one=one, cpus=cpus))
        if one > _TREND * fifteen:
            yield suspect(
                "load_rising", Wording("1 分钟 {one:g}，15 分钟 {fifteen:g}", one=one, fifteen=fifteen)
            )
    elif fifteen > cpus and fifteen > _TREND * one:
        yield note("load_falling", Wording("15 分钟 {fifteen:g}，1 分钟 {one:g}", fifteen=fifteen, one=one))
