"""A process of its own that reads one picture: what it takes of memory and time ends with it.

The picture comes by standard input; one line of JSON goes to standard output: what was read, or why nothing was.
"""

from __future__ import annotations

import io
import json
import os
import resource
import sys
from contextlib import suppress
from dataclasses import asdict
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from triage.errors import PictureError
from triage.pictures.formats import require_readable, require_size
from triage.pictures.layout import text_of
from triage.pictures.values import Line

_MEMORY_BYTES = 3 * 1024**3
"""Of addresses, most of which are never used: what is resident stays far below."""
_NICE = 3
"""Pushes and pages come first."""
_MOST_PIXELS = 6_000_000
"""That are read; a larger picture is made smaller before."""
_LEAST_WIDTH = 700
"""Of a picture; a smaller one is made twice as large."""
_LEAST_SIDE = 8
"""Below which no letter can be read."""


def main() -> None:
    """Read the picture on standard input; the argument is how many seconds of a processor it may take."""
    seconds = int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    with suppress(PermissionError):  # deploy/triage@.service forbids what changes a priority
        os.nice(_NICE)
    try:
        answer = _read(sys.stdin.buffer.read())
    except PictureError as exc:
        answer = {"reason": exc.reason, "problem": str(exc)}
    except MemoryError:
        answer = {"reason": "too_many_pixels", "problem": "图太大，读不了"}
    sys.stdout.write(json.dumps(answer))


def _read(data: bytes) -> dict[str, Any]:
    pixels, width, height, scale = _decode(data)
    # its models take most of a start, and a broken picture needs none
    from triage.pictures.engine import Engine

    found, panels = Engine().lines(pixels) if pixels.size else ([], [])
    text = text_of(found, panels, pixels.shape[1])
    lines = [asdict(_scaled(line, scale)) for line in found]
    return {"text": text, "lines": lines, "width": width, "height": height}


def _scaled(line: Line, scale: float) -> Line:
    left, top, right, bottom = (round(value / scale) for value in line.box)
    return Line(line.text, (left, top, right, bottom), line.score, line.panel)


def _decode(data: bytes) -> tuple[Any, int, int, float]:
    """The pixels that are read, the size of the picture as it is shown, and how much smaller the pixels are.

    Of an animation it is the first frame. Raises PictureError.
    """
    kind = require_readable(data)
    Image.MAX_IMAGE_PIXELS = None  # our own limit is told before anything is decoded
    try:
        with Image.open(io.BytesIO(data), formats=[kind]) as image:
            width, height = image.size
            require_size(width, height)
            if min(width, height) < _LEAST_SIDE:
                return np.zeros((0, 0, 3), np.uint8), width, height, 1.0
            shown = _upright(_reduced(_webp(data, image) if kind == "WEBP" else image))
    except (OSError, ValueError, SyntaxError, EOFError, ArithmeticError, LookupError) as exc:
        raise PictureError("图片是坏的，打不开；换一张原图", "broken") from exc
    shown = _opaque(shown)
    if (width < height) != (shown.width < shown.height):
        width, height = height, width
    if shown.size == (width, height) and width < _LEAST_WIDTH:
        shown = shown.resize((2 * width, 2 * height), Image.Resampling.LANCZOS)
    return np.array(shown), width, height, shown.width / width


def _webp(data: bytes, opened: Image.Image) -> Image.Image:
    """Decoded by OpenCV, as Pillow keeps four whole pictures of a WebP at a time, of 160 MB each at the most pixels."""
    import cv2

    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as exc:
        raise OSError("not decoded") from exc
    if pixels is None:
        raise OSError("not decoded")
    has_alpha = pixels.shape[2] == 4
    image = Image.fromarray(cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGBA if has_alpha else cv2.COLOR_BGR2RGB))
    image.info = opened.info  # with the EXIF that says how it was held
    return image


def _reduced(image: Image.Image) -> Image.Image:
    """With no more pixels than are read; before anything else is done, as a large picture is copied by each step."""
    scale = (_MOST_PIXELS / (image.width * image.height)) ** 0.5
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    if scale < 1:
        image.draft(image.mode, size)  # a JPEG is decoded to a half where that is large enough
    image.load()
    if scale >= 1:
        return image
    if image.mode in ("1", "P"):  # whose pixels are not averaged otherwise
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    return image.resize(size, Image.Resampling.BOX)


def _upright(image: Image.Image) -> Image.Image:
    """As a camera held it; an EXIF that cannot be read turns nothing."""
    try:
        return ImageOps.exif_transpose(image)
    except (OSError, ValueError, SyntaxError, ArithmeticError, LookupError, TypeError):
        return image


def _opaque(image: Image.Image) -> Image.Image:
    """On white where it is transparent."""
    if not image.has_transparency_data:
        return image.convert("RGB")
    whole = image.convert("RGBA")
    ground = Image.new("RGB", whole.size, "white")
    ground.paste(whole, mask=whole.getchannel("A"))
    return ground


if __name__ == "__main__":
    main()
