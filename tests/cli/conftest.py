"""What the tests of the commands share."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands speak English, whatever the locale of whoever runs the tests."""
    monkeypatch.setenv("TRIAGE_LANG", "en")
