"""A sick callback behaves as its illness says, and is pushed to like a real one."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import urlencode

import pytest

from triage.alerts.parser import BEIJING
from triage.channels.wechat.account import Account
from triage.channels.wechat.platform_side import compose, compose_echo
from triage.message import Response
from triage.simulator.alert import FailureStage, PushFailure
from triage.simulator.callback import SickCallback
from triage.simulator.delivery import PushClient
from triage.simulator.illnesses import HEALTHY, ILLNESSES, TransportFault
from triage.simulator.platform import Persona, make_persona

START = datetime(2026, 4, 21, 18, 30, 7, tzinfo=BEIJING)
FAN = "oAdFXedIqWRgfr63S568PiXzSAYS"


@pytest.fixture
def persona() -> Persona:
    return make_persona(HEALTHY, 0)


def _ask(
    callback: SickCallback, method: str, query: Mapping[str, str], body: bytes = b""
) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(*callback.address, timeout=5)
    try:
        connection.request(method, f"/wechat/callback?{urlencode(query)}", body)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def test_a_callback_verifies_before_it_is_sick(persona: Persona) -> None:
    echo = compose_echo(persona.account, START, nonce="1", echostr="4375120948345356249")
    with SickCallback(ILLNESSES["json"], persona.account, lambda: START) as callback:
        assert _ask(callback, "GET", echo.query) == (200, b"4375120948345356249")
        assert _ask(callback, "GET", {**echo.query, "signature": "0" * 40})[0] == 403
        assert (
            _ask(callback, "GET", {name: value for name, value in echo.query.items() if name != "echostr"})[0]
            == 400
        )


@pytest.mark.parametrize("name", ["refuses", "no_room", "closes"])
def test_a_callback_gets_well_at_the_same_address(name: str, persona: Persona) -> None:
    request = compose(
        "text", persona.account, START, sender=FAN, recipient="gh_1", nonce="1", mode="plain", random16=b""
    )
    with (
        SickCallback(ILLNESSES[name], persona.account, lambda: START, speed=20) as callback,
        PushClient(callback, host="wx.example.com", path="/", speed=10) as client,
    ):
        (sick,) = client.deliver([request])
        assert isinstance(sick, PushFailure)
        callback.become(HEALTHY)
        (well,) = client.deliver([request])
        assert well == Response(200, b"success")


def test_a_callback_that_says_nothing_is_given_up_at_the_limit(persona: Persona) -> None:
    request = compose(
        "text", persona.account, START, sender=FAN, recipient="gh_1", nonce="1", mode="plain", random16=b""
    )
    with (
        SickCallback(ILLNESSES["silent"], persona.account, lambda: START, speed=100) as callback,
        PushClient(callback, host="wx.example.com", path="/", speed=100) as client,
    ):
        assert client.deliver([request]) == (PushFailure(FailureStage.ANSWER_TIMEOUT),)


def test_a_push_that_timed_out_leaves_no_wait_to_the_next_one_from_its_port(persona: Persona) -> None:
    """A busy machine accepts late; until then the next one would be taken for as late as the one before."""
    callers: list[tuple[str, int]] = []

    class Noting(SickCallback):
        def arrive(self, client: tuple[str, int]) -> None:
            super().arrive(client)
            callers.append(client)

    request = compose(
        "text", persona.account, START, sender=FAN, recipient="gh_1", nonce="1", mode="plain", random16=b""
    )
    with (
        Noting(ILLNESSES["silent"], persona.account, lambda: START, speed=100) as callback,
        PushClient(callback, host="wx.example.com", path="/", speed=100) as client,
    ):
        assert client.deliver([request]) == (PushFailure(FailureStage.ANSWER_TIMEOUT),)
        (caller,) = callers
        assert callback.waited(caller) == timedelta()


def test_an_overloaded_callback_lets_the_last_ones_wait() -> None:
    now = START
    busy = replace(ILLNESSES["flood"], capacity=2)
    with SickCallback(busy, Account("wx", "token"), lambda: now) as callback:
        assert [callback.queue() for _ in range(4)] == [0, 0.5, 1, 1.5]
        now += timedelta(seconds=10)
        assert callback.queue() == 0
        for _ in range(100):
            longest = callback.queue()
        assert longest == 30


def test_the_simulator_pushes_to_this_machine_only() -> None:
    callback = SickCallback(HEALTHY, Account("wx", "token"), lambda: START)
    with callback, PushClient(callback, host="wx.example.com", path="/") as client:
        assert callback.address[0] == "127.0.0.1"
        assert client.deliver([]) == ()


def test_nothing_stays_open_after_a_play() -> None:
    illness = ILLNESSES["no_room"]
    callback = SickCallback(illness, Account("wx", "token"), lambda: START)
    with callback:
        address = callback.address
    with socket.socket() as probe:
        assert probe.connect_ex(address)


def test_no_illness_is_without_its_fault_or_its_reply() -> None:
    assert {illness.fault for illness in ILLNESSES.values()} == set(TransportFault)
