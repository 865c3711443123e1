"""`triage menu`: the custom menu under the chat, whose clicks say what could be typed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from triage.channels.wechat.menu import (
    make_menu,
    menu_mistakes,
)
from triage.cli._input import dump, read_text
from triage.errors import InputError, SettingsError
from triage.settings import load_settings

if TYPE_CHECKING:
    from triage.settings.model import Settings


_API = "https://api.weixin.qq.com"
_WHERE = "公众平台 → 设置与开发 → 基本配置 shows it"


@click.group("menu")
def command() -> None:
    """Show the account's custom menu, or send it to the platform."""


@command.command()
@click.option("--file", help="A menu of your own as JSON, '-' for standard input.")
def show(file: str | None) -> int:
    """Print the menu as JSON, and what is wrong with it."""
    menu = _read_menu(file)
    click.echo(dump(menu))
    return _report(menu)


@command.command()
@click.option("--file", help="A menu of your own as JSON, '-' for standard input.")
@click.option("--appid", help="Which account, where TRIAGE_WECHAT_ACCOUNTS lists several.")
def push(file: str | None, appid: str | None) -> int:
    """Replace an account's menu; phones show the new one within five minutes.

    It needs the account's AppID and AppSecret: TRIAGE_WECHAT_APPID and TRIAGE_WECHAT_SECRET.
    """
    from triage.channels.wechat.api import (
        WeChatApi,  # only here is the network needed, and it takes long to import
    )
    from triage.channels.wechat.tokens import token_cache

    menu = _read_menu(file)
    if _report(menu):
        return 1
    settings = load_settings()
    account, secret = _account(settings, appid)
    with WeChatApi(account, secret, token_cache(settings.database_url), base_url=_API) as api:
        api.create_menu(menu)
    click.echo(f"pushed {len(menu['button'])} buttons to {account}")
    return 0


def _account(settings: Settings, appid: str | None) -> tuple[str, str]:
    """AppID and AppSecret of the account that is meant. Raises SettingsError."""
    accounts = [item for item in settings.all_wechat_accounts if appid in (None, item.appid)]
    if len(accounts) > 1:
        raise SettingsError("there are several accounts; name one with --appid")
    if not accounts:
        raise SettingsError(
            f"no account {appid} is set up" if appid else "no account is set up; set TRIAGE_WECHAT_TOKEN"
        )
    (account,) = accounts
    if not account.appid or account.secret is None:
        missing = "TRIAGE_WECHAT_SECRET" if account.appid else "TRIAGE_WECHAT_APPID"
        raise SettingsError(f"{missing} (or its place in TRIAGE_WECHAT_ACCOUNTS) is not set; {_WHERE}")
    return account.appid, account.secret.get_secret_value()


def _read_menu(file: str | None) -> Any:
    if file is None:
        return make_menu()
    try:
        return json.loads(read_text(file))
    except (ValueError, RecursionError) as exc:
        raise InputError(f"{file} is no JSON: {exc}") from exc


def _report(menu: object) -> int:
    mistakes = list(menu_mistakes(menu))
    for mistake in mistakes:
        click.echo(mistake, err=True)
    return 1 if mistakes else 0
