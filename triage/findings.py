"""What is wrong, how bad it is, and where: the values every judgement of the project returns."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Severity(enum.StrEnum):
    """How much something matters, worst first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return _RANKS[self]


_RANKS = {severity: rank for rank, severity in enumerate(Severity)}


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
    """One mistake: its id, what is wrong, and where it shows.

    `span` is the half-open range of what proves it, in the text that was judged: characters of a
    text, bytes of a reply. `source` is the rule or page the judgement rests on.
    """

    id: str
    severity: Severity
    message: str
    location: Location | None = None
    hint: str | None = None
    span: tuple[int, int] | None = None
    source: str | None = None

    def __str__(self) -> str:
        where = f"{self.location}: " if self.location else ""
        hint = f"; {self.hint}" if self.hint else ""
        return f"{where}{self.message}{hint}"
