"""Commands as ours are: help in the chosen language, whole and with examples, and a guess at what was mistyped."""

from __future__ import annotations

import copy
import inspect
import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

import click

from triage.cli._formatter import Context
from triage.cli._language import gettext, language
from triage.cli._output import write
from triage.settings.wordings import Language


class _Translated(click.Command):
    """Usage and text in the chosen language, for a command and for a group of them."""

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return [gettext(piece) for piece in super().collect_usage_pieces(ctx)]

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        _write_usage(self, ctx, formatter)

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        _write_text(self, ctx, formatter)


class Command(_Translated):
    """A command with examples: lines as one types them."""

    context_class = Context

    def __init__(self, *arguments: Any, examples: Sequence[str] = (), **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.examples = tuple(examples)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.allow_extra_args = True  # the words about them are ours
        rest = super().parse_args(ctx, args)
        if ctx.args and not ctx.resilient_parsing:
            raise click.UsageError(gettext("one argument too many: {word}", word=ctx.args[0]), ctx)
        return rest

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        _write_options(self, ctx, formatter)
        if self.examples:
            with formatter.section(gettext("Examples")):
                for line in self.examples:
                    formatter.write(f"{'':>{formatter.current_indent}}{line}\n")


class Group(_Translated, click.Group):
    """A command of commands."""

    context_class = Context
    command_class = Command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args and not ctx.resilient_parsing:
            write(ctx.get_help(), err=True)
            ctx.exit(2)
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None:
            raise click.UsageError(_no_such_command(name, self.list_commands(ctx)), ctx)
        return super().resolve_command(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        _write_options(self, ctx, formatter)
        rows = []
        for name in self.list_commands(ctx):
            command = self.get_command(ctx, name)
            if command is not None:
                rows.append((name, _first_sentence(_help_of(command, f"{_path(ctx)} {name}".strip()))))
        with formatter.section(gettext("Commands")):
            formatter.write_dl(rows)


def explain(exc: click.ClickException) -> str:
    """What is wrong with a command line, in the chosen language."""
    if language() is Language.EN:
        return exc.format_message()
    if isinstance(exc, click.NoSuchOption):
        guess = f"，是不是 {exc.possibilities[0]}？" if exc.possibilities else ""
        return f"没有选项 {exc.option_name}{guess}"
    if isinstance(exc, click.BadOptionUsage):
        return f"选项 {exc.option_name} 后面缺一个值，或多了一个"
    if isinstance(exc, click.MissingParameter) and exc.param:
        return f"还缺 {exc.param.human_readable_name}"
    if isinstance(exc, click.BadParameter) and exc.param:
        wanted = _wanted(exc.param.type)
        name = exc.param.opts[0] if isinstance(exc.param, click.Option) else exc.param.human_readable_name
        return f"{name} 的值不对：{wanted}" if wanted else exc.format_message()
    return exc.format_message()


def _wanted(kind: object) -> str:
    """Which values a parameter takes, in Chinese; `""` where there is nothing short to say."""
    if isinstance(kind, click.Choice):
        return f"只能是 {'、'.join(map(str, kind.choices))}"
    if isinstance(kind, click.IntRange | click.FloatRange):
        least = f"不小于 {kind.min:g}" if kind.min is not None else ""
        most = f"不大于 {kind.max:g}" if kind.max is not None else ""
        return f"要一个 {'、'.join(filter(None, (least, most)))} 的数"
    return "要一个数" if kind in (click.INT, click.FLOAT) else ""


def _no_such_command(name: str, known: Sequence[str]) -> str:
    similar = get_close_matches(name, known, 1)
    if similar:
        return gettext("there is no command {name!r}; did you mean {guess!r}?", name=name, guess=similar[0])
    return gettext("there is no command {name!r}; --help lists them", name=name)


def _path(ctx: click.Context) -> str:
    """The words of a command without the program's name: `rules check`."""
    return ctx.command_path.partition(" ")[2]


def _help_of(command: click.Command, path: str) -> str:
    if language() is Language.ZH:
        from triage.cli._chinese import COMMANDS

        if path in COMMANDS:
            return COMMANDS[path]
    return inspect.cleandoc(command.help or "")


def _first_sentence(text: str) -> str:
    paragraph = " ".join(text.partition("\n\n")[0].split())
    return re.split(r"(?<=[。])|(?<=\.)\s|; |；", paragraph, maxsplit=1)[0].rstrip("。.")


def _write_usage(command: click.Command, ctx: click.Context, formatter: click.HelpFormatter) -> None:
    pieces = " ".join(command.collect_usage_pieces(ctx))
    formatter.write_usage(ctx.command_path, pieces, prefix=gettext("Usage: "))


def _write_text(command: click.Command, ctx: click.Context, formatter: click.HelpFormatter) -> None:
    text = _help_of(command, _path(ctx))
    formatter.write_paragraph()
    with formatter.indentation():
        formatter.write_text(text)


def _in_its_language(words: str) -> str:
    """An option's line, with what click itself says there."""
    return words.replace("[default: ", gettext("[default: ")).replace("[required]", gettext("[required]"))


def _write_options(command: click.Command, ctx: click.Context, formatter: click.HelpFormatter) -> None:
    rows = []
    for parameter in command.get_params(ctx):
        if isinstance(parameter, click.Option):
            translated = copy.copy(parameter)
            translated.help = gettext(parameter.help or "")
            if row := translated.get_help_record(ctx):
                rows.append((row[0], _in_its_language(row[1])))
    with formatter.section(gettext("Options")):
        formatter.write_dl(rows)
