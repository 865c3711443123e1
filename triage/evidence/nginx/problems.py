"""A problem of a configuration, how bad it is, and the line that puts it right."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from triage.evidence.nginx.tokens import half_width
from triage.evidence.nginx.tree import Directive, Fault
from triage.masking import mask_paste


class Severity(enum.StrEnum):
    """How bad a problem is, the worst first."""

    CRITICAL = "critical"
    """nginx refuses the file, or pushes do not arrive."""
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"


_OF_SEVERITY: Mapping[Severity, str] = {
    Severity.CRITICAL: "slash_comment outside_http fullwidth config_invalid unknown_log_format redirect_callback "
    "deny_wechat pushes_refused port_not_80_443",
    Severity.HIGH: "rlimit_low no_request_time access_log_off masks_errors rate_limit_callback body_size_small "
    "path_rewritten",
    Severity.MEDIUM: "connections_low read_timeout_over_5s connect_timeout_over_3s error_level_hides "
    "log_buffer_no_flush hides_499 real_ip_any",
    Severity.LOW: "no_upstream_keepalive keepalive_ineffective error_log_off if_evil buffering_off",
    Severity.INFO: "tls13_only",
}
SEVERITIES: Mapping[str, Severity] = {
    id_: severity for severity, ids in _OF_SEVERITY.items() for id_ in ids.split()
}
"""The severity of each finding."""
_LONGEST = 160


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to put right."""

    id: str
    file: str
    line: int
    shows: str
    """What stands there, with secrets masked."""
    fix: str
    """The line as it should be; `""` where there is none that fits all."""

    @property
    def severity(self) -> Severity:
        """How bad it is."""
        return SEVERITIES[self.id]

    def as_json(self) -> dict[str, Any]:
        """The contract's JSON of a finding."""
        place = {"id": self.id, "severity": self.severity.value, "file": self.file, "line": self.line}
        return {**place, "shows": self.shows, "fix": self.fix}


@dataclass(frozen=True, slots=True)
class Found:
    """What a check has found: the id of the problem, its directive, and how that should be."""

    id: str
    directive: Directive
    fix: str = ""

    @property
    def place(self) -> tuple[str, str, int]:
        """The id, the file and the line: what two checks find in one place is one problem."""
        return self.id, self.directive.file, self.directive.line


def problem_of(found: Found) -> Problem:
    """A finding of a check as a problem to show."""
    place = found.directive
    return Problem(found.id, place.file, place.line, shown(str(place)), shown(found.fix, 4 * _LONGEST))


def problem_of_fault(fault: Fault) -> Problem:
    """A place that nginx refuses, as a problem."""
    fixed = {
        "slash_comment": re.sub(r"(?<!:)//", "#", fault.text[: 4 * _LONGEST], count=1),
        "fullwidth": half_width(fault.text[: 4 * _LONGEST]),
    }
    return Problem(
        fault.id, fault.file, fault.line, shown(fault.text), shown(fixed.get(fault.id, ""), 4 * _LONGEST)
    )


def shown(text: str, limit: int = _LONGEST) -> str:
    """A line of a configuration without its secrets, cut to `limit` characters."""
    line = mask_paste(text[: 2 * limit])
    return line if len(line) <= limit else line[:limit] + "…"
