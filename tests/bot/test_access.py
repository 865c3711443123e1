"""What of an incident a person may see."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.support.stores import person, sighting
from triage.bot.access import Viewer
from triage.incidents.correlation import Incident, State

NOW = datetime(2026, 4, 21, tzinfo=UTC)
OWN, OTHER = sighting("own", sender=person("oEve")), sighting("other", sender=person("oAlice"))
INCIDENT = Incident(
    1, "wx1|cb", "wx1", None, State.OPEN, NOW, NOW, person("oAlice"), 3, None, "好了", (OWN, OTHER)
)


def test_a_stranger_sees_their_own_alerts_and_nothing_that_others_did() -> None:
    (shown,) = Viewer(person("oEve")).visible([INCIDENT])
    assert shown.sightings == (OWN,)
    assert (shown.owner, shown.step, shown.closed_note) == (None, 0, None)
    assert Viewer(person("oBob")).visible([INCIDENT]) == ()
    assert Viewer(person("oEve", "wx2")).visible([INCIDENT]) == ()


@pytest.mark.parametrize(("appids", "is_seen"), [((), True), (("wx1",), True), (("wx2",), False)])
def test_a_member_sees_the_incidents_of_their_accounts_whole(appids: tuple[str, ...], is_seen: bool) -> None:
    viewer = Viewer(person("oBob"), is_member=True, appids=appids)
    assert viewer.may_see(INCIDENT) == is_seen
    assert viewer.visible([INCIDENT]) == ((INCIDENT,) if is_seen else ())
    assert viewer.in_group().visible([INCIDENT]) == ()
