"""Threads for work that no reply waits for."""

from __future__ import annotations

import threading
from collections.abc import Callable


def start(work: Callable[[], object], name: str) -> threading.Thread | None:
    """Run `work` in a new daemon thread called `name`; None if the system can start no more threads."""
    thread = threading.Thread(target=work, name=name, daemon=True)
    try:
        thread.start()
    except RuntimeError:
        return None
    return thread
