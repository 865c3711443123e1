"""`triage doctor`: what is sick on the host that a callback runs on."""

from __future__ import annotations

import sys
from datetime import datetime

import click

from triage.alerts.parser import BEIJING
from triage.cli._adviser import make_adviser
from triage.cli._commands import Command
from triage.cli._input import read_text
from triage.cli._language import gettext
from triage.cli._output import dump, write
from triage.errors import InputError, TriageError
from triage.evidence.judgement import Part, Verdict
from triage.evidence.transcript import write as write_transcript
from triage.rules.matching import Diagnosis

_WEB_PORTS = (80, 443)


@click.command(
    "doctor",
    cls=Command,
    examples=(
        "triage doctor",
        "triage doctor --alert alert.txt",
        "triage doctor --alert alert.txt --paste",
    ),
)
@click.option("--alert", metavar="FILE", help="The alert to explain; its callback is looked at too.")
@click.option("--json", "as_json", is_flag=True, help="Print the parts as JSON.")
@click.option("--paste", is_flag=True, help="Print text to paste into the chat with the bot.")
def command(alert: str | None, as_json: bool, paste: bool) -> int:
    """Look at this host for two seconds: load, memory, disks, limits, connections, and the way to the callback.

    Nothing is changed and root is not needed; what only root may see is named. The exit code is 1 where something is
    sick or suspect.
    """
    if sys.platform != "linux":
        raise InputError(
            gettext("this looks at Linux hosts; elsewhere paste what a tool prints: triage judge")
        )
    from triage.doctor.diagnostics import examine
    from triage.doctor.gathering import gather
    from triage.doctor.page import write_page

    adviser = make_adviser()
    kind, url = _read_alert(adviser.diagnose(read_text(alert))[1]) if alert else (None, None)
    ports, way = _look_at_callback(url)
    host = gather(ports or _WEB_PORTS)
    parts = (*examine(host, ports), *way)
    title = f"{host.name} · {datetime.now(BEIJING):%Y-%m-%d %H:%M} · {host.cpus} 核"
    if as_json:
        write(dump({"host": host.name, "kind": kind, "parts": [_as_json(part) for part in parts]}))
    elif paste:
        write(write_transcript(title, parts))
    else:
        kinds = {rule.id: rule.title for rule in adviser.rules.rules}
        write(write_page(f"主机 {title}", parts, kinds, kind))
    return int(any(part.verdict in (Verdict.SICK, Verdict.SUSPECT) for part in parts))


def _read_alert(diagnoses: tuple[Diagnosis, ...]) -> tuple[str, str | None]:
    """The kind of the first alert and the URL in its sample. Raises InputError where there is no alert."""
    if not diagnoses:
        raise InputError(gettext("no alert in this text"))
    url = diagnoses[0].facts.get("url")
    return diagnoses[0].kind, url if isinstance(url, str) else None


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
