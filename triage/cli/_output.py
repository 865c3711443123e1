"""What commands print: the one place where a text reaches the terminal."""

from __future__ import annotations

import click

from triage.printing import dump_json, visible


def write(text: str, *, err: bool = False) -> None:
    """Print a text on a line of its own; what a terminal would obey in it is made visible."""
    click.echo(visible(text), err=err)


def dump(value: object) -> str:
    """JSON for people and programs alike."""
    return dump_json(value, indent=2)
