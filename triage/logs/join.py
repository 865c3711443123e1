"""Joins an alert with access logs: the files, their formats, the requests of the window, the verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from triage.evidence.services.log_format import LogFormat
from triage.logs.files import LogFile, Progress
from triage.logs.target import Target
from triage.logs.traffic import Traffic, read_traffic
from triage.logs.verdict import Answer, Verdict, judge
from triage.wording import Wording

_NO_TIME = Answer(Verdict.CANNOT_TELL, Wording("报警里没有时间"), Wording("把报警整条粘全：要有“时间”那一行"))


@dataclass(frozen=True, slots=True)
class ConfiguredLog:
    """An `access_log` directive."""

    name: str
    """The file's name without its folder: a copy of the log stands elsewhere."""
    format: LogFormat
    disorder: float | None
    """Seconds that lines are held back at most; None where `buffer=` has no `flush=`."""
    is_conditional: bool
    """`if=` leaves requests out."""


def join(
    logs: Sequence[LogFile], target: Target | None, configured: Sequence[ConfiguredLog], progress: Progress
) -> tuple[Answer, Traffic]:
    """The verdict, and what it rests on. Raises OSError, and LogFileError where a library is missing."""
    if target is None:
        return _NO_TIME, Traffic()
    entries = list(dict.fromkeys(entry for log in logs for entry in formats_of(log.path, configured)))
    delays = [entry.disorder for entry in entries]
    known = [delay for delay in delays if delay is not None]
    disorder = max(known) if known and len(known) == len(delays) else None
    traffic = read_traffic(logs, target, [entry.format for entry in entries], disorder, progress)
    return judge(traffic, target, is_conditional=any(entry.is_conditional for entry in entries)), traffic


def formats_of(log: Path, configured: Sequence[ConfiguredLog]) -> tuple[ConfiguredLog, ...]:
    """The directives that may have written a file or what it was rotated from: those of its name, else all."""
    named = tuple(entry for entry in configured if log.name.startswith(entry.name))
    return named or tuple(configured)
