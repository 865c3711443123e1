"""What makes two incidents alike, and which of the closed ones is worth reading first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from tests.support.stores import NOW, sighting
from triage.incidents.correlation import Incident, Sighting, State
from triage.incidents.likeness import (
    MOST_ALIKE,
    MOST_TRAITS,
    Closed,
    Likeness,
    Trait,
    most_alike,
    traits_of,
)

ACCOUNT, HOST = (
    Trait(Likeness.ACCOUNT, "dns_timeout", "wx1"),
    Trait(Likeness.HOST, "dns_timeout", "a.example"),
)
MACHINE, CAUSE = Trait(Likeness.MACHINE, "dns_timeout", "192.0.2.7"), Trait(Likeness.CAUSE, "", "html_page")
NOTHING: dict[str, Any] = {"appid": None, "callback": None, "ip": None, "causes": ()}


def _traits(*alerts: Sighting) -> list[str]:
    return list(map(str, traits_of(Incident(1, "k", None, None, State.OPEN, NOW, NOW, sightings=alerts))))


@pytest.mark.parametrize(
    ("alert", "traits"),
    [
        pytest.param(NOTHING, [], id="nothing is known"),
        pytest.param({**NOTHING, "callback": "http://[broken"}, [], id="a callback that is no URL"),
        pytest.param({**NOTHING, "callback": "callback"}, [], id="a callback without a host"),
        pytest.param({**NOTHING, "appid": "wx1"}, ["account|request_timeout|wx1"], id="the account"),
        pytest.param(
            {**NOTHING, "callback": "https://A.example:8443/x"},
            ["host|request_timeout|a.example"],
            id="the host without port, path and case",
        ),
        pytest.param({**NOTHING, "ip": "192.0.2.7"}, ["machine|request_timeout|192.0.2.7"], id="the machine"),
        pytest.param({**NOTHING, "causes": ("html_page",)}, ["cause||html_page"], id="a cause of any kind"),
    ],
)
def test_what_an_incident_is_compared_by(alert: dict[str, Any], traits: list[str]) -> None:
    assert _traits(sighting(**alert)) == traits


def test_the_most_telling_traits_are_kept_where_an_alert_brings_many() -> None:
    alerts = [sighting(**{**NOTHING, "ip": f"192.0.2.{number}"}) for number in range(MOST_TRAITS)]
    traits = _traits(*alerts, sighting(**{**NOTHING, "appid": "wx1"}))
    assert len(traits) == MOST_TRAITS
    assert traits[0].startswith("account|")


@pytest.mark.parametrize(
    ("found", "order"),
    [
        pytest.param({}, [], id="nothing like it"),
        pytest.param({ACCOUNT: []}, [], id="a trait that nothing has"),
        pytest.param(
            {ACCOUNT: [Closed(1, False)], CAUSE: [Closed(2, True)]}, [2, 1], id="a note comes first"
        ),
        pytest.param(
            {CAUSE: [Closed(3, True)], ACCOUNT: [Closed(1, True)]}, [1, 3], id="the account before the cause"
        ),
        pytest.param(
            {MACHINE: [Closed(9, True)], HOST: [Closed(1, True)]}, [1, 9], id="the host before the machine"
        ),
        pytest.param(
            {ACCOUNT: [Closed(1, True), Closed(2, True)]}, [2, 1], id="of two that are alike the newer one"
        ),
    ],
)
def test_the_order_of_similar_incidents(found: Mapping[Trait, Sequence[Closed]], order: list[int]) -> None:
    assert list(most_alike(found)) == order


def test_an_incident_says_all_that_it_shares_the_most_telling_first() -> None:
    found = {trait: [Closed(1, True)] for trait in (CAUSE, MACHINE, ACCOUNT)}
    assert most_alike(found) == {1: (Likeness.ACCOUNT, Likeness.MACHINE, Likeness.CAUSE)}


def test_only_a_few_are_shown() -> None:
    assert len(most_alike({CAUSE: [Closed(number, False) for number in range(50)]})) == MOST_ALIKE
