"""Where rules, templates and the page of sources are: those that are shipped, and what TRIAGE_RULES_DIRS names."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from triage.advice.sources import Sources, parse_sources
from triage.errors import SettingsError
from triage.wording import Wording

_PACKAGE = Path(__file__).parent.parent


def data_directory(name: str) -> Path:
    """`rules` or `templates` as shipped: inside the package when installed, beside it in a checkout."""
    packaged = _PACKAGE / "_data" / name
    return packaged if packaged.is_dir() else _PACKAGE.parent / name


def load_sources() -> Sources:
    """What every cited id stands for, as shipped: docs/sources.md of the checkout, a copy of it when installed."""
    packaged = _PACKAGE / "_data" / "sources.md"
    page = packaged if packaged.is_file() else _PACKAGE.parent / "docs" / "sources.md"
    return parse_sources(page.read_text(encoding="utf-8"))


def load_rules_dirs(environment: Mapping[str, str] = os.environ) -> tuple[Path, ...]:
    """The bundled rules, then those of `TRIAGE_RULES_DIRS`. Raises SettingsError for a missing one."""
    return data_directory("rules"), *split_directories(environment.get("TRIAGE_RULES_DIRS", ""))


def split_directories(text: str) -> tuple[Path, ...]:
    """The directories (or files) of `TRIAGE_RULES_DIRS`, separated as in PATH. Raises SettingsError."""
    paths = tuple(Path(part) for part in text.split(os.pathsep) if part.strip())
    for path in paths:
        if not path.exists():
            raise SettingsError(
                Wording(
                    "TRIAGE_RULES_DIRS: there is no '{path}'; name directories, separated by '{separator}'",
                    path=path,
                    separator=os.pathsep,
                )
            )
    return paths
