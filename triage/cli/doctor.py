"""`triage doctor`: what is sick on the host that a callback runs on."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from datetime import datetime

import click

from triage.advice.adviser import Adviser
from triage.alerts.parser import BEIJING
from triage.cli._adviser import make_adviser
from triage.cli._commands import Command
from triage.cli._input import read_text
from triage.cli._language import gettext, title_of
from triage.cli._output import dump, write
from triage.errors import InputError, TriageError
from triage.evidence.checks import decided, tick_checks
from triage.evidence.judgement import Part, Verdict
from triage.evidence.reports import logs_part, nginx_part
from triage.evidence.transcript import write as write_transcript
from triage.rules.matching import Diagnosis
from triage.wording import Wording

_WEB_PORTS = (80, 443)


@click.command(
    "doctor",
    cls=Command,
    examples=(
        "triage doctor",
        "triage doctor --alert alert.txt",
        "triage doctor --alert alert.txt --nginx nginx.conf --logs access.log",
        "triage doctor --alert alert.txt --paste",
    ),
)
@click.option("--alert", metavar="FILE", help="The alert to explain; its callback is looked at too.")
@click.option("--nginx", metavar="CONF", help="Judge this nginx configuration too.")
@click.option(
    "--logs", metavar="LOG", multiple=True, help="Join the alert with this access log; may be repeated."
)
@click.option("--json", "as_json", is_flag=True, help="Print the parts as JSON.")
@click.option("--paste", is_flag=True, help="Print text to paste into the chat with the bot.")
def command(alert: str | None, nginx: str | None, logs: tuple[str, ...], as_json: bool, paste: bool) -> int:
    """Look at this host for two seconds: load, memory, disks, limits, connections, and the way to the callback.

    With an alert its checklist is printed too, with what was found at each step.

    Nothing is changed and root is not needed; what only root may see is named. The exit code is 1 where something is
    sick or suspect.
    """
    if sys.platform != "linux":
        raise InputError(
            gettext("this looks at Linux hosts; elsewhere paste what a tool prints: triage judge")
        )
    from triage.doctor.diagnostics import examine
    from triage.doctor.gathering import gather

    if logs and not alert:
        raise click.UsageError(gettext("--logs needs --alert: the alert says which minutes"))
    adviser = make_adviser()
    text = read_text(alert) if alert else ""
    diagnosed = _first(adviser.diagnose(text)[1]) if alert else None
    kind, url = (diagnosed.kind, diagnosed.facts.get("url")) if diagnosed else (None, None)
    files = tuple(_look_at_files(diagnosed, nginx, logs))
    ports, way = _look_at_callback(url if isinstance(url, str) else None)
    host = gather(ports or _WEB_PORTS)
    parts = (*examine(host, ports), *way, *files)
    title = Wording(
        "{host} · {at:%Y-%m-%d %H:%M} · {cpus} 核", host=host.name, at=datetime.now(BEIJING), cpus=host.cpus
    )
    if as_json:
        checks = decided(tick_checks(parts))
        found = [_as_json(part) for part in parts]
        write(dump({"host": host.name, "kind": kind, "parts": found, "checks": checks}))
    elif paste:
        write(write_transcript(title, parts))
    else:
        _write_page(adviser, title, parts, kind)
        if steps := adviser.steps(text, parts=parts) if alert else None:
            write("\n".join(["", gettext("steps of the checklist"), *map(steps.line, range(steps.count))]))
    return int(any(part.verdict in (Verdict.SICK, Verdict.SUSPECT) for part in parts))


def _write_page(adviser: Adviser, title: str, parts: Sequence[Part], kind: str | None) -> None:
    from triage.doctor.page import write_page

    kinds = {rule.id: title_of(rule) for rule in adviser.rules.rules}
    for line in write_page(Wording("主机 {title}", title=title), parts, kinds, kind):
        write(line)


def _first(diagnoses: tuple[Diagnosis, ...]) -> Diagnosis:
    """The alert that is meant. Raises InputError where there is none."""
    if not diagnoses:
        raise InputError(gettext("no alert in this text"))
    return diagnoses[0]


def _look_at_files(diagnosed: Diagnosis | None, nginx: str | None, logs: tuple[str, ...]) -> Iterator[Part]:
    """A part for the configuration and one for what the logs say of the alert. Raises InputError."""
    if nginx:
        from triage.cli._nginx import judge_nginx

        (_, text), problems = judge_nginx(nginx)
        yield nginx_part(text, problems)
    if logs and diagnosed:
        from triage.cli._logs import join_logs

        answer, _, _ = join_logs(logs, diagnosed.alert, nginx)
        yield logs_part(answer.verdict.value, answer.proof)


def _look_at_callback(url: str | None) -> tuple[tuple[int, ...], tuple[Part, ...]]:
    """The ports that the callback should be listened for on, and the parts of the way to it."""
    from triage.doctor.callback import examine_way
    from triage.probe.guard import Guard, parse_target

    if url is None:
        return (), ()
    try:
        target = parse_target(url)
    except TriageError as exc:
        write(gettext("the callback is not looked at: {problem}", problem=exc), err=True)
        return (), ()
    return (target.port,), examine_way(target, Guard(frozenset({target.host})))


def _as_json(part: Part) -> dict[str, object]:
    proofs = [{"id": item.id, "verdict": item.verdict.value, "proof": item.proof} for item in part.findings]
    return {"tool": part.tool, "verdict": part.verdict.value, "findings": proofs}
