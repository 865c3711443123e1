"""While Token and EncodingAESKey are being changed: pushes by the old ones and the new ones, each answered in kind."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.platform import NOW, Platform
from tests.support.wechat import ACCOUNTS, SAFE, callback
from triage.channels.wechat.account import Account
from triage.channels.wechat.callback import receive
from triage.channels.wechat.platform_side import MODES
from triage.errors import RefusedError, SettingsError, UnreadableMessageError

OLD_TOKEN, OLD_KEY = "the-Token-before", "0ldK3vQ8mB1nX6cL0pW5tR9yU2iO7sD4fG8hJ3kL6zA"
THIRD_TOKEN, THIRD_KEY = "nobody-s", "Th1rdQ8mB1nX6cL0pW5tR9yU2iO7sD4fG8hJ3kL6zXA"
BOTH = replace(SAFE, token_old=OLD_TOKEN, aes_key_old=OLD_KEY)
PAIRS = {
    "the new ones": SAFE,
    "the old ones": replace(SAFE, token=OLD_TOKEN, aes_key=OLD_KEY),
    "the old Token alone": replace(SAFE, token=OLD_TOKEN),
    "the old key alone": replace(SAFE, aes_key=OLD_KEY),
}


def _platform(theirs: Account, ours: Account, mode: str = "safe") -> Platform:
    return Platform(theirs, callback(ours), mode)


@pytest.mark.parametrize("theirs", PAIRS.values(), ids=PAIRS)
@pytest.mark.parametrize("mode", ["safe", "compatible"])
def test_a_push_is_answered_by_the_secrets_that_it_came_by(mode: str, theirs: Account) -> None:
    exchange = _platform(theirs, BOTH, mode).say("4")
    assert (exchange.accepted.text, exchange.accepted.findings) == ("核对清单", ())


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (replace(SAFE, token_old=OLD_TOKEN), replace(SAFE, token=OLD_TOKEN)),
        (replace(SAFE, aes_key_old=OLD_KEY), replace(SAFE, aes_key=OLD_KEY)),
    ],
    ids=["the Token", "the key"],
)
def test_one_of_the_two_may_be_changed_alone(ours: Account, theirs: Account) -> None:
    assert _platform(theirs, ours).say("4").accepted.text == "核对清单"
    assert _platform(SAFE, ours).say("4").accepted.text == "核对清单"


@pytest.mark.parametrize("token", [SAFE.token, OLD_TOKEN])
def test_without_a_key_the_old_token_holds_too(token: str) -> None:
    ours = replace(ACCOUNTS["plain"], token_old=OLD_TOKEN)
    assert _platform(replace(ACCOUNTS["plain"], token=token), ours).say("4").accepted.text == "核对清单"


@pytest.mark.parametrize("token", [SAFE.token, OLD_TOKEN])
def test_the_address_is_verified_by_either_token(token: str) -> None:
    assert _platform(replace(SAFE, token=token), BOTH).verify().accepted.findings == ()


@pytest.mark.parametrize("theirs", PAIRS.values(), ids=PAIRS)
@pytest.mark.parametrize("mode", MODES)
def test_what_is_forged_stays_refused_while_the_secrets_change(mode: str, theirs: Account) -> None:
    ours = BOTH
    if mode == "plain":
        ours, theirs = replace(SAFE, aes_key=None, token_old=OLD_TOKEN), replace(theirs, aes_key=None)
    for name, request in _platform(theirs, ours, mode).forgeries():
        with pytest.raises(RefusedError):
            pytest.fail(f"{name}: {receive(request, ours, NOW)}")


@pytest.mark.parametrize(
    ("theirs", "error", "message"),
    [
        (replace(SAFE, token=THIRD_TOKEN), RefusedError, "Token"),
        (replace(SAFE, aes_key=THIRD_KEY), UnreadableMessageError, "EncodingAESKey"),
        (replace(SAFE, appid="wx0000000000000000"), RefusedError, "AppID"),
        (replace(SAFE, token=OLD_TOKEN, aes_key=OLD_KEY, appid="wx0000000000000000"), RefusedError, "AppID"),
    ],
    ids=["a third Token", "a third key", "another AppID", "another AppID by the old ones"],
)
def test_what_fits_neither_is_refused_with_its_reason(
    theirs: Account, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        receive(_platform(theirs, BOTH).request("text"), BOTH, NOW)


@pytest.mark.parametrize("theirs", list(PAIRS.values())[1:], ids=list(PAIRS)[1:])
def test_once_the_old_ones_are_unset_they_hold_no_more(theirs: Account) -> None:
    assert _platform(theirs, SAFE).say("4").accepted.text is None


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"token_old": " "}, "token_old"),
        ({"aes_key_old": "short"}, "aes_key_old"),
        ({"aes_key": None, "aes_key_old": OLD_KEY}, "aes_key_old"),
    ],
)
def test_old_secrets_that_could_never_verify_are_named(wrong: dict[str, str | None], field: str) -> None:
    with pytest.raises(SettingsError) as raised:
        replace(SAFE, **wrong)  # type: ignore[arg-type]  # mypy cannot tell which field
    assert raised.value.field == field


def test_no_secret_is_in_what_an_account_prints() -> None:
    shown = repr(BOTH) + repr(BOTH.secrets)
    assert not [secret for secret in (SAFE.token, str(SAFE.aes_key), OLD_TOKEN, OLD_KEY) if secret in shown]
