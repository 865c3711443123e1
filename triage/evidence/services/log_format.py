"""A `log_format` of nginx as a reader of its lines: one anchored expression, in linear time for what nginx writes.

https://nginx.org/en/docs/http/ngx_http_log_module.html#log_format
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from triage.evidence.services.log_fields import FIELDS, Fields, read_any

_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_FIELDS: Mapping[str, tuple[str, ...]] = {
    "time": ("msec", "time_iso8601", "time_local"),
    "request": ("request", "request_uri", "uri", "document_uri"),
    "status": ("status",),
    "upstream": ("upstream_addr",),
    "seconds": ("request_time",),
    "upstream_seconds": ("upstream_response_time",),
}
"""The variables that tell a field, the best first."""
_NUMBERS = r"(?:[\d.]+|-)(?:(?:, | : )(?:[\d.]+|-))*|"
_SHAPES: Mapping[str, str] = {
    "msec": r"\d+\.\d{3}",
    "time_iso8601": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[+-]\d\d:\d\d|Z)",
    "time_local": r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}",
    "status": r"\d{3}",
    "body_bytes_sent": r"\d+|-",
    "bytes_sent": r"\d+|-",
    "request_time": r"[\d.]+|-",
    "upstream_status": _NUMBERS,
    "upstream_response_time": _NUMBERS,
}
_WITH_BLANKS = {"request", "http_user_agent", "http_referer", "http_cookie"}
"""Variables with blanks in them, which only a longer search finds the end of where no quotes stand around them."""


@dataclass(frozen=True, slots=True)
class LogFormat:
    """A log_format; lines of another one are read by their shapes."""

    text: str
    """Its strings, joined."""
    pattern: re.Pattern[str]
    """Matches whole lines, with a group for every field."""
    groups: tuple[int, ...]
    """The groups of the fields, in the order of `FIELDS`."""

    def fits(self, line: str) -> bool:
        """Whether a line is of this format."""
        return bool(self.pattern.fullmatch(line))

    def read(self, line: str) -> Fields | None:
        """The fields of a line; None for one that cannot be read."""
        if match := self.pattern.fullmatch(line):
            return match.group(*self.groups)  # type: ignore[return-value] # typeshed: a tuple of any length
        return read_any(line)

    def read_lines(self, text: str) -> Sequence[Fields | None]:
        """The fields of each line of a text.

        Where each line is of this format, all at once, which is faster: a match begins and ends with a line, so as many
        matches as lines are one for each.
        """
        groups = self.groups
        found = [match.group(*groups) for match in self.pattern.finditer(text)]
        if len(found) == text.count("\n") + 1:
            return found  # type: ignore[return-value] # as above
        return list(map(self.read, text.split("\n")))


def compile_format(text: str, *, escape: str = "default") -> LogFormat:
    """The reader of a log_format; `escape` is its parameter: `default`, `json` or `none`."""
    pieces = _VARIABLE.split(text)
    names = [braced or plain for braced, plain in zip(pieces[1::3], pieces[2::3], strict=True)]
    literals = pieces[0::3]
    literals[-1] = literals[-1].rstrip()
    groups = {
        name: field
        for field, variables in _FIELDS.items()
        if (name := next(filter(names.__contains__, variables), None))
    }
    expression = [re.escape(literals[0])]
    for name, (_, literal) in zip(names, pairwise(literals), strict=True):
        value = _value(name, literal, escape)
        field = groups.pop(name, None)
        expression.append(f"(?P<{field}>{value})" if field else f"(?:{value})")
        expression.append(re.escape(literal))
    whole = "".join(expression)
    absent = "".join(f"(?P<{field}>(?!))?" for field in FIELDS if f"(?P<{field}>" not in whole)
    pattern = re.compile(rf"^{whole}[ \t\r]*{absent}$", re.MULTILINE)
    return LogFormat(text, pattern, tuple(pattern.groupindex[field] for field in FIELDS))


def _value(name: str, following: str, escape: str) -> str:
    """An expression for the value of a variable, which ends where the text behind it begins."""
    if name in _SHAPES and not following.startswith(('"', "]")):
        return _SHAPES[name]
    if not following or escape == "none":
        return ".*?"
    stop = re.escape(following[0])
    if following[0] == '"':
        return r'[^"\\]*+(?:\\.[^"\\]*+)*+' if escape == "json" else '[^"]*+'
    if following[0] == " " and name == "upstream_addr":
        return r"[^ ,]*+(?:(?:, | : )[^ ,]++)*+"
    return ".*?" if following[0] == " " and name in _WITH_BLANKS else f"[^{stop}]*+"


NO_FORMAT = LogFormat("", re.compile("(?!)"), ())
"""Fits no line: each is read by its shape."""
_CLIENT = "$remote_addr - $remote_user [$time_local] "
_ANSWER = '"$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"'
_TIMES = "$host $upstream_addr $upstream_status $request_time $upstream_response_time"
GUIDE = (
    '$remote_addr  - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" '
    '"$http_user_agent" "$http_x_forwarded_for" "$host"  "$cookie_ssl_edition" "$upstream_addr"   '
    '"$upstream_status"  "$request_time"  "$upstream_response_time" '
)
"""The guide's (A3.4)."""
COMBINED = _CLIENT + _ANSWER
"""nginx's own, where a configuration names none."""
MAIN = f'{_CLIENT}{_ANSWER} "$http_x_forwarded_for"'
"""That of nginx's packages."""
RECOMMENDED = f"{MAIN} {_TIMES}"
"""The one that our steps recommend: it has every field."""
OURS = (
    _CLIENT + '"$request_method $uri $server_protocol" $status $body_bytes_sent "$http_user_agent" '
    f'"$http_x_forwarded_for" {_TIMES}'
)
"""That of deploy/nginx.conf, without queries."""
KNOWN_FORMATS = (GUIDE, COMBINED, MAIN, RECOMMENDED, OURS)
