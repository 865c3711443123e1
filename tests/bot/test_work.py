"""The work for one message is bounded, whatever it holds: counted in statements, which no slow machine changes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event

from tests.support.talk import CONNECT, NOW, STRANGER, ZHAO, Say

ONE_ALERT = {ZHAO: 10, STRANGER: 9}
"""Statements for a message with one alert, from the dedupe to the commit."""
OF_THE_MESSAGE = 11
"""Statements that every message may cost, with the one that writes the new incidents' numbers into the reply."""
OF_AN_ALERT = 2
"""Statements for each of the alerts that a message leaves."""
REMEMBERED = 20


@pytest.fixture
def statements() -> Iterator[list[str]]:
    """What SQLite is told from now on; connections that were opened before are not seen."""
    told: list[str] = []

    def trace(connection: Any, _: object) -> None:
        connection.set_trace_callback(told.append)

    event.listen(Engine, "connect", trace)
    yield told
    event.remove(Engine, "connect", trace)


@contextmanager
def _counted(told: list[str]) -> Iterator[list[int]]:
    before, counted = len(told), [0]
    yield counted
    counted[0] = len(told) - before


def _fakes(number: int, salt: str = "") -> str:
    return "".join(f"次数:5分钟1次[IP=192.0.2.126][3rdUrl=http://{at:x}{salt}.b]\n" for at in range(number))


@pytest.mark.parametrize("sender", [ZHAO, STRANGER], ids=["a member", "a stranger"])
def test_a_single_alert_takes_few_statements(sender: str, statements: list[str], say: Say) -> None:
    say("帮助", sender)
    with _counted(statements) as counted:
        say(CONNECT, sender)
    assert 0 < counted[0] <= ONE_ALERT[sender]


@pytest.mark.parametrize("sender", [ZHAO, STRANGER], ids=["a member", "a stranger"])
def test_hundreds_of_alerts_take_no_more_statements_than_twenty(
    sender: str, statements: list[str], say: Say
) -> None:
    say("帮助", sender)
    for number in range(3):  # the third one finds sixty incidents of the first two
        with _counted(statements) as counted:
            say(_fakes(400, str(number % 2)), sender, NOW + timedelta(minutes=2 * number))
        assert 0 < counted[0] <= OF_THE_MESSAGE + OF_AN_ALERT * REMEMBERED


def test_looking_up_twenty_keys_takes_as_many_statements_as_one(statements: list[str], say: Say) -> None:
    say(_fakes(20))
    del statements[:]
    say(_fakes(20), now=NOW + timedelta(minutes=2))
    assert sum("incidents.lookup IN" in told for told in statements) == 1
    assert sum("incidents.id IN" in told for told in statements) == 1
