"""What the console of an account gives to verify its messages by, and whether that can be what it gave."""

from __future__ import annotations

import re

from triage.errors import SettingsError

_AES_KEY = re.compile(r"[A-Za-z0-9+/]{43}")


def require_token(token: str, field: str = "token") -> None:
    """Raises SettingsError, naming the field, for a Token that could never verify a message."""
    if not token.strip() or not token.isprintable():
        raise SettingsError("the Token is empty or unprintable; copy it from the account's console", field)


def require_aes_key(key: str, field: str = "aes_key") -> None:
    """Raises SettingsError, naming the field, for what is no EncodingAESKey."""
    if not _AES_KEY.fullmatch(key):
        seen = f"the EncodingAESKey has {len(key)} characters"
        raise SettingsError(f"{seen}; it must be 43 letters and digits", field)
