"""free: what is left for programs, judged by `available`; `free` is small on every machine.

https://man7.org/linux/man-pages/man1/free.1.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from triage.evidence.judgement import Finding, Part, sick, suspect, unreadable
from triage.evidence.paste import Paste, Token, tokens
from triage.wording import Wording

_LOW, _SCARCE = 0.10, 0.15
"""Shares of the memory that are available."""
_ROUNDED = 0.1
"""The share of the memory by which rounded numbers may differ from their sum."""
_SWAP_FULL, _SWAP_USED = 0.80, 0.20
_SIZE = re.compile(r"(\d+(?:\.\d+)?)([KMGTP]i?|B)?B?")
_UNITS = {"": 1, "B": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40, "P": 1 << 50}
_MEMORY, _SWAP = ("Mem:", "内存:"), ("Swap:", "交换:")
_HEADERS = ("available", "可用", "buff/cache", "缓冲/缓存", "buffers", "cached", "shared", "共享")
_MEMINFO = re.compile(r"^\s*([A-Z]\w+(?:\(\w+\))?):\s+(\d+) kB$")
_LEAST_ROWS = 2
_MAX_COLUMNS = 7
_MAX_WORDS = 3 * _MAX_COLUMNS
"""Of one line: folded lines bring words of the header between the sizes."""


def read(paste: Paste) -> Iterator[Part]:
    """One part for each output of free."""
    words = list(tokens(paste, 0, len(paste.lines)))
    for index, word in enumerate(words):
        if word.text not in _MEMORY:
            continue
        header = [each.text for each in words[max(0, index - 9) : index]]
        if not any(name in header for name in _HEADERS) or not {"total", "总计"} & {*header}:
            continue
        memory, end = _sizes(_texts(words, index + 1))
        begin = max(i for i in range(max(0, index - 9), index) if words[i].text in ("total", "总计"))
        lines = {each.line for each in words[begin : index + 1 + end] if each.line >= word.line - 2}
        old_at = _find(words, index, index + 24, lambda text: text.startswith("buffers/cache"))
        cached = _sizes(_texts(words, old_at + 1))[0] if old_at is not None else []
        swap_at = _find(words, index, index + 30, _SWAP.__contains__)
        swap = _sizes(_texts(words, swap_at + 1))[0] if swap_at is not None else []
        last = swap_at + len(swap) if swap_at is not None else index + end
        lines |= {each.line for each in words[index : last + 1]}
        yield Part("free", tuple(_judge(header, memory, cached, swap)), tuple(sorted(lines)))
    yield from _meminfo(paste)


def _meminfo(paste: Paste) -> Iterator[Part]:
    """/proc/meminfo, of which free is made."""
    rows = {m[1]: (i, float(m[2])) for i, line in enumerate(paste.lines) if (m := _MEMINFO.match(line))}
    if "MemTotal" not in rows or len(rows) < _LEAST_ROWS:
        return
    findings: list[Finding] = []
    if "MemAvailable" in rows:
        findings += judge_memory(rows["MemTotal"][1], rows["MemAvailable"][1])
    else:
        findings.append(unreadable("truncated", Wording("没有 MemAvailable 一行")))
    if "SwapTotal" in rows and "SwapFree" in rows:
        total, free = rows["SwapTotal"][1], rows["SwapFree"][1]
        findings += judge_swap(total, total - free)
    yield Part("free", tuple(findings), tuple(sorted(i for i, _ in rows.values())))


def _find(words: Sequence[Token], start: int, end: int, fits: Callable[[str], bool]) -> int | None:
    """The index of the first fitting word of a stretch."""
    return next((at for at in range(start, min(end, len(words))) if fits(words[at].text)), None)


def _texts(words: Sequence[Token], start: int) -> list[str]:
    """The words from an index on, as many as one line of free may have."""
    return [word.text for word in words[start : start + _MAX_WORDS]]


def _sizes(texts: Sequence[str]) -> tuple[list[float], int]:
    """The sizes that a line begins with, and how many words they take."""
    found: list[float] = []
    for offset, text in enumerate(texts):
        match = _SIZE.fullmatch(text)
        if match is None:
            if found and len(found) < 3 and text in _HEADERS:
                continue
            return found, offset
        found.append(float(match[1]) * _UNITS[(match[2] or "")[:1]])
        if len(found) == _MAX_COLUMNS:
            return found, offset + 1
    return found, len(texts)


def _judge(
    header: list[str], memory: list[float], cached: list[float], swap: list[float]
) -> Iterator[Finding]:
    if cached and memory:  # before 2014: free of the line -/+ buffers/cache
        is_whole = len(cached) > 1 and abs(sum(cached[:2]) - memory[0]) <= _ROUNDED * memory[0]
        available = cached[1] if is_whole else None
    else:
        available = memory[-1] if len(memory) >= 6 and ("available" in header or "可用" in header) else None
    if available is None or not memory:
        yield unreadable("truncated", Wording("没有 available 一列"))
    else:
        yield from judge_memory(memory[0], available)
    if len(swap) >= 2 and swap[0] > 0:
        yield from judge_swap(swap[0], swap[1])


def judge_memory(total: float, available: float) -> Iterator[Finding]:
    """What the available share of the memory says; both in the same unit."""
    share = available / total if total else 1.0
    if share < _SCARCE:
        yield (sick if share < _LOW else suspect)("mem_low", Wording("可用 {share:.0%}", share=share))


def judge_swap(total: float, used: float) -> Iterator[Finding]:
    """What the used share of the swap space says."""
    share = used / total if total else 0.0
    if share > _SWAP_FULL:
        yield sick("swap_full", Wording("交换区用了 {share:.0%}", share=share))
    elif share > _SWAP_USED:
        yield suspect("swap_used", Wording("交换区用了 {share:.0%}", share=share))
