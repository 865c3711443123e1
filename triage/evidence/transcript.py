"""Parts as text, and back: what `triage doctor --paste` prints for a chat, and one line for an incident's timeline.

triage doctor · web-1
✗ vmstat
✗ swapping si+so 12、40
✓ free
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from triage.evidence.findings import FINDINGS
from triage.evidence.judgement import Finding, Part, Verdict
from triage.evidence.paste import Paste

MARKS = {Verdict.SICK: "✗", Verdict.SUSPECT: "!", Verdict.UNREADABLE: "?", Verdict.HEALTHY: "✓"}
_VERDICTS = {mark: verdict for verdict, mark in MARKS.items()}
_PART, _FINDING = " | ", "; "
_SEPARATORS = re.compile(r"[|;]")
_HEAD = re.compile(r"^\s*triage doctor\b")
_ROW = re.compile(r"^\s*(?P<mark>[✗!?✓]) (?P<id>[a-z0-9_]+)(?:\s+(?P<proof>.*))?$")


def write(title: str, parts: Iterable[Part]) -> str:
    """The parts as lines; `title` is one line."""
    lines = [f"triage doctor · {title}"]
    for part in parts:
        lines.append(f"{MARKS[part.verdict]} {part.tool}")
        lines += [f"{MARKS[item.verdict]} {item.id} {item.proof}".rstrip() for item in part.findings]
    return "\n".join(lines)


def read(paste: Paste) -> Iterator[Part]:
    """The parts below each such title, up to the first line that is none of theirs."""
    for start in (index for index, line in enumerate(paste.lines) if _HEAD.match(line)):
        tool, findings, lines = "", [], [start]
        for index in range(start + 1, len(paste.lines)):
            row = _ROW.match(paste.lines[index])
            if row is None:
                break
            if row["id"] in FINDINGS and tool:
                findings.append(Finding(row["id"], _VERDICTS[row["mark"]], row["proof"] or ""))
            elif row["id"] in FINDINGS or row["proof"]:
                break
            else:
                if tool:
                    yield Part(tool, tuple(findings), tuple(lines))
                tool, findings, lines = row["id"], [], [] if tool else lines
            lines.append(index)
        if tool:
            yield Part(tool, tuple(findings), tuple(lines))


def write_line(parts: Iterable[Part]) -> str:
    """The parts on one line: `✗ vmstat; ✗ swapping si+so 12 | ✓ free`."""
    return _PART.join(
        _FINDING.join(
            [
                f"{MARKS[part.verdict]} {part.tool}",
                *(
                    f"{MARKS[item.verdict]} {item.id} {_SEPARATORS.sub(' ', item.proof)}".rstrip()
                    for item in part.findings
                ),
            ]
        )
        for part in parts
    )


def read_line(line: str) -> tuple[Part, ...]:
    """The parts of such a line; what was cut off at its end is left out."""
    parts = []
    for piece in line.split(_PART):
        rows = [_ROW.match(row) for row in piece.split(_FINDING)]
        if rows[0] is None:
            continue
        findings = [
            Finding(row["id"], _VERDICTS[row["mark"]], row["proof"] or "")
            for row in rows[1:]
            if row and row["id"] in FINDINGS
        ]
        parts.append(Part(rows[0]["id"], tuple(findings), ()))
    return tuple(parts)
