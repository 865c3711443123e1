"""An examination as people and build servers read it: lines for a terminal, one HTML page, JUnit's XML."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement, tostring

from jinja2 import DictLoader, Environment, StrictUndefined

from triage.advice.sources import Sources
from triage.findings import Finding, Severity
from triage.probe.report import Check, CheckState, Layer, Report

SEVERITIES = {
    Severity.CRITICAL: "危急",
    Severity.HIGH: "严重",
    Severity.MEDIUM: "注意",
    Severity.LOW: "轻微",
    Severity.INFO: "提示",
}
_MARKS = {CheckState.PASSED: "✓", CheckState.FAILED: "✗", CheckState.UNKNOWN: "?", CheckState.SKIPPED: "-"}
_STYLES = {
    CheckState.PASSED: "green",
    CheckState.FAILED: "bold red",
    CheckState.UNKNOWN: "yellow",
    CheckState.SKIPPED: "dim",
}
_SHOWN_SUBJECTS = 4
_NO_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Row:
    """One line for a terminal, with rich's name of its style."""

    text: str
    style: str = ""


@dataclass(frozen=True, slots=True)
class FindingGroup:
    """Findings that say the same, and the checks that made them; `explained` says whether to print what to do."""

    finding: Finding
    checks: tuple[Check, ...]
    explained: bool

    @property
    def severity(self) -> str:
        return SEVERITIES[self.finding.severity]

    @property
    def subjects(self) -> str:
        names = list(dict.fromkeys(check.subject for check in self.checks))
        return "、".join(names[:_SHOWN_SUBJECTS]) + (
            f"等 {len(names)} 项" if len(names) > _SHOWN_SUBJECTS else ""
        )


def group_findings(report: Report) -> list[FindingGroup]:
    """The findings of a report, equal ones of a layer as one group."""
    groups: dict[tuple[str, str, Layer], list[tuple[Check, Finding]]] = {}
    for check, finding in report.findings:
        groups.setdefault((finding.id, finding.message, check.layer), []).append((check, finding))
    return [
        FindingGroup(
            pairs[0][1],
            tuple(check for check, _ in pairs),
            any(report.explains(check, finding) for check, finding in pairs),
        )
        for pairs in groups.values()
    ]


def rows_of(report: Report, sources: Sources) -> Iterator[Row]:
    """The report as lines for a terminal."""
    yield Row(f"{report.url}（{report.mode} 模式，用时 {report.seconds:.1f} 秒）", "bold")
    left_out: dict[str, list[str]] = {}
    for check in sorted(report.checks, key=lambda check: check.layer.rank):
        if check.state is CheckState.SKIPPED:
            left_out.setdefault(check.seen, []).append(check.id)
            continue
        mark, style = _MARKS[check.state], _STYLES[check.state]
        yield Row(f" {mark} {check.layer.words}  {check.subject}：{check.seen}", style)
    for why, ids in left_out.items():
        yield Row(f" {_MARKS[CheckState.SKIPPED]} 没查 {'、'.join(ids)}：{why}", _STYLES[CheckState.SKIPPED])
    if report.times:
        yield Row(f"回应时间  {report.times}")
    yield from _finding_rows(report, sources)


def _finding_rows(report: Report, sources: Sources) -> Iterator[Row]:
    found = group_findings(report)
    if not found:
        yield Row("没有发现问题", "bold green")
        return
    yield Row("")
    if report.first:
        yield Row(f"最先不通的是：{report.first.words}。先修这一层，后面的可能只是受它连累", "bold")
    for number, group in enumerate(found, start=1):
        finding = group.finding
        style = "red" if finding.severity.rank <= Severity.HIGH.rank else "yellow"
        yield Row(f"{number}. [{group.severity}] {finding.id}  {group.subjects}：{finding.message}", style)
        if group.explained:
            yield Row(f"   怎么办：{finding.hint or '见出处'}")
            yield Row(f"   出处：{sources.label(finding.source)}；检查项：{group.checks[0].id}", "dim")


def render_html(report: Report, template: str, sources: Sources) -> str:
    """One page; every value is escaped, and a cited item links to its official page."""
    environment = Environment(
        loader=DictLoader({"page": template}), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    checks = sorted(report.checks, key=lambda check: check.layer.rank)
    groups = group_findings(report)
    page = environment.get_template("page")
    return page.render(report=report, checks=checks, groups=groups, marks=_MARKS, sources=sources)


def render_junit(reports: Sequence[Report]) -> str:
    """JUnit's XML: a suite for each report, a case for each check."""
    # as Jenkins, GitLab and GitHub actions read it: https://github.com/testmoapp/junitxml
    root = Element("testsuites")
    for report in reports:
        failed = sum(check.state is CheckState.FAILED for check in report.checks)
        skipped = sum(check.state in (CheckState.SKIPPED, CheckState.UNKNOWN) for check in report.checks)
        attributes = {
            "name": f"triage probe {report.url}",
            "tests": str(len(report.checks)),
            "failures": str(failed),
            "skipped": str(skipped),
            "time": f"{report.seconds:.3f}",
            "timestamp": report.started.isoformat(timespec="seconds"),
        }
        suite = SubElement(root, "testsuite", {name: _plain(value) for name, value in attributes.items()})
        for check in report.checks:
            _case(suite, check)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _case(suite: Element, check: Check) -> None:
    name = _plain(f"{check.id} {check.subject}")
    case = SubElement(suite, "testcase", classname=check.layer, name=name, time=f"{check.seconds or 0:.6f}")
    for finding in check.findings:
        failure = SubElement(case, "failure", type=finding.id, message=_plain(finding.message))
        failure.text = _plain(f"{check.seen}\n{finding.hint or ''}\n{finding.source or ''}")
    if check.state in (CheckState.SKIPPED, CheckState.UNKNOWN):
        SubElement(case, "skipped", message=_plain(check.seen))


def _plain(text: str) -> str:
    return _NO_XML.sub("\ufffd", text)
