"""Every limit of what WeChat's callback takes, on both sides of its boundary, and the reason of every refusal."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.platform import FAN, GH, NOW, Platform
from triage.channels.channel import Echo
from triage.channels.envelope import sign
from triage.channels.wechat.account import Account
from triage.channels.wechat.callback import MAX_BODY_BYTES, receive
from triage.channels.wechat.platform_side import compose, compose_echo
from triage.channels.xml import write_fields
from triage.errors import BadMessageError, RefusalReason, RefusedError, UnreadableMessageError
from triage.message import Message, Request, Response

SAFE = Account("wx5a1b2c3d4e5f6071", "a-Token", "kZ3vQ8mB1nX6cL0pW5tR9yU2iO7sD4fG8hJ3kL6zXcV")
PLAIN = replace(SAFE, aes_key=None)


def _echo(nonce: str = "1", timestamp: str = "", echostr: str = "1", now: datetime = NOW) -> Echo | Message:
    timestamp = timestamp or str(int(NOW.timestamp()))
    query = {"signature": sign(SAFE.token, timestamp, nonce), "timestamp": timestamp, "nonce": nonce}
    return receive(Request("GET", {**query, "echostr": echostr}), SAFE, now)


def _pushed(**fields: str) -> Message:
    """A text message in plain mode, with these fields in place of the usual ones."""
    request = compose(
        "text",
        PLAIN,
        NOW,
        sender=FAN,
        recipient=GH,
        nonce="1",
        fields={"Content": "3", "MsgId": "1", **fields},
        mode="plain",
        random16=bytes(16),
    )
    message = receive(request, PLAIN, NOW)
    assert isinstance(message, Message)
    return message


@pytest.mark.parametrize(("length", "is_taken"), [(0, False), (1, True), (128, True), (129, False)])
def test_a_nonce_has_1_to_128_characters(length: int, is_taken: bool) -> None:
    if is_taken:
        assert _echo(nonce="n" * length)
        return
    with pytest.raises(RefusedError) as caught:
        _echo(nonce="n" * length)
    assert caught.value.reason == "malformed"


@pytest.mark.parametrize("digits", [9, 11])
def test_a_timestamp_has_ten_digits(digits: int) -> None:
    timestamp = "1773081100"[:digits].ljust(digits, "0")
    with pytest.raises(RefusedError) as caught:
        _echo(timestamp=timestamp, now=datetime.fromtimestamp(int(timestamp), UTC))
    assert caught.value.reason == "malformed"


@pytest.mark.parametrize(("length", "is_taken"), [(0, False), (1, True), (512, True), (513, False)])
def test_an_echo_has_1_to_512_characters(length: int, is_taken: bool) -> None:
    if is_taken:
        assert _echo(echostr="e" * length) == Echo("e" * length)
        return
    with pytest.raises(BadMessageError):
        _echo(echostr="e" * length)


@pytest.mark.parametrize("direction", [-1, 1], ids=["late", "early"])
def test_a_timestamp_is_five_minutes_off_at_most(direction: int) -> None:
    assert _echo(now=NOW + direction * timedelta(minutes=5))
    with pytest.raises(RefusedError) as caught:
        _echo(now=NOW + direction * timedelta(minutes=5, seconds=1))
    assert caught.value.reason == "stale"


@pytest.mark.parametrize(("size", "is_taken"), [(MAX_BODY_BYTES, True), (MAX_BODY_BYTES + 1, False)])
def test_a_body_has_128_kib_at_most(size: int, is_taken: bool) -> None:
    query = dict(compose_echo(PLAIN, NOW, nonce="1", echostr="1").query)
    fields = {"ToUserName": GH, "FromUserName": FAN, "MsgType": "text", "CreateTime": "1773081100"}
    empty = len(write_fields({**fields, "Content": ""}))
    assert MAX_BODY_BYTES == 131_072
    request = Request("POST", query, write_fields({**fields, "Content": "x" * (size - empty)}).encode())
    assert len(request.body) == size
    if is_taken:
        assert receive(request, PLAIN, NOW)
        return
    with pytest.raises(BadMessageError, match="131,073 bytes"):
        receive(request, PLAIN, NOW)


@pytest.mark.parametrize("field", ["FromUserName", "ToUserName"])
def test_an_address_has_128_characters_at_most(field: str) -> None:
    assert _pushed(**{field: "o" * 128})
    with pytest.raises(UnreadableMessageError):
        _pushed(**{field: "o" * 129})


def test_a_type_of_message_has_128_characters_at_most() -> None:
    assert _pushed(MsgType="t" * 128).push == "t" * 128
    with pytest.raises(UnreadableMessageError):
        _pushed(MsgType="t" * 129)


@pytest.mark.parametrize(("id_", "expected"), [("9" * 20, "9" * 20), ("9" * 21, None), ("0", None)])
def test_a_message_id_has_20_digits_at_most(id_: str, expected: str | None) -> None:
    assert _pushed(MsgId=id_).id == expected


@pytest.mark.parametrize(("account", "is_hashed"), [("x" * 178, False), ("x" * 179, True)])
def test_the_key_of_a_message_has_190_characters_at_most(account: str, is_hashed: bool) -> None:
    key = replace(_pushed(MsgId="9999"), account=account).key
    assert (len(key) == 64) == is_hashed
    assert len(key) <= 190


def _refusals() -> list[tuple[RefusalReason, Account, Request]]:
    safe = Platform(SAFE, lambda request: Response(200, b""))
    true = safe.request("text", {"Content": "3"}, "1")
    stranger = replace(safe, account=replace(SAFE, token="guessed"))  # noqa: S106  # nobody's
    other = replace(safe, account=replace(SAFE, appid="wx0000000000000000"))
    plain = replace(safe, account=PLAIN, mode="plain").request("text", {"Content": "3"}, "1")
    return [
        ("malformed", SAFE, replace(true, query={**true.query, "timestamp": ""})),
        ("stale", SAFE, replace(safe, now=NOW - timedelta(minutes=6)).request("text", {}, "1")),
        ("signature", SAFE, stranger.request("text", {}, "1")),
        ("signature", PLAIN, replace(plain, query={**plain.query, "signature": "0" * 40})),
        ("appid", SAFE, other.request("text", {}, "1")),
        ("plain", SAFE, plain),
    ]


@pytest.mark.parametrize(
    ("reason", "account", "request_"),
    _refusals(),
    ids=[f"{each[0]} {n}" for n, each in enumerate(_refusals())],
)
def test_a_refusal_has_its_reason(reason: RefusalReason, account: Account, request_: Request) -> None:
    with pytest.raises(RefusedError) as caught:
        receive(request_, account, NOW)
    assert caught.value.reason == reason
