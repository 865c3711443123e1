"""Which incidents a storm shows together: what is too small to be a group first."""

from __future__ import annotations

import pytest

from tests.support.talk import NOW, person
from triage.incidents.correlation import Incident, Shape, Sighting, State
from triage.incidents.grouping import grouped


def _incident(number: int, appid: str | None, ip: str | None, kind: str = "request_timeout") -> Incident:
    alert = Sighting(
        digest=str(number),
        kind=kind,
        title=kind,
        rank=1,
        appid=appid,
        nickname=None,
        callback=None,
        ip=ip,
        event=None,
        first_seen=None,
        count=None,
        causes=(),
        sender=person("o1"),
        seen_at=NOW,
    )
    return Incident(number, str(number), appid, None, State.OPEN, NOW, NOW, sightings=(alert,))


@pytest.mark.parametrize(
    ("incidents", "groups"),
    [
        pytest.param([], [], id="none"),
        pytest.param(
            [(1, "wx1", "192.0.2.1"), (2, "wx2", "192.0.2.1")],
            [(None, "request_timeout", (1, 2))],
            id="two accounts on a machine are none of the machine",
        ),
        pytest.param(
            [(1, None, "192.0.2.1"), (2, None, "192.0.2.1"), (3, None, "192.0.2.1")],
            [(None, "request_timeout", (1, 2, 3))],
            id="unknown accounts are not several",
        ),
        pytest.param(
            [(1, "wx1", None), (2, "wx2", None), (3, "wx3", None)],
            [(None, "request_timeout", (1, 2, 3))],
            id="unknown machines are not one",
        ),
        pytest.param(
            [
                (1, "wx1", "192.0.2.1"),
                (2, "wx2", "192.0.2.1"),
                (3, "wx3", "192.0.2.1"),
                (4, "wx3", "192.0.2.2"),
            ],
            [(Shape.HOST, "192.0.2.1", (1, 2, 3)), (None, "request_timeout", (4,))],
            id="three accounts on a machine",
        ),
        pytest.param(
            [
                (1, "wx1", "192.0.2.1"),
                (2, "wx1", "192.0.2.2"),
                (3, "wx1", None),
                (4, "wx2", None, "mark_fail"),
            ],
            [(Shape.CODE, "wx1", (1, 2, 3)), (None, "mark_fail", (4,))],
            id="three incidents of an account",
        ),
    ],
)
def test_groups(
    incidents: list[tuple[int, str, str]], groups: list[tuple[Shape | None, str, tuple[int, ...]]]
) -> None:
    found = grouped([_incident(*each) for each in incidents])
    assert [
        (group.shape, group.shared, tuple(item.id for item in group.incidents)) for group in found
    ] == groups
