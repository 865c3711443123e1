"""Which account a command works for: arguments first, then the settings, and a key only with its own Token."""

from __future__ import annotations

import json

import pytest

from triage.errors import SettingsError
from triage.settings import load_settings
from triage.settings.accounts import complete_account, find_credentials

KEY, OTHER_KEY = "A" * 43, "B" * 43
ONE = {
    "TRIAGE_WECHAT_TOKEN": "own-token",
    "TRIAGE_WECHAT_APPID": "wx1",
    "TRIAGE_WECHAT_AES_KEY": KEY,
    "TRIAGE_WECHAT_SECRET": "own-secret",
}
TWO = {**ONE, "TRIAGE_WECHAT_ACCOUNTS": json.dumps([{"appid": "wx2", "token": "second"}])}
Given = dict[str, str | None]


def _completed(environment: dict[str, str], **given: str | None) -> tuple[str, str, str | None]:
    arguments: Given = {"token": None, "aes_key": None, "appid": None, **given}
    account = complete_account(load_settings(environment), **arguments)
    return account.appid, account.token, account.aes_key


@pytest.mark.parametrize(
    ("environment", "given"),
    [
        pytest.param({}, {}, id="no account and no Token"),
        pytest.param({}, {"appid": "wx1", "aes_key": KEY}, id="no Token"),
        pytest.param(ONE, {"appid": "wx9"}, id="an AppID nobody has"),
        pytest.param(TWO, {}, id="two accounts and no choice"),
        pytest.param({}, {"token": "t", "aes_key": KEY}, id="a key without an AppID"),
    ],
)
def test_an_account_that_cannot_be_told_is_refused(environment: dict[str, str], given: Given) -> None:
    with pytest.raises(SettingsError):
        _completed(environment, **given)


@pytest.mark.parametrize(
    ("environment", "given", "account"),
    [
        pytest.param(ONE, {}, ("wx1", "own-token", KEY), id="all from the settings"),
        pytest.param(ONE, {"token": "other"}, ("wx1", "other", None), id="another Token is without the key"),
        pytest.param(ONE, {"token": "own-token"}, ("wx1", "own-token", KEY), id="the same Token has its key"),
        pytest.param(ONE, {"aes_key": OTHER_KEY}, ("wx1", "own-token", OTHER_KEY), id="another key"),
        pytest.param(ONE, {"appid": "wx9", "token": "t"}, ("wx9", "t", None), id="another account"),
        pytest.param(TWO, {"appid": "wx2"}, ("wx2", "second", None), id="the second of two"),
        pytest.param(TWO, {"token": "t"}, ("", "t", None), id="a Token of none of two"),
    ],
)
def test_what_is_not_given_comes_from_the_settings(
    environment: dict[str, str], given: Given, account: tuple[str, str, str | None]
) -> None:
    assert _completed(environment, **given) == account


def test_credentials_are_those_of_the_account_that_is_meant() -> None:
    assert find_credentials(load_settings(TWO), "wx1") == ("wx1", "own-secret")
    for appid in (None, "wx2", "wx9"):
        with pytest.raises(SettingsError):
            find_credentials(load_settings(TWO), appid)
