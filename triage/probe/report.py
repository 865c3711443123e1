"""The report of an examination: its checks, the first layer that fails, and a verdict for each id of a check.

Steps of the rules name these ids as their machine check.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from triage.findings import Finding, Severity
from triage.wording import Wording, joined

_SHOWN_REASONS = 2


class Layer(StrEnum):
    """The layers that a push passes, in this order."""

    URL = "url"
    DNS = "dns"
    TCP = "tcp"
    TLS = "tls"
    HTTP = "http"
    VERIFY = "verify"
    REPLY = "reply"
    TIME = "time"

    @property
    def rank(self) -> int:
        """0 for the layer that comes first."""
        return list(Layer).index(self)

    @property
    def words(self) -> str:
        return _TITLES[self]


_TITLES: Mapping[Layer, str] = {
    Layer.URL: Wording("地址"),
    Layer.DNS: Wording("域名解析"),
    Layer.TCP: Wording("TCP 连接"),
    Layer.TLS: Wording("TLS 证书"),
    Layer.HTTP: "HTTP",
    Layer.VERIFY: Wording("签名与验证"),
    Layer.REPLY: Wording("回应"),
    Layer.TIME: Wording("耗时与重推"),
}


class CheckState(StrEnum):
    """How a check ended; UNKNOWN was tried without a result."""

    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"

    @property
    def words(self) -> str:
        """What a report calls it."""
        return {"passed": "通过", "failed": "没通过", "unknown": "查不出", "skipped": "没查"}[self]


@dataclass(frozen=True, slots=True)
class Check:
    """One check: `subject` tells those of one id apart, `seen` is what was observed, `seconds` the time it took."""

    id: str
    layer: Layer
    subject: str
    state: CheckState
    seen: str
    findings: tuple[Finding, ...] = ()
    seconds: float | None = None

    @property
    def is_serious(self) -> bool:
        """Whether the platform or a follower would notice: a finding of at least medium severity."""
        return is_serious(self.findings)

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "layer": self.layer,
            "subject": self.subject,
            "state": self.state,
            "seen": self.seen,
            "seconds": _rounded(self.seconds),
            "findings": [finding_as_json(finding) for finding in self.findings],
        }


def make_check(
    id_: str,
    layer: Layer,
    subject: str,
    seen: str,
    findings: Sequence[Finding],
    seconds: float | None = None,
) -> Check:
    """A check that was carried out: failed if something is wrong, else passed; a hint is nothing wrong."""
    state = CheckState.FAILED if any(finding.is_fault for finding in findings) else CheckState.PASSED
    clean = tuple(replace(finding, message=printable(finding.message)) for finding in findings)
    return Check(id_, layer, subject, state, printable(seen), clean, seconds)


def skip_check(id_: str, layer: Layer, subject: str, why: str) -> Check:
    """A check that was not carried out; `why` is shown in place of what was seen."""
    return Check(id_, layer, subject, CheckState.SKIPPED, why)


@dataclass(frozen=True, slots=True)
class Times:
    """Percentiles of answer times in seconds."""

    count: int
    p50: float
    p90: float
    p95: float
    p99: float
    max: float

    def as_json(self) -> dict[str, Any]:
        names = ("p50", "p90", "p95", "p99", "max")
        return {"count": self.count, **{name: _rounded(getattr(self, name)) for name in names}}

    @property
    def wording(self) -> Wording:
        """How many answers there were, and how long they took."""
        return Wording(
            "{count} 次有回应，P50 {p50}，P90 {p90}，P99 {p99}，最长 {longest}",
            count=self.count,
            p50=milliseconds(self.p50),
            p90=milliseconds(self.p90),
            p99=milliseconds(self.p99),
            longest=milliseconds(self.max),
        )

    def __str__(self) -> str:
        return str(self.wording)


def times_of(seconds: Sequence[float]) -> Times | None:
    """The nearest-rank percentiles; None for no times."""
    if not seconds:
        return None
    ordered = sorted(seconds)

    def at(share: float) -> float:
        return ordered[max(0, math.ceil(share * len(ordered)) - 1)]

    return Times(len(ordered), at(0.5), at(0.9), at(0.95), at(0.99), ordered[-1])


@dataclass(frozen=True, slots=True)
class FindingGroup:
    """Findings that say the same, and the checks that made them; `explained` says whether to print what to do."""

    finding: Finding
    checks: tuple[Check, ...]
    explained: bool

    @property
    def subjects(self) -> tuple[str, ...]:
        """What was checked, each once."""
        return tuple(dict.fromkeys(check.subject for check in self.checks))


SEVERITIES: Mapping[Severity, Wording] = {
    Severity.CRITICAL: Wording("危急"),
    Severity.HIGH: Wording("严重"),
    Severity.MEDIUM: Wording("注意"),
    Severity.LOW: Wording("轻微"),
    Severity.INFO: Wording("提示"),
}
"""What a report calls them, worst first."""


@dataclass(frozen=True, slots=True)
class Report:
    """The result of one examination; `url` is without its query, `failed` of all `pushes` got no legal reply."""

    url: str
    mode: str
    started: datetime
    seconds: float
    checks: tuple[Check, ...]
    times: Times | None = None
    pushes: int = 0
    failed: int = 0

    @property
    def is_clean(self) -> bool:
        """Whether nothing is wrong; hints may be there."""
        return self.worst is None

    @property
    def worst(self) -> Severity | None:
        """The severity of the worst fault; None where nothing is wrong."""
        return worst(finding for _, finding in self.findings if finding.is_fault)

    def fails(self, fail_on: Severity) -> bool:
        """Whether there is a finding of at least this severity."""
        return any(finding.severity.rank <= fail_on.rank for _, finding in self.findings)

    @property
    def findings(self) -> Iterator[tuple[Check, Finding]]:
        """Each finding with its check, the worst first, and by layer where they weigh the same."""
        pairs = [(check, finding) for check in self.checks for finding in check.findings]
        return iter(sorted(pairs, key=lambda pair: (pair[1].severity.rank, pair[0].layer.rank)))

    @property
    def groups(self) -> tuple[FindingGroup, ...]:
        """The findings in their order, those of a layer that say the same as one."""
        groups: dict[tuple[str, ...], list[tuple[Check, Finding]]] = {}
        for check, finding in self.findings:
            groups.setdefault(_sameness(check, finding), []).append((check, finding))
        return tuple(
            FindingGroup(
                pairs[0][1],
                tuple(check for check, _ in pairs),
                any(self.explains(check, finding) for check, finding in pairs),
            )
            for pairs in groups.values()
        )

    @property
    def first(self) -> Layer | None:
        """The first layer with a finding of at least medium severity: later layers may fail only because of it."""
        layers = (check.layer for check in self.checks if check.is_serious)
        return min(layers, key=lambda layer: layer.rank, default=None)

    @property
    def conclusion(self) -> str:
        """The verdict in one sentence, with its counts."""
        faults = [group for group in self.groups if group.finding.is_fault]
        hints = len(self.groups) - len(faults)
        said = self._verdict(faults)
        if hints:
            said = Wording("{said}，另有 {hints} 条提示", said=said, hints=hints)
        if not self.pushes:
            return said
        failed = (
            Wording("{failed} 次没得到合法的回应", failed=self.failed)
            if self.failed
            else Wording("都得到了合法的回应")
        )
        return Wording("{said}；推了 {pushes} 次，{failed}", said=said, pushes=self.pushes, failed=failed)

    def _verdict(self, faults: Sequence[FindingGroup]) -> Wording:
        """Whether something is wrong, and how much of what severity."""
        if not faults:
            return Wording("没有发现问题")
        counts = (
            Wording("{severity} {number} 处", severity=words, number=number)
            for severity, words in SEVERITIES.items()
            if (number := sum(group.finding.severity is severity for group in faults))
        )
        what = Wording("有问题") if self.first else Wording("能用，有小毛病")
        return Wording("{what}：{counts}", what=what, counts=joined("{a}、{b}", counts))

    def explains(self, check: Check, finding: Finding) -> bool:
        """Whether to print what to do: at the first failing layer, and for lesser findings before it."""
        return self.first in (None, check.layer) or (
            finding.severity.rank > Severity.MEDIUM.rank and check.layer.rank < _rank(self.first)
        )

    def as_json(self) -> dict[str, Any]:
        return {
            "url": self.url,
            "mode": self.mode,
            "started": self.started.isoformat(timespec="seconds"),
            "seconds": _rounded(self.seconds),
            "clean": self.is_clean,
            "conclusion": self.conclusion,
            "first_failing_layer": self.first,
            "times": self.times.as_json() if self.times else None,
            "pushes": self.pushes,
            "failed": self.failed,
            "findings": [
                {
                    "check": group.checks[0].id,
                    "layer": group.checks[0].layer,
                    "subjects": list(group.subjects),
                    **finding_as_json(group.finding),
                }
                for group in self.groups
            ],
            "checks": [check.as_json() for check in self.checks],
            "checked": dict(checked(self)),
            "verdicts": dict(verdicts(self)),
        }


_NUMBERS = re.compile(r"\d[\d.,]*")


def _sameness(check: Check, finding: Finding) -> tuple[str, ...]:
    """What equal findings have in common: they differ in numbers at most, those of time in their words as well."""
    said = "" if check.layer is Layer.TIME else _NUMBERS.sub("0", finding.message)
    return finding.id, check.layer, finding.severity, said


def checked(report: Report) -> Mapping[str, str]:
    """For each check id the verdict that a checklist's step shows, like `检查过：没通过，因为…`."""
    ids = dict.fromkeys(check.id for check in report.checks)
    return {id_: _verdict([check for check in report.checks if check.id == id_]) for id_ in ids}


def verdicts(report: Report) -> Mapping[str, str]:
    """For each check id whether it is `healthy` or `sick`; those that were not carried out are left out."""
    found = {check.id: "healthy" for check in report.checks if check.state is CheckState.PASSED}
    return found | {check.id: "sick" for check in report.checks if check.state is CheckState.FAILED}


def _verdict(checks: Sequence[Check]) -> str:
    faults = [(check, finding) for check in checks for finding in check.findings if finding.is_fault]
    reasons = [f"{check.subject}：{finding.message}" for check, finding in faults]
    if reasons:
        rest = len(reasons) - _SHOWN_REASONS
        more = f"；另有 {rest} 处" if rest > 0 else ""
        return f"检查过：没通过，因为{'；'.join(reasons[:_SHOWN_REASONS])}{more}"
    passed = [check for check in checks if check.state is CheckState.PASSED]
    if passed:
        return f"检查过：通过（{passed[0].seen if len(checks) == 1 else f'{len(passed)} 项'}）"
    return f"{'查不出' if checks[0].state is CheckState.UNKNOWN else '没检查'}：{checks[0].seen}"


def printable(text: str) -> str:
    """The text as one line without control characters, which a terminal would obey."""
    if isinstance(text, Wording):
        return text.mapped(printable)
    line = " ".join(text.split())
    return "".join(letter if letter.isprintable() or letter == _JOINER else "\ufffd" for letter in line)


_JOINER = "\u200d"


def milliseconds(seconds: float) -> str:
    if seconds >= 1:
        return Wording("{seconds:.2f} 秒", seconds=seconds)
    return Wording("{milliseconds:.1f} 毫秒", milliseconds=seconds * 1000)


def worst(findings: Iterable[Finding]) -> Severity | None:
    """The worst severity; None for no findings."""
    return min((finding.severity for finding in findings), key=lambda severity: severity.rank, default=None)


def is_serious(findings: Iterable[Finding]) -> bool:
    """Whether one of them is of at least medium severity."""
    return any(finding.severity.rank <= Severity.MEDIUM.rank for finding in findings)


def _rank(layer: Layer | None) -> int:
    return layer.rank if layer else len(Layer)


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 6)


def finding_as_json(finding: Finding) -> dict[str, Any]:
    return {
        "id": finding.id,
        "severity": finding.severity,
        "message": finding.message,
        "hint": finding.hint,
        "source": finding.source,
    }
