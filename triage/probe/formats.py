"""An examination as people and build servers read it: lines for a terminal, one HTML page, JUnit's XML."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement, tostring

from jinja2 import DictLoader, Environment, StrictUndefined

from triage.advice.sources import Sources
from triage.alerts.parser import BEIJING
from triage.findings import Finding, Severity
from triage.probe.report import SEVERITIES, Check, CheckState, FindingGroup, Report
from triage.wording import Wording, joined

_MARKS = {CheckState.PASSED: "✓", CheckState.FAILED: "✗", CheckState.UNKNOWN: "?", CheckState.SKIPPED: "-"}
_STYLES = {
    CheckState.PASSED: "green",
    CheckState.FAILED: "bold red",
    CheckState.UNKNOWN: "yellow",
    CheckState.SKIPPED: "dim",
}
_TRIFLE = "!"
_SHADES = {
    Severity.CRITICAL: "red",
    Severity.HIGH: "red",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "yellow",
    Severity.INFO: "dim",
}
_SHOWN_SUBJECTS = 4
_NO_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Row:
    """One line for a terminal, with rich's name of its style."""

    text: str
    style: str = ""


def mark_of(check: Check) -> str:
    """The mark before a check: `!` for one that fails by trifles alone."""
    return _TRIFLE if _is_trifle(check) else _MARKS[check.state]


def _style_of(check: Check) -> str:
    return "yellow" if _is_trifle(check) else _STYLES[check.state]


def _is_trifle(check: Check) -> bool:
    return check.state is CheckState.FAILED and not check.is_serious


def shown_subjects(group: FindingGroup) -> str:
    """What the findings are about; of many the first, and how many there are."""
    names = group.subjects
    shown = joined("{a}、{b}", names[:_SHOWN_SUBJECTS])
    if len(names) <= _SHOWN_SUBJECTS:
        return shown
    return Wording("{shown}等 {number} 项", shown=shown, number=len(names))


def rows_of(report: Report, sources: Sources) -> Iterator[Row]:
    """The report as lines for a terminal."""
    about = Wording(
        "{url}（{mode} 模式，用时 {seconds:.1f} 秒）",
        url=report.url,
        mode=report.mode,
        seconds=report.seconds,
    )
    yield Row(about, "bold")
    style = "bold red" if report.first else "bold green" if report.is_clean else "bold yellow"
    yield Row(Wording("结论：{conclusion}", conclusion=report.conclusion), style)
    left_out: dict[str, list[str]] = {}
    for check in sorted(report.checks, key=lambda check: check.layer.rank):
        if check.state is CheckState.SKIPPED:
            left_out.setdefault(check.seen, []).append(check.id)
            continue
        seen = Wording("{what}：{seen}", what=check.subject, seen=check.seen)
        line = Wording(" {mark} {layer}  {seen}", mark=mark_of(check), layer=check.layer.words, seen=seen)
        yield Row(line, _style_of(check))
    for why, ids in left_out.items():
        yield Row(
            Wording(" - 没查 {ids}：{why}", ids=joined("{a}、{b}", ids), why=why), _STYLES[CheckState.SKIPPED]
        )
    if report.groups:
        yield Row("")
        yield from _finding_rows(report, sources)


def _finding_rows(report: Report, sources: Sources) -> Iterator[Row]:
    if report.first:
        first = Wording("最先不通的是：{layer}。先修这一层，后面的可能只是受它连累", layer=report.first.words)
        yield Row(first, "bold")
    for number, group in enumerate(report.groups, start=1):
        finding = group.finding
        line = Wording(
            "{number}. [{severity}] {id}  {said}",
            number=number,
            severity=SEVERITIES[finding.severity],
            id=finding.id,
            said=Wording("{what}：{seen}", what=shown_subjects(group), seen=finding.message),
        )
        yield Row(line, _SHADES[finding.severity])
        if group.explained:
            yield Row(Wording("   怎么办：{hint}", hint=finding.hint or Wording("见出处")))
            source = Wording(
                "   出处：{source}；检查项：{check}",
                source=sources.label(finding.source),
                check=group.checks[0].id,
            )
            yield Row(source, "dim")


def render_html(report: Report, template: str, sources: Sources) -> str:
    """One page, in Beijing time; every value is escaped, and a cited item links to its official page."""
    environment = Environment(
        loader=DictLoader({"page": template}), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    checks = sorted(report.checks, key=lambda check: check.layer.rank)
    page = environment.get_template("page")
    return page.render(
        report=report,
        started=report.started.astimezone(BEIJING),
        checks=[(check, mark_of(check), "trifle" if _is_trifle(check) else check.state) for check in checks],
        groups=[
            (group, SEVERITIES[group.finding.severity], shown_subjects(group), group.finding.message)
            for group in report.groups
        ],
        sources=sources,
    )


def render_junit(reports: Sequence[Report], fail_on: Severity = Severity.MEDIUM) -> str:
    """JUnit's XML: a suite for each report, a case for each check; it fails by findings of at least `fail_on`."""
    # as Jenkins, GitLab and GitHub actions read it: https://github.com/testmoapp/junitxml
    root = Element("testsuites")
    for report in reports:
        failed = sum(_fails(check.findings, fail_on) for check in report.checks)
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
            _case(suite, check, fail_on)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _fails(findings: Iterable[Finding], fail_on: Severity) -> bool:
    return any(finding.severity.rank <= fail_on.rank for finding in findings)


def _case(suite: Element, check: Check, fail_on: Severity) -> None:
    name = _plain(f"{check.id} {check.subject}")
    case = SubElement(suite, "testcase", classname=check.layer, name=name, time=f"{check.seconds or 0:.6f}")
    findings = sorted(check.findings, key=lambda finding: finding.severity.rank)
    if findings:
        first = findings[0]
        words = [f"{finding.message}\n{finding.hint or ''}\n{finding.source or ''}" for finding in findings]
        # a case has one failure: a build server counts cases
        element = (
            SubElement(case, "failure", type=first.id, message=_plain(first.message))
            if _fails(findings, fail_on)
            else SubElement(case, "system-out")
        )
        element.text = _plain("\n".join((check.seen, *words)))
    if check.state in (CheckState.SKIPPED, CheckState.UNKNOWN):
        SubElement(case, "skipped", message=_plain(check.seen))


def _plain(text: str) -> str:
    return _NO_XML.sub("\ufffd", text)
