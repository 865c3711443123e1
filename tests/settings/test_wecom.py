"""Our app and our bot on WeCom: each wholly or not at all, and the message names the variable."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.support.wecom import APP, BOT, ENVIRONMENT, SECRET
from triage.errors import SettingsError
from triage.settings import load_settings


def _without(*fields: str, **changed: str) -> dict[str, str]:
    named = {f"TRIAGE_WECOM_{field}": value for field, value in changed.items()}
    left_out = {f"TRIAGE_WECOM_{field}" for field in fields}
    return {name: value for name, value in (ENVIRONMENT | named).items() if name not in left_out}


@pytest.mark.parametrize(
    ("environment", "variable"),
    [
        pytest.param(_without("CORPID"), "TRIAGE_WECOM_CORPID", id="an app without its corporation"),
        pytest.param(_without("AGENTID"), "TRIAGE_WECOM_AGENTID", id="without its AgentId"),
        pytest.param(_without("TOKEN"), "TRIAGE_WECOM_TOKEN", id="without its Token"),
        pytest.param(_without("AES_KEY"), "TRIAGE_WECOM_AES_KEY", id="without its key"),
        pytest.param(_without(AGENTID="app"), "TRIAGE_WECOM_AGENTID", id="an AgentId that is no number"),
        pytest.param(_without(AES_KEY="short"), "TRIAGE_WECOM_AES_KEY", id="a key that is none"),
        pytest.param(_without("BOT_TOKEN"), "TRIAGE_WECOM_BOT_TOKEN", id="a bot without its Token"),
        pytest.param(_without("BOT_AES_KEY"), "TRIAGE_WECOM_BOT_AES_KEY", id="a bot without its key"),
        pytest.param(
            _without(BOT_AES_KEY="A" * 44), "TRIAGE_WECOM_BOT_AES_KEY", id="a bot's key that is none"
        ),
    ],
)
def test_half_of_an_account_is_a_mistake_that_is_named(environment: dict[str, str], variable: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(environment)
    assert str(caught.value).startswith(f"{variable}: ")
    assert not [secret for secret in (SECRET, BOT.seal.aes_key) if secret in str(caught.value)]


def test_both_are_read_whole_and_are_no_demo() -> None:
    settings = load_settings({**ENVIRONMENT, "TRIAGE_FRESHNESS_SECONDS": "300"})
    assert not settings.demo
    assert settings.accounts["wecom"] == {APP.corpid: APP}
    assert list(settings.accounts["wecom_bot"].values()) == [BOT]
    assert BOT.seal.window == timedelta(seconds=300)


@pytest.mark.parametrize("kept", ["WECOM_BOT", "WECOM_"])
def test_one_of_them_is_enough(kept: str) -> None:
    environment = {name: value for name, value in ENVIRONMENT.items() if ("BOT" in name) == ("BOT" in kept)}
    accounts = load_settings(environment).accounts
    assert (bool(accounts["wecom"]), bool(accounts["wecom_bot"])) == ("BOT" not in kept, "BOT" in kept)


def test_without_any_there_is_none() -> None:
    accounts = load_settings({}).accounts
    assert not accounts["wecom"]
    assert not accounts["wecom_bot"]
