"""Foreign text made safe to show: on a terminal, on a line of its own, in JSON, in a spreadsheet's cell."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

_CONTROLS = "\x00-\x08\x0b-\x1f\x7f-\x9f"
"""C0 without tab and line feed, DEL and C1: a terminal obeys them."""
_DIRECTIONS = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
"""They make a text read otherwise than it is: https://www.unicode.org/reports/tr36/#Bidirectional_Text_Spoofing"""
_LINE_ENDS = "\u2028\u2029"
_UNSAFE = re.compile(f"[{_CONTROLS}{_DIRECTIONS}{_LINE_ENDS}]")
_FORMULA = tuple("=+-@＝＋－＠\t\r\n")
"""What a spreadsheet takes for the beginning of a formula: https://owasp.org/www-community/attacks/CSV_Injection"""


def visible(text: str) -> str:
    """The text with `\ufffd` for every character that a terminal would obey; its lines stay."""
    return text if text.isprintable() else _UNSAFE.sub("\ufffd", text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """The text as one line: a blank for line ends and whatever else is white space or a control character."""
    return text if text.isprintable() else " ".join(_UNSAFE.sub(" ", text).split())


def dump_json(
    value: object, *, indent: int | None = None, default: Callable[[object], object] | None = None
) -> str:
    """JSON that people can read: escaped is only what a terminal would obey; a program reads the same value."""
    return escape_json(json.dumps(value, ensure_ascii=False, indent=indent, default=default))


def escape_json(text: str) -> str:
    """A JSON text of the same value, with nothing in it that a terminal would obey."""
    return _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def csv_cell(text: str) -> str:
    """The text as a cell: a `'` stands before what a spreadsheet would run as a formula."""
    text = f"'{text}" if text.startswith(_FORMULA) else text
    return visible(text)
