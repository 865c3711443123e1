"""`triage outbox`: what was to go out by itself, what became of it, and why."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing

import click

from triage.cli._commands import Command
from triage.cli._output import write
from triage.cli._store import open_store
from triage.incidents.story import clock
from triage.printing import dump_json, one_line
from triage.store import OutgoingKind, OutgoingState, Queued

_SHOWN = 50
"""The newest rows."""
_FAILED = (OutgoingState.FAILED, OutgoingState.EXPIRED)
_DECISIONS = frozenset({OutgoingKind.CHANGE, OutgoingKind.STEP, OutgoingKind.REMIND})


@click.command("outbox", cls=Command, examples=("triage outbox", "triage outbox --failed --json"))
@click.option("--failed", is_flag=True, help="Only what reached nobody, or came too late.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for each.")
def command(failed: bool, as_json: bool) -> int:
    """Print the newest messages that were to go out by themselves, and why one did not. Exit 1 if any did not.

    The times are Beijing's; what the messages say is not printed.
    """
    with closing(open_store()) as store:
        rows = store.outbox.rows(_FAILED if failed else tuple(OutgoingState), _SHOWN)
    messages = [row for row in rows if row.kind not in _DECISIONS or row.state in _FAILED]
    for row in messages:
        write(dump_json(_described(row)) if as_json else _line(row))
    return int(any(row.state in _FAILED for row in messages))


def _line(row: Queued) -> str:
    described = _described(row)
    number = f"#{row.incident_id}" if row.incident_id else None
    parts = (clock(row.created_at, dated=True), number, row.kind.value, described["to"], row.state.value)
    return " · ".join(str(part) for part in (*parts, row.reason and one_line(row.reason)) if part)


def _described(row: Queued) -> Mapping[str, object]:
    """Without what was written; who it is to by the ids of the team's file, else by the channel alone."""
    channel = row.payload.get("message", {}).get("channel") or row.destination.partition("/")[0]
    to = row.payload.get("group") or row.payload.get("mate") or channel
    return {
        "incident": row.incident_id,
        "kind": row.kind.value,
        "to": to,
        "state": row.state.value,
        "reason": row.reason,
        "tries": row.tries,
        "created_at": row.created_at.isoformat(),
        "due_at": row.due_at.isoformat(),
        "sent_at": row.sent_at.isoformat() if row.sent_at else None,
    }
