"""Which Official Account a command works for: what its arguments name, completed from the settings."""

from __future__ import annotations

from triage.channels.wechat.account import Account
from triage.errors import SettingsError
from triage.settings.model import Settings
from triage.settings.wechat import WechatAccount
from triage.wording import Wording

_WHERE = Wording("see the WeChat console: Settings and Development → Basic Configuration")


_SEVERAL = Wording("there are several accounts; name one with --appid")


def complete_account(
    settings: Settings, *, token: str | None, aes_key: str | None, appid: str | None
) -> Account:
    """The account to play the platform for; what is None comes from the settings. Raises SettingsError.

    The EncodingAESKey of the settings is used only with its own Token: beside another one it would only mislead.
    """
    known = _known(settings, appid)
    if len(known) > 1 and token is None:
        raise SettingsError(_SEVERAL)
    if len(known) == 1:
        own = known[0].account(settings.window)
        aes_key = aes_key or (own.aes_key if token in (None, own.token) else None)
        token, appid = token or own.token, appid or own.appid
    if token is None:
        raise SettingsError(Wording("there is no Token; set TRIAGE_WECHAT_TOKEN, or give --token"))
    return Account(appid or "", token, aes_key)


def find_credentials(settings: Settings, appid: str | None) -> tuple[str, str]:
    """AppID and AppSecret for the platform's API. Raises SettingsError where either is missing."""
    known = _known(settings, appid)
    if len(known) > 1:
        raise SettingsError(_SEVERAL)
    if not known:
        raise SettingsError(
            Wording("no account {appid} is set up", appid=appid)
            if appid
            else Wording("no account is set up; set TRIAGE_WECHAT_TOKEN")
        )
    (account,) = known
    if not account.appid or account.secret is None:
        missing = "TRIAGE_WECHAT_SECRET" if account.appid else "TRIAGE_WECHAT_APPID"
        raise SettingsError(
            Wording(
                "{missing} (or its place in TRIAGE_WECHAT_ACCOUNTS) is not set; {where}",
                missing=missing,
                where=_WHERE,
            )
        )
    return account.appid, account.secret.get_secret_value()


def _known(settings: Settings, appid: str | None) -> list[WechatAccount]:
    """The accounts of this AppID, all of them for None."""
    return [account for account in settings.all_wechat_accounts if appid in (None, account.appid)]
