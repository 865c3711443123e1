"""df and df -i: room on the file systems. https://man7.org/linux/man-pages/man1/df.1.html"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from triage.evidence.judgement import Finding, Part, sick, suspect
from triage.evidence.paste import Paste, Token, tokens
from triage.wording import Wording

_FULL, _NEARLY_FULL = 95, 85
"""Percent."""
_INODES = re.compile(r"IUse%|IUsed|Inodes?|已用\(I\)%|已用I%")
_HEADERS = (("Filesystem", "文件系统"), ("Mounted", "挂载点"))
_ROW = re.compile(r"(\S+)\s+(?:\d+(?:\.\d+)?[BKMGTP]?i?\s+){3}(?:(\d{1,3})%|-)\s+(/\S*)")
_ALONE = re.compile(
    r"^\s*(/dev/\S+|overlay|\S+:/\S*)\s+(?:[a-z]\w+\s+)?(?:\d+(?:\.\d+)?[BKMGTP]?i?\s+){3}(\d{1,3})%\s+(/\S*)\s*$"
)
"""A row that grep left without its header."""
_SHORT = re.compile(r"(\S+)\s+(?:\d+(?:\.\d+)?[BKMGTP]?i?\s+){0,2}(\d{1,3})%\s+(/\S*)")
"""A row of df --output with columns of one's own."""
_NOT_COUNTED = ("tmpfs", "devtmpfs", "udev", "/dev/loop", "none", "shm", "squashfs", "cgroup")


def read(paste: Paste) -> Iterator[Part]:
    """One part for each table."""
    starts = [i for i, line in enumerate(paste.lines) if line.split()[:1] and line.split()[0] in _HEADERS[0]]
    for place, start in enumerate(starts):
        end = starts[place + 1] if place + 1 < len(starts) else len(paste.lines)
        text = paste.lines[start]
        if not any(word in text or word in " ".join(paste.lines[start : start + 2]) for word in _HEADERS[1]):
            continue
        body = list(tokens(paste, start + 1, end))
        joined = " ".join(word.text for word in body)
        found = [m for m in _ROW.finditer(joined) if m[2]] or list(_SHORT.finditer(joined))
        if not found:
            continue
        rows = [(m[1], int(m[2]), m[3]) for m in found]
        used = {start, *_lines(body, found)}
        inodes = bool(_INODES.search(text))
        findings = tuple(_judge(rows, inodes=inodes))
        yield Part("df_inodes" if inodes else "df", findings, tuple(sorted(used)))
    alone = [(i, m) for i, line in enumerate(paste.lines) if (m := _ALONE.match(line))] if not starts else []
    if alone:
        inodes = bool(re.search(r"\bdf\s+-\w*i", paste.commands[alone[0][0]]))
        findings = tuple(_judge([(m[1], int(m[2]), m[3]) for _, m in alone], inodes=inodes))
        yield Part("df_inodes" if inodes else "df", findings, tuple(i for i, _ in alone))


def _lines(words: list[Token], rows: list[re.Match[str]]) -> Iterator[int]:
    """The lines of the words that the rows are made of."""
    place, left = 0, iter(rows)
    row = next(left, None)
    for word in words:
        while row and row.end() <= place:
            row = next(left, None)
        if row and row.start() <= place:
            yield word.line
        place += len(word.text) + 1


def _judge(rows: list[tuple[str, int, str]], *, inodes: bool) -> Iterator[Finding]:
    counted = [row for row in rows if not row[0].startswith(_NOT_COUNTED) and not row[2].startswith("/snap")]
    yield from judge_room({mount: percent for _, percent, mount in counted}, inodes=inodes)


def judge_room(used: Mapping[str, float], *, inodes: bool = False) -> Iterator[Finding]:
    """What the fullest file system says; `used` is in percent, by mount point."""
    mount = max(used, key=lambda name: used[name], default=None)
    if mount is None:
        return
    proof = Wording("{mount} 用了 {used:.0f}%", mount=mount, used=used[mount])
    if used[mount] >= _FULL:
        yield sick("inode_full" if inodes else "disk_full", proof)
    elif used[mount] >= _NEARLY_FULL:
        yield suspect("disk_nearly_full", proof)
