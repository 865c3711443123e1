"""Invitation words and tokens, made up where randomness may be read."""

from __future__ import annotations

import secrets

_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_LENGTH = 10


def invitation_word() -> str:
    """A word that is easily typed and hardly guessed: 49 bits."""
    return "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))


def random_token() -> str:
    """A token that nobody guesses: 256 bits, fit for an address or a cookie."""
    return secrets.token_urlsafe(32)
