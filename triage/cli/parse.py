"""`triage parse`: the alerts in a text."""

from __future__ import annotations

import click

from triage.alerts.parser import Reading
from triage.cli._adviser import make_adviser
from triage.cli._commands import Command
from triage.cli._input import read_batch, read_given
from triage.cli._language import gettext
from triage.cli._output import dump, write
from triage.rules.matching import Diagnosis

_MAX_SHOWN = 100


@click.command(
    "parse",
    cls=Command,
    examples=(
        "triage parse alert.txt",
        "triage parse --json < alert.txt",
    ),
)
@click.argument("file", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array of alerts.")
@click.option("--batch", is_flag=True, help="Read a JSON array of texts; print a JSON array of arrays.")
def command(file: str | None, as_json: bool, batch: bool) -> None:
    """Show the alerts in FILE or standard input, and what was not understood.

    FILE may be a screenshot (PNG, JPEG, WebP, GIF), where pictures are installed.
    """
    adviser = make_adviser()
    if batch:
        write(
            dump([[diagnosis.as_json() for diagnosis in adviser.diagnose(text)[1]] for text in read_batch()])
        )
        return
    given = read_given(file)
    reading, diagnoses = adviser.diagnose(given.text, is_picture=given.is_picture)
    if as_json:
        write(dump([diagnosis.as_json() for diagnosis in diagnoses]))
        return
    write("\n\n".join(map(_shown, diagnoses)) or gettext("no alert in this text"))
    for line in _unread(reading):
        write(line, err=True)


def _shown(diagnosis: Diagnosis) -> str:
    values = diagnosis.as_json()
    sample = values.pop("sample")
    rows = {
        **values,
        "causes": ", ".join(values["causes"]),
        "doubtful": ", ".join(values.get("doubtful", ())),
        **{f"  {key}": value for key, value in sample.items()},
    }
    return "\n".join(f"{key:<20} {_brief(value)}" for key, value in rows.items() if value not in (None, ""))


def _brief(value: object) -> str:
    """The value on one line, cut to what a terminal shows."""
    line = str(value).replace("\n", "⏎")
    return line if len(line) <= _MAX_SHOWN else line[:_MAX_SHOWN] + "…"


def _unread(reading: Reading) -> list[str]:
    return [
        gettext("not understood, at {start}: {words}", start=start, words=_brief(reading.text[start:end]))
        for start, end in reading.unread
    ]
