"""What the tests of the probe share."""

from __future__ import annotations

import pytest

from tests.support.sick_peer import Authority


@pytest.fixture(scope="package")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.make(tmp_path_factory.mktemp("ca"))
