"""How much of what a program has in the processor's caches is still there after a pause; it differs between machines.

A push at 200 a second follows a pause of some milliseconds, a push under saturation none.
"""

from __future__ import annotations

import statistics
import time

_OBJECTS = [{str(number): [number] * 10} for number in range(30_000)]
"""Far apart in memory."""
_READ = range(0, len(_OBJECTS), 30)
_TIMES = 200
_PAUSE = 0.004
"""Seconds; about those between two pushes at 200 a second."""


def slowness_after_pause() -> float:
    """Processor time of a short walk through memory that follows a pause, in times of one that follows another walk."""
    after_pause, at_once = [], []
    for _ in range(_TIMES):
        time.sleep(_PAUSE)
        after_pause.append(_walk())
        at_once.append(_walk())
    return statistics.median(after_pause) / statistics.median(at_once)


def _walk() -> float:
    started = time.thread_time()
    for number in _READ:
        len(_OBJECTS[number][str(number)])
    return time.thread_time() - started
