"""The environment: what is read, what is refused with which words, what may be shown."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.paths import ROOT
from triage.channels.wechat.account import Account
from triage.cli import main
from triage.errors import SettingsError
from triage.message import ANY_ACCOUNT, Person
from triage.settings import load_settings
from triage.settings.directories import load_rules_dirs
from triage.settings.model import Settings
from triage.settings.shown import show_settings

KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
APPID = "wx5f3a09c27be1d846"


def _refused(**environment: str) -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings(environment)
    return str(caught.value)


def test_nothing_set_is_a_demo_on_sqlite() -> None:
    settings = load_settings({})
    assert settings.demo
    assert settings.database_url == "sqlite:///triage-demo.db"
    assert (settings.host, settings.port, settings.freshness_seconds) == ("127.0.0.1", 8080, 300)


def test_a_token_ends_the_demo() -> None:
    settings = load_settings({"TRIAGE_WECHAT_TOKEN": "t0ken"})
    assert not settings.demo
    assert settings.database_url == "sqlite:///triage.db"
    assert [account.appid for account in settings.all_wechat_accounts] == [""]


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        pytest.param(
            {"TRIAGE_PORT": "99999"}, "TRIAGE_PORT: '99999' must be 65535 or less", id="a port too high"
        ),
        pytest.param(
            {"TRIAGE_PORT": "tcp://10.0.0.1:80"}, "TRIAGE_PORT: 'tcp", id="Kubernetes' own TRIAGE_PORT"
        ),
        pytest.param({"TRIAGE_FRESHNESS_SECONDS": "0"}, "TRIAGE_FRESHNESS_SECONDS", id="a window of nothing"),
        pytest.param(
            {"TRIAGE_LOG_LEVEL": "loud"},
            "TRIAGE_LOG_LEVEL: 'loud' must be one of 'debug'",
            id="a level nobody knows",
        ),
        pytest.param(
            {"TRIAGE_RULES_DIRS": "/nowhere"}, "TRIAGE_RULES_DIRS: there is no", id="a missing directory"
        ),
        pytest.param({"TRIAGE_WECHAT_TOKEN": ""}, "TRIAGE_WECHAT_TOKEN is empty", id="an empty token"),
        pytest.param({"TRIAGE_WECHAT_TOKEN": " \n"}, "TRIAGE_WECHAT_TOKEN is empty", id="a token of blanks"),
        pytest.param({"TRIAGE_API_KEY": ""}, "TRIAGE_API_KEY is empty", id="an empty key"),
        pytest.param({"TRIAGE_WECHAT_TOKN": "x"}, "did you mean TRIAGE_WECHAT_TOKEN?", id="a misspelt name"),
        pytest.param({"TRIAGE_PORT_FILE": "/x"}, "set TRIAGE_PORT", id="a file for what is no secret"),
        pytest.param(
            {"TRIAGE_WECHAT_AES_KEY": KEY}, "TRIAGE_WECHAT_TOKEN is not", id="a key without a token"
        ),
        pytest.param(
            {"TRIAGE_WECHAT_TOKEN": "t", "TRIAGE_WECHAT_APPID": APPID, "TRIAGE_WECHAT_AES_KEY": "short"},
            "TRIAGE_WECHAT_AES_KEY: the EncodingAESKey has 5 characters",
            id="a key too short",
        ),
        pytest.param(
            {"TRIAGE_WECHAT_TOKEN": "t", "TRIAGE_WECHAT_AES_KEY": KEY},
            "TRIAGE_WECHAT_APPID: an EncodingAESKey needs the AppID",
            id="a key without an AppID",
        ),
        pytest.param(
            {"TRIAGE_WECHAT_ACCOUNTS": "{"}, "TRIAGE_WECHAT_ACCOUNTS: is not JSON", id="broken JSON"
        ),
        pytest.param(
            {"TRIAGE_WECHAT_ACCOUNTS": '[{"appid": "wx1"}]'},
            "TRIAGE_WECHAT_ACCOUNTS[0].token: is missing",
            id="an account without a token",
        ),
        pytest.param(
            {"TRIAGE_WECHAT_ACCOUNTS": '[{"appid": "wx1", "token": ""}]'},
            "TRIAGE_WECHAT_ACCOUNTS: the Token is empty",
            id="an account with an empty token",
        ),
        pytest.param(
            {"TRIAGE_WECHAT_ACCOUNTS": '[{"appid": "wx1", "token": "a"}, {"appid": "wx1", "token": "b"}]'},
            "TRIAGE_WECHAT_ACCOUNTS: the AppID wx1 is there twice",
            id="an account twice",
        ),
        pytest.param(
            {"TRIAGE_WECHAT_ACCOUNTS": '[{"appid": "wx1", "token": "a", "tokn": "b"}]'},
            "TRIAGE_WECHAT_ACCOUNTS[0].tokn",
            id="an account with a misspelt field",
        ),
        pytest.param(
            {"TRIAGE_MEMBERS": "小王"}, "TRIAGE_MEMBERS: is not a list", id="a member without an OpenID"
        ),
        pytest.param(
            {"TRIAGE_WECHAT_TOKEN": "t", "TRIAGE_WECHAT_AES_KEY_OLD": KEY},
            "TRIAGE_WECHAT_AES_KEY_OLD: an old EncodingAESKey needs the present one",
            id="an old key without a present one",
        ),
        pytest.param(
            {"TRIAGE_WECHAT_TOKEN_OLD": "t"},
            "TRIAGE_WECHAT_TOKEN is not",
            id="an old token without a present one",
        ),
        pytest.param(
            {"TRIAGE_WECHAT_API_URL": "api.example.cn"},
            "TRIAGE_WECHAT_API_URL: 'api.example.cn' is not a URL",
            id="an API without a scheme",
        ),
        pytest.param(
            {"TRIAGE_WECOM_API_URL": "https://u:p@api.example.cn/?a=b"},
            "TRIAGE_WECOM_API_URL",
            id="an API with a password or a query",
        ),
        pytest.param({"TRIAGE_HOOKS": "monitor"}, "TRIAGE_HOOKS: is not a list", id="a hook without a key"),
        pytest.param(
            {"TRIAGE_HOOKS": "Monitor=0123456789abcdef"},
            "TRIAGE_HOOKS: cannot be used: the name",
            id="a hook's name",
        ),
        pytest.param(
            {"TRIAGE_HOOKS": "monitor=0123456789abcde"},
            "TRIAGE_HOOKS: cannot be used: the key of hook 'monitor' has 15 characters",
            id="a short key",
        ),
        pytest.param(
            {"TRIAGE_HOOKS": "monitor=0123456789abcdef,monitor=0123456789abcdef"},
            "names the hook 'monitor' twice",
            id="a hook twice",
        ),
        pytest.param({"TRIAGE_DEMO": "false"}, "set TRIAGE_WECHAT_TOKEN", id="no demo and no account"),
        pytest.param(
            {"TRIAGE_DEMO": "true", "TRIAGE_WECHAT_TOKEN": "t"}, "TRIAGE_DEMO", id="a demo beside an account"
        ),
    ],
)
def test_a_wrong_variable_is_named_with_what_to_do(environment: dict[str, str], message: str) -> None:
    assert message in _refused(**environment)


@pytest.mark.parametrize(
    ("variable", "least", "most"),
    [
        ("TRIAGE_FRESHNESS_SECONDS", 1, 3600),
        ("TRIAGE_QUIET_MINUTES", 1, 10_080),
        ("TRIAGE_RETENTION_DAYS", 1, 36_500),
        ("TRIAGE_PORT", 1, 65_535),
    ],
)
def test_a_number_is_taken_between_its_bounds_alone(variable: str, least: int, most: int) -> None:
    for beyond in (least - 1, most + 1):
        assert variable in _refused(**{variable: str(beyond)})
    field = variable.removeprefix("TRIAGE_").lower()
    assert [getattr(load_settings({variable: str(value)}), field) for value in (least, most)] == [least, most]


def test_a_member_of_a_channel_that_is_not_there_is_refused() -> None:
    assert "names the channel 'wechatt'; there are: wechat" in _refused(
        TRIAGE_MEMBERS="wechatt/wx1/oAbc=小王"
    )


@pytest.mark.parametrize("member", ["wechat/oAbc", "/wx1/oAbc", "wechat//oAbc", "wechat/wx1/", "a/b/c/d"])
def test_a_member_who_is_named_by_half_is_refused(member: str) -> None:
    assert "channel/account/id=name" in _refused(TRIAGE_MEMBERS=f"{member}=小王")


@pytest.mark.parametrize("size", [0, 65])
def test_a_member_with_an_openid_of_another_length_is_refused(size: int) -> None:
    assert "TRIAGE_MEMBERS" in _refused(TRIAGE_MEMBERS="o" * size + "=小王")
    assert load_settings({"TRIAGE_MEMBERS": "o" * 64 + "=小王"}).members


@pytest.mark.parametrize(
    ("name", "is_taken_for_another"),
    [
        pytest.param("TRIAGE_HOSTNAME", False, id="four letters more: 0.846"),
        pytest.param("TRIAGE_POSTS", True, id="a letter more and one changed: 0.870"),
    ],
)
def test_a_variable_is_refused_only_if_its_name_is_close_to_a_setting(
    name: str, is_taken_for_another: bool
) -> None:
    try:
        load_settings({name: "x"})
        said = ""
    except SettingsError as exc:
        said = str(exc)
    assert ("did you mean" in said) == is_taken_for_another


@pytest.mark.parametrize(
    ("values", "field"),
    [
        pytest.param({"token": " "}, "token", id="a blank Token"),
        pytest.param({"appid": "wx\0"}, "appid", id="an unprintable AppID"),
        pytest.param({"aes_key": KEY[1:]}, "aes_key", id="a key of 42 characters"),
        pytest.param({"appid": "", "aes_key": KEY}, "appid", id="a key without an AppID"),
        pytest.param({"window": timedelta()}, "window", id="no time at all"),
    ],
)
def test_a_mistake_of_an_account_names_its_field(values: dict[str, Any], field: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Account(**{"appid": APPID, "token": "t", **values})
    assert caught.value.field == field


def test_every_wrong_variable_is_named_at_once() -> None:
    lines = _refused(TRIAGE_PORT="x", TRIAGE_QUIET_MINUTES="-1").splitlines()
    assert [line.split(":")[0] for line in lines] == ["TRIAGE_QUIET_MINUTES", "TRIAGE_PORT"]


def test_a_mistake_never_repeats_a_secret() -> None:
    for secret in ("hunter2", '[{"appid": "wx1", "token": 7, "aes_key": "hunter2"}]'):
        said = _refused(TRIAGE_WECHAT_ACCOUNTS=secret)
        assert "hunter2" not in said
    assert "oSecret" not in _refused(TRIAGE_MEMBERS="oSecret")


def test_variables_of_others_are_let_be() -> None:
    assert load_settings({"TRIAGE_SERVICE_HOST": "10.0.0.1", "TRIAGE_TEST_MYSQL_URL": "x"}).port == 8080


def test_a_secret_may_stand_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("from-a-file\n")
    settings = load_settings({"TRIAGE_WECHAT_TOKEN_FILE": str(file)})
    assert settings.wechat_token
    assert settings.wechat_token.get_secret_value() == "from-a-file"


def test_secrets_and_nothing_else_may_stand_in_files(tmp_path: Path) -> None:
    read = {field for field in Settings.model_fields if _reads_file(field, tmp_path / "absent")}
    assert read == {
        *("wechat_token", "wechat_aes_key", "wechat_secret", "wechat_accounts"),
        *("wechat_token_old", "wechat_aes_key_old"),
        *("wecom_token", "wecom_aes_key", "wecom_secret", "wecom_bot_token", "wecom_bot_aes_key"),
        *("database_url", "api_key", "console_password", "hooks"),
    }


def _reads_file(field: str, absent: Path) -> bool:
    """Whether a file is looked for: the complaint is about the file, not about the variable."""
    return "cannot read" in _refused(**{f"TRIAGE_{field.upper()}_FILE": str(absent)})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(None, "cannot read", id="not there"),
        pytest.param(b"", "is empty", id="empty"),
        pytest.param(b"\xff\xfe\x00", "no UTF-8", id="not text"),
    ],
)
def test_a_bad_secret_file_is_named(content: bytes | None, message: str, tmp_path: Path) -> None:
    file = tmp_path / "key"
    if content is not None:
        file.write_bytes(content)
    said = _refused(TRIAGE_API_KEY_FILE=str(file))
    assert said.startswith("TRIAGE_API_KEY_FILE")
    assert message in said


def test_a_secret_given_twice_is_refused() -> None:
    assert "both set" in _refused(TRIAGE_API_KEY="a", TRIAGE_API_KEY_FILE="/run/secrets/key")


def test_several_accounts_are_read() -> None:
    listed = json.dumps([{"appid": "wx1", "token": "a"}, {"appid": "wx2", "token": "b", "aes_key": KEY}])
    settings = load_settings({"TRIAGE_WECHAT_ACCOUNTS": listed, "TRIAGE_FRESHNESS_SECONDS": "60"})
    accounts = [item.account(settings.window) for item in settings.all_wechat_accounts]
    assert [(account.appid, account.aes_key) for account in accounts] == [("wx1", None), ("wx2", KEY)]
    assert {account.window.total_seconds() for account in accounts} == {60}


def test_old_secrets_are_read_of_one_account_and_of_several() -> None:
    old = {"token_old": "o", "aes_key": KEY, "aes_key_old": KEY[::-1]}
    for environment in (
        {
            **{f"TRIAGE_WECHAT_{name.upper()}": value for name, value in old.items()},
            "TRIAGE_WECHAT_TOKEN": "t",
            "TRIAGE_WECHAT_APPID": APPID,
        },
        {"TRIAGE_WECHAT_ACCOUNTS": json.dumps([{"appid": APPID, "token": "t", **old}])},
    ):
        (account,) = load_settings(environment).accounts["wechat"].values()
        assert account == replace(Account(APPID, "t", KEY), token_old="o", aes_key_old=KEY[::-1])  # noqa: S106


def test_hooks_are_read_and_are_members_by_setting() -> None:
    settings = load_settings({"TRIAGE_HOOKS": "monitor=0123456789abcdef,\n cron-1 = fedcba9876543210"})
    assert list(settings.accounts["hook"]) == ["monitor", "cron-1"]
    assert settings.admins == {
        Person("hook", "monitor", "monitor"): "monitor", Person("hook", "cron-1", "cron-1"): "cron-1",
    }  # fmt: skip


def test_members_are_read() -> None:
    settings = load_settings({"TRIAGE_MEMBERS": "oAbc=小王, oDef-_1=小李,\n wechat/wx1/li.lei@a=李雷"})
    assert settings.members == {
        Person("wechat", ANY_ACCOUNT, "oAbc"): "小王",
        Person("wechat", ANY_ACCOUNT, "oDef-_1"): "小李",
        Person("wechat", "wx1", "li.lei@a"): "李雷",
    }


SECRETS = {
    "TRIAGE_WECHAT_TOKEN": "hush-token",
    "TRIAGE_WECHAT_APPID": APPID,
    "TRIAGE_WECHAT_AES_KEY": KEY,
    "TRIAGE_WECHAT_TOKEN_OLD": "hush-token-before",
    "TRIAGE_WECHAT_AES_KEY_OLD": KEY[::-1],
    "TRIAGE_WECHAT_SECRET": "hush-secret",
    "TRIAGE_HOOKS": "monitor=hush-hush-hush-hush",
    "TRIAGE_WECHAT_ACCOUNTS": '[{"appid": "wx2", "token": "hush-other", "token_old": "hush-before", "name": "二号"}]',
    "TRIAGE_DATABASE_URL": "postgresql://triage:hush-password@db/triage",
    "TRIAGE_API_KEY": "hush-api",
    "TRIAGE_CONSOLE_PASSWORD": "hush-console",
    "TRIAGE_MEMBERS": "oHushOpenId=小王",
}


def test_no_secret_is_shown() -> None:
    settings = load_settings(SECRETS)
    shown = {item.variable: item for item in show_settings(settings, SECRETS)}
    everything = repr(settings) + str(shown)
    assert "hush" not in everything
    assert KEY not in everything
    assert KEY[::-1] not in everything
    assert "oHush" not in str(shown)
    assert shown["TRIAGE_DATABASE_URL"].value == "postgresql://…@db/triage"
    assert shown["TRIAGE_WECHAT_ACCOUNTS"].value == "wx2 二号 (plain)"
    assert shown["TRIAGE_MEMBERS"].value == "小王"
    assert shown["TRIAGE_API_KEY"].origin == "TRIAGE_API_KEY"
    assert shown["TRIAGE_PORT"].origin == "default"
    assert len(shown) == len(Settings.model_fields)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://triage:hu/sh@db/triage", "postgresql://…@db/triage"),
        ("mysql://triage:hush/a:c#d@db:3306/triage", "mysql://…@db:3306/triage"),
        ("mysql://triage:hush/a?b@db:3306/triage", "mysql://…"),
        ("postgresql://db/triage?password=hu@sh", "postgresql://…"),
        ("mysql://triage:hush@sh/ush@db/triage", "mysql://…@db/triage"),
        ("postgresql://triage@db/triage?password=hush", "postgresql://…@db/triage?…"),
        ("postgresql://db/triage?password=hu", "postgresql://db/triage?…"),
        ("postgresql://triage:hush@/triage?host=/run/pg", "postgresql://…@/triage?…"),
        ("sqlite:////var/lib/triage/triage.db", "sqlite:////var/lib/triage/triage.db"),
        ("triage:hush", "…"),
    ],
)
def test_the_database_is_shown_without_its_password_whatever_stands_in_it(url: str, shown: str) -> None:
    settings = load_settings({"TRIAGE_DATABASE_URL": url})
    (item,) = (item for item in show_settings(settings, {}) if item.variable == "TRIAGE_DATABASE_URL")
    assert item.value == settings.shown_database_url == shown


def test_config_prints_what_is_in_effect(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    assert main(["config", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["TRIAGE_WECHAT_TOKEN"] == {"value": "••••••", "from": "TRIAGE_WECHAT_TOKEN"}
    assert main(["config"]) == 0
    assert f"TRIAGE_WECHAT_APPID        {APPID}" in capsys.readouterr().out
    monkeypatch.setenv("TRIAGE_PORT", "x")
    assert main(["config"]) == 2
    assert "TRIAGE_PORT: 'x'" in capsys.readouterr().err


def test_rules_directories_are_read_without_the_rest(tmp_path: Path) -> None:
    both = os.pathsep.join((str(tmp_path), str(tmp_path)))
    assert load_rules_dirs({"TRIAGE_RULES_DIRS": both})[1:] == (tmp_path, tmp_path)
    assert load_settings({"TRIAGE_RULES_DIRS": both}).all_rules_dirs == load_rules_dirs(
        {"TRIAGE_RULES_DIRS": both}
    )


@pytest.mark.parametrize("command", [["ask", "4"], ["rules", "list"]], ids=" ".join)
def test_asking_does_not_import_what_the_service_needs(command: list[str]) -> None:
    heavy = "pydantic flask sqlalchemy wechatpy uvicorn prometheus_client"
    script = (
        f"import sys; from triage.cli import main; main({command!r});"
        f"print(sorted(set('{heavy}'.split()) & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


def test_every_setting_has_a_row_on_the_operations_page() -> None:
    page = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    cells = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `TRIAGE_")]
    named = [name for cell in cells for name in re.findall(r"`TRIAGE_(\w+)`", cell)]
    assert sorted(named) == sorted(name.upper() for name in Settings.model_fields)


def test_where_an_api_is_stands_by_its_channel_and_is_nowhere_by_default() -> None:
    urls = {
        "TRIAGE_WECHAT_API_URL": "http://127.0.0.1:8000",
        "TRIAGE_WECOM_API_URL": "https://api.example.cn/wecom",
    }
    assert load_settings(urls).api_urls == {
        "wechat": "http://127.0.0.1:8000",
        "wecom": "https://api.example.cn/wecom",
        "wecom_bot": "https://api.example.cn/wecom",
    }
    assert load_settings({}).api_urls == {}
