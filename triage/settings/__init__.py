"""The environment's settings, read once and strictly.

Commands that only read rules take `load_rules_dirs`; the rest of the settings, and pydantic with them, is imported when
`load_settings` is called.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from triage.settings.model import Settings


def load_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """All settings from environment variables. Raises SettingsError, which names every variable that is wrong."""
    from triage.settings.model import read_settings

    return read_settings(environment)
