"""The platform's half: what it finds wrong with an answer, and what it refuses to compose."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.platform import FAN, GH, NOW
from tests.support.wechat import ACCOUNTS, FUZZ, PLAIN, RANDOM, SAFE, platform, reply
from triage.channels.wechat.callback import receive, respond
from triage.channels.wechat.platform_side import MODES, accepts, compose
from triage.channels.xml import find_encrypted, read_fields, write_fields
from triage.errors import InputError
from triage.message import Message, Reply, Response
from triage.platform.pushes import PAYMENT_NOTIFY


def judged(response: Response, mode: str = "safe", push: str = "text") -> list[str]:
    request = platform(mode).request(push)
    accepted = accepts(response, request, ACCOUNTS[mode], push, sender=FAN, recipient=GH)
    return [finding.id for finding in accepted.findings]


def changed(**fields: str) -> Response:
    """A true envelope with these fields changed."""
    envelope = {**read_fields(reply("好").response.body.decode()), **fields}
    return Response(200, write_fields(envelope).encode())


@pytest.mark.parametrize(
    ("response", "ids"),
    [
        pytest.param(Response(201, b"success"), ["http_status"], id="another status"),
        pytest.param(Response(500, b"Error 500:"), ["http_status", "error_text"], id="an error page"),
        pytest.param(Response(200, b'"success"'), ["quoted_reply"], id="success in quotes"),
        pytest.param(Response(200, reply("好", "plain").response.body), ["not_encrypted"], id="plain XML"),
        pytest.param(
            changed(MsgSignature="0" * 40),
            ["wrong_envelope_signature"],
            id="a wrong signature",
        ),
        pytest.param(
            changed(Encrypt="A" * 44),
            ["wrong_envelope_signature", "undecryptable_reply"],
            id="a wrong cipher",
        ),
        pytest.param(changed(Nonce="7"), ["wrong_envelope_signature", "wrong_nonce"], id="a wrong nonce"),
        pytest.param(changed(MsgSignature=""), ["incomplete_envelope"], id="no signature"),
    ],
)
def test_the_platform_finds(response: Response, ids: list[str]) -> None:
    assert judged(response) == ids


def test_the_platform_refuses_an_envelope_where_the_account_is_plain() -> None:
    assert judged(reply("好").response, "plain") == ["unexpected_envelope"]


def test_in_compatible_mode_a_plain_reply_passes_too() -> None:
    assert judged(reply("好", "plain").response, "compatible") == []


def test_the_platform_judges_what_the_envelope_holds() -> None:
    client = platform()
    request = client.request("text")
    message = receive(request, SAFE, NOW)
    assert isinstance(message, Message)
    response = respond(
        Reply("好"), replace(message, sender="oSomebody"), SAFE, NOW, request.query["nonce"], RANDOM
    )
    accepted = accepts(response, request, SAFE, "text", sender=FAN, recipient=GH)
    assert [finding.id for finding in accepted.findings] == ["wrong_addressees"]


def test_the_platform_wants_its_echo_untouched() -> None:
    request = platform().verify().request
    for body in (b"", b'"4375120948345356249"', b"4375120948345356249\n"):
        accepted = accepts(Response(200, body), request, SAFE, "", sender=FAN, recipient=GH)
        assert [finding.id for finding in accepted.findings] == ["wrong_echo"]


@FUZZ
@given(body=st.binary(max_size=300), mode=st.sampled_from(MODES))
def test_the_platform_reads_any_answer(body: bytes, mode: str) -> None:
    judged(Response(200, body), mode)


@pytest.mark.parametrize("mode", ["aes", ""])
def test_an_unknown_mode_cannot_be_composed(mode: str) -> None:
    with pytest.raises(InputError, match="plain, compatible, safe"):
        compose("text", SAFE, NOW, sender=FAN, recipient=GH, nonce="1", mode=mode, random16=RANDOM)


@pytest.mark.parametrize("mode", ["compatible", "safe"])
def test_a_mode_with_a_cipher_needs_a_key(mode: str) -> None:
    with pytest.raises(InputError, match="EncodingAESKey"):
        compose("text", PLAIN, NOW, sender=FAN, recipient=GH, nonce="1", mode=mode, random16=RANDOM)


def test_payment_does_not_come_by_this_channel() -> None:
    with pytest.raises(InputError):
        platform().request(PAYMENT_NOTIFY)


def test_a_safe_push_hides_what_it_says() -> None:
    body = platform().request("text", {"Content": "secret"}).body.decode()
    assert set(read_fields(body)) == {"ToUserName", "Encrypt"}
    assert len(list(find_encrypted(body))) == 1
    ticket = platform().request("component_verify_ticket").body.decode()
    assert set(read_fields(ticket)) == {"AppId", "Encrypt"}
