"""Which open incident is the worst, what explains several of them, and how long the platform still holds back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.support.stores import NOW, sighting
from triage.findings import Severity
from triage.incidents.correlation import Incident, Shape, Sighting, State
from triage.incidents.overview import Block, overview, portion, standing

MINUTE = timedelta(minutes=1)


def _incident(number: int, *alerts: Sighting, **values: Any) -> Incident:
    last = max((alert.seen_at for alert in alerts), default=NOW)
    made = Incident(number, str(number), f"wx{number}", None, State.OPEN, NOW, last, sightings=alerts)
    return replace(made, **values)


def _alert(**values: Any) -> Sighting:
    return sighting(**{"ip": None, "appid": None, **values})


def _numbers(blocks: Sequence[Block]) -> list[list[int]]:
    return [[incident.id for incident in block.incidents] for block in blocks]


@pytest.mark.parametrize(
    ("incidents", "order"),
    [
        pytest.param([], [], id="nothing is open"),
        pytest.param(
            [_incident(1), _incident(2, _alert(rank=1))], [2, 1], id="one without alerts comes last"
        ),
        pytest.param(
            [_incident(1, _alert(rank=1, count=900)), _incident(2, _alert(rank=0, count=1))],
            [2, 1],
            id="a graver one comes before one that fails more often",
        ),
        pytest.param(
            [_incident(1, _alert(count=3)), _incident(2, _alert(count=30)), _incident(3, _alert(count=None))],
            [2, 1, 3],
            id="of two that are as grave the one that fails more often comes first",
        ),
        pytest.param(
            [
                _incident(1, _alert(count=900, seen_at=NOW - 31 * MINUTE)),
                _incident(2, _alert(count=1)),
            ],
            [2, 1],
            id="what was often half an hour ago is quiet now",
        ),
        pytest.param(
            [_incident(1, _alert(), opened_at=NOW), _incident(2, _alert(), opened_at=NOW - MINUTE)],
            [2, 1],
            id="of two that are alike the older one comes first",
        ),
        pytest.param(
            [_incident(1, _alert(rank=1), _alert(rank=2)), _incident(2, _alert(rank=2), _alert(rank=0))],
            [2, 1],
            id="the gravest alert counts, not the newest",
        ),
    ],
)
def test_the_worst_comes_first(incidents: list[Incident], order: list[int]) -> None:
    blocks = overview(incidents, NOW)
    assert [number for block in _numbers(blocks) for number in block] == order


@pytest.mark.parametrize(
    ("alerts", "rate"),
    [
        pytest.param([], None, id="no alert"),
        pytest.param([_alert(count=None)], None, id="an alert that counts nothing"),
        pytest.param([_alert(count=0)], 0, id="an alert that counts none"),
        pytest.param([_alert(count=9), _alert(count=4)], 4, id="the newest of one kind"),
        pytest.param([_alert(count=9, kind="dns_timeout"), _alert(count=4)], 13, id="two kinds at once"),
        pytest.param(
            [_alert(count=9, kind="dns_timeout", seen_at=NOW - 6 * MINUTE), _alert(count=4)],
            4,
            id="a kind of six minutes ago is over",
        ),
        pytest.param([_alert(count=9, seen_at=NOW - 31 * MINUTE)], None, id="quiet"),
    ],
)
def test_the_rate_is_that_of_the_newest_alerts(alerts: list[Sighting], rate: int | None) -> None:
    assert standing(_incident(1, *alerts), NOW).rate == rate


@pytest.mark.parametrize(
    ("alerts", "seconds"),
    [
        pytest.param([_alert(seen_at=NOW)], None, id="no MarkFail"),
        pytest.param([_alert(kind="mark_fail", seen_at=NOW - MINUTE)], None, id="a minute ago"),
        pytest.param(
            [_alert(kind="mark_fail", seen_at=NOW - MINUTE / 2, first_seen=None)], 30, id="half a minute ago"
        ),
        pytest.param(
            [
                _alert(kind="mark_fail", seen_at=NOW - 2 * MINUTE, first_seen=NOW - 2 * MINUTE),
                _alert(kind="mark_fail", seen_at=NOW, first_seen=NOW - MINUTE / 4),
            ],
            45,
            id="the newest of several counts",
        ),
        pytest.param(
            [_alert(kind="mark_fail", seen_at=NOW, first_seen=NOW - 40 * MINUTE)],
            None,
            id="forwarded long after it was over",
        ),
    ],
)
def test_the_minute_after_a_markfail_is_counted_down(alerts: list[Sighting], seconds: int | None) -> None:
    left = standing(_incident(1, *alerts), NOW).blocked_for
    assert left == (None if seconds is None else timedelta(seconds=seconds))


def test_the_severity_is_that_of_the_gravest_alert() -> None:
    assert standing(_incident(1, _alert(rank=2), _alert(rank=0)), NOW).severity is Severity.CRITICAL


def _on_machine(number: int, ip: str | None, rank: int = 1) -> Incident:
    return _incident(number, _alert(ip=ip, rank=rank))


def test_accounts_on_one_machine_stand_together_where_the_worst_of_them_would() -> None:
    incidents = [_on_machine(number, "192.0.2.7", rank=2) for number in (1, 2)]
    incidents += [_on_machine(3, "192.0.2.7", rank=0), _on_machine(4, "192.0.2.8"), _on_machine(5, None)]
    blocks = overview(incidents, NOW)
    assert _numbers(blocks) == [[3, 1, 2], [4], [5]]
    assert [(block.shape, block.shared, block.accounts) for block in blocks] == [
        (Shape.HOST, "192.0.2.7", 3),
        (None, "", 1),
        (None, "", 1),
    ]


def test_incidents_of_one_account_stand_together() -> None:
    incidents = [_incident(number, _alert(), appid="wx1") for number in (1, 2, 3)]
    (block,) = overview(incidents, NOW)
    assert (block.shape, block.shared, block.accounts) == (Shape.CODE, "wx1", 1)


def test_those_with_nothing_but_the_kind_in_common_stand_alone() -> None:
    blocks = overview([_incident(number, _alert()) for number in (1, 2, 3, 4)], NOW)
    assert _numbers(blocks) == [[1], [2], [3], [4]]


@pytest.mark.parametrize(
    ("skip", "most", "shown"),
    [
        pytest.param(0, 10, [[1, 2, 3], [4], [5]], id="everything"),
        pytest.param(0, 2, [[1, 2]], id="a block that is cut"),
        pytest.param(2, 2, [[3], [4]], id="from within a block"),
        pytest.param(3, 1, [[4]], id="behind a block"),
        pytest.param(5, 10, [], id="behind everything"),
    ],
)
def test_a_portion_of_the_page(skip: int, most: int, shown: list[list[int]]) -> None:
    incidents = [_on_machine(number, "192.0.2.7") for number in (1, 2, 3)]
    blocks = overview([*incidents, _on_machine(4, None), _on_machine(5, None)], NOW)
    assert _numbers(portion(blocks, skip, most)) == shown
