"""top: the summary lines. https://man7.org/linux/man-pages/man1/top.1.html"""

from __future__ import annotations

import re
from collections.abc import Iterator

from triage.evidence.host.memory import judge_memory, judge_swap
from triage.evidence.host.uptime import judge_load
from triage.evidence.host.vmstat import judge_cpu
from triage.evidence.judgement import Finding, Part, unreadable
from triage.evidence.paste import Paste

_HEAD = re.compile(r"^\s*top - .*load average")
_TASKS = re.compile(r"^\s*(?:Tasks|任务|Mem|Threads)\s*:")
_CPU = re.compile(r"%?Cpu(?:\(s\)|\d+)\s*:|^\s*CPU:\s+\d+% usr|^\s*CPU usage: |^\s*\d+%cpu\s+\d+%user")
_SHARE = re.compile(
    r"(\d+(?:\.\d+)?)\s*%?\s*(us|sy|ni|id|wa|hi|si|st|usr|sys|nic|idle|io|irq|sirq|iow|sysq)\b"
)
_TOYBOX = re.compile(r"(\d+)%(cpu|user|sys|idle|iow|irq|sirq|host)")
_MEMORY = re.compile(r"^\s*(?:[KMG]iB )?Mem\s*:\s*(\d+(?:\.\d+)?)k?\s*total.*?(\d+(?:\.\d+)?)k?\s*free")
_AVAILABLE = re.compile(r"(\d+(?:\.\d+)?)k?\s*avail Mem")
_SWAP = re.compile(r"^\s*(?:[KMG]iB )?Swap\s*:\s*(\d+(?:\.\d+)?)k?\s*total.*?(\d+(?:\.\d+)?)k?\s*used")
_FREE_SWAP = re.compile(r"^\s*(?:[KMG]iB )?Swap\s*:\s*(\d+(?:\.\d+)?)\s*total,\s*(\d+(?:\.\d+)?)\s*free")
_LOADS = re.compile(r"load average:\s*(\d+\.\d+),\s*(\d+\.\d+),\s*(\d+\.\d+)")
_PROCESS = re.compile(
    r"^\s*\d+\s+\S+\s+(?:-?\d+|rt)\s+-?\d+\s+\S+\s+\S+\s+\S+\s+[SRDTZI]\s+\d+\.\d\s+\d+\.\d\s+\d+:\d\d\.\d\d\s"
)
_HEADER = re.compile(r"\bPID\b.*\bCOMMAND\b|进程 USER")


def read(paste: Paste) -> Iterator[Part]:
    """One part for each frame; rows of processes alone are a cut one."""
    marks = [i for i, line in enumerate(paste.lines) if _HEAD.search(line) or _CPU.search(line)]
    claimed: set[int] = set()
    for index in marks:
        if index in claimed:
            continue
        end = index + 1
        while end < len(paste.lines) and paste.commands[end] == paste.commands[index]:
            if not _belongs(paste.lines[end]) or _HEAD.search(paste.lines[end]):
                break
            end += 1
        block = range(index, end)
        claimed.update(block)
        lines = [paste.lines[i] for i in block]
        if any(_CPU.search(line) for line in lines) or any(_TASKS.match(line) for line in lines):
            yield Part("top", tuple(_judge(lines, paste.cpus)), tuple(block))
    rows = [i for i, line in enumerate(paste.lines) if i not in claimed and _PROCESS.match(line)]
    if len(rows) >= 2 and not marks:
        yield Part("top", (unreadable("truncated", "没有汇总的几行"),), tuple(rows))


def _belongs(line: str) -> bool:
    return not line.strip() or bool(
        _TASKS.match(line)
        or _CPU.search(line)
        or re.match(r"^\s*(?:[KMG]iB )?(?:Mem|Swap)\s*:", line)
        or _HEADER.search(line)
        or _PROCESS.match(line)
        or "Load average:" in line
        or re.match(r"^\s*\d+\s+\S+", line)
    )


def _judge(lines: list[str], cpus: int | None) -> Iterator[Finding]:
    shares = [_shares(line) for line in lines if _CPU.search(line)]
    if not shares:
        yield unreadable("truncated", "没有 Cpu(s) 一行")
    else:  # a line for each CPU after the key 1: their mean
        yield from judge_cpu(*([sum(values) / len(values)] for values in zip(*shares, strict=True)))
    if cpus is not None and (load := next((m for line in lines if (m := _LOADS.search(line))), None)):
        yield from judge_load(float(load[1]), float(load[3]), cpus)
    yield from _judge_memory(lines)


def _shares(line: str) -> tuple[float, float, float]:
    """Percent idle, waiting for a disk, and stolen."""
    found = {name: float(value) for value, name in _SHARE.findall(line)}
    toy = {name: float(value) for value, name in _TOYBOX.findall(line)}
    if "cpu" in toy:  # toybox counts n × 100 %
        found = {name: 100 * value / toy["cpu"] for name, value in toy.items()}
    idle = found.get("id", found.get("idle", 100.0))
    return idle, found.get("wa", found.get("io", found.get("iow", 0.0))), found.get("st", 0.0)


def _judge_memory(lines: list[str]) -> Iterator[Finding]:
    memory = next((m for line in lines if (m := _MEMORY.match(line))), None)
    available = next((m for line in lines if (m := _AVAILABLE.search(line))), None)
    if memory and available:
        yield from judge_memory(float(memory[1]), float(available[1]))
    swap = next((m for line in lines if (m := _SWAP.match(line))), None)
    if swap and float(swap[1]) and available:
        yield from judge_swap(float(swap[1]), float(swap[2]))
