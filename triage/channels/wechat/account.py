"""An Official Account, as its console knows it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta

from triage.errors import SettingsError

_AES_KEY = re.compile(r"[A-Za-z0-9+/]{43}")


@dataclass(frozen=True, slots=True)
class Account:
    """The settings that messages are verified by.

    Raises SettingsError, with the name of the field, for what could never verify a message.
    """

    appid: str
    token: str = field(repr=False)
    aes_key: str | None = field(default=None, repr=False)
    """The EncodingAESKey; with one only encrypted messages are taken."""
    window: timedelta = timedelta(minutes=5)
    """How far the timestamp of a request may be off."""

    def __post_init__(self) -> None:
        if not self.token.strip() or not self.token.isprintable():
            raise SettingsError(
                "the Token is empty or unprintable; copy it from the account's console", "token"
            )
        if not self.appid.isprintable():
            raise SettingsError("the AppID is unprintable; copy it from the account's console", "appid")
        if self.aes_key is not None and not _AES_KEY.fullmatch(self.aes_key):
            seen = f"the EncodingAESKey has {len(self.aes_key)} characters"
            raise SettingsError(f"{seen}; it must be 43 letters and digits", "aes_key")
        if self.aes_key is not None and not self.appid:
            raise SettingsError(
                "an EncodingAESKey needs the AppID: it stands in every encrypted message", "appid"
            )
        if self.window <= timedelta():
            raise SettingsError("the window for timestamps must be longer than nothing", "window")
