"""A decoded picture to its lines: areas of one colour, the rows of ink on them, and what RapidOCR reads in each row.

Screenshots are flat, so that rows of text are found exactly by their background; what a detector of text in photographs
misses there (a line, an underscore) is not missed. Where a picture is not flat the detector is asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rapidocr_onnxruntime import RapidOCR

from triage.pictures import photographs
from triage.pictures.values import Box, Line, Panel

Pixels = NDArray[Any]
"""Height × width × 3 bytes, red first; or a mask of height × width."""
_ALIKE = 5
"""Steps of a colour within which a background is one; a bubble may differ from its page by eight."""
_INK = 45
"""Steps of a colour by which ink differs from its background; less is noise of JPEG."""
_SEEDS = 60
"""Points on the shorter side from which areas are looked for."""
_LEAST_AREA = 0.002
_LEAST_WIDTH, _LEAST_HEIGHT = 40, 14
_MOST_AREAS = 300
_BORDER = 8
"""Pixels around an area, its shadow and the noise of JPEG, that are no text on what lies behind it."""
_BODY_SHARE = 0.3
"""Of the fullest column or row of an area that every column and row of its box has; a bubble's tail has less."""
_SOLID_SHARE = 0.3
"""Of the box of a bubble that is its background; what is thinner is noise of JPEG between its lines."""
_SAME_SHARE = 0.8
"""Of two boxes that is common to them where they are of one area."""
_FLAT_SHARE = 0.4
"""Of a picture that is covered by areas of one colour where it is a screenshot."""
_DETECTED_PIXELS = 1_200_000
"""That the detector looks at; each costs it 280 bytes."""
_SKEWED_SHARE = 0.3
"""Of the rows of text, so many are in no row where they are not level, as in a photograph of a screen."""
_TALL = 3.5
"""Usual heights of a row above which it is no row of text."""
_SURE = 0.5
_LEAST_ROW = 6
_CORNER = 0.45
"""A row of less than this share of the usual height is a rounded corner, a rule or an accent."""
_APART = 1.5
"""Heights of a row between two pieces of text that do not belong together."""
_BLANK = 0.25
"""Heights of a row between two letters, from which a blank stands between them."""
_BLANK_AT_ONE = 0.36
"""The same beside the digit 1, which has much room of its own."""
_BLANK_AT_NARROW = 0.5
"""The same beside a sign that is narrow in most fonts and has a letter's room in a terminal's; more at two."""
_NARROW = frozenset(".,:;'`|!-ilI()[]{}/\"")
_SAID_BLANK = 0.8
"""Share of these from which a gap is a blank that the model has seen too."""
_MARGIN = 0.12
_BOTTOM = 0.7
"""Share of a row above which a `_` has no ink."""
_LEAST_LINE = 0.25
"""Heights of a row that a `_` is long at least."""


@dataclass(slots=True)
class _Area:
    """An area of one colour."""

    id: int
    box: Box
    size: int
    colour: NDArray[Any]
    parent: int | None = None


@dataclass(slots=True)
class _Piece:
    """A piece of a row that is to be read."""

    area: int
    box: Box
    crop: Pixels
    ink: Pixels
    """By columns of the crop: whether there is ink."""
    low: Pixels
    """By columns: whether there is ink at the bottom of the row alone, as of a `_`."""
    height: float


class Engine:
    """The models, loaded once."""

    def __init__(self) -> None:
        cv2.setNumThreads(1)
        one = {"intra_op_num_threads": 1, "inter_op_num_threads": 1}
        self._ocr = RapidOCR(use_cls=False, rec_batch_num=1, det_limit_type="max", **one)

    def lines(self, pixels: Pixels) -> tuple[list[Line], list[Panel]]:
        """The lines of a picture from top to bottom, and the areas they stand on."""
        if photographs.is_photograph(pixels):
            return self._photographed(pixels)
        height, width = pixels.shape[:2]
        areas = find_areas(pixels)
        found = [_pieces(pixels, area, areas) for area in areas]
        lines = self._read([piece for pieces, _ in found for piece in pieces])
        covered = sum(area.size for area in areas if area.parent is None)
        is_skewed = sum(skipped for _, skipped in found) > _SKEWED_SHARE * len(lines)
        if not lines or is_skewed or covered < _FLAT_SHARE * height * width:
            seen, blocks = self._photographed(pixels)
            if sum(len(line.text) for line in seen) > sum(len(line.text) for line in lines):
                return seen, blocks
        panels = [Panel(area.id, area.box, is_bubble=area.parent is not None) for area in areas]
        return sorted(lines, key=lambda line: (line.box[1], line.box[0])), panels

    def _read(self, pieces: list[_Piece]) -> list[Line]:
        if not pieces:
            return []
        found, _ = self._ocr.text_rec([piece.crop for piece in pieces], return_word_box=True)
        lines = []
        for piece, (text, score, (columns, _, places, _, _)) in zip(pieces, found, strict=True):
            if score < _SURE or not text.strip():
                continue
            at = [place / max(columns, 1) * piece.crop.shape[1] for group in places for place in group]
            lines.append(Line(_with_blanks(text, at, piece), piece.box, float(score), piece.area))
        return lines

    def _photographed(self, pixels: Pixels) -> tuple[list[Line], list[Panel]]:
        """The lines of a photograph as if it were level: found in a smaller copy, read in the picture itself."""
        image = np.ascontiguousarray(pixels[:, :, ::-1])
        scale = min(1.0, (_DETECTED_PIXELS / (image.shape[0] * image.shape[1])) ** 0.5)
        size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
        found, _ = self._ocr.auto_text_det(cv2.resize(image, size, interpolation=cv2.INTER_AREA))
        if found is None:
            return [], []
        corners: list[Pixels] = [np.asarray(box / scale, np.float32) for box in found]
        crops = self._ocr.get_crop_img_list(image, corners)
        boxes = photographs.leveled(corners)
        pieces = [_cut(crop, box) for crop, box in zip(crops, boxes, strict=True)]
        return photographs.blocks_of(self._read([piece for piece in pieces if piece is not None]))


def _cut(crop: Pixels, box: Box) -> _Piece | None:
    """A piece of a photograph, and the box of its ink alone; None without ink."""
    ground = np.median(crop, axis=(0, 1))
    ink = np.abs(crop.astype(np.int16) - ground.astype(np.int16)).max(axis=2) > _INK
    across, down = np.flatnonzero(_any(ink, 0)), np.flatnonzero(_any(ink, 1))
    if not across.size:
        return None
    inside = ink[down[0] : down[-1] + 1]
    bottom = round(_BOTTOM * inside.shape[0])
    low = _any(inside[bottom:], 0) & ~_any(inside[:bottom], 0)
    left, top = box[0] + int(across[0]), box[1] + int(down[0])
    shown = 255 - crop if float(ground.mean()) < 128 else crop
    tight = (left, top, box[0] + int(across[-1]) + 1, top + inside.shape[0])
    return _Piece(0, tight, np.ascontiguousarray(shown), _any(ink, 0), low, float(inside.shape[0]))


def find_areas(pixels: Pixels) -> list[_Area]:
    """The areas of one colour that are large enough for text, each with the smallest one around it."""
    height, width = pixels.shape[:2]
    step = max(1, min(height, width) // 500)
    small = cv2.medianBlur(np.ascontiguousarray(pixels[::step, ::step]), 5)
    rows, columns = small.shape[:2]
    taken = np.zeros((rows, columns), bool)
    areas: list[_Area] = []
    tried = 0
    grid = max(4, min(rows, columns) // _SEEDS)
    for y in range(grid // 2, rows, grid):
        for x in range(grid // 2, columns, grid):
            if taken[y, x] or tried >= _MOST_AREAS:
                continue
            filled = _filled(small, x, y)
            size = int((filled & ~taken).sum())
            taken |= filled
            tried += 1
            if size < _LEAST_AREA * rows * columns:
                continue
            left, top, right, bottom = (value * step for value in _body_of(filled))
            box = (left + step, top + step, min(width, right) - step, min(height, bottom) - step)
            is_wide = right - left >= _LEAST_WIDTH and bottom - top >= _LEAST_HEIGHT
            if is_wide and not any(_is_same(area.box, box) for area in areas):
                areas.append(_Area(len(areas), box, size * step * step, np.median(small[filled], axis=0)))
    for area in areas:
        around = [other for other in areas if other is not area and _holds(other.box, area.box)]
        area.parent = min(around, key=lambda other: other.size).id if around else None
    return [area for area in areas if area.parent is None or area.size > _SOLID_SHARE * _size(area.box)]


def _filled(pixels: Pixels, x: int, y: int) -> Pixels:
    """What hangs together with a point and has its colour."""
    mask = np.zeros((pixels.shape[0] + 2, pixels.shape[1] + 2), np.uint8)
    flags = 4 | cv2.FLOODFILL_FIXED_RANGE | cv2.FLOODFILL_MASK_ONLY | (1 << 8)
    cv2.floodFill(pixels, mask, (x, y), (0, 0, 0), (_ALIKE,) * 3, (_ALIKE,) * 3, flags)
    return mask[1:-1, 1:-1].astype(bool)


def _body_of(filled: Pixels) -> Box:
    """The box of what was filled, without what sticks out of it, as the tail of a bubble does."""
    columns, rows = np.count_nonzero(filled, axis=0), np.count_nonzero(filled, axis=1)
    across = np.flatnonzero(columns >= _BODY_SHARE * columns.max())
    down = np.flatnonzero(rows >= _BODY_SHARE * rows.max())
    return int(across[0]), int(down[0]), int(across[-1]) + 1, int(down[-1]) + 1


def _size(box: Box) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])


def _is_same(one: Box, other: Box) -> bool:
    """Whether two areas are one, of which the noise of JPEG has made two."""
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    return wide > 0 and high > 0 and wide * high > _SAME_SHARE * (_size(one) + _size(other) - wide * high)


def _holds(outer: Box, inner: Box) -> bool:
    return (
        outer != inner
        and outer[0] <= inner[0]
        and outer[1] <= inner[1]
        and outer[2] >= inner[2]
        and outer[3] >= inner[3]
    )


def _pieces(pixels: Pixels, area: _Area, areas: list[_Area]) -> tuple[list[_Piece], int]:
    """The pieces of text on an area, without those on areas within it, and how many rows' height is no row of text."""
    left, top, right, bottom = area.box
    ink = (
        np.abs(pixels[top:bottom, left:right].astype(np.int16) - area.colour.astype(np.int16)).max(axis=2)
        > _INK
    )
    for other in areas:
        if other is not area and _holds(area.box, other.box):
            x0, y0, x1, y1 = other.box
            x0, y0 = max(0, x0 - left - _BORDER), max(0, y0 - top - _BORDER)
            ink[y0 : y1 - top + _BORDER, x0 : x1 - left + _BORDER] = False
    rows, usual = _rows(ink)
    is_dark = float(area.colour.mean()) < 128
    pieces, skipped = [], 0
    for upper, lower in rows:
        if lower - upper > _TALL * usual or lower - upper < _CORNER * usual:
            skipped += round((lower - upper) / usual) if lower - upper > _TALL * usual else 0
            continue
        for start, end in _columns(ink[upper:lower], _APART * max(lower - upper, usual)):
            box = (left + start, top + upper, left + end, top + lower)
            pieces.append(_piece(pixels, area.id, box, usual, ink, (left, top), is_dark=is_dark))
    return pieces, skipped


def _piece(
    pixels: Pixels, area: int, box: Box, usual: float, ink: Pixels, origin: tuple[int, int], *, is_dark: bool
) -> _Piece:
    """A crop with a margin, dark on light as most of what the model was trained on."""
    height = max(box[3] - box[1], round(0.9 * usual))
    middle, margin = (box[1] + box[3]) / 2, max(2, round(_MARGIN * height))
    upper, lower = max(0, int(middle - height / 2) - margin), int(middle + height / 2) + margin
    start, end = max(0, box[0] - margin), box[2] + margin
    crop = pixels[upper:lower, start:end]
    if is_dark:
        crop = 255 - crop
    inside = ink[box[1] - origin[1] : box[3] - origin[1], box[0] - origin[0] : box[2] - origin[0]]
    columns, low = np.zeros(crop.shape[1], bool), np.zeros(crop.shape[1], bool)
    place = slice(box[0] - start, box[0] - start + inside.shape[1])
    columns[place] = _any(inside, 0)
    bottom = round(_BOTTOM * inside.shape[0])
    low[place] = _any(inside[bottom:], 0) & ~_any(inside[:bottom], 0)
    return _Piece(area, box, np.ascontiguousarray(crop[:, :, ::-1]), columns, low, usual)


def _rows(ink: Pixels) -> tuple[list[tuple[int, int]], float]:
    """From where to where each row of text reaches, and how high most are; a dot or a dash belongs to what is near."""
    found = _runs(_any(ink, 1))
    heights = sorted(end - start for start, end in found if end - start >= _LEAST_ROW)
    if not heights:
        return [], 0.0
    usual = heights[len(heights) // 2]
    rows: list[tuple[int, int]] = []
    for start, end in found:
        before = rows[-1] if rows else (0, -usual)
        is_part = min(end - start, before[1] - before[0]) < _CORNER * usual
        if is_part and start - before[1] < _CORNER * usual and end - before[0] < 1.6 * usual:
            rows[-1] = (before[0], end)
        else:
            rows.append((start, end))
    return [row for row in rows if row[1] - row[0] >= _LEAST_ROW], float(usual)


def _columns(ink: Pixels, gap: float) -> list[tuple[int, int]]:
    """From where to where the pieces of a row reach."""
    pieces: list[tuple[int, int]] = []
    for start, end in _runs(_any(ink, 0)):
        if pieces and start - pieces[-1][1] <= gap:
            pieces[-1] = (pieces[-1][0], end)
        else:
            pieces.append((start, end))
    return [piece for piece in pieces if piece[1] - piece[0] >= 3]


def _any(ink: Pixels, axis: int) -> Pixels:
    return np.asarray(ink.any(axis=axis))


def _runs(marked: Pixels) -> list[tuple[int, int]]:
    """The half-open ranges in which all are marked."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], marked, [False])).astype(np.int8)))
    return [(int(start), int(end)) for start, end in edges.reshape(-1, 2)]


def _with_blanks(text: str, at: list[float], piece: _Piece) -> str:
    """The text with blanks where the ink has gaps, as the model loses and invents some; a `_` it takes for a blank."""
    if len(at) != len(text):
        return text
    gaps = _runs(~piece.ink)
    lines = [run for run in _runs(piece.low) if run[1] - run[0] >= _LEAST_LINE * piece.height]
    shown, place = text[:1], at[0] if at else 0.0
    had_blank = False
    for sign, right in zip(text[1:], at[1:], strict=True):
        if sign == " ":
            had_blank = True
            continue
        is_line = had_blank and any(place < (start + end) / 2 < right for start, end in lines)
        widest = max((end - start for start, end in gaps if place < (start + end) / 2 < right), default=0)
        least = _blank(shown[-1:], sign) * piece.height * (_SAID_BLANK if had_blank else 1)
        is_plain = shown[-1:].isascii() and sign.isascii()
        is_apart = widest >= least if is_plain else had_blank
        shown += ("_" if is_line else " " if is_apart else "") + sign
        place, had_blank = right, False
    return shown


def _blank(before: str, after: str) -> float:
    """Heights of a row from which a gap between two signs is a blank."""
    narrow = (before in _NARROW) + (after in _NARROW)
    if narrow:
        return _BLANK_AT_NARROW * (1 if narrow == 1 else 1.5)
    return _BLANK_AT_ONE if "1" in (before, after) else _BLANK
