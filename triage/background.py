"""Work beside the replies."""

from __future__ import annotations

import threading
from collections.abc import Callable


def start(work: Callable[[], object], name: str) -> threading.Thread | None:
    """A daemon thread that does it; None where the system has no thread left to give."""
    thread = threading.Thread(target=work, name=name, daemon=True)
    try:
        thread.start()
    except RuntimeError:
        return None
    return thread
