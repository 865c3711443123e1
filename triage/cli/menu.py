"""`triage menu`: the custom menu under the chat, whose clicks say what could be typed."""

from __future__ import annotations

import json
from typing import Any

import click

from triage.channels.wechat.menu import make_menu, menu_mistakes
from triage.cli._commands import Group
from triage.cli._input import read_text
from triage.cli._language import gettext
from triage.cli._output import dump, write
from triage.errors import InputError
from triage.settings import load_settings


@click.group("menu", cls=Group)
def command() -> None:
    """Show the account's custom menu, or send it to the platform."""


@command.command(
    "show",
    examples=(
        "triage menu show > menu.json",
        "triage menu show --file menu.json",
    ),
)
@click.option("--file", metavar="FILE", help="A menu of your own as JSON, '-' for standard input.")
def show(file: str | None) -> int:
    """Print the menu as JSON, and what is wrong with it."""
    menu = _read_menu(file)
    write(dump(menu))
    return _report(menu)


@command.command(
    "push",
    examples=(
        "triage menu push",
        "triage menu push --file menu.json --appid wx5f3a09c27be1d846",
    ),
)
@click.option("--file", metavar="FILE", help="A menu of your own as JSON, '-' for standard input.")
@click.option("--appid", metavar="APPID", help="Which account, where TRIAGE_WECHAT_ACCOUNTS lists several.")
def push(file: str | None, appid: str | None) -> int:
    """Replace an account's menu; phones show the new one within five minutes.

    It needs the account's AppID and AppSecret: TRIAGE_WECHAT_APPID and TRIAGE_WECHAT_SECRET.
    """
    # imported here: requests and pydantic take long, and `menu show` needs neither
    from triage.channels.tokens import token_cache
    from triage.channels.wechat.api import WeChatApi
    from triage.settings.accounts import find_credentials

    menu = _read_menu(file)
    if _report(menu):
        return 1
    settings = load_settings()
    account, secret = find_credentials(settings, appid)
    cache = token_cache(settings.database_url)
    with WeChatApi(account, secret, cache, base_url=settings.wechat_api_url) as api:
        api.create_menu(menu)
    write(gettext("pushed {number} buttons to {account}", number=len(menu["button"]), account=account))
    return 0


def _read_menu(file: str | None) -> Any:
    if file is None:
        return make_menu()
    try:
        return json.loads(read_text(file))
    except (ValueError, RecursionError) as exc:
        raise InputError(gettext("{file} is no JSON: {why}", file=file, why=exc)) from exc


def _report(menu: object) -> int:
    mistakes = list(menu_mistakes(menu))
    for mistake in mistakes:
        write(mistake, err=True)
    return 1 if mistakes else 0
