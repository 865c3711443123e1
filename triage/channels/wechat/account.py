"""An Official Account, as its console knows it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from triage.channels.credentials import require_aes_key, require_token
from triage.errors import SettingsError
from triage.wording import Wording


@dataclass(frozen=True, slots=True)
class Secrets:
    """What a push may be signed and encrypted by, and its answer then is."""

    token: str = field(repr=False)
    aes_key: str | None = field(repr=False)


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
    token_old: str | None = field(default=None, repr=False)
    aes_key_old: str | None = field(default=None, repr=False)
    """Those from before, while the console's are being changed: pushes by either are taken."""
    secret: str | None = field(default=None, repr=False)
    """The AppSecret, by which the account may write first; without it it can only answer."""

    @property
    def secrets(self) -> tuple[Secrets, ...]:
        """Whatever a push may come by: the present ones first, then each with the old other."""
        present = Secrets(self.token, self.aes_key)
        if self.token_old is None and self.aes_key_old is None:
            return (present,)
        tokens, keys = (self.token, self.token_old), (self.aes_key, self.aes_key_old)
        pairs = [Secrets(token, key or self.aes_key) for token in filter(None, tokens) for key in keys]
        return tuple(dict.fromkeys(pairs))

    def __post_init__(self) -> None:
        for name, token in (("token", self.token), ("token_old", self.token_old)):
            if token is not None:
                require_token(token, name)
        if not self.appid.isprintable():
            raise SettingsError(
                Wording("the AppID is unprintable; copy it from the account's console"), "appid"
            )
        for name, key in (("aes_key", self.aes_key), ("aes_key_old", self.aes_key_old)):
            if key is not None:
                require_aes_key(key, name)
        if self.aes_key_old is not None and self.aes_key is None:
            raise SettingsError(
                Wording("an old EncodingAESKey needs the present one beside it"), "aes_key_old"
            )
        if self.aes_key is not None and not self.appid:
            raise SettingsError(
                Wording("an EncodingAESKey needs the AppID: it stands in every encrypted message"), "appid"
            )
        if self.window <= timedelta():
            raise SettingsError(Wording("the window for timestamps must be longer than nothing"), "window")
