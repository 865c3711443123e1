"""How each setting may be shown: its value without secrets, and where it came from."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import SecretStr

from triage.masking import mask
from triage.settings.model import Settings, find_origin, variable_of
from triage.settings.wechat import WechatAccount


@dataclass(frozen=True, slots=True)
class Shown:
    """One setting as it may be shown, and where it came from."""

    variable: str
    value: str
    origin: str


def show_settings(settings: Settings, environment: Mapping[str, str] = os.environ) -> tuple[Shown, ...]:
    """Every setting in effect, secrets hidden."""
    return tuple(
        Shown(variable_of(field), _shown(settings, field), find_origin(field, environment) or "default")
        for field in Settings.model_fields
    )


def _shown(settings: Settings, field: str) -> str:
    value = getattr(settings, field)
    if value is None or value in ("", (), {}):
        return "—"
    if isinstance(value, SecretStr):
        return "••••••"
    if field == "database_url":
        return settings.shown_database_url
    if field == "wechat_accounts":
        return ", ".join(_described(account) for account in value)
    if field == "members":
        return ", ".join(value.values())
    if field == "hooks":
        return ", ".join(value)
    if field == "team":
        return ", ".join(mate.name for mate in value.people)
    if field == "rules_dirs":
        return os.pathsep.join(map(str, value))
    return mask(str(value))


def _described(account: WechatAccount) -> str:
    mode = "safe" if account.aes_key else "plain"
    return f"{account.appid}{f' {account.name}' if account.name else ''} ({mode})"
