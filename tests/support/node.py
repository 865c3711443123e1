"""A node whose clock tests put forward: `python -m tests.support.node serve --port N` is a process of it.

`NODE_CLOCK` names the file that says by how many seconds its clock is ahead.
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import uvicorn

from tests.support.loopback import Clock
from triage.settings.model import read_settings
from triage.web.app import make_app

PROGRAM = ("-m", "tests.support.node")


class ClockAhead(Clock):
    """The time of day, ahead by what a file says, for several processes at once."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self._file = file

    def __call__(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=float(self._file.read_text("ascii")))

    def put_forward(self, time: timedelta) -> None:
        """Go on from a later time; with none at all, make the file."""
        ahead = float(self._file.read_text("ascii")) if self._file.exists() else 0.0
        aside = self._file.with_suffix(".new")
        aside.write_text(str(ahead + time.total_seconds()), "ascii")
        aside.replace(self._file)


def _serve(port: int) -> None:
    clock = ClockAhead(Path(os.environ["NODE_CLOCK"]))
    app = make_app(read_settings(os.environ), clock=clock)
    uvicorn.run(app, host="127.0.0.1", port=port, lifespan="on", log_level="warning")


if __name__ == "__main__":
    _serve(int(sys.argv[sys.argv.index("--port") + 1]))
