"""Stages of shell pipelines that steps share: they read lines of logs and say so where the log cannot tell.

A log names no columns, so a stage looks for shapes: a time as nginx prints it (seconds with three decimals), a status
behind the quoted request or in JSON's `"status"`. The awk is POSIX's and does without `{n}`, which Debian's mawk lacks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_TIME = r'[ "=:][0-9][0-9]?[0-9]?\.[0-9][0-9][0-9]([ ",}]|$)'
"""A field of 0.000 to 999.999, alone, quoted, in a list, or behind a name; no version, address or $msec."""
_SLOW = r'[ "=:]([3-9]|[1-9][0-9][0-9]?)\.[0-9][0-9][0-9]([ ",}]|$)'
"""A time of 3 s or more. Any time of a line counts: a request that was retried has one for each backend."""
_STATUS = r'("status": ?"?|" )[1-5][0-9][0-9]'
_STATUS_AND_BYTES = r'" [1-5][0-9][0-9] [0-9]+'
_BACKEND = r'[0-9]+\.[0-9.]+:[0-9]+((,| :) [0-9.]+:[0-9]+)*|unix:[^" ,]+'
_DROP_QUERY = r'sub(/\?[^ "]*/,"")'
"""A query holds an OpenID and a signature, and may hold numbers that look like times."""

_NO_LINE = "看不出：没有对得上的行。tail -1 access.log 看文件和时区，.gz 用 zgrep"
_NO_TIME = "看不出快慢：都没记耗时（request_time）"
_NOT_FOUND = "没找到，也不等于没进来：日志可能不是这份、已切割、时区不同，或没记请求参数"
_NO_SLOW_BACKEND = "看不出：没有超过 3 秒的行，或者没记耗时、后端地址"


def _counts(by: str) -> str:
    """Count lines by the text that a statement of awk puts into `k`; lines for which it does not are named as such."""
    return (
        f"""awk '{{k=""}}{by}{{c[k]++}}END{{for(k in c)print c[k],k?k:"行读不出来";"""
        f"""if(!NR)print"{_NO_LINE}"}}' | sort -rn | head -20"""
    )


STAGES: Mapping[str, str] = {
    "slow_lines": (
        f"awk '{{{_DROP_QUERY}}}/{_SLOW}/{{n++;print}}/{_TIME}/{{t++}}"
        f"""END{{print!NR?"{_NO_LINE}":!t?NR" 行，{_NO_TIME}":NR" 行，"t" 行有耗时，超过 3 秒的 "n+0" 行"}}'"""
        " | tail -20"
    ),
    "slow_backends": (
        r"""grep -E '[ "=:]([3-9]|[1-9][0-9]{1,2})\.[0-9]{3}([ ",}]|$)' | """
        r"""grep -oE '[0-9]+\.[0-9.]+:[0-9]+|unix:[^" ,]+' | sort | uniq -c | sort -rn | grep . """
        f"|| echo '{_NO_SLOW_BACKEND}'"
    ),
    "status_counts": _counts(f"match($0,/{_STATUS}/){{k=substr($0,RSTART+RLENGTH-3,3)}}"),
    "size_counts": _counts(f"match($0,/{_STATUS_AND_BYTES}/){{k=substr($0,RSTART+2,RLENGTH-2)}}"),
    "backend_counts": _counts(
        f"{{{_DROP_QUERY}}}match($0,/{_STATUS}/){{k=substr($0,RSTART+RLENGTH-3,3)}}"
        f'match($0,/{_BACKEND}/){{k=k" "substr($0,RSTART,RLENGTH)}}'
    ),
    "found_lines": (
        f'awk \'/{_TIME}/{{t++}}{{print}}END{{if(!t)print NR?"{_NO_TIME}":"{_NOT_FOUND}"}}\' | tail -20'
    ),
    "worker_limits": (
        "for p in $(pgrep -f '[n]ginx: worker'); do grep 'open files' /proc/$p/limits; done | sort | uniq -c "
        "| grep . || echo '看不出：这里没有 nginx 的 worker 进程'"
    ),
}
"""By name, what `{{ name }}` stands for in a command."""
LINES_WITH = "lines_with"
"""`{{ lines_with('a|b') }}` prints the lines that match, in any letter case, then from when to when it has read."""
_USE = re.compile(r"\{\{\s*([a-z_]+)\s*(?:\(\s*'([^'{}]+)'\s*\)\s*)?\}\}")


def expand(command: str) -> str:
    """The command with the stages it names written out; what names none is left as it is."""
    return _USE.sub(_written_out, command) if "{{" in command else command


def _written_out(use: re.Match[str]) -> str:
    name, pattern = use.groups()
    if pattern is None:
        return STAGES.get(name, use[0])
    return _lines_with(pattern) if name == LINES_WITH else use[0]


def _lines_with(pattern: str) -> str:
    return (
        f'awk \'NR==1{{f=$0}}tolower($0)~/{pattern.lower()}/{{n++;print}}END{{print NR?n+0" 行对得上，共 "NR" 行，从 '
        '"substr(f,1,44)" 到 "substr($0,1,44):"看不出：一行都没读到"}\' | tail -20'
    )
