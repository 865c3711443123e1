"""Findings: what is wrong, how severe it is, and where."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from triage.wording import Wording


class Severity(enum.StrEnum):
    """How severe a finding or an alert is, worst first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"

    rank: int
    """0 for the worst."""

    def __init__(self, _value: str) -> None:
        self.rank = len(type(self).__members__)


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a file; line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Finding:
    """One mistake, or with the severity INFO a hint."""

    id: str
    severity: Severity
    message: str
    """What is wrong."""
    location: Location | None = None
    hint: str | None = None
    """What to do."""
    span: tuple[int, int] | None = None
    """The half-open range that proves it: characters of a text, bytes of a reply."""
    source: str | None = None
    """The cited item that it rests on; docs/sources.md explains it."""

    @property
    def is_fault(self) -> bool:
        """Whether something is wrong; a finding of INFO is a hint and breaks nothing."""
        return self.severity is not Severity.INFO

    @property
    def wording(self) -> Wording:
        """Where, what, and what to do, as one text."""
        said = (
            Wording("{message}; {hint}", message=self.message, hint=self.hint) if self.hint else self.message
        )
        return Wording("{where}: {said}" if self.location else "{said}", where=self.location, said=said)

    def __str__(self) -> str:
        return str(self.wording)
