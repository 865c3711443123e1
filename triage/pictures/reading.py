"""Bytes of a picture to its text: one at a time, each in a process of its own that ends when it takes too long."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import threading
from dataclasses import dataclass

from triage.alerts.ocr_damage import repair
from triage.errors import PictureError
from triage.pictures.formats import require_readable
from triage.pictures.values import Line, PictureText

INSTALL = "pip install 'wechat-triage[pictures]'"
"""What switches it on."""
_ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": str(8 * 1024**2)}
"""So that glibc gives back what a model has used: else it raises this threshold as it goes, and a picture takes 410 to
630 MB by chance instead of 430 at most. https://man7.org/linux/man-pages/man3/mallopt.3.html
"""
_NEEDED = ("rapidocr_onnxruntime", "PIL", "cv2", "numpy")
_ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """How many seconds a picture may take."""

    processor: int = 10
    """Of a processor; the system ends the process that reads it behind them."""
    clock: float = 60.0
    """On the clock, also where other work holds up that process."""
    turn: float = 90.0
    """For the picture before."""


TIME_LIMITS = TimeLimits()


def is_available() -> bool:
    """Whether the extra is installed."""
    return all(importlib.util.find_spec(name) is not None for name in _NEEDED)


def read_picture(data: bytes, limits: TimeLimits = TIME_LIMITS) -> PictureText:
    """What a PNG, JPEG, WebP or GIF shows as text; blocks until it is read. Raises PictureError."""
    if not is_available():
        raise PictureError(f"这里没装读图的功能，装上再发图：{INSTALL}", "not_installed")
    require_readable(data)
    if not _ONE_AT_A_TIME.acquire(timeout=limits.turn):
        raise PictureError("前面的图还没读完，过一会儿再发", "busy")
    try:
        return _read(data, limits)
    finally:
        _ONE_AT_A_TIME.release()


def _read(data: bytes, limits: TimeLimits) -> PictureText:
    try:
        done = subprocess.run(  # noqa: S603 - ourselves and a number
            [sys.executable, "-m", "triage.pictures.worker", str(limits.processor)],
            input=data,
            capture_output=True,
            env={**os.environ, **_ALLOCATOR},
            timeout=limits.clock,
            check=False,
        )
    except subprocess.TimeoutExpired as exc:
        raise PictureError("这张图读得太久，没读完；裁掉不相干的部分再发", "too_slow") from exc
    if done.returncode < 0:
        raise PictureError("这张图读得太久，没读完；裁掉不相干的部分再发", "too_slow")
    if done.returncode or not done.stdout:
        said = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise PictureError("这张图读不了；换一张截图再发", "broken") from RuntimeError(said)
    answer = json.loads(done.stdout)
    if "reason" in answer:
        raise PictureError(answer["problem"], answer["reason"])
    lines = tuple(Line(**{**line, "box": tuple(line["box"])}) for line in answer["lines"])
    return PictureText(repair(answer["text"]), lines, answer["width"], answer["height"])
