"""What was read in a picture."""

from __future__ import annotations

from dataclasses import dataclass

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels of the picture as it is shown; the last two are just outside."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text."""

    text: str
    box: Box
    score: float
    """How sure the reader is, between 0 and 1."""
    panel: int
    """Which area of one colour it stands on: a bubble, a terminal, the page behind them."""


@dataclass(frozen=True, slots=True)
class Panel:
    """An area of one colour with text on it."""

    id: int
    box: Box
    is_bubble: bool
    """Whether it lies within another panel, as a chat's bubble lies on its page."""


@dataclass(frozen=True, slots=True)
class PictureText:
    """The text of a picture, and where it stands in it."""

    text: str
    """What was said: the bubbles of a chat, a blank line between two; without its names and times.

    Of alerts everything is put right that can be read in one way alone (`alerts.ocr_damage`).
    """
    lines: tuple[Line, ...]
    """All lines from top to bottom, also those that `text` leaves out."""
    width: int
    height: int
