"""The access logs of an nginx configuration: in which format they are written, and how late.

https://nginx.org/en/docs/http/ngx_http_log_module.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from triage.errors import InputError
from triage.evidence.services.log_format import COMBINED, LogFormat, compile_format

_SECONDS = {"ms": 0.001, "": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_FLUSH_SLACK = 2.0


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


def read_configured_logs(path: Path) -> tuple[ConfiguredLog, ...]:
    """The access logs of a configuration with its includes, in order of appearance. Raises InputError."""
    import crossplane

    if not path.is_file():
        raise InputError(f"cannot read {path}: no such file")
    payload = crossplane.parse(str(path), catch_errors=True, comments=False)
    directives = [line for config in payload["config"] for line in _directives(config["parsed"])]
    formats = {"combined": compile_format(COMBINED)}
    for name, args in directives:
        if name == "log_format" and len(args) > 1:
            formats[args[0]] = _log_format(args[1:])
    return tuple(
        log for name, args in directives if name == "access_log" and (log := _configured(args, formats))
    )


def formats_of(log: Path, configured: Sequence[ConfiguredLog]) -> tuple[ConfiguredLog, ...]:
    """The directives that may have written a file or what it was rotated from: those of its name, else all."""
    named = tuple(entry for entry in configured if log.name.startswith(entry.name))
    return named or tuple(configured)


def _directives(block: Sequence[Any]) -> Iterator[tuple[str, list[str]]]:
    for line in block:
        yield line["directive"], line["args"]
        yield from _directives(line.get("block", ()))


def _log_format(args: Sequence[str]) -> LogFormat:
    escape = "default"
    if args[0].startswith("escape="):
        escape, args = args[0].removeprefix("escape="), args[1:]
    return compile_format("".join(args), escape=escape)


def _configured(args: Sequence[str], formats: dict[str, LogFormat]) -> ConfiguredLog | None:
    """The directive; None for `off`, syslog, and a format that is not defined."""
    words = [word for word in args if "=" not in word]
    options = dict(word.split("=", 1) for word in args[1:] if "=" in word)
    found = formats.get(words[1] if len(words) > 1 else "combined")
    if found is None or args[0] == "off" or args[0].startswith("syslog:"):
        return None
    disorder: float | None = 0.0
    if "flush" in options:
        disorder = _seconds(options["flush"])
    elif "buffer" in options or "gzip" in options or "gzip" in words:
        disorder = None
    return ConfiguredLog(
        Path(args[0]).name, found, disorder if disorder is None else disorder + _FLUSH_SLACK, "if" in options
    )


def _seconds(text: str) -> float | None:
    """A time of nginx's: `5s`, `1m30s`. https://nginx.org/en/docs/syntax.html"""
    parts = re.findall(r"(\d+)(ms|[smhd]?)", text)
    return sum(int(number) * _SECONDS[unit] for number, unit in parts) if parts else None
