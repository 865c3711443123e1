"""A Redis to test with."""

from __future__ import annotations

import os

import pytest

SERVER = "TRIAGE_TEST_REDIS_URL"


def redis_server() -> str:
    """The URL of a Redis to test with, or the test is skipped."""
    url = os.environ.get(SERVER)
    if not url:
        pytest.skip(f"{SERVER} names no server to test with")
    return url
