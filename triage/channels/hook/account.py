"""A hook: a name, and the key by which a program hands alerts in under it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from triage.errors import SettingsError
from triage.wording import Wording

LEAST_KEY = 16
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,19}")
_KEY = re.compile(rf"[A-Za-z0-9._~-]{{{LEAST_KEY},200}}")


@dataclass(frozen=True, slots=True)
class Hook:
    """Raises SettingsError, with the name of the field, for what can be no hook."""

    name: str
    """In its path, and as the person who hands in."""
    key: str = field(repr=False)

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise SettingsError(
                Wording("the name of a hook is 1 to 20 lower-case letters, digits, - and _"), "name"
            )
        if not _KEY.fullmatch(self.key):
            raise SettingsError(
                Wording(
                    "the key of hook '{name}' has {size} characters or some that a URL cannot carry; make one "
                    "of {least} or more with: openssl rand -hex 16",
                    name=self.name,
                    size=len(self.key),
                    least=LEAST_KEY,
                ),
                "key",
            )
