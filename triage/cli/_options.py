"""Options that several commands share or that belong together; they reach a command as one value."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import click

from triage.settings import load_settings

if TYPE_CHECKING:
    from triage.channels.wechat.account import Account
    from triage.probe.guard import Guard, Target

_Function = Callable[..., Any]
_Decorator = Callable[[_Function], _Function]


def grouped(kind: type[Any], name: str, *options: _Decorator) -> _Decorator:
    """Add click options whose values the command gets as one argument, `name`: a dataclass with a field for each."""

    def decorate(function: _Function) -> _Function:
        @functools.wraps(function)
        def gather(**values: Any) -> Any:
            own = {field.name: values.pop(field.name) for field in fields(kind)}
            return function(**values, **{name: kind(**own)})

        command: _Function = gather
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


@dataclass(frozen=True, slots=True)
class AccountOptions:
    """For which account we play the platform, and which hosts may be called."""

    mode: str | None
    token: str | None
    aes_key: str | None
    appid: str | None
    account_id: str | None
    allow: tuple[str, ...]
    allow_private: bool

    def make_account(self) -> tuple[Account, str]:
        """The account, completed from the settings, and the mode to push in. Raises SettingsError."""
        from triage.channels.wechat.account import Account
        from triage.settings.accounts import complete_account

        if self.token is not None and self.aes_key is not None and self.appid is not None:
            account = Account(self.appid, self.token, self.aes_key)
        else:
            account = complete_account(
                load_settings(), token=self.token, aes_key=self.aes_key, appid=self.appid
            )
        return account, self.mode or ("safe" if account.aes_key else "plain")

    def make_guard(self, target: Target, *, is_named: bool = True) -> Guard:
        """A guard for the hosts that the operator named; `is_named` says whether the target is one of them."""
        from triage.probe.guard import Guard, parse_host

        hosts = {parse_host(host.strip("[]")) for host in self.allow} | ({target.host} if is_named else set())
        return Guard(frozenset(hosts), self.allow_private)


account_options = grouped(
    AccountOptions,
    "options",
    click.option(
        "--mode",
        type=click.Choice(("plain", "compatible", "safe")),
        help="Default: safe with an EncodingAESKey, else plain.",
    ),
    click.option(
        "--token",
        metavar="TOKEN",
        help="The Token. Default: TRIAGE_WECHAT_TOKEN, which others cannot see in `ps`.",
    ),
    click.option("--aes-key", metavar="KEY", help="The EncodingAESKey. Default: TRIAGE_WECHAT_AES_KEY."),
    click.option("--appid", metavar="APPID", help="The AppID. Default: TRIAGE_WECHAT_APPID."),
    click.option("--account-id", metavar="ID", help="The account's own id, gh_…; a random one by default."),
    click.option("--allow", multiple=True, metavar="HOST", help="Another host that may be called."),
    click.option("--allow-private", is_flag=True, help="Allow loopback and private addresses."),
)
