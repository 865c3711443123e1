"""Pasted output of tools in words, as values for templates/reply/evidence.txt."""

from __future__ import annotations

from collections.abc import Mapping

from triage.advice.query import Asked
from triage.evidence.findings import FINDINGS
from triage.evidence.judgement import Part, Verdict
from triage.masking import mask
from triage.rules.model import RuleSet

_VERDICTS: Mapping[Verdict, str] = {
    Verdict.SICK: "有问题",
    Verdict.SUSPECT: "可疑",
    Verdict.UNREADABLE: "看不出",
    Verdict.HEALTHY: "正常",
}


def is_evidence(text: str, parts: tuple[Part, ...], asked: Asked) -> bool:
    """Whether a text is answered as pasted output: a single line of an error that names a topic is a question."""
    return bool(parts) and (not asked.is_clear or len(text.strip().splitlines()) > 1)


def told(part: Part, rules: RuleSet) -> dict[str, object]:
    """One part: its tool, its verdict, each finding with its proof and what to run next, what it can cause."""
    meanings = [(finding, FINDINGS[finding.id]) for finding in part.findings]
    sick = [meaning for finding, meaning in meanings if finding.verdict in (Verdict.SICK, Verdict.SUSPECT)]
    kinds = dict.fromkeys(kind for meaning in sick for kind in meaning.explains)
    return {
        "tool": part.tool,
        "verdict": _VERDICTS[part.verdict],
        "findings": [{"says": meaning.says, "proof": mask(finding.proof)} for finding, meaning in meanings],
        "explains": [rule.title for kind in kinds if (rule := rules.get(kind))],
        "next": next((meaning.next for _, meaning in meanings if meaning.next), ""),
    }


def summary(parts: tuple[Part, ...]) -> str:
    """The parts on one line, for the timeline of an incident: `vmstat：有问题，内存换页（si+so 12）`."""
    lines = []
    for part in parts:
        says = [
            FINDINGS[finding.id].says + (f"（{mask(finding.proof)}）" if finding.proof else "")
            for finding in part.findings
        ]
        lines.append("，".join((f"{part.tool}：{_VERDICTS[part.verdict]}", *says)))
    return "；".join(lines)
