"""An Official Account of ours, as the settings name it."""

from __future__ import annotations

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, SecretStr

from triage.channels.wechat.account import Account

STRICT = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
"""How settings are read: as they are, with nothing unknown, and no value repeated in an error."""


class WechatAccount(BaseModel):
    """One Official Account, as `TRIAGE_WECHAT_ACCOUNTS` lists them."""

    model_config = STRICT

    appid: str = ""
    token: SecretStr
    aes_key: SecretStr | None = None
    token_old: SecretStr | None = None
    aes_key_old: SecretStr | None = None
    secret: SecretStr | None = None
    name: str | None = None

    def account(self, window: timedelta) -> Account:
        """As the channel knows it. Raises SettingsError for what could never verify a message."""
        return Account(
            self.appid,
            self.token.get_secret_value(),
            revealed(self.aes_key),
            window,
            token_old=revealed(self.token_old),
            aes_key_old=revealed(self.aes_key_old),
            secret=revealed(self.secret),
        )


def revealed(secret: SecretStr | None) -> str | None:
    """The value of a secret, where there is one."""
    return secret.get_secret_value() if secret else None
