"""The access logs of an nginx configuration: in which format they are written, and how late.

https://nginx.org/en/docs/http/ngx_http_log_module.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from triage.evidence.nginx.scope import seconds
from triage.evidence.nginx.tree import Block, Directive, Tree
from triage.evidence.services.log_format import COMBINED, LogFormat, compile_format
from triage.logs.join import ConfiguredLog

_FLUSH_SLACK = 2.0


def configured_logs(tree: Tree) -> tuple[ConfiguredLog, ...]:
    """The access logs of a configuration, in order of appearance."""
    directives = tuple(_directives(tree.root))
    formats = {"combined": compile_format(COMBINED)}
    for each in directives:
        if each.name == "log_format" and len(each.args) > 1:
            formats[each.args[0]] = _log_format(each.args[1:])
    logs = (each.args for each in directives if each.name == "access_log" and each.args)
    return tuple(log for args in logs if (log := _configured(args, formats)))


def _directives(block: Block) -> Iterator[Directive]:
    for each in block.directives:
        yield each
        if each.block:
            yield from _directives(each.block)


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
        flush = seconds(options["flush"])
        disorder = flush.total_seconds() if flush else None
    elif "buffer" in options or "gzip" in options or "gzip" in words:
        disorder = None
    return ConfiguredLog(
        Path(args[0]).name, found, disorder if disorder is None else disorder + _FLUSH_SLACK, "if" in options
    )
