"""What one line of nginx's access.log says, whatever its format: the fields that judging it needs.

A line is written when its request ends, so its time is the end: https://nginx.org/en/docs/http/ngx_http_log_module.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Final

FIELDS: Final = ("time", "request", "status", "upstream", "seconds", "upstream_seconds")
"""What `Fields` holds: when the request ended; the request line, or the path alone; the status; upstream_addr, which is
`-` where nginx itself answered, `a, b` after a retry, `a : b` after an internal redirect; request_time;
upstream_response_time, a list like upstream_addr."""
Text = str | None
Fields = tuple[Text, Text, Text, Text, Text, Text]
"""The fields of a request as they are written, None for one that the format lacks. A plain tuple: logs are long."""

LATE, SLOW = 4.5, 3.0
"""Seconds: of a request that the platform has given up, and of one that is nearly too late (P.8)."""
_MONTHS = {
    name: number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), 1
    )
}
_LIST = re.compile(r", | : ")


@lru_cache(maxsize=4096)
def parse_time(text: str | None) -> float | None:
    """Seconds since 1970 of `$time_local`, `$time_iso8601` or `$msec`; None for a time without an offset."""
    if not text:
        return None
    try:
        if text[2:3] == "/":
            day, month, rest = text.split("/", 2)
            year, hour, minute, second = rest[:13].split(":")
            zone = f"{text[-5:-2]}:{text[-2:]}"
            return datetime.fromisoformat(
                f"{year}-{_MONTHS[month]:02}-{day}T{hour}:{minute}:{second}{zone}"
            ).timestamp()
        if text[4:5] == "-":
            moment = datetime.fromisoformat(text)
            return moment.timestamp() if moment.tzinfo else None
        return float(text)
    except (ValueError, KeyError, OverflowError):
        return None


def parse_list(text: str | None) -> tuple[str, ...]:
    """The values of an upstream field: one for each backend that was tried, `-` left out."""
    return tuple(value for value in _LIST.split(text or "") if value not in ("", "-"))


@lru_cache(maxsize=4096)
def parse_seconds(text: str | None) -> float | None:
    """A time of a request, or the sum of a list of them; None where there is none."""
    try:
        values = [float(value) for value in parse_list(text)]
    except ValueError:
        return None
    return round(sum(values), 3) if values else None


_NAMES: Mapping[str, tuple[str, ...]] = {
    "time": ("time_iso8601", "time_local", "@timestamp", "time", "timestamp", "msec", "ts"),
    "request": ("request", "request_uri", "uri", "path", "url", "req"),
    "status": ("status", "code"),
    "upstream": ("upstream_addr", "upstream", "upstreamhost", "upstream_host", "backend"),
    "seconds": ("request_time", "rt", "duration", "responsetime", "response_time", "reqtime", "req_time"),
    "upstream_seconds": (
        "upstream_response_time",
        "urt",
        "upstream_time",
        "upstreamtime",
        "upstream_resp_time",
        "apptime",
    ),
}
"""The names that JSON logs and `name=value` logs use for a field, the usual one first."""


def read_json(line: str) -> Fields | None:
    """The fields of a line that is a JSON object with a time, a status and a request under usual names."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return _named(value) if isinstance(value, dict) else None


def _named(value: Mapping[str, object]) -> Fields | None:
    found = {
        field: next((str(value[name]) for name in names if value.get(name) is not None), None)
        for field, names in _NAMES.items()
    }
    if found["upstream"] == "":  # what escape=json writes for `-`
        found["upstream"] = "-"
    time, request, status, upstream, seconds, upstream_seconds = map(found.get, FIELDS)
    if not time or request is None or not re.fullmatch(r"[1-5]\d\d", status or ""):
        return None
    return time, request, status, upstream, seconds, upstream_seconds


_LINE = re.compile(
    r"(?<!\S)\S+\s+-\s+[^\[\n]{1,200}?\s+\[(\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] "
    r'"((?:[^"\\]|\\.)*)" (\d{3}) (?:\d+|-)(.*)$'
)
_FIELD = re.compile(r'"((?:[^"\\]|\\.)*)"|([^\s,]+(?:,+[^\s,]+)*(?:(?:,| :) [\d.-][^\s,]*)*)')
_NAME = re.compile(r"^(?!unix:)[A-Za-z_\u4e00-\u9fff]+[=:]")
_TIMES = re.compile(r"(?:\d{1,5}\.\d{3}|-)(?:(?:, | : )(?:\d{1,5}\.\d{3}|-))*")
_ADDRESS = re.compile(r"^(?:\d+\.\d+\.\d+\.\d+:\d+|\[[0-9a-f:]+\]:\d+|unix:)")


def read_common(line: str) -> Fields | None:
    """The fields of a line that begins like `combined`; the times and backends behind it are known by their shapes.

    Of several times the greatest is the request's: no backend takes longer, but for the millisecond of rounding. The
    next is the backend's: `$upstream_connect_time` and `$upstream_header_time` are parts of it.
    """
    match = _LINE.search(line)
    if match is None:
        return None
    time, request, status, rest = match.groups()
    return time, request, status, *_shaped(_FIELD.findall(rest))


def _shaped(words: list[tuple[str, str]]) -> tuple[Text, Text, Text]:
    """Who answered and the two times, of the quoted and plain words behind a status; the referer and the browser are
    quoted and come first.
    """
    quotes = 2 if all(quoted and not plain for quoted, plain in words[:2]) else 0
    values = [_NAME.sub("", quoted or plain) for quoted, plain in words][quotes:]
    times = [value for value in values if value != "-" and _TIMES.fullmatch(value)]
    times = [value for value in times if parse_seconds(value) is not None]
    times.sort(key=lambda value: parse_seconds(value) or 0, reverse=True)
    seconds, upstream_seconds = (*times, None, None)[:2]
    upstream = next((value for value in values if _ADDRESS.match(value)), None)
    if upstream is None and seconds is not None and "-" in values:
        upstream = "-"
    return upstream, seconds, upstream_seconds


_MOMENT = re.compile(r"\d\d:\d\d:\d\d|^\d{10}")
_PAIR = re.compile(r'(?:^|[\s,;|])([a-z_]+)[=:]("[^"]*"|(?:[^\s"|]|(?<=[,:]) (?=[\d-]))+)')


def read_pairs(line: str) -> Fields | None:
    """The fields of a line that names each: `status=200 request_time=0.004`, or `status:200` of LTSV."""
    fields = _named({name: value.strip('"') for name, value in _PAIR.findall(line)})
    return fields if fields and _MOMENT.search(fields[0] or "") else None


_TIME = re.compile(
    r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[+-]\d\d:\d\d|Z)"
)
_REQUEST = re.compile(r'\b([A-Z]{3,7} /[^\s"|]* HTTP/[\d.]+)["\s|,;]+([1-5]\d\d)(?=["\s|,;])(.*)$')


def read_shapes(line: str) -> Fields | None:
    """The fields of a line that has a time, a request and its status behind it, between whatever separators."""
    time, found = _TIME.search(line), _REQUEST.search(line)
    if time is None or found is None:
        return None
    request, status, rest = found.groups()
    return time[0], request, status, *_shaped(_FIELD.findall(re.sub(r"[|;]", " ", rest)))


def read_any(line: str) -> Fields | None:
    """The fields of a line of a format that nobody has named."""
    if line.lstrip().startswith("{"):
        return read_json(line)
    fields = read_common(line)
    if fields is None and "HTTP/" in line:
        fields = read_shapes(line)
    return read_pairs(line) if fields is None and "status" in line else fields
