"""What triage's own commands find, as parts like those of other tools, and the same read from their pasted reports."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from triage.evidence.checks import PROBE
from triage.evidence.judgement import Finding, Part, Verdict, sick, suspect
from triage.evidence.nginx.problems import Problem
from triage.evidence.paste import Paste
from triage.evidence.services.nginx_config import directives_in, findings_of

_LOGS = {
    "never_arrived": ("never_arrived", Verdict.SICK),
    "backend_slow": ("late_backend", Verdict.SICK),
    "refused": ("refused_by_nginx", Verdict.SICK),
    "wrong_answer": ("wrong_answer", Verdict.SICK),
    "answered_in_time": ("answered_in_time", Verdict.HEALTHY),
    "cannot_tell": ("log_cannot_tell", Verdict.UNREADABLE),
}
"""The findings by the verdicts of `triage logs`."""
_CONCLUSION = re.compile(rf"^\s*(?:判断|verdict) .*\(({'|'.join(_LOGS)})\)$")
_PROOF = re.compile(r"^\s*(?:依据|proof) (\S.*)$")
_PROBED = re.compile(r"^\s*\d+\. \[(危急|严重|注意|轻微|critical|high|medium|low)\] \w+\s+(\S.*)$")
_CHECK = re.compile(r"^\s*(?:出处|source)[:：].*(?:检查项|check)[:：]\s?(\w+)$")
_TRIFLING = ("轻微", "low")
_LINES_BETWEEN = 2


def logs_part(verdict: str, proof: str, lines: tuple[int, ...] = ()) -> Part:
    """The verdict of `triage logs` with its proof."""
    id_, meaning = _LOGS[verdict]
    return Part("logs", (Finding(id_, meaning, proof),), lines)


def nginx_part(text: str, problems: Sequence[Problem]) -> Part:
    """The problems of a configuration; one without its block of http is a part, as in a paste, and proves no health."""
    tool = "nginx" if "http" in directives_in(text) else "nginx_config"
    return Part(tool, tuple(findings_of(problems)), ())


def read(paste: Paste) -> Iterator[Part]:
    """The report of `triage logs` up to the next empty line, and a part for each check that `triage probe` failed."""
    for index, line in enumerate(paste.lines[:-1]):
        conclusion = _CONCLUSION.match(line)
        if conclusion and (proof := _PROOF.match(paste.lines[index + 1])):
            end = next((at for at in range(index, len(paste.lines)) if not paste.lines[at].strip()), None)
            yield logs_part(conclusion[1], proof[1], tuple(range(index, end or len(paste.lines))))
    yield from _probed(paste)


def _probed(paste: Paste) -> Iterator[Part]:
    told: set[str] = set()
    for index, line in enumerate(paste.lines):
        fault = _PROBED.match(line)
        last = index + _LINES_BETWEEN
        check = _CHECK.match(paste.lines[last]) if fault and last < len(paste.lines) else None
        if fault and check and check[1] not in told:
            told.add(check[1])
            found = (
                suspect("probe_trifle", fault[2]) if fault[1] in _TRIFLING else sick("probe_failed", fault[2])
            )
            yield Part(PROBE + check[1], (found,), tuple(range(index, last + 1)))
