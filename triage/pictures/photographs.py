"""Photographs of a screen: how they are told from screenshots, and the lines in them made level again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from triage.pictures.layout import rows_of
from triage.pictures.values import Box, Line, Panel

_BLOCK = 8
"""Pixels on the side of a block of which JPEG keeps a flat one flat."""
_NOISE = 0.3
"""Steps by which a camera's pixels differ within such a block; those of a screenshot's background do not."""
_FLATTEST = 20
"""Percent of the blocks that a screenshot has without any text in them at the least."""
_ALIGNED = 1.5
"""Heights of a line by which the next one of its block begins further to the left or right."""
_NEAR = 2.5
"""Heights of a line to the next one of its block, also over a blank line."""
_LEAST_ROWS = 4
"""Of what was said where a photograph shows a chat; a name, a time or a title has fewer."""


def is_photograph(pixels: NDArray[Any]) -> bool:
    """Whether a camera took the picture: even where it is flat, no two pixels are quite the same."""
    high, wide = (side // _BLOCK for side in pixels.shape[:2])
    if not high or not wide:
        return False
    green = pixels[: high * _BLOCK, : wide * _BLOCK, 1].astype(np.float32)
    blocks = green.reshape(high, _BLOCK, wide, _BLOCK).std(axis=(1, 3))
    return bool(np.percentile(blocks, _FLATTEST) > _NOISE)


def leveled(corners: Sequence[NDArray[Any]]) -> list[Box]:
    """The boxes of pieces of text, each given by its four corners, turned by the tilt that most of them have."""
    sides = [(points[1] + points[2] - points[0] - points[3]) / 2 for points in corners]
    wide = [side for side in sides if np.hypot(*side) >= median(float(np.hypot(*each)) for each in sides)]
    tilt = median(float(np.arctan2(side[1], side[0])) for side in wide)
    turn = np.array([[np.cos(tilt), np.sin(tilt)], [-np.sin(tilt), np.cos(tilt)]])
    return [_box_of(points @ turn.T) for points in corners]


def _box_of(points: NDArray[Any]) -> Box:
    """As wide and as high as the corners are apart, around their middle."""
    wide, high = (
        (np.hypot(*(points[1] - points[0])) + np.hypot(*(points[2] - points[3]))) / 2,
        (np.hypot(*(points[3] - points[0])) + np.hypot(*(points[2] - points[1]))) / 2,
    )
    x, y = points.mean(axis=0)
    return round(x - wide / 2), round(y - high / 2), round(x + wide / 2), round(y + high / 2)


def blocks_of(lines: Sequence[Line]) -> tuple[list[Line], list[Panel]]:
    """The lines from top to bottom, each with the block it stands in; a long block is what was said."""
    blocks: list[list[list[Line]]] = []
    for row in rows_of(lines):
        near = next((block for block in reversed(blocks) if _goes_on(block[-1], row)), None)
        if near is None:
            blocks.append([row])
        else:
            near.append(row)
    panels, placed = [], []
    for number, block in enumerate(blocks):
        within = [replace(line, panel=number) for row in block for line in row]
        edges = zip(*(line.box for line in within), strict=True)
        left, top, right, bottom = (
            pick(edge) for pick, edge in zip((min, min, max, max), edges, strict=True)
        )
        panels.append(Panel(number, (left, top, right, bottom), is_bubble=len(block) >= _LEAST_ROWS))
        placed += within
    return placed, panels


def _goes_on(before: Sequence[Line], row: Sequence[Line]) -> bool:
    height = max(line.box[3] - line.box[1] for line in (*before, *row))
    is_aligned = abs(before[0].box[0] - row[0].box[0]) < _ALIGNED * height
    return is_aligned and row[0].box[1] - before[0].box[3] < _NEAR * height
