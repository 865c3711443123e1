"""`triage export`: a table of the database as JSON Lines or CSV."""

from __future__ import annotations

import csv
import itertools
import sys
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import click

from triage.channels.registry import CHANNELS
from triage.cli._commands import Command
from triage.cli._output import write
from triage.cli._store import open_store
from triage.message import Person
from triage.printing import csv_cell, dump_json
from triage.store import TABLES


@click.command(
    "export",
    cls=Command,
    examples=(
        "triage export incidents",
        "triage export timeline --format csv > timeline.csv",
    ),
)
@click.argument("table", metavar="TABLE", type=click.Choice(TABLES))
@click.option(
    "--format",
    "form",
    type=click.Choice(["jsonl", "csv"]),
    default="jsonl",
    show_default=True,
    help="JSON Lines, or a table for spreadsheets.",
)
def command(table: str, form: str) -> None:
    """Print every row of TABLE; instants in UTC. What people wrote is in it: keep the output private.

    TABLE is alerts, audit, conversations, gaps, incidents, invitations, members, messages, outbox,
    shifts, sign_ins, ticks, timeline, traits or voided_links. The reply of a message stands there as it was
    sent. In CSV a cell that a spreadsheet would take for a formula begins with a single quote.
    """
    store = open_store()
    try:
        rows = store.export(table)
        rows = map(_as_sent, rows) if table == "messages" else rows
        _print_csv(rows) if form == "csv" else _print_json_lines(rows)
    finally:
        store.close()


def _as_sent(row: dict[str, Any]) -> dict[str, Any]:
    """The row of a message with its reply as its channel writes it."""
    channel = CHANNELS.get(row["channel"])
    return row if channel is None or not row["reply"] else {**row, "reply": channel.written(row["reply"])}


def _print_json_lines(rows: Iterator[dict[str, Any]]) -> None:
    for row in rows:
        write(dump_json(row, default=_text))


def _print_csv(rows: Iterator[dict[str, Any]]) -> None:
    """Lists and mappings stand in their cell as JSON; an empty cell is NULL or an empty text."""
    first = next(rows, None)
    if first is None:
        return
    writer = csv.DictWriter(sys.stdout, list(first), lineterminator="\n")
    writer.writeheader()
    writer.writerows(
        {name: _cell(value) for name, value in row.items()} for row in itertools.chain([first], rows)
    )


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _cell(value: object) -> object:
    if isinstance(value, list | tuple | dict):
        return dump_json(value)
    return csv_cell(_text(value)) if isinstance(value, str | datetime | Person) else value
