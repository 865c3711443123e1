"""The numbers of incidents that a command begins with, however people write and end them."""

from __future__ import annotations

import re

_STOPS = r"[\s,，、:：;；。!！?？~～」』”）)】\]]"
_OPENS = r"[「『“（(【\[]?"
_PREFIX = r"(?:(?:事件|编号)\s*)?[#＃]|(?:事件|编号|[Nn]o\.)\s*"
"""What marks digits as a number: `#`, and the words that answers call one by."""
_JOINED = r"\s*(?:[-~～—–/]+|\.\.+|到|至)\s*[#＃]?[0-9]{1,9}"
"""`-3` of 1-3, which names incidents nobody wrote."""
_ONE = re.compile(
    rf"{_OPENS}(?:(?P<mark>{_PREFIX})(?P<marked>[0-9]{{1,9}})(?!\d|[.:：]\d|{_JOINED})"
    rf"|(?P<bare>[0-9]{{1,9}})[号件]?(?:$|(?=\s)|(?!{_JOINED}|[:：,，]\d){_STOPS}))"
    rf"{_STOPS}*(?:[.…]+$)?"
)
_RANGE = re.compile(rf"(?:{_PREFIX})?[1-9][0-9]{{0,8}}{_JOINED}[号件]?(?={_STOPS}|$)")
_AND = r"(?:[ \t]*[,，、/和与跟及][ \t]*|[ \t]+|[。.!！~～]*$)"
_SEVERAL = re.compile(rf"(?:[#＃]?[0-9]{{1,9}}{_AND}){{2,}}")
_SEVERAL_MARKED = re.compile(rf"(?:[#＃][0-9]{{1,9}}{_AND}){{2,}}")


def first_number(argument: str) -> tuple[int | None, str]:
    """The number that an argument begins with, and the rest; None and all of it where it begins with none.

    `12 已修复`, `#12，已修复`, `#12已修复`, `12。` and `事件 #12` are of incident 12; `02:30 好了`, `1.5 倍` and
    `1-2` are not of one.
    """
    typed = _half_width(argument)
    match = _ONE.match(typed)
    if match is None:
        return None, argument
    return int(match["marked"] or match["bare"]), argument[match.end() :].strip()


def is_marked(argument: str) -> bool:
    """Whether what an argument begins with can only be a number of an incident, as `#12` is."""
    match = _ONE.match(_half_width(argument))
    return match is not None and match["mark"] is not None


def first_range(argument: str) -> str | None:
    """`1-3` or `#1～#3` at the beginning of an argument; None where there is none."""
    match = _RANGE.match(_half_width(argument))
    return match[0] if match else None


def several_numbers(argument: str) -> tuple[tuple[int, ...], str] | None:
    """Two numbers and more, each once, and the rest; None for fewer, and where words follow numbers without `#`."""
    typed = _half_width(argument)
    match = _SEVERAL.fullmatch(typed) or _SEVERAL_MARKED.match(typed)
    if match is None:
        return None
    ids = dict.fromkeys(int(digits) for digits in re.findall("[0-9]+", match[0]))
    return tuple(ids), argument[match.end() :].strip()


def _half_width(argument: str) -> str:
    """An argument with ASCII digits in place of all others, so that each character keeps its place."""
    return "".join(str(int(each)) if each.isdecimal() else each for each in argument)
