"""ulimit of a shell, /proc/PID/limits of a process, and the files of a cgroup.

https://man7.org/linux/man-pages/man5/proc_pid_limits.5.html, https://docs.kernel.org/admin-guide/cgroup-v2.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from triage.evidence.judgement import Finding, Part, note, sick, suspect
from triage.evidence.paste import Paste
from triage.wording import Wording

_LOW_FILES = 4096
"""Open files; a proxy needs two for a request."""
_NEARLY_ALL = 0.9
"""The share of the open files from which the next connections fail."""
_THROTTLED, _SOMETIMES = 25.0, 5.0
"""Percent of the periods."""
_ULIMIT = re.compile(r"^(?:sudo )?ulimit\s+-(?:S|H)?(?:n|Sn|Hn|a)\b\s*(\d+|unlimited)?$")
_ANSWER = re.compile(r"^\s*(\d+|unlimited)\s*$")
_ALL = re.compile(
    r"open files\s+\(-n\)\s+(\d+|unlimited)"
    r"|^\s*(?:nofiles?(?:\s*\(-n\))?|-n: file descriptors|descriptors)\s+(\d+|unlimited)\s*$"
)
"""bash; then dash, busybox, zsh and csh."""
_SOFT_ONLY = re.compile(r"^(?:sudo )?ulimit\s+-S?n\s*[;&]+\s*ulimit\s+-Hn$")
_PRLIMIT = re.compile(r"^\s*NOFILE\s+max number of open files\s+(\d+|unlimited)\s+(?:\d+|unlimited)\b")
_PROC = re.compile(r"Max open files\s+(\d+|unlimited)\s+(\d+|unlimited)\s+files")
_LIMITS = re.compile(
    r"^\s*(?:Limit\s+Soft Limit\s+Hard Limit|Max [a-z -]+\s+(?:\d+|unlimited)\s+(?:\d+|unlimited))"
)
_KEY = re.compile(r"^\s*([a-z_]+)\s+(\d+)\s*$")
_CPU = ("nr_periods", "nr_throttled")
_EVENTS = ("oom", "oom_kill")


def read(paste: Paste) -> Iterator[Part]:
    """One part for each output."""
    if paste.has("open files", "nofile", "descriptors", "ulimit"):
        yield from _shell(paste)
    yield from _process(paste)
    yield from _cgroup(paste)


def _shell(paste: Paste) -> Iterator[Part]:
    for index, line in enumerate(paste.lines):
        typed = _ULIMIT.match(line) or _SOFT_ONLY.match(line)
        value = typed[1] if typed and typed.lastindex else None
        used = [index]
        if typed and value is None and index + 1 < len(paste.lines):
            answer = _ANSWER.match(paste.lines[index + 1])
            value = answer[1] if answer else None
            used.append(index + 1)
        if not typed and (every := _ALL.search(line)):
            value = every[1] or every[2]
        if value is not None:
            yield Part(
                "ulimit",
                tuple(_judge(value, suspect, note("shell_limit_only", Wording("这是外壳的限制")))),
                tuple(used),
            )


def _process(paste: Paste) -> Iterator[Part]:
    rows = [index for index, line in enumerate(paste.lines) if _LIMITS.match(line)]
    found = next((m for index in rows if (m := _PROC.search(paste.lines[index]))), None)
    if found:
        yield Part("limits", tuple(_judge(found[1], sick)), tuple(rows))
    for index, line in enumerate(paste.lines):
        if limit := _PRLIMIT.match(line):
            head = [index - 1] if index and paste.lines[index - 1].startswith("RESOURCE") else []
            yield Part("limits", tuple(_judge(limit[1], sick)), (*head, index))


def _judge(value: str, found: object, *more: Finding) -> Iterator[Finding]:
    if value != "unlimited" and int(value) <= _LOW_FILES:
        yield (sick if found is sick else suspect)(
            "nofile_low", Wording("最多打开 {value} 个文件", value=value)
        )
    yield from more


def _cgroup(paste: Paste) -> Iterator[Part]:
    rows = {m[1]: (index, int(m[2])) for index, line in enumerate(paste.lines) if (m := _KEY.match(line))}
    lines = tuple(sorted(index for index, _ in rows.values()))
    if all(name in rows for name in _CPU):
        findings = judge_throttling(rows["nr_periods"][1], rows["nr_throttled"][1])
        yield Part("cgroup_cpu", tuple(findings), lines)
    elif all(name in rows for name in _EVENTS):
        yield Part("cgroup_memory", tuple(judge_kills(rows["oom_kill"][1])), lines)


def judge_throttling(periods: int, throttled: int) -> Iterator[Finding]:
    """What the share of a container's periods says in which it was kept from the CPU."""
    share = 100 * throttled / periods if periods else 0.0
    if share >= _SOMETIMES:
        yield (sick if share >= _THROTTLED else suspect)(
            "cpu_throttled", Wording("{share:.0f}% 的周期被限", share=share)
        )


def judge_kills(kills: int) -> Iterator[Finding]:
    """What the processes say that a container's memory limit has killed."""
    if kills:
        yield sick("cgroup_oom", f"oom_kill {kills}")


def judge_open_files(limit: int, opened: int, name: str) -> Iterator[Finding]:
    """What the soft limit of a service's process says, and how much of it is used."""
    if limit <= _LOW_FILES:
        yield sick("nofile_low", Wording("{name} 最多打开 {limit} 个文件", name=name, limit=limit))
    if opened >= _NEARLY_ALL * limit:
        yield sick(
            "nofile_full",
            Wording("{name} 打开了 {opened} 个文件，上限 {limit}", name=name, opened=opened, limit=limit),
        )
