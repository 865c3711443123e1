"""What of an incident a person may see."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.support.stores import person, sighting
from triage.bot.access import Viewer
from triage.incidents.correlation import Incident, State
from triage.store import Member, Role

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
    viewer = Viewer(person("oBob"), Role.MEMBER, appids)
    assert viewer.may_see(INCIDENT) == viewer.may_change("wx1") == is_seen
    assert viewer.visible([INCIDENT]) == ((INCIDENT,) if is_seen else ())
    assert viewer.in_group().visible([INCIDENT]) == ()
    assert viewer.in_group().may_change("wx1") == is_seen, "what a member forwards counts wherever it is said"


@pytest.mark.parametrize(("appids", "may"), [((), True), (("wx1",), True), (("wx2",), False)])
def test_what_is_kept_apart_is_shown_to_nobody_and_confirmed_by_those_who_would_see_it(
    appids: tuple[str, ...], may: bool
) -> None:
    apart = replace(INCIDENT, is_confirmed=False)
    viewer = Viewer(person("oBob"), Role.MEMBER, appids)
    assert not viewer.may_see(apart)
    assert viewer.may_confirm(apart) == may
    assert not viewer.may_confirm(INCIDENT)
    assert not Viewer(person("oEve")).may_confirm(apart)
    assert not viewer.in_group().may_confirm(apart)


@pytest.mark.parametrize(
    ("role", "own", "theirs", "may"),
    [
        pytest.param(Role.LEAD, (), (), True, id="a lead of every account manages everybody"),
        pytest.param(Role.LEAD, (), ("wx1",), True, id="and those of one account"),
        pytest.param(
            Role.LEAD, ("wx1", "wx2"), ("wx1",), True, id="a lead of two accounts manages one of them"
        ),
        pytest.param(Role.LEAD, ("wx1",), ("wx1", "wx2"), False, id="but nobody who sees more"),
        pytest.param(Role.LEAD, ("wx1",), (), False, id="and nobody who sees everything"),
        pytest.param(Role.MEMBER, (), ("wx1",), False, id="a member manages nobody"),
        pytest.param(None, (), ("wx1",), False, id="nor does a stranger"),
    ],
)
def test_leads_manage_those_who_see_no_more_than_they_do(
    role: Role | None, own: tuple[str, ...], theirs: tuple[str, ...], may: bool
) -> None:
    viewer = Viewer(person("oBob"), role, own)
    assert viewer.may_manage(Member(person("oAlice"), "阿丽", None, theirs, NOW)) == may
    assert not viewer.in_group().may_manage(Member(person("oAlice"), "阿丽", None, theirs, NOW))
