"""What a node does beside answering goes on, whatever one look of it meets."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest

from triage.settings import load_settings
from triage.web.app import make_app
from triage.web.asgi import Application


def test_a_look_that_fails_in_a_way_nobody_foresaw_is_logged_and_done_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    made = make_app(load_settings({"TRIAGE_DATABASE_URL": "sqlite://"}))
    app = Application(made.service, made.callback, made.pages, again_seconds=0)
    looks: list[str] = []

    def look() -> float | None:
        looks.append("look")
        if len(looks) == 1:
            raise ZeroDivisionError("secret words")
        return None

    monkeypatch.setattr(app.service.rules, "look", look)
    with caplog.at_level(logging.ERROR):
        asyncio.run(_live_until(app, lambda: len(looks) == 2))
    assert "upkeep_failed" in caplog.text
    assert "secret words" not in caplog.text


async def _live_until(app: Application, is_done: Callable[[], bool]) -> None:
    """The life of a server: it starts, and stops when something has happened. Raises TimeoutError after ten seconds."""
    events: asyncio.Queue[Any] = asyncio.Queue()
    await events.put({"type": "lifespan.startup"})

    async def stop() -> None:
        async with asyncio.timeout(10):
            while not is_done():
                await asyncio.sleep(0.01)
        await events.put({"type": "lifespan.shutdown"})

    async def ignore(_event: Any) -> None:
        return None

    scope: Any = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}}
    await asyncio.gather(app(scope, events.get, ignore), stop())
