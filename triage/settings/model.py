"""The settings of the service: every `TRIAGE_<FIELD>` variable with its type and default, and how each may be shown.

The value of a secret may be in a file instead, which `TRIAGE_<FIELD>_FILE` names. A variable that is empty,
unreadable, out of range or misspelt raises SettingsError.
"""

from __future__ import annotations

import difflib
import enum
import json
import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    Field,
    InstanceOf,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from triage.channels.hook.account import Hook
from triage.channels.wecom_app.account import Account as WecomApp
from triage.channels.wecom_bot.account import BotAccount
from triage.errors import SettingsError, reason_of
from triage.incidents.team import Team
from triage.message import Person
from triage.settings.console import PASSWORD_HOLDER, PASSWORD_NAME, Origin, own_address
from triage.settings.directories import data_directory, split_directories
from triage.settings.hooks import read_hooks
from triage.settings.members import read_members
from triage.settings.problems import explain
from triage.settings.team import load_team
from triage.settings.wechat import STRICT, WechatAccount, revealed
from triage.settings.wecom import read_app, read_bot
from triage.wording import Wording, joined

Accounts = Mapping[str, Mapping[str, object]]
"""By channel, then by the id in `/callback/<channel>/<id>`; a channel knows the type of its own accounts."""
_PREFIX = "TRIAGE_"
_FILE = "_FILE"
_TESTS = "TRIAGE_TEST_"
_SIMILAR = 0.85
"""The least likeness of a name that is taken for a misspelt variable, as difflib measures it."""
_ACCOUNTS = "TRIAGE_WECHAT_ACCOUNTS"
_OF_A_TOKEN = ("wechat_appid", "wechat_aes_key", "wechat_token_old", "wechat_aes_key_old", "wechat_secret")
"""What says nothing where TRIAGE_WECHAT_TOKEN is not set."""
_API_URL = re.compile(r"https?://[A-Za-z0-9.:\[\]-]{1,255}(?:/[A-Za-z0-9._~/-]{0,255})?")
_MAY_BE_EMPTY = frozenset({"rules_dirs", "members"})


class _Mark(enum.Enum):
    """Metadata of a field."""

    SECRET = enum.auto()
    """May be read from a file; its value is never printed, not even in an error."""


OptionalSecret = Annotated[SecretStr | None, _Mark.SECRET]


_OF_AN_ACCOUNT = ("wechat_token", "wechat_accounts", "wecom_token", "wecom_bot_token")
"""Any of these makes the service one for real accounts."""


def _is_demo(fields: dict[str, Any]) -> bool:
    return not any(fields.get(field) for field in _OF_AN_ACCOUNT)


def _default_database(fields: dict[str, Any]) -> str:
    return "sqlite:///triage-demo.db" if fields.get("demo") else "sqlite:///triage.db"


class Settings(BaseModel):
    """The values of the `TRIAGE_…` variables; every field has a default that works."""

    model_config = STRICT

    rules_dirs: tuple[Path, ...] = ()
    wechat_token: OptionalSecret = None
    wechat_appid: str = ""
    wechat_aes_key: OptionalSecret = None
    wechat_token_old: OptionalSecret = None
    wechat_aes_key_old: OptionalSecret = None
    wechat_secret: OptionalSecret = None
    wechat_accounts: Annotated[tuple[WechatAccount, ...], _Mark.SECRET] = ()
    wechat_api_url: str | None = None
    wecom_corpid: str | None = None
    wecom_agentid: str | None = None
    wecom_token: OptionalSecret = None
    wecom_aes_key: OptionalSecret = None
    wecom_secret: OptionalSecret = None
    wecom_api_url: str | None = None
    wecom_bot_name: str | None = None
    wecom_bot_token: OptionalSecret = None
    wecom_bot_aes_key: OptionalSecret = None
    demo: bool = Field(default_factory=_is_demo)
    database_url: Annotated[str, _Mark.SECRET] = Field(default_factory=_default_database, repr=False)
    api_key: OptionalSecret = None
    console_password: OptionalSecret = None
    public_url: Origin | None = None
    members: Mapping[Person, str] = Field(default_factory=dict)
    team: InstanceOf[Team] | None = None
    hooks: Annotated[Mapping[str, Hook], _Mark.SECRET] = Field(default_factory=dict)
    freshness_seconds: Annotated[int, Field(ge=1, le=3600)] = 300
    quiet_minutes: Annotated[int, Field(ge=1, le=10_080)] = 30
    retention_days: Annotated[int, Field(ge=1, le=36_500)] = 180
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65_535)] = 8080
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    lang: Literal["zh", "en"] | None = None

    @field_validator("rules_dirs", mode="before")
    @classmethod
    def _split_directories(cls, value: object) -> object:
        return split_directories(value) if isinstance(value, str) else value

    @field_validator("wechat_accounts", mode="before")
    @classmethod
    def _read_accounts(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except (ValueError, RecursionError) as exc:
            raise ValueError(
                Wording('is not JSON; write a list like [{"appid": "wx…", "token": "…", "aes_key": "…"}]')
            ) from exc

    @field_validator("members", mode="before")
    @classmethod
    def _read_members(cls, value: object) -> object:
        return read_members(value) if isinstance(value, str) else value

    @field_validator("wechat_api_url", "wecom_api_url")
    @classmethod
    def _require_url(cls, value: str | None) -> str | None:
        if value is not None and not _API_URL.fullmatch(value):
            raise ValueError(Wording("is not a URL like https://api.example.cn"))
        return value

    @field_validator("team", mode="before")
    @classmethod
    def _read_team(cls, value: object, info: ValidationInfo) -> object:
        if not isinstance(value, str):
            return value
        try:
            return load_team(Path(value), (info.context or {}).get("environment", {}))
        except SettingsError as exc:
            raise ValueError(Wording("cannot be used:\n{why}", why=exc)) from exc

    @field_validator("hooks", mode="before")
    @classmethod
    def _read_hooks(cls, value: object) -> object:
        return read_hooks(value) if isinstance(value, str) else value

    @field_validator("log_level", mode="before")
    @classmethod
    def _fold_level(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @property
    def all_rules_dirs(self) -> tuple[Path, ...]:
        return data_directory("rules"), *self.rules_dirs

    @property
    def all_wechat_accounts(self) -> tuple[WechatAccount, ...]:
        """The account of TRIAGE_WECHAT_TOKEN and those of TRIAGE_WECHAT_ACCOUNTS."""
        if self.wechat_token is None:
            return self.wechat_accounts
        single = WechatAccount(
            appid=self.wechat_appid,
            token=self.wechat_token,
            aes_key=self.wechat_aes_key,
            token_old=self.wechat_token_old,
            aes_key_old=self.wechat_aes_key_old,
            secret=self.wechat_secret,
        )
        return single, *self.wechat_accounts

    @property
    def accounts(self) -> Accounts:
        """Our accounts on every channel."""
        wechat = (item.account(self.window) for item in self.all_wechat_accounts)
        app, bot = self._wecom
        return {
            "wechat": {account.appid: account for account in wechat},
            "wecom": {app.corpid: app} if app else {},
            "wecom_bot": {"bot": bot} if bot else {},
            "hook": self.hooks,
        }

    @property
    def _wecom(self) -> tuple[WecomApp | None, BotAccount | None]:
        """Our app and our bot on WeCom. Raises SettingsError."""
        values = {name: getattr(self, name) for name in type(self).model_fields if name.startswith("wecom_")}
        told = {
            name: revealed(value) if isinstance(value, SecretStr) else value for name, value in values.items()
        }
        try:
            return read_app(told, self.window), read_bot(told, self.window)
        except SettingsError as exc:
            raise SettingsError(
                Wording("{variable}: {why}", variable=variable_of(exc.field or ""), why=exc), exc.field
            ) from exc

    @property
    def admins(self) -> Mapping[Person, str]:
        """The members by setting, the team, the console's password, and the hooks: what they hand in is a member's."""
        team = self.team.members if self.team else {}
        console = {PASSWORD_HOLDER: PASSWORD_NAME} if self.console_password else {}
        hooks = {Person("hook", name, name): name for name in self.hooks}
        return {**team, **self.members, **hooks, **console}

    @property
    def console_url(self) -> str | None:
        """Where links to the console lead: as set, in the demo this machine; None where nobody has said so."""
        return self.public_url or (own_address(self.host, self.port) if self.demo else None)

    @property
    def api_urls(self) -> Mapping[str, str]:
        """By channel, where a platform's API is if that is not where everybody finds it."""
        wecom = dict.fromkeys(("wecom", "wecom_bot"), self.wecom_api_url)
        urls = {"wechat": self.wechat_api_url, **wecom}
        return {channel: url for channel, url in urls.items() if url is not None}

    @property
    def shown_database_url(self) -> str:
        """The URL without user, password and query; of one whose parts cannot be told apart, the scheme alone."""
        scheme, separator, rest = self.database_url.partition("://")
        user, at, address = rest.rpartition("@")
        if not separator or "?" in user:
            return f"{scheme}://…" if separator else "…"
        place, query, _ = address.partition("?")
        return f"{scheme}://{'…@' if at else ''}{place}{'?…' if query else ''}"

    @property
    def window(self) -> timedelta:
        """How far the timestamp of a request may be off."""
        return timedelta(seconds=self.freshness_seconds)

    def model_post_init(self, context: object, /) -> None:
        """Raises SettingsError for fields that contradict each other."""
        if self.wechat_token is None:
            for field in _OF_A_TOKEN:
                if getattr(self, field):
                    raise SettingsError(
                        Wording(
                            "{variable} is set, but {needed} is not; set it too",
                            variable=variable_of(field),
                            needed=variable_of("wechat_token"),
                        )
                    )
        has_account = any(getattr(self, field) for field in _OF_AN_ACCOUNT)
        if self.demo and has_account:
            raise SettingsError(
                Wording("TRIAGE_DEMO: the demo is for no account; unset it to serve the accounts")
            )
        if not self.demo and not has_account:
            raise SettingsError(
                Wording(
                    "TRIAGE_DEMO is off and no account is set; set TRIAGE_WECHAT_TOKEN or TRIAGE_WECOM_TOKEN"
                )
            )
        self._check_accounts()
        _ = self._wecom

    def _check_accounts(self) -> None:
        appids: list[str] = []
        for account in self.all_wechat_accounts:
            listed = account in self.wechat_accounts
            try:
                account.account(self.window)
            except SettingsError as exc:
                variable = _ACCOUNTS if listed else variable_of(f"wechat_{exc.field}")
                raise SettingsError(
                    Wording("{variable}: {why}", variable=variable, why=exc), exc.field
                ) from exc
            variable = _ACCOUNTS if listed else "TRIAGE_WECHAT_APPID"
            if not account.appid and len(self.all_wechat_accounts) > 1:
                raise SettingsError(
                    Wording("{variable}: with several accounts each needs its AppID", variable=variable)
                )
            if account.appid in appids:
                raise SettingsError(
                    Wording(
                        "{variable}: the AppID {appid} is there twice", variable=variable, appid=account.appid
                    )
                )
            appids.append(account.appid)


def read_settings(environment: Mapping[str, str]) -> Settings:
    """The settings of an environment. Raises SettingsError, one line for each variable that is wrong."""
    _refuse_misspelt(environment)
    values = {field: _read(field, environment) for field in Settings.model_fields}
    try:
        given = {field: value for field, value in values.items() if value is not None}
        return Settings.model_validate(given, context={"environment": environment})
    except ValidationError as exc:
        raise SettingsError(joined("{a}\n{b}", explain(exc, variable_of, _is_shown))) from exc


def _read(field: str, environment: Mapping[str, str]) -> str | None:
    """The text that sets a field, None if it is not set. Raises SettingsError for a blank or an unreadable one."""
    origin = find_origin(field, environment)
    if origin is None:
        return None
    text = environment[origin] if origin == variable_of(field) else _read_file(origin, environment[origin])
    if not text.strip() and field not in _MAY_BE_EMPTY:
        raise SettingsError(Wording("{origin} is empty; give it a value or unset it", origin=origin))
    return text


def find_origin(field: str, environment: Mapping[str, str]) -> str | None:
    """The variable that sets a field, None if none does. Raises SettingsError if two do."""
    given = [name for name in _variables(field) if name in environment]
    if len(given) > 1:
        raise SettingsError(Wording("{given} are both set; unset one", given=", ".join(given)))
    return given[0] if given else None


def _read_file(variable: str, name: str) -> str:
    try:
        return Path(name).read_text(encoding="utf-8-sig").strip()
    except OSError as exc:
        raise SettingsError(
            Wording(
                "{variable}: cannot read '{file}': {why}",
                variable=variable,
                file=Path(name),
                why=reason_of(exc),
            )
        ) from exc
    except UnicodeDecodeError as exc:
        raise SettingsError(
            Wording("{variable}: '{file}' is no UTF-8 text", variable=variable, file=Path(name))
        ) from exc


def variable_of(field: str) -> str:
    """The variable of a field."""
    return _PREFIX + field.upper()


def _variables(field: str) -> tuple[str, ...]:
    """The variables that may set a field."""
    variable = variable_of(field)
    return (variable, variable + _FILE) if _is_secret(field) else (variable,)


def _is_shown(field: str) -> bool:
    return not _is_secret(field) and field != "members"


def _is_secret(field: str) -> bool:
    return _Mark.SECRET in Settings.model_fields[field].metadata


def _refuse_misspelt(environment: Mapping[str, str]) -> None:
    """Raises SettingsError for an unknown variable whose name is close to a known one; other programs own the rest."""
    known = [variable for field in Settings.model_fields for variable in _variables(field)]
    for name in sorted(environment):
        if not name.startswith(_PREFIX) or name in known or name.startswith(_TESTS):
            continue
        if name.endswith(_FILE) and name.removesuffix(_FILE) in known:
            raise SettingsError(
                Wording(
                    "{name}: only secrets are read from files; set {right}",
                    name=name,
                    right=name.removesuffix(_FILE),
                )
            )
        if similar := difflib.get_close_matches(name, known, 1, _SIMILAR):
            raise SettingsError(
                Wording("{name} is no setting; did you mean {guess}?", name=name, guess=similar[0])
            )
