"""`triage ask`: the reply the bot would send."""

from __future__ import annotations

import sys

import click

from triage.advice.adviser import Answer
from triage.cli._adviser import make_adviser
from triage.cli._commands import Command
from triage.cli._input import Given, read_batch, read_given
from triage.cli._language import gettext
from triage.cli._output import dump, write
from triage.printing import visible

_RULER = "─" * 24


@click.command(
    "ask",
    cls=Command,
    examples=(
        "triage ask 499 是什么",
        "triage ask --file alert.txt",
        "triage ask --json 连接超时",
    ),
)
@click.argument("text", nargs=-1)
@click.option("--file", metavar="FILE", help="Read the text from a file, '-' for standard input.")
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
@click.option("--batch", is_flag=True, help="Read a JSON array of texts; print a JSON array of answers.")
def command(text: tuple[str, ...], file: str | None, as_json: bool, batch: bool) -> None:
    """Show the reply to an alert or to typed words, page by page.

    TEXT is the message; without it the message comes from --file or standard input. The file may be a screenshot.
    """
    if text and (file or batch):
        raise click.UsageError(gettext("give TEXT, --file or --batch, not two of them"))
    adviser = make_adviser()
    if batch:
        write(dump([adviser.answer(message).as_json() for message in read_batch()]))
        return
    given = Given(" ".join(text)) if text else read_given(file)
    answer = adviser.answer(given.text, is_picture=given.is_picture)
    if as_json:
        write(dump(answer.as_json()))
    elif sys.stdout.isatty():
        _print_panels(answer)
    else:
        write(f"\n{_RULER}\n".join(answer.pages))


def _print_panels(answer: Answer) -> None:
    """The pages as a terminal shows them best."""
    from rich.console import Console
    from rich.panel import Panel
    from rich.text import Text

    console = Console()
    for number, page in enumerate(answer.pages, start=1):
        title = f"{number}/{len(answer.pages)}" if len(answer.pages) > 1 else None
        console.print(Panel(Text(visible(page)), title=title, title_align="right", border_style="dim"))
