"""dmesg and the kernel's lines in the journal. https://man7.org/linux/man-pages/man1/dmesg.1.html"""

from __future__ import annotations

import re
from collections.abc import Iterator

from triage.evidence.judgement import Finding, Part, sick, suspect, unreadable
from triage.evidence.paste import Paste

_STAMP = re.compile(
    r"^\s*(?:\[\s*\d+\.\d{3,6}\]|\[\w{3} \w{3}\s+\d+ \d\d:\d\d:\d\d \d{4}\]|"
    r"\w{3}\s+\d+ \d\d:\d\d:\d\d \S+ kernel:|kernel:)"
)
_FORBIDDEN = re.compile(r"dmesg: read kernel buffer failed: Operation not permitted")
_SIGNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("conntrack_full", re.compile(r"nf_conntrack: (?:nf_conntrack: )?table full|ip_conntrack: table full")),
    ("syn_flood", re.compile(r"[Pp]ossible SYN flooding on port")),
    ("cgroup_oom", re.compile(r"Memory cgroup out of memory|oom-kill:constraint=CONSTRAINT_MEMCG")),
    (
        "oom_kill",
        re.compile(
            r"Out of memory: Kill(?:ed)? process|invoked oom-killer|oom-kill:constraint=CONSTRAINT_NONE"
        ),
    ),
    (
        "disk_error",
        re.compile(
            r"I/O error|Medium Error|ata\d+.*failed command|EXT4-fs error|XFS \(\S+\): .{0,20}[Cc]orruption"
        ),
    ),
    ("read_only_fs", re.compile(r"Remounting filesystem read-only|remounted read-only")),
    ("hung_task", re.compile(r"blocked for more than \d+ seconds|soft lockup")),
    ("tw_overflow", re.compile(r"time wait bucket table overflow")),
)


def read(paste: Paste) -> Iterator[Part]:
    """One part for all lines of the kernel."""
    found: dict[str, Finding] = {}
    lines: list[int] = []
    stamped = 0
    for index, line in enumerate(paste.lines):
        if _FORBIDDEN.search(line):
            yield Part("dmesg", (unreadable("not_root", line.strip()),), (index,))
        is_stamped = bool(_STAMP.match(line))
        rest = paste.lines[index + 1] if is_stamped and index + 1 < len(paste.lines) else ""
        whole = line if _STAMP.match(rest) else line + rest  # a phone breaks lines within a word
        sign = next((id_ for id_, pattern in _SIGNS if pattern.search(whole)), None)
        if sign and (is_stamped or sign in _TOLD_ALONE):
            found.setdefault(sign, (suspect if sign == "tw_overflow" else sick)(sign, line.strip()[:80]))
            lines.append(index)
        elif is_stamped:
            stamped += 1
            lines.append(index)
        elif lines and lines[-1] == index - 1 and line.startswith(("      ", '"echo 0 >')):
            lines.append(index)
    if found or stamped >= 2:
        if "cgroup_oom" in found:
            found.pop("oom_kill", None)
        yield Part("dmesg", tuple(found.values()), tuple(lines))


_TOLD_ALONE = ("conntrack_full", "syn_flood", "cgroup_oom", "oom_kill", "hung_task", "tw_overflow")
"""Signs that are the kernel's words without a time too."""
