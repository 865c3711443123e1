"""The judgement of a piece of evidence: which tool printed it, whether it is healthy, and the lines that prove it."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any


class Verdict(enum.StrEnum):
    """How a piece of evidence is judged, the worst first."""

    SICK = "sick"
    """It explains an alert by itself."""
    SUSPECT = "suspect"
    """Look twice, or a second number is needed."""
    UNREADABLE = "unreadable"
    """The tool is recognised, but what would decide is missing: cut, only since boot, not root."""
    HEALTHY = "healthy"
    """Within the thresholds."""


_WORST_FIRST = tuple(Verdict)


def rank(verdict: Verdict) -> int:
    """0 for the worst."""
    return _WORST_FIRST.index(verdict)


def worst(verdicts: tuple[Verdict, ...]) -> Verdict:
    """The worst of some verdicts; healthy where there is none."""
    return min(verdicts, key=rank, default=Verdict.HEALTHY)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that the output shows."""

    id: str
    """A name of `findings.FINDINGS`."""
    verdict: Verdict
    """What this finding alone makes of its part."""
    proof: str = ""
    """The words that show it, with the numbers: `id 1，r 34（4 核）`."""


@dataclass(frozen=True, slots=True)
class Part:
    """The output of one tool in a paste."""

    tool: str
    """A name of `tools.TOOL_IDS`."""
    findings: tuple[Finding, ...]
    lines: tuple[int, ...]
    """The indices of the paste's lines that belong to it, in order."""

    @property
    def verdict(self) -> Verdict:
        """The worst of its findings."""
        return worst(tuple(finding.verdict for finding in self.findings))

    def as_json(self) -> dict[str, Any]:
        """The contract's JSON of one part."""
        return {
            "tool": self.tool,
            "verdict": self.verdict.value,
            "findings": sorted({finding.id for finding in self.findings}),
        }


def sick(id_: str, proof: str = "") -> Finding:
    """A finding that explains an alert by itself."""
    return Finding(id_, Verdict.SICK, proof)


def suspect(id_: str, proof: str = "") -> Finding:
    """A finding that asks for a second look."""
    return Finding(id_, Verdict.SUSPECT, proof)


def unreadable(id_: str, proof: str = "") -> Finding:
    """A finding that says what is missing."""
    return Finding(id_, Verdict.UNREADABLE, proof)


def note(id_: str, proof: str = "") -> Finding:
    """A finding that is worth a word and no reason for concern."""
    return Finding(id_, Verdict.HEALTHY, proof)
