"""How commands join an alert with access logs."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from triage.alerts.parser import Alert
from triage.cli._language import gettext
from triage.errors import InputError, LogFileError, reason_of
from triage.logs.files import LogFile, Progress, open_log
from triage.logs.join import ConfiguredLog, join
from triage.logs.target import Target, target_of
from triage.logs.traffic import Traffic
from triage.logs.verdict import Answer

if TYPE_CHECKING:
    import rich.progress


def join_logs(logs: Sequence[str], alert: Alert, nginx: str | None) -> tuple[Answer, Traffic, Target | None]:
    """The verdict and what it rests on; `nginx` is the configuration with the log_format. Raises InputError."""
    target = target_of(alert)
    try:
        configured = _configured(nginx) if nginx else ()
        with _progress() as progress:
            answer, traffic = join([_opened(log) for log in logs], target, configured, progress)
    except LogFileError as exc:
        raise InputError(_unreadable(exc)) from exc
    return answer, traffic, target


def _configured(nginx: str) -> tuple[ConfiguredLog, ...]:
    from triage.cli._nginx import read_nginx  # only a configuration needs the reader of configurations
    from triage.logs.nginx_config import configured_logs

    return configured_logs(read_nginx(nginx))


def _opened(log: str) -> LogFile:
    try:
        return open_log(Path(log))
    except OSError as exc:
        raise InputError(gettext("cannot read {file}: {why}", file=log, why=reason_of(exc))) from exc


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
