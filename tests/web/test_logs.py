"""The log: written beside the replies, so that a reader that hangs stops none."""

from __future__ import annotations

import io
import json
import logging
import threading

import pytest

from triage import background
from triage.web.logs import log_event, logging_aside

LOG = logging.getLogger("triage.test")
LONG = 10.0


class Clogged(io.StringIO):
    """A pipe that takes nothing until somebody reads it."""

    def __init__(self) -> None:
        super().__init__()
        self.is_read = threading.Event()
        self.is_clogged = threading.Event()

    def write(self, text: str) -> int:
        self.is_clogged.set()
        self.is_read.wait(LONG)
        return super().write(text)


@pytest.fixture(autouse=True)
def as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(root, "level", root.level)


def _events(text: str) -> list[str]:
    return [json.loads(line)["event"] for line in text.splitlines()]


def test_a_log_nobody_reads_stops_nobody_and_what_is_lost_is_counted() -> None:
    pipe = Clogged()
    with logging_aside("info", pipe, size=10):
        log_event(LOG, logging.INFO, "event 0")
        assert pipe.is_clogged.wait(LONG)
        for number in range(1, 31):  # ten of them find room
            log_event(LOG, logging.INFO, f"event {number}")
        pipe.is_read.set()
    lines = [json.loads(line) for line in pipe.getvalue().splitlines()]
    assert [line["event"] for line in lines[:11]] == [f"event {number}" for number in range(11)]
    assert lines[11]["event"] == "log_lines_lost"
    assert lines[11]["lines"] == 20


def test_at_the_end_every_line_is_written() -> None:
    stream = io.StringIO()
    with logging_aside("info", stream):
        for number in range(500):
            log_event(LOG, logging.INFO, f"event {number}")
    assert _events(stream.getvalue()) == [f"event {number}" for number in range(500)]


def test_without_a_thread_to_spare_lines_are_written_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "start", lambda work, name: None)
    stream = io.StringIO()
    with logging_aside("warning", stream):
        log_event(LOG, logging.INFO, "too little")
        log_event(LOG, logging.WARNING, "enough")
    assert _events(stream.getvalue()) == ["enough"]
