"""Lines in a picture to the text that was said: bubbles apart, soft wraps joined, a chat's names and times left out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from statistics import median

from triage.pictures.values import Line, Panel

_LABEL = re.compile(r"\s*(?:app[il1]d|昵称|时间|内容|次数|错误样例|报警排查)", re.IGNORECASE)
"""What begins a line of an alert, however full the line before it is."""
_FIRST = re.compile(r".[，。、；：！？）】》”]?")
"""What a line is wrapped before: a sign that ends something takes the one before it along."""
_WIDE = re.compile(r"[^\x00-\x7f]")
_NARROW_SHARE = 0.55
"""Of the width of a Chinese character that a letter takes, about."""
_PARAGRAPH = 1.6
"""So many times the usual distance of two lines is a blank line between them."""
_SAME_ROW = 0.5
_WORDS_APART = 3
"""So many letters would still have fitted on a line that ends between two words."""


def text_of(lines: Sequence[Line], panels: Sequence[Panel], width: int) -> str:
    """The text of a picture of this width: that of its bubbles where it shows a chat, else all there is."""
    known = {panel.id: panel for panel in panels}
    bubbles = {line.panel for line in lines if known[line.panel].is_bubble}
    texts = [
        _panel_text([line for line in lines if line.panel == id_], known[id_], width)
        for id_ in dict.fromkeys(line.panel for line in lines)
        if not bubbles or id_ in bubbles
    ]
    return "\n\n".join(filter(None, texts))


def _panel_text(lines: Sequence[Line], panel: Panel, width: int) -> str:
    rows = [_one_row(row) for row in rows_of(lines)]
    if not rows:
        return ""
    em = median(row.box[3] - row.box[1] for row in rows)
    pitch = _pitch(rows, em)
    limit = max(row.box[2] for row in rows)
    if not panel.is_bubble:
        limit = max(limit, width - min(row.box[0] for row in rows))
    text = rows[0].text
    for before, after in pairwise(rows):
        if after.box[1] - before.box[1] > _PARAGRAPH * pitch:
            text += "\n\n" + after.text
        else:
            text += _between(before, after, limit, em) + after.text
    return text


def rows_of(lines: Iterable[Line]) -> list[list[Line]]:
    """The lines of a panel by rows, each from left to right."""
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda line: (line.box[1] + line.box[3], line.box[0])):
        height = line.box[3] - line.box[1]
        if rows and abs(_middle(line) - _middle(rows[-1][0])) < _SAME_ROW * height:
            rows[-1].append(line)
        else:
            rows.append([line])
    return [sorted(row, key=lambda line: line.box[0]) for row in rows]


def _middle(line: Line) -> float:
    return (line.box[1] + line.box[3]) / 2


def _one_row(row: Sequence[Line]) -> Line:
    """What stands side by side as one line, with as many blanks between its parts as would fit there."""
    text = row[0].text
    for left, right in pairwise(row):
        letter = _NARROW_SHARE * (left.box[3] - left.box[1])
        text += " " * max(1, round((right.box[0] - left.box[2]) / letter)) + right.text
    first, last = row[0].box, row[-1].box
    top, bottom = min(line.box[1] for line in row), max(line.box[3] for line in row)
    return Line(text, (first[0], top, last[2], bottom), min(line.score for line in row), row[0].panel)


def _pitch(rows: Sequence[Line], em: float) -> float:
    """The usual distance of two lines: the least there is, as paragraphs stand further apart."""
    steps = [after.box[1] - before.box[1] for before, after in pairwise(rows)]
    return min(filter(lambda step: step > em, steps), default=em)


def _between(before: Line, after: Line, limit: float, em: float) -> str:
    """What stood between two lines: nothing where one was wrapped in a word, a blank between words, else a new line."""
    if _LABEL.match(after.text):
        return "\n"
    room = limit - before.box[2]
    first = _FIRST.match(after.text)
    if first and room < _width(first[0], em) * 1.25:
        return ""
    word = re.match(r"[!-~]*", after.text)
    if word and word[0] and room < _width(word[0], em):
        return "" if room < _WORDS_APART * _NARROW_SHARE * em else " "
    return "\n"


def _width(text: str, em: float) -> float:
    return sum(em if _WIDE.match(character) else _NARROW_SHARE * em for character in text)
