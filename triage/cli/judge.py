"""`triage judge`: what pasted tool output, log lines or configurations prove."""

from __future__ import annotations

import click

from triage.cli._commands import Command
from triage.cli._input import read_batch, read_given
from triage.cli._language import gettext
from triage.cli._output import dump, write
from triage.evidence.checks import decided, tick_checks
from triage.evidence.findings import FINDINGS
from triage.evidence.judge import judge
from triage.evidence.judgement import Part, Verdict


@click.command(
    "judge",
    cls=Command,
    examples=(
        "triage judge output.txt",
        "triage judge --json < output.txt",
    ),
)
@click.argument("file", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print the parts as JSON.")
@click.option("--batch", is_flag=True, help="Read a JSON array of texts; print a JSON array.")
def command(file: str | None, as_json: bool, batch: bool) -> int:
    """Judge the tool output, log lines or nginx configuration in FILE or standard input.

    FILE may be a screenshot. The exit code is 1 where a part is sick or suspect.
    """
    if batch:
        write(dump([{"parts": [part.as_json() for part in judge(text)]} for text in read_batch()]))
        return 0
    parts = judge(read_given(file).text)
    if as_json:
        checks = decided(tick_checks(parts))
        write(dump({"parts": [part.as_json() for part in parts], "checks": checks}))
    else:
        write("\n".join(map(_shown, parts)) or gettext("no output of a tool in this text"))
    return int(any(part.verdict in (Verdict.SICK, Verdict.SUSPECT) for part in parts))


def _shown(part: Part) -> str:
    lines = [f"{part.tool}: {part.verdict}"]
    for finding in part.findings:
        meaning = FINDINGS[finding.id]
        lines.append(f"  {finding.id}  {meaning.says}" + (f"  {finding.proof}" if finding.proof else ""))
        if meaning.next:
            lines.append(f"    → {meaning.next}")
    return "\n".join(lines)
