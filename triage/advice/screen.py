"""How much of a reply a phone shows at once."""

from __future__ import annotations

SCREEN_LINES = 14
"""Lines of a message that a phone shows without scrolling, with its own bars and the keyboard's row."""
COLUMNS = 40
"""What a line holds on a phone 390 px wide: 20 Chinese characters, or twice as many Latin letters."""


def screen_lines(text: str) -> int:
    """The lines that a text takes on the screen, long ones wrapped."""
    lines = text.split("\n")
    return len(lines) + sum((_columns(line) - 1) // COLUMNS for line in lines if len(line) > COLUMNS // 2)


def _columns(line: str) -> int:
    """A Chinese character has three bytes and two columns, a Latin letter one and one."""
    return (len(line) + len(line.encode(errors="replace"))) // 2
