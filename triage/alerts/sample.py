"""The alert's 错误样例: a run of `[key=value]` brackets that describes the first failure.

The last values may be a whole reply body; triage.alerts.scanner finds where each value ends.
"""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass, fields

from triage.alerts.cleaning import half_width, unindent
from triage.alerts.scanner import KEY, Extent, Scanner, find_extent
from triage.platform.pushes import COMPONENT_INFO, PUSHES


@dataclass(frozen=True, slots=True)
class Sample:
    """The first failure, as the alert shows it; `None` where a key is missing, `""` where its value is empty.

    The attributes have the names of the contract: `ip` is the developer's IP, `callback_url` is 3rdUrl.
    """

    openid: str | None = None
    stamp: int | None = None
    outer_ip: str | None = None
    callback_url: str | None = None
    ip: str | None = None
    host: str | None = None
    msg_type: int | None = None
    msg: str | None = None
    event: str | None = None
    http_code: int | None = None
    curl_error: int | None = None
    decrypt_fail: bool | None = None
    response_length: int | None = None
    response_content: str | None = None
    platform: str | None = None
    transaction_id: str | None = None
    resp: str | None = None

    def known(self) -> dict[str, str | int]:
        """The keys that are there, in the order of the contract."""
        return {name: value for name in SAMPLE_KEYS if (value := getattr(self, name)) is not None}


SAMPLE_KEYS = tuple(field.name for field in fields(Sample))
Value = str | int | bool
_NUMERIC = {"stamp", "msg_type", "http_code", "curl_error", "response_length"}
_WITH_SPACES = {"event", "msg", "platform"}
"""Values in which a space counts."""
_FIRST_KEYS = {"openid", "transaction_id"}
"""Keys that stand first, so that a second one opens the brackets of the next alert."""
_BODIES = {"response_content", "resp"}
_PROSE = _BODIES | {"platform"}
_LINE_BREAK = re.compile(r"\s*\n\s*")
_SEPARATOR = re.compile(r"[\s,;、|>*-]{0,200}(?=\[)")
_KEYED = re.compile(r"\[\w[\w. -]{0,40}=")
"""How a bracket begins whose key nobody knows yet."""
_NEXT_KEY = re.compile(rf"[\s,;、|>*-]{{0,200}}{KEY.pattern}")
_MAX_BRACKETS = 50
"""Brackets of one sample; what follows is not read."""
_MAX_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Brackets:
    """A run of brackets."""

    sample: Sample
    end: int
    """Where the run ends in the text."""
    plausible: int
    """How many values may come from the platform: 0, 1, or 2 for more."""
    unread: tuple[tuple[int, int], ...]
    """Where brackets stand that were not understood."""
    is_unmistakable: bool = False
    """Whether a key is there that only the platform writes like this."""
    places: tuple[tuple[str, int, int], ...] = ()
    """Of each key of the sample where its value stands; of one without a value, where its bracket does."""


def parse_brackets(scanner: Scanner, start: int) -> Brackets:
    """The run of brackets that begins at `start`, the position of a key."""
    text, folded = scanner.text, scanner.folded
    values: dict[str, Value] = {}
    unread: list[tuple[int, int]] = []
    places: dict[str, tuple[str, int, int]] = {}
    is_unmistakable = False
    indent = folded[folded.rfind("\n", 0, start) + 1 : start]
    position = end = start
    for _ in range(_MAX_BRACKETS):
        if not folded.startswith("[", position):
            if not (separator := _SEPARATOR.match(folded, position)):
                break
            position = separator.end()
        key = KEY.match(folded, position)
        if key is None:
            stop = _unknown_end(scanner, position, end, values)
            if stop is None:
                break
            unread.append((position, stop))
            end = stop
        else:
            name = key.lastgroup or ""
            if name in _FIRST_KEYS and name in values:
                break
            first = key.end()
            last, end = _extent(scanner, first, name, values)
            value = _parse_value(name, text[first:last], indent)
            is_unmistakable = is_unmistakable or _is_unmistakable(text[position:first], value)
            if value is None:
                unread.append((position, end))
            elif values.get(name, "") == "":
                values[name] = value
                places[name] = (name, first, last) if first < last else (name, position, end)
        position = end
    sample = Sample(**values)  # type: ignore[arg-type]  # by name
    return Brackets(sample, end, _plausible(values), tuple(unread), is_unmistakable, tuple(places.values()))


def _unknown_end(scanner: Scanner, position: int, end: int, known: Container[str]) -> int | None:
    """Where the bracket of an unknown key ends; None if it is none of this sample, which ends at `end` so far.

    The platform may add keys. One with `=` belongs to the sample. Of others their neighbours decide: a key that can
    be of the same sample, or the next line of the alert, follows; or it touches the bracket before it, and ends the
    line or touches another one.
    """
    folded = scanner.folded
    stop = scanner.unknown_bracket_end(position)
    if stop is None:
        return None
    if not folded.startswith("]", stop - 1) or _KEYED.match(folded, position):
        return stop
    after = scanner.unknown_run_end(stop)
    following = _NEXT_KEY.match(folded, after)
    if following and not (following.lastgroup in _FIRST_KEYS and following.lastgroup in known):
        return stop
    touches = position == end and folded[stop : stop + 1] in ("[", "\n", "")
    return stop if touches or scanner.is_end(after) else None


def _extent(scanner: Scanner, start: int, name: str, known: dict[str, Value]) -> Extent:
    length = known.get("response_length")
    is_body = name in _BODIES and name not in known
    return find_extent(scanner, start, is_body=is_body, length=int(length) if length is not None else None)


def _is_unmistakable(key: str, value: Value | None) -> bool:
    """Other programs write `[ip=…]` and `[event=…]` too, but not in the platform's spelling and words."""
    spelled = half_width(key).translate(_AROUND_KEY)
    return spelled in _PLATFORM_SPELLING or (spelled in ("Event", "Msg") and str(value) in PLATFORM_EVENTS)


_AROUND_KEY = str.maketrans("", "", "[【 =:")
_PLACEHOLDERS = ("...", "{", "<", "$", "%")
_PLATFORM_SPELLING = {
    *("OpenID", "OuterIP", "3rdUrl", "MsgType", "cURLError", "decryptfail", "第三方平台"),
    *("response_length", "response_content", "transaction_id"),
}
PLATFORM_EVENTS = {name for push in (*PUSHES, COMPONENT_INFO) for name in push.alert_names}


def _plausible(values: dict[str, Value]) -> int:
    """How many values may come from the platform, up to two; the placeholders of an explanation do not."""
    found = 0
    for name, value in values.items():
        if name in _PROSE or (str(value).isascii() and not str(value).startswith(_PLACEHOLDERS)):
            found += 1
            if found > 1:
                break
    return found


def _parse_value(name: str, raw: str, indent: str) -> Value | None:
    """The value of a key; None for a number that is none."""
    if name == "decrypt_fail":
        return True
    if name in _BODIES:
        return unindent(raw, indent).strip()
    if name in _NUMERIC:
        digits = half_width(raw).strip()
        return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= _MAX_DIGITS else None
    value = raw.strip() if name in _WITH_SPACES else half_width(raw).strip()
    if name == "callback_url" and " " in value:
        return None
    return _LINE_BREAK.sub(" " if name in _WITH_SPACES else "", value) if "\n" in value else value
