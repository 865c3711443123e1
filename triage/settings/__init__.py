"""The environment's settings, read once and strictly.

Commands that only read rules take `load_rules_dirs`; the rest of the settings, and pydantic with them, is imported when
`load_settings` is called.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from triage.errors import SettingsError

if TYPE_CHECKING:
    from triage.settings.model import Settings

_PACKAGE = Path(__file__).parent.parent


def data_directory(name: str) -> Path:
    """`rules` or `templates` as shipped: inside the package when installed, beside it in a checkout."""
    packaged = _PACKAGE / "_data" / name
    return packaged if packaged.is_dir() else _PACKAGE.parent / name


def load_rules_dirs(environment: Mapping[str, str] = os.environ) -> tuple[Path, ...]:
    """The bundled rules, then those of `TRIAGE_RULES_DIRS`. Raises SettingsError for what is not there."""
    return data_directory("rules"), *split_directories(environment.get("TRIAGE_RULES_DIRS", ""))


def split_directories(text: str) -> tuple[Path, ...]:
    """The directories (or files) of `TRIAGE_RULES_DIRS`, separated as in PATH. Raises SettingsError."""
    paths = tuple(Path(part) for part in text.split(os.pathsep) if part.strip())
    for path in paths:
        if not path.exists():
            raise SettingsError(
                f"TRIAGE_RULES_DIRS: there is no '{path}'; name directories, separated by '{os.pathsep}'"
            )
    return paths


def load_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """All settings from environment variables. Raises SettingsError, which names every variable that is wrong."""
    from triage.settings.model import read_settings

    return read_settings(environment)
