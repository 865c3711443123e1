"""Findings about rule files: as lines with the place they are about, as JSON, as SARIF for code hosts."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from triage import __version__
from triage.cli._output import dump, write
from triage.findings import Finding, Location
from triage.rules.loader import read_source
from triage.rules.yaml_hints import split_lines

_WIDTH = 100
"""Columns of a line that are shown; of a longer one those around the place."""


def write_findings(findings: Iterable[Finding]) -> None:
    """Each finding with the line it is about and a caret below the place."""
    for finding in findings:
        write(finding)
        if finding.location and (lines := _excerpt(finding.location)):
            write("\n".join(lines))


def findings_as_json(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Findings with their places; line and column count from 1, the column in characters."""
    return [
        {
            "id": finding.id,
            "severity": finding.severity,
            "message": finding.message,
            "hint": finding.hint,
            "file": finding.location.file if finding.location else None,
            "line": finding.location.line if finding.location else None,
            "column": finding.location.column if finding.location else None,
        }
        for finding in findings
    ]


def sarif(findings: Sequence[Finding]) -> str:
    """The findings in the format that code hosts show beside the lines of a change.

    https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
    """
    driver = {
        "name": "triage rules",
        "version": __version__,
        "rules": [{"id": id_} for id_ in sorted({finding.id for finding in findings})],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_sarif_result(finding) for finding in findings],
    }
    schema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
    return dump({"$schema": schema, "version": "2.1.0", "runs": [run]})


def _sarif_result(finding: Finding) -> dict[str, Any]:
    hint = f"; {finding.hint}" if finding.hint else ""
    result: dict[str, Any] = {
        "ruleId": finding.id,
        "level": "error" if finding.is_fault else "note",
        "message": {"text": finding.message + hint},
    }
    if finding.location:
        region = {"startLine": finding.location.line, "startColumn": finding.location.column}
        artifact = {"uri": _uri(Path(finding.location.file))}
        result["locations"] = [{"physicalLocation": {"artifactLocation": artifact, "region": region}}]
    return result


def _uri(file: Path) -> str:
    """Relative to where the command runs, as code hosts want it; absolute for what is elsewhere."""
    here, absolute = Path.cwd(), file.absolute()
    if absolute.is_relative_to(here):
        return quote(absolute.relative_to(here).as_posix())
    return absolute.as_uri()


def _excerpt(place: Location) -> tuple[str, ...]:
    """The line and a caret below its column; nothing where the file cannot be read or has no such line."""
    lines = _lines(place.file)
    if not place.line <= len(lines):
        return ()
    line = lines[place.line - 1].replace("\t", " ")
    start = max(0, place.column - 1 - _WIDTH // 2) if len(line) > _WIDTH else 0
    before, shown = line[start : place.column - 1], line[start : start + _WIDTH]
    number = str(place.line)
    caret = " " * sum(map(_columns, before)) + "^"
    return f"  {number} | {_printable(shown)}", f"  {'':>{len(number)}} | {caret}"


def _printable(line: str) -> str:
    return "".join(char if char.isprintable() else "�" for char in line)


def _columns(char: str) -> int:
    """The columns that a terminal gives to a character."""
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


@lru_cache(maxsize=1)
def _lines(file: str) -> list[str]:
    """The lines of a file; findings come file by file."""
    path = Path(file)
    source = read_source(path) if path.is_file() else ""
    return split_lines(source) if isinstance(source, str) and source else []
