"""A log_format becomes a reader: values with blanks, lists, escapes, and lines that are of another format."""

from __future__ import annotations

import pytest

from triage.evidence.services.log_fields import (
    FIELDS,
    Fields,
    parse_list,
    parse_seconds,
    parse_time,
    read_any,
)
from triage.evidence.services.log_format import KNOWN_FORMATS, compile_format

KNOWN = [compile_format(text) for text in KNOWN_FORMATS]
GUIDES, COMMON = KNOWN[:2]

AT = "28/Nov/2026:12:30:00 +0000"


def named(fields: Fields | None) -> dict[str, str | None]:
    return dict(zip(FIELDS, fields, strict=True)) if fields else {}


FORMATS = {
    "lists without quotes": (
        "$status $upstream_addr $upstream_status $request_time $upstream_response_time", "default",
        "200 10.0.0.1:80, 10.0.0.2:80 : unix:/run/a.sock 502, 200 : 200 0.104 0.001, 0.002 : 0.100",
        {
            "upstream": "10.0.0.1:80, 10.0.0.2:80 : unix:/run/a.sock", "seconds": "0.104",
            "upstream_seconds": "0.001, 0.002 : 0.100",
        },
    ),
    "a request without quotes": (
        "$request $status $http_user_agent $request_time", "default",
        "POST /wx?a=1 HTTP/1.1 499 Mozilla/4.0 (X; Y) 5.001",
        {"request": "POST /wx?a=1 HTTP/1.1", "status": "499", "seconds": "5.001"},
    ),
    "variables in braces, tabs": (
        "${time_iso8601}\t${status}\t$request_time", "default", "2026-11-28T12:30:00+00:00\t200\t0.1",
        {"time": "2026-11-28T12:30:00+00:00", "seconds": "0.1"},
    ),
    "escape=json": (
        '{"r":"$request","s":$status,"u":"$upstream_addr","t":"$request_time"}', "json",
        r'{"r":"POST /wx?a=\"\u0016\\ HTTP/1.1","s":499,"u":"","t":"5.001"}',
        {"request": r"POST /wx?a=\"\u0016\\ HTTP/1.1", "status": "499", "upstream": "", "seconds": "5.001"},
    ),
    "escape=none": (
        '"$request" $status "$http_user_agent" $request_time', "none", '"GET /a" HTTP/1.1" 200 "a "b" c" 0.001',
        {"status": "200", "seconds": "0.001"},
    ),
    "the better of two times": ("$time_local $msec", "default", f"{AT} 1795869000.123", {"time": "1795869000.123"}),
    "nothing from the backend": (
        '"$upstream_addr" "$upstream_response_time" $request_time', "default", '"-" "-" 0.000',
        {"upstream": "-", "upstream_seconds": "-", "seconds": "0.000"},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "escape", "line", "expected"), FORMATS.values(), ids=FORMATS)
def test_a_line_is_read_by_its_format(text: str, escape: str, line: str, expected: dict[str, str]) -> None:
    fields = named(compile_format(text, escape=escape).read(line))
    assert fields.items() >= expected.items()


@pytest.mark.parametrize("line", ["", "POST /wx", f'1.1.1.1 - - [{AT}] "GET / HTTP/1.1" 20 7 "-" "-"'])
def test_a_line_of_another_format_is_none_of_this(line: str) -> None:
    assert [known.read(line) for known in KNOWN] == [None] * len(KNOWN)


def test_a_longer_line_is_no_combined_one() -> None:
    line = f'1.1.1.1 - - [{AT}] "GET / HTTP/1.1" 200 7 "-" "-" 0.001'
    assert not COMMON.fits(line)
    assert COMMON.read(line) == (AT, "GET / HTTP/1.1", "200", None, "0.001", None)


def test_what_a_format_lacks_is_none() -> None:
    line = f'1.1.1.1 - - [{AT}] "GET / HTTP/1.1" 200 7 "-" "-"'
    assert COMMON.fits(line)
    assert COMMON.read(line) == (AT, "GET / HTTP/1.1", "200", None, None, None)


GOOD = f'1.1.1.1 - - [{AT}] "GET / HTTP/1.1" 200 7 "-" "-"'
BAD = f'1.1.1.1 - - [{AT}] "GET / HTTP/1.1'
"""With the next line it would make one that fits."""


@pytest.mark.parametrize(
    "lines", [[GOOD, GOOD], [GOOD, BAD, GOOD], [BAD, GOOD], [GOOD, ""], [""], [f"{GOOD} 0.001", GOOD]]
)
def test_lines_are_read_together_as_one_by_one(lines: list[str]) -> None:
    assert COMMON.read_lines("\n".join(lines)) == [COMMON.read(line) for line in lines]


@pytest.mark.parametrize(
    ("rest", "seconds", "upstream"),
    [
        ("0.001 5.074", "5.074", None),
        ("- 5.074", "5.074", "-"),
        ("rt=5.074 uct=0.001 urt=5.070", "5.074", None),
        ('"10.0.0.1:80, 10.0.0.2:80" "502, 200" "0.001, 4.002"', "0.001, 4.002", "10.0.0.1:80, 10.0.0.2:80"),
        ('"4.55" 1795869000.123', None, None),
    ],
)
def test_a_format_that_nobody_named_is_read_by_shapes(
    rest: str, seconds: str | None, upstream: str | None
) -> None:
    fields = named(read_any(f'1.1.1.1 - - [{AT}] "GET / HTTP/1.1" 200 7 "-" "-" {rest}'))
    assert (fields["seconds"], fields["upstream"]) == (seconds, upstream)


@pytest.mark.parametrize(
    ("rest", "upstream", "seconds", "upstream_seconds"),
    [
        ("rt=5.004 uct=0.000 uht=0.001 urt=5.002 ua=10.0.0.1:80 us=-", "10.0.0.1:80", "5.004", "5.002"),
        ("10.0.0.1:80 0.000 0.001 5.002 5.004", "10.0.0.1:80", "5.004", "5.002"),
        (
            "rt=4.004 uct=0.000, 0.000 urt=4.001, 0.002 ua=10.0.0.1:80, 10.0.0.2:80 us=504, 200",
            "10.0.0.1:80, 10.0.0.2:80", "4.004", "4.001, 0.002",
        ),
    ],
)  # fmt: skip
def test_the_time_of_the_backend_is_not_that_of_connecting_to_it(
    rest: str, upstream: str, seconds: str, upstream_seconds: str
) -> None:
    fields = named(read_any(f'1.1.1.1 - - [{AT}] "GET / HTTP/1.1" 200 7 "-" "-" {rest}'))
    assert [fields[name] for name in ("upstream", "seconds", "upstream_seconds")] == [
        upstream, seconds, upstream_seconds,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (AT, 1795869000), ("28/Nov/2026:20:30:00 +0800", 1795869000), ("28/Nov/2026:18:00:00 +0530", 1795869000),
        ("2026-11-28T12:30:00Z", 1795869000), ("2026-11-28T07:30:00-05:00", 1795869000), ("1795869000.5", 1795869000.5),
        ("2026-11-28T12:30:00", None), ("28/Foo/2026:12:30:00 +0000", None), ("99/Nov/2026:12:30:00 +0000", None),
        ("", None), (None, None), ("-", None), ("28/Nov", None),
    ],
)  # fmt: skip
def test_a_time_carries_its_own_offset(text: str | None, seconds: float | None) -> None:
    assert parse_time(text) == seconds


def test_lists_of_upstreams_are_taken_apart() -> None:
    assert parse_list("10.0.0.1:80, unix:/a : -") == ("10.0.0.1:80", "unix:/a")
    assert parse_seconds("4.001, - : 0.002") == 4.003
    assert parse_seconds("-") is None
    assert parse_seconds("x") is None


def test_a_line_that_fits_no_format_takes_linear_time() -> None:
    for line in (
        "a" * 200_000,
        "a " * 100_000,
        "a - " * 50_000,
        '1 - - [28/Nov/2026:12:30:00 +0000] "' + "\\" * 100_000,
    ):
        assert read_any(line) is None
        assert GUIDES.read(line) is None
