"""Our app and our bot on WeCom, as the settings name them: each wholly or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from triage.channels.sealed import Seal
from triage.channels.wecom_app.account import Account
from triage.channels.wecom_bot.account import BotAccount
from triage.errors import SettingsError
from triage.wording import Wording

_APP = ("wecom_corpid", "wecom_agentid", "wecom_token", "wecom_aes_key")
_BOT = ("wecom_bot_token", "wecom_bot_aes_key")


def read_app(values: Mapping[str, str | None], window: timedelta) -> Account | None:
    """The app of these fields; None where none is set. Raises SettingsError with the field that is wrong."""
    if not _is_whole(values, _APP, ("wecom_secret",)):
        return None
    corpid, agentid, token, key = (values[field] or "" for field in _APP)
    if not agentid.isdecimal():
        raise SettingsError(
            Wording("the AgentId is a number; copy it from the app's page in the console"), _APP[1]
        )
    return Account(corpid, int(agentid), _seal("wecom", token, key, corpid, window), values["wecom_secret"])


def read_bot(values: Mapping[str, str | None], window: timedelta) -> BotAccount | None:
    """The bot of these fields; None where none is set. Raises SettingsError with the field that is wrong."""
    if not _is_whole(values, _BOT, ("wecom_bot_name",)):
        return None
    token, key = (values[field] or "" for field in _BOT)
    return BotAccount(_seal("wecom_bot", token, key, "", window), values["wecom_bot_name"])


def _is_whole(values: Mapping[str, str | None], needed: tuple[str, ...], others: tuple[str, ...]) -> bool:
    """Whether all that is needed is set. Raises SettingsError where it is so in part."""
    if not any(values[field] for field in (*needed, *others)):
        return False
    missing = next((field for field in needed if not values[field]), None)
    if missing is not None:
        raise SettingsError(
            Wording("is not set; {names} go together", names=", ".join(_variable(field) for field in needed)),
            missing,
        )
    return True


def _variable(field: str) -> str:
    return f"TRIAGE_{field.upper()}"


def _seal(prefix: str, token: str, aes_key: str, receiveid: str, window: timedelta) -> Seal:
    try:
        return Seal(token, aes_key, receiveid, window)
    except SettingsError as exc:
        raise SettingsError(exc.wording, f"{prefix}_{exc.field}") from exc
