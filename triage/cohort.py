"""Work that came in together, done together: each does a step, then each the next one.

A processor does one thing many times over faster than many things once: the code and the data of a step are at hand
when the next one needs them. This is cohort scheduling (Larus and Parkes, "Using Cohort Scheduling to Enhance Server
Performance", 2002).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from greenlet import getcurrent, greenlet


class _Work(greenlet):
    """A member of a cohort; a server may have greenlets of its own, which wait for nobody here."""


def pause() -> None:
    """Between two steps of a work: let the others of its cohort come as far; nothing where it is alone."""
    current = getcurrent()
    if isinstance(current, _Work) and current.parent is not None:
        current.parent.switch()


def together(works: Iterable[Callable[[], object]]) -> None:
    """Do all the works, which may `pause`, in turns; an exception of one ends them all."""
    going = [_Work(work) for work in works]
    while going:
        for each in going:
            each.switch()
        going = [each for each in going if not each.dead]
