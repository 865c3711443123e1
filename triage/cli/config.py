"""`triage config`: the settings in effect."""

from __future__ import annotations

import os

import click

from triage.cli._commands import Command
from triage.cli._output import dump, write
from triage.settings import load_settings


@click.command(
    "config",
    cls=Command,
    examples=(
        "triage config",
        "triage config --json",
    ),
)
@click.option("--json", "as_json", is_flag=True, help="Print the settings as JSON.")
def command(as_json: bool) -> None:
    """Show every setting, secrets hidden, and where each came from."""
    from triage.settings.shown import show_settings

    shown = show_settings(load_settings(), os.environ)
    if as_json:
        write(dump({item.variable: {"value": item.value, "from": item.origin} for item in shown}))
        return
    widths = [max(len(getattr(item, name)) for item in shown) for name in ("variable", "value")]
    for item in shown:
        write(f"{item.variable:<{widths[0]}}  {item.value:<{widths[1]}}  {item.origin}")
