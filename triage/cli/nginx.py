"""`triage nginx`: what in an nginx configuration loses, slows or hides the platform's pushes."""

from __future__ import annotations

import click

from triage.cli._commands import Command
from triage.cli._language import gettext, in_language
from triage.cli._nginx import judge_nginx
from triage.cli._output import dump, write
from triage.evidence.checks import decided, tick_checks
from triage.evidence.findings import FINDINGS
from triage.evidence.nginx.configuration import told_version
from triage.evidence.nginx.problems import Problem
from triage.evidence.reports import nginx_part
from triage.wording import Wording


@click.command(
    "nginx",
    cls=Command,
    examples=(
        "triage nginx /etc/nginx/nginx.conf",
        "triage nginx --json < nginx-T.txt",
    ),
)
@click.argument("conf", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def command(conf: str | None, as_json: bool) -> int:
    """Judge the nginx configuration in CONF, or in standard input, and say the corrected lines.

    Files that it includes are read too. Standard input takes what `nginx -v; nginx -T` prints, a file, or a part of
    one. Where no line of `nginx -v` tells the version, upstream keepalive is judged as before nginx 1.29.7.

    The exit code is 1 where something is found.
    """
    (name, text), problems = judge_nginx(conf)
    if as_json:
        version = told_version(text)
        findings = [{**each.as_json(), "says": FINDINGS[each.id].says} for each in problems]
        checks = decided(tick_checks([nginx_part(text, problems)]))
        told = ".".join(map(str, version)) if version else None
        write(dump({"version": told, "findings": findings, "checks": checks}))
    else:
        for problem in problems:
            write(_shown(problem))
        if not problems:
            write(gettext("{file}: nothing found", file=name))
    return int(bool(problems))


def _shown(problem: Problem) -> str:
    says = in_language(Wording(FINDINGS[problem.id].says))
    lines = [f"{problem.file}:{problem.line}: {says} ({problem.id}, {problem.severity})"]
    lines += [f"    {problem.shows}"] if problem.shows else []
    lines += [f"  → {problem.fix}"] if problem.fix else []
    return "\n".join(lines)
