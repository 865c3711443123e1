"""The environment's settings, read once and strictly."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from triage.errors import SettingsError

_PACKAGED = Path(__file__).parent / "_data"


def data_directory(name: str) -> Path:
    """`rules` or `templates` as shipped: inside the package when installed, beside it in a checkout."""
    packaged = _PACKAGED / name
    return packaged if packaged.is_dir() else Path(__file__).parent.parent / name


@dataclass(frozen=True, slots=True)
class Settings:
    """What `TRIAGE_…` variables say; every field has a default that works."""

    rules_dirs: tuple[Path, ...] = ()
    """`TRIAGE_RULES_DIRS`: directories of a team's own rules, read after the bundled ones; separated as in PATH."""

    @property
    def all_rules_dirs(self) -> tuple[Path, ...]:
        return data_directory("rules"), *self.rules_dirs


def load_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Settings from environment variables. Raises SettingsError for a directory that is not there."""
    paths = [
        Path(part) for part in environment.get("TRIAGE_RULES_DIRS", "").split(os.pathsep) if part.strip()
    ]
    for path in paths:
        if not path.exists():
            raise SettingsError(
                f"TRIAGE_RULES_DIRS: there is no '{path}'; name directories, separated by '{os.pathsep}'"
            )
    return Settings(tuple(paths))
