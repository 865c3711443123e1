"""`triage logs`: what access logs say of the pushes that an alert is about."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from triage.alerts.parser import parse
from triage.cli._commands import Command
from triage.cli._input import read_text
from triage.cli._language import gettext
from triage.cli._output import dump, write
from triage.errors import InputError, LogFileError
from triage.logs.files import LogFile, Progress, open_log
from triage.logs.join import ConfiguredLog, join
from triage.logs.report import as_json, as_text
from triage.logs.target import target_of
from triage.logs.verdict import Verdict

if TYPE_CHECKING:
    import rich.progress


@click.command(
    "logs",
    cls=Command,
    examples=(
        "triage logs access.log --alert alert.txt",
        "triage logs access.log* --alert alert.txt --nginx /etc/nginx/nginx.conf",
    ),
)
@click.argument("logs", metavar="LOG...", nargs=-1, required=True)
@click.option("--alert", required=True, metavar="FILE", help="The alert's text; - reads standard input.")
@click.option("--nginx", metavar="CONF", help="The configuration whose log_format the logs have.")
@click.option("--json", "as_json_", is_flag=True, help="Print the verdict and the counts as JSON.")
def command(logs: tuple[str, ...], alert: str, nginx: str | None, as_json_: bool) -> int:
    """Say what became of the failed pushes of an alert by the access logs LOG: rotated, gzip and zstd too.

    The exit code is 0 where they arrived and were answered in time, else 1.
    """
    alerts = parse(read_text(alert)).alerts
    if not alerts:
        raise InputError(gettext("no alert in this text"))
    target = target_of(alerts[0])
    try:
        configured = _configured(nginx) if nginx else ()
        with _progress() as progress:
            answer, traffic = join([_opened(log) for log in logs], target, configured, progress)
    except LogFileError as exc:
        raise InputError(_unreadable(exc)) from exc
    write(dump(as_json(answer, traffic, target)) if as_json_ else as_text(answer, traffic, target))
    return int(answer.verdict is not Verdict.ANSWERED_IN_TIME)


def _configured(nginx: str) -> tuple[ConfiguredLog, ...]:
    from triage.cli._nginx import read_nginx  # only a configuration needs the reader of configurations
    from triage.logs.nginx_config import configured_logs

    return configured_logs(read_nginx(nginx))


def _opened(log: str) -> LogFile:
    try:
        return open_log(Path(log))
    except OSError as exc:
        raise InputError(gettext("cannot read {file}: {why}", file=log, why=exc.strerror)) from exc


def _unreadable(exc: LogFileError) -> str:
    if exc.reason == "no_zstd":
        return gettext(
            "{file} needs a library: pip install 'wechat-triage[zstd]'; or unpack it: zstd -d {file}",
            file=exc.path,
        )
    return gettext("{file} is no file; save it first: docker logs NAME > access.log", file=exc.path)


@contextmanager
def _progress() -> Iterator[Progress]:
    """A bar on a terminal, from the first compressed block on: plain files take no time."""
    with ExitStack() as stack:
        yield _Bar(stack).tell if sys.stderr.isatty() else lambda path, done, size: None


class _Bar:
    """A progress bar that begins when it is first told something."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._bar: rich.progress.Progress | None = None
        self._tasks: dict[Path, rich.progress.TaskID] = {}

    def tell(self, path: Path, done: int, size: int) -> None:
        """Show how far a file is read."""
        from rich.console import Console
        from rich.progress import Progress

        if self._bar is None:
            self._bar = self._stack.enter_context(Progress(console=Console(stderr=True), transient=True))
        if path not in self._tasks:
            self._tasks[path] = self._bar.add_task(path.name, total=size)
        self._bar.update(self._tasks[path], completed=done)
