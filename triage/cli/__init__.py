"""The command line. A command is one module of this package; its name is the command's name."""

from __future__ import annotations

import gc
import importlib
import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import TextIO

import click

from triage import __version__
from triage.cli._commands import Group, explain
from triage.cli._language import choose_language, gettext, in_language
from triage.cli._output import write
from triage.errors import TriageError


class _Commands(Group):
    """The commands of this package's modules; a module is imported when its command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(file.stem for file in Path(__file__).parent.glob("[a-z]*.py"))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        gc.disable()  # what is imported stays: looking for garbage in it takes a tenth of a short command's time
        try:
            command: click.Command = importlib.import_module(f"{__name__}.{cmd_name}").command
        finally:
            gc.enable()
        gc.freeze()
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="triage")
def cli() -> None:
    """Read WeChat push-failure alerts and answer with the matching checklist."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 fine, 1 findings, 2 usage or configuration."""
    for stream in (sys.stdout, sys.stderr):
        _never_fail(stream)
    choose_language(os.environ)
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        result = cli.main(args=given, prog_name="triage", standalone_mode=False)
    except click.ClickException as exc:
        _show_mistake(exc)
        return 2
    except (click.Abort, KeyboardInterrupt):
        write(gettext("interrupted"), err=True)
        return 130
    except TriageError as exc:
        write(f"triage: {in_language(exc)}", err=True)
        return 2
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    return result if isinstance(result, int) else 0


def _show_mistake(exc: click.ClickException) -> None:
    """What is wrong with the command line, after how it is used."""
    ctx = exc.ctx if isinstance(exc, click.UsageError) else None
    if ctx:
        write(ctx.get_usage(), err=True)
        write(gettext("more: {command} --help", command=ctx.command_path), err=True)
    write(f"triage: {explain(exc)}", err=True)


def _never_fail(stream: TextIO) -> None:
    """Print `?` for a character that the terminal's encoding lacks, in place of raising UnicodeEncodeError."""
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(errors="replace")


def run() -> None:
    """The `triage` command."""
    sys.exit(main())
