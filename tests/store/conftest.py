"""Databases that are empty, a server's, or a file with our tables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.stores import SERVERS, fresh_database
from tests.support.upgraded import UpgradedDatabases, new_file


@pytest.fixture(params=["sqlite", *SERVERS])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with fresh_database(request.param, tmp_path) as url:
        yield url


@pytest.fixture(params=[*SERVERS])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with fresh_database(request.param, tmp_path) as url:
        yield url


@pytest.fixture(scope="session")
def databases() -> Iterator[UpgradedDatabases]:
    with ExitStack() as kept:
        yield UpgradedDatabases(kept)


@pytest.fixture(params=["sqlite", *SERVERS])
def upgraded(request: pytest.FixtureRequest, tmp_path: Path, databases: UpgradedDatabases) -> Iterator[str]:
    """An empty database with our tables."""
    with databases.database(request.param, tmp_path) as url:
        yield url


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "triage.db"
    new_file(path)
    return path
