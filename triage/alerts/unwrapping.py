"""Alerts that came as something else than lines: a JSON string, a table, labels without colons, a phone's lines.

Each form is recognised by a label right before the platform's own sentence or numbers, so that a reply body and other
text stay as they are. A usual alert pays for a few searches of plain characters.
"""

from __future__ import annotations

import csv
import re
import unicodedata

_LABEL = (
    r"(?:[Aa][Pp][Pp] ?[Ii][Dd]|[昵呢]称|暱稱|[时時][间間]|[内內]容|次[数數]|[错錯][误誤][样樣]例"
    r"|[报報]警排查指引[，,][请請][见見])"
)
_SENTENCE = r"(?:微信服务器|微信伺服器|微信服務器|推送(?:component|[“\"]支付|第三方|组件))"
_ESCAPED_LABEL = re.compile(
    rf"\\n[\s*_#>•-]{{0,8}}{_LABEL}[*_]{{0,2}}[:：]|\\n[\s*_#>•-]{{0,8}}(?:\\u5185\\u5bb9|\\u6b21\\u6570)",
    re.IGNORECASE,
)
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|([nrt\"'/\\]))")
_SIGNS = {"n": "\n", "r": "", "t": "\t"}
_LEAST_ESCAPED = 2
_MOST_ESCAPED = 3
"""How often JSON may stand in JSON."""
_MARKDOWN_SAMPLE = re.compile(r"[错錯][误誤][样樣]例[*_]{0,2}[:：][*_]{0,2}\s{0,4}\\\[")
_MARKDOWN_ESCAPE = re.compile(r"\\([\[\]_*#`~|<>().!-])")
_CELL = r"(?:[ \t]|\n(?!\n\n)|[|】\]*=→–—-]|</?[a-zA-Z]\w{0,9}[^<>]{0,80}>){1,12}"
_UNUSUAL = re.compile(
    rf"(?:内容|內容)(?:{_CELL}[:：]?|[:：](?=\s?<))(?:<[^<>]{{0,80}}>|[\s|*]){{0,8}}{_SENTENCE}"
    rf"|(?:次数|次數){_CELL}[:：]?(?:<[^<>]{{0,80}}>|[\s|*]){{0,8}}\d{{1,3}} ?分[钟鐘]"
)
"""A label with its value, and no colon right behind the label."""
_TAGGED_CELL = re.compile(
    rf"(?:<[a-zA-Z][^<>]{{0,80}}>\s{{0,4}}){{1,4}}({_LABEL})[:：]?\s{{0,4}}(?:</?[a-zA-Z][^<>]{{0,80}}>\s{{0,4}}){{1,6}}[:：]?"
)
_CLOSING_TAGS = re.compile(r"(?:\s{0,4}</(?:td|th|tr|table|tbody|b|strong|p|div|li|ul)>){1,5}")
_ROW = re.compile(
    rf"(?m)^[ \t]*(?:\|[ \t]*)?(?:[*_]{{2}})?[【\[]?({_LABEL})[】\]]?(?:[*_]{{2}})?"
    r"(?:[ \t]{0,20}[|│:：=→]|[ \t]{1,20}(?:[-–—]{1,2}>?[ \t])?|(?<=[】\]])|$)([^\n]*)"
)
_NUMERAL = re.compile(
    rf"(?m)^[ \t]*(?:[(（][一二三四五六七八九十]{{1,2}}[)）]|[一二三四五六七八九十]{{1,2}}[、.．])[ \t]*(?={_LABEL})"
)
_CODE_SPAN = re.compile(rf"(?m)^[ \t]*`({_LABEL}[^`\n]{{0,4000}}|[^`\n]{{0,200}}请见[^`\n]{{0,200}})`[ \t]*$")
_SLASH = re.compile(rf"[/／╱│]+[ \t]+(?={_LABEL}[ \t]*[:：])")
_TABLE_HEAD = re.compile(
    r"(?m)^(?:\|[ \t]*)?\"?[Aa][Pp][Pp][Ii][Dd]\"?(,|\t| ?\| ?)\"?[昵呢]称\"?\1"
    r"(?:\"?(?:时间|内容|次数|错误样例)\"?(?:\1|[ \t|]*$)){2,4}"
)
_TAGS_AROUND = re.compile(r"^(?:<[a-zA-Z][^<>]{0,80}>){1,4}|(?:</[a-zA-Z]{1,12}>){1,4}$")
_SLASHES = ("/ ", "/\t", "／", "╱", "│")
_PLAIN = re.compile(r"内容 ?[:：] ?(?:微信|推送)")
"""A label as the parser reads it: the others are written like it."""
_TWO_HEADS = ("昵称,", "昵称\t", '昵称"', "昵称 |", "昵称|")
_USUAL = ("\n内容: ", "\n次数: ")
"""How most alerts stand in a text, where no label needs a search."""
_OPENING = re.compile(r"[:：][ \t]*\[")
_WHOLE_LABEL = re.compile(rf"\s*(?:{_LABEL}[ \t]*[:：]|报警排查)")
_BODY = re.compile(r"\[(?:response_content|resp)\s?=?")
_IN_VALUE = re.compile(r"\[[^\[\]=]{1,24}=[^\[\]]{0,500}$")
"""A value that goes on: whoever reads it knows whether a blank may be lost in it."""
_MAX_WIDTH = 72
"""Columns of a phone's lines; a whole 错误样例 is longer."""
_ENGLISH = re.compile(
    rf"(?:[Cc]ontent|[Dd]escription|[Mm]essage|[Dd]etails?)[ \t]*[:：][ \t]*(?={_SENTENCE})"
)
_TRANSLATED = {
    "昵称": r"nick ?name|account name|name",
    "时间": r"time|date|first seen",
    "内容": r"content|description|message|details?",
    "次数": r"count|times|frequency|number of times|occurrences",
    "错误样例": r"(?:error )?(?:sample|example)s?",
}


def unwrap(text: str) -> str:
    """The text with its alerts as the platform writes them, line by line; what is no alert stays as it was."""
    if "\\" in text:
        text = _without_escapes(text)
    if "微信" not in text and "推送" not in text:
        return text
    if not all(map(text.__contains__, _USUAL)) or "<font" in text:
        text = _with_labels(text)
    if "`" in text:
        text = _CODE_SPAN.sub(r"\1", text)
    sample = text.find("错误样例") + len("错误样例")
    return _unfolded(text, sample) if _is_folded(text, sample) else text


def _with_labels(text: str) -> str:
    """The text with its labels at the beginnings of lines, a colon behind each."""
    if "一" in text or "二" in text:
        text = _NUMERAL.sub("", text)
    if any(map(text.__contains__, _SLASHES)):
        text = _SLASH.sub("\n", text)
    if _PLAIN.search(text):
        return text
    if any(map(text.__contains__, _TWO_HEADS)) and (head := _TABLE_HEAD.search(text)):
        text = _from_columns(text, head)
    if _UNUSUAL.search(text):
        text = _from_cells(text)
    return _from_english(text) if _ENGLISH.search(text) else text


def _without_escapes(text: str) -> str:
    """The text without the escapes of a JSON string or of Markdown that stand around an alert."""
    for _ in range(_MOST_ESCAPED):
        if any(map(text.__contains__, _USUAL)):  # lines of an alert: what is escaped is its reply body
            break
        if len(_ESCAPED_LABEL.findall(text)) < _LEAST_ESCAPED:
            break
        text = _ESCAPE.sub(_unescaped, text)
    return _MARKDOWN_ESCAPE.sub(r"\1", text) if _MARKDOWN_SAMPLE.search(text) else text


def _unescaped(match: re.Match[str]) -> str:
    code, sign = match.groups()
    return chr(int(code, 16)) if code else _SIGNS.get(sign, sign)


def _from_cells(text: str) -> str:
    """Labels in cells of a table, in tags, in brackets or before a blank, as lines with a colon."""
    if "<" in text and _TAGGED_CELL.search(text):
        text = _CLOSING_TAGS.sub("", _TAGGED_CELL.sub(r"\n\1: ", text))
    return _ROW.sub(lambda row: f"{row[1]}: " + _TAGS_AROUND.sub("", row[2].strip(" |\t")), text)


def _from_columns(text: str, head: re.Match[str]) -> str:
    """Alerts of a spreadsheet, one in each row below a header of the labels."""
    below, mark = text[head.start() :].splitlines(keepends=True), head[1]
    try:
        rows = list(csv.reader(below, delimiter=mark)) if "|" not in mark else [_cells(row) for row in below]
    except csv.Error:
        return text
    lines = [text[: head.start()].rstrip("\n")]
    for row in rows[1:]:
        if row and not any(cell.strip("-: ") for cell in row):  # the ruler below a header of Markdown
            continue
        if len(row) == len(rows[0]):
            lines += [f"{label}: {value}" for label, value in zip(rows[0], row, strict=True)]
        else:
            lines.append(head[1].join(row))
    return "\n".join(lines).lstrip("\n")


def _cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip().removeprefix("|").removesuffix("|").split("|")]


def _from_english(text: str) -> str:
    for label, words in _TRANSLATED.items():
        text = re.sub(rf"(?im)^[ \t]*(?:{words})[ \t]*[:：][ \t]*", f"{label}: ", text)
    return text


def _is_folded(text: str, start: int) -> bool:
    """Whether the first line of the brackets behind the label is a phone's, which ends within one of them."""
    end = text.find("\n", start, start + _MAX_WIDTH)
    return (
        end >= 0
        and not text[start:end].rstrip().endswith("]")
        and bool(_OPENING.match(text, start, end))
        and not _BODY.search(text, start, end)
    )


def _unfolded(text: str, sample: int) -> str:
    """The lines of a phone joined where each is as long as the longest; a reply body is no such place."""
    lines = text.split("\n")
    first = last = text.count("\n", 0, sample)
    while first and _may_be_folded(lines[first - 1]):
        first -= 1
    while last + 1 < len(lines) and _may_be_folded(lines[last + 1]):
        last += 1
    block = lines[first : last + 1]
    width, length = max(map(_width, block)), max(map(len, block))
    whole: list[str] = []
    for before, line in zip(["", *block], block, strict=False):
        is_full = _width(before) >= width - 1 or len(before) >= length
        if whole and is_full and not _WHOLE_LABEL.match(line):
            whole[-1] += f"\n{line}" if _IN_VALUE.search(whole[-1]) else line
        else:
            whole.append(line)
    if any(map(_BODY.search, whole)):
        return text
    return "\n".join([*lines[:first], *whole, *lines[last + 1 :]])


def _may_be_folded(line: str) -> bool:
    return bool(line.strip()) and _width(line) <= _MAX_WIDTH


def _width(line: str) -> int:
    """Columns: a Chinese character takes two."""
    return len(line) if line.isascii() else sum(1 + (unicodedata.east_asian_width(c) in "WF") for c in line)
