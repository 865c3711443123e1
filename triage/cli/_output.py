"""What commands print: the one place where a text reaches the terminal."""

from __future__ import annotations

import click

from triage.cli._language import in_language
from triage.printing import dump_json, visible


def write(said: object, *, err: bool = False) -> None:
    """Print a text, a finding or an error on a line of its own, in the chosen language where it can be said in it.

    What a terminal would obey in it is made visible.
    """
    click.echo(visible(in_language(said)), err=err)


def dump(value: object) -> str:
    """JSON for people and programs alike."""
    return dump_json(value, indent=2)
