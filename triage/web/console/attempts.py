"""Wrong passwords are counted by address and in all, and the next try has to wait longer each time."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

FREE = 5
"""Wrong tries of one address before it has to wait."""
FREE_IN_ALL = 50
"""The same of all addresses together, for who has many."""
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(minutes=15)
FORGOTTEN_AFTER = timedelta(hours=1)
"""Without a wrong try for as long, the count begins anew."""
_MOST_ADDRESSES = 1000
_EVERYBODY = ""


@dataclass(slots=True)
class _Tries:
    wrong: int
    last: datetime


class Attempts:
    """Counts in the memory of one process: several nodes allow as many times more, which is still few."""

    def __init__(self) -> None:
        self._tries: OrderedDict[str, _Tries] = OrderedDict()
        self._lock = threading.Lock()

    def wait(self, address: str, now: datetime) -> timedelta:
        """How long until this address may try again; zero where it may now."""
        with self._lock:
            return max(self._wait(address, FREE, now), self._wait(_EVERYBODY, FREE_IN_ALL, now))

    def failed(self, address: str, now: datetime) -> None:
        """Count a wrong try."""
        with self._lock:
            for whose in (address, _EVERYBODY):
                tries = self._tries.pop(whose, None)
                is_new = tries is None or now - tries.last > FORGOTTEN_AFTER
                self._tries[whose] = _Tries(1 if is_new or tries is None else tries.wrong + 1, now)
            while len(self._tries) > _MOST_ADDRESSES:
                self._tries.popitem(last=False)

    def succeeded(self, address: str) -> None:
        """Forget the wrong tries of an address; those of all stay, or one who knows the password would hide others."""
        with self._lock:
            self._tries.pop(address, None)

    def _wait(self, whose: str, free: int, now: datetime) -> timedelta:
        tries = self._tries.get(whose)
        if tries is None or tries.wrong < free:
            return timedelta(0)
        doublings = min(tries.wrong - free, 10)
        wait = min(FIRST_WAIT * (1 << doublings), LONGEST_WAIT)
        return max(tries.last + wait - now, timedelta(0))
