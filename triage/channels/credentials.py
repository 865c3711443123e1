"""What the console of an account gives to verify its messages by, and whether that can be what it gave."""

from __future__ import annotations

import re

from triage.errors import SettingsError
from triage.wording import Wording

_AES_KEY = re.compile(r"[A-Za-z0-9+/]{43}")


def require_token(token: str, field: str = "token") -> None:
    """Raises SettingsError, naming the field, for a Token that could never verify a message."""
    if not token.strip() or not token.isprintable():
        raise SettingsError(
            Wording("the Token is empty or unprintable; copy it from the account's console"), field
        )


def require_aes_key(key: str, field: str = "aes_key") -> None:
    """Raises SettingsError, naming the field, for what is no EncodingAESKey."""
    if not _AES_KEY.fullmatch(key):
        message = Wording(
            "the EncodingAESKey has {seen} characters; it must be 43 letters and digits", seen=len(key)
        )
        raise SettingsError(message, field)
