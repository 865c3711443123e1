"""What WeCom's callbacks share, by the official vectors and by those made from them."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import timedelta

import pytest
from wechatpy.crypto.cryptography import WeChatCipher

from tests.support.sealed import OF_APP, OF_BOT, SEALS, VECTORS, at
from triage.channels.channel import Echo
from triage.channels.sealed import Seal, close_sealed, open_echo, open_sealed
from triage.errors import BadMessageError, RefusedError, SettingsError, UnreadableMessageError

RANDOM = b"0123456789abcdef"
NOW = at(VECTORS["bot_echo"])


def _query(text: str, seal: Seal, **changed: str) -> tuple[dict[str, str], str]:
    sealed = close_sealed(text, seal, NOW, "n1", RANDOM)
    query = {"timestamp": sealed.timestamp, "nonce": sealed.nonce, "msg_signature": sealed.signature}
    return {**query, **changed}, sealed.encrypted


@pytest.mark.parametrize("name", ["app_echo", "app_message", "bot_echo", "bot_message"])
def test_a_vector_is_written_and_read_to_the_byte(name: str) -> None:
    vector, seal = VECTORS[name], SEALS[name[:3]]
    sealed = close_sealed(vector["text"], seal, at(vector), vector["nonce"], vector["random16"].encode())
    assert sealed.signature == vector["msg_signature"]
    assert sealed.encrypted == vector.get("encrypt", vector.get("echostr", sealed.encrypted))
    opened = open_sealed(sealed.encrypted, vector, seal, at(vector))
    assert (opened.text, opened.at) == (vector["text"], int(vector["timestamp"]))


def test_the_address_is_proved_by_what_is_encrypted_in_the_echo() -> None:
    vector = VECTORS["app_echo"]
    assert open_echo(vector, OF_APP, at(vector)) == Echo("1616140317555161061")


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        pytest.param({"msg_signature": "0" * 40}, "signature", id="a guessed signature"),
        pytest.param({"msg_signature": ""}, "signature", id="no signature"),
        pytest.param({"nonce": "n2"}, "signature", id="another nonce"),
        pytest.param({"nonce": ""}, "malformed", id="no nonce"),
        pytest.param({"timestamp": "1700000001"}, "signature", id="another timestamp"),
        pytest.param({"timestamp": "17000000"}, "malformed", id="a short timestamp"),
        pytest.param(
            {"timestamp": "n1", "nonce": "1700000000"}, "malformed", id="timestamp and nonce swapped"
        ),
    ],
)
def test_what_the_platform_has_not_signed_is_refused(changed: dict[str, str], reason: str) -> None:
    query, encrypted = _query("hello", OF_BOT, **changed)
    with pytest.raises(RefusedError) as caught:
        open_sealed(encrypted, query, OF_BOT, NOW)
    assert caught.value.reason == reason


@pytest.mark.parametrize("seconds", [-301, 301])
def test_what_was_signed_more_than_five_minutes_off_is_refused(seconds: int) -> None:
    query, encrypted = _query("hello", OF_BOT)
    assert open_sealed(encrypted, query, OF_BOT, NOW + timedelta(seconds=seconds // 2)).text == "hello"
    with pytest.raises(RefusedError) as caught:
        open_sealed(encrypted, query, OF_BOT, NOW + timedelta(seconds=seconds))
    assert caught.value.reason == "stale"


@pytest.mark.parametrize("receiveid", ["", "wx0000000000000000"])
def test_what_is_encrypted_for_another_corporation_is_refused(receiveid: str) -> None:
    query, encrypted = _query("hello", replace(OF_APP, receiveid=receiveid))
    with pytest.raises(RefusedError) as caught:
        open_sealed(encrypted, query, OF_APP, NOW)
    assert caught.value.reason == "appid"


def test_a_bot_refuses_what_is_encrypted_for_a_corporation() -> None:
    query, encrypted = _query("hello", OF_APP)
    with pytest.raises(RefusedError):
        open_sealed(encrypted, query, OF_BOT, NOW)


def test_what_another_key_has_encrypted_is_unreadable_and_no_echo() -> None:
    other = replace(OF_BOT, aes_key=OF_BOT.aes_key[::-1])
    query, encrypted = _query("hello", other)
    with pytest.raises(UnreadableMessageError):
        open_sealed(encrypted, query, OF_BOT, NOW)
    with pytest.raises(BadMessageError) as caught:
        open_echo({**query, "echostr": encrypted}, OF_BOT, NOW)
    assert not isinstance(caught.value, UnreadableMessageError), "the console is told, by a 400"


@pytest.mark.parametrize(("length", "is_taken"), [(0, False), (1, True), (512, True), (513, False)])
def test_an_echo_has_1_to_512_characters(length: int, is_taken: bool) -> None:
    query, encrypted = _query("x" * length, OF_BOT)
    if is_taken:
        assert open_echo({**query, "echostr": encrypted}, OF_BOT, NOW).text == "x" * length
    else:
        with pytest.raises(BadMessageError):
            open_echo({**query, "echostr": encrypted}, OF_BOT, NOW)


def test_a_bot_s_media_open_by_the_cipher_of_its_messages() -> None:
    """Nothing fetches them yet: what is shown there is asked for as text."""
    vector = VECTORS["bot_media"]
    cipher = WeChatCipher(base64.b64decode(vector["aeskey"]))
    padded = cipher.decrypt(base64.b64decode(vector["encrypted"]))
    assert padded[: -padded[-1]].decode() == vector["text"]


@pytest.mark.parametrize(
    ("token", "aes_key"),
    [("", OF_BOT.aes_key), (" ", OF_BOT.aes_key), ("t\n", OF_BOT.aes_key), ("t", "short"), ("t", "A" * 44)],
)
def test_what_could_never_verify_a_message_is_a_mistake_in_the_settings(token: str, aes_key: str) -> None:
    with pytest.raises(SettingsError):
        Seal(token, aes_key)
