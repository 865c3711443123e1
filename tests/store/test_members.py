"""Members leave, change what they may do, and are called differently from each other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from tests.support.stores import NOW, entry, opened, person, together
from triage.errors import OvertakenError
from triage.store import Grant, Invite, Join, Member, Removal, Role, Store

LATER = NOW + timedelta(hours=1)
ALICE = Member(person("oAlice"), "阿丽", None, (), NOW, Role.LEAD)
BOB = Member(person("oBob"), "小李", None, ("wx1",), NOW)


@pytest.fixture
def store(upgraded: str) -> Iterator[Store]:
    with closing(Store.open(upgraded)) as opened_store:
        opened_store.add_member(ALICE)
        opened_store.add_member(BOB)
        yield opened_store


@pytest.mark.parametrize("name", ["小李", " 小 李 ", "\u3000小李"], ids=["same", "blanks", "a wide blank"])
def test_a_name_that_somebody_has_is_refused(name: str, store: Store) -> None:
    eve = Member(person("oEve"), name, None, (), NOW)
    with pytest.raises(OvertakenError, match="is called"):
        store.add_member(eve)
    store.invite(Invite("wort", ALICE.person, LATER))
    with pytest.raises(OvertakenError, match="is called"):
        store.record(entry("1", actions=(Join("wort", eve.person, name),)))
    assert store.members() == (ALICE, BOB)
    assert store.invitation("wort", NOW), "the word can be used with another name"


def test_a_member_may_keep_the_name_or_take_another(store: Store) -> None:
    store.add_member(replace(BOB, appids=()))
    store.add_member(replace(BOB, name="李雷"))
    store.add_member(Member(person("oEve"), "小李", None, (), NOW))
    assert [member.name for member in store.members()] == ["阿丽", "李雷", "小李"]


def test_of_two_who_take_one_name_at_once_one_gets_it(store: Store) -> None:
    def add(number: int) -> bool:
        with suppress(OvertakenError):
            store.add_member(Member(person(f"o{number}"), "小王", None, (), NOW))
            return True
        return False

    assert sum(together(add)) == 1
    assert [member.name for member in store.members()].count("小王") == 1


def test_an_invitation_gives_the_role_the_accounts_and_the_name(store: Store) -> None:
    store.invite(Invite("wort", ALICE.person, LATER, None, ("wx2",), Role.LEAD, "阿珍"))
    store.record(entry("1", actions=(Join("wort", person("oZhen"), None),)))
    assert store.member(person("oZhen")) == Member(person("oZhen"), "阿珍", None, ("wx2",), NOW, Role.LEAD)


def test_a_member_gets_another_role_and_other_accounts(store: Store) -> None:
    assert store.grant(Grant(BOB.person, Role.LEAD, ("wx1", "wx2")))
    assert store.member(BOB.person) == replace(BOB, role=Role.LEAD, appids=("wx1", "wx2"))
    assert not store.grant(Grant(person("oEve"), Role.LEAD, ()))
    assert store.member(person("oEve")) is None


def test_who_is_removed_is_no_member_and_leaves_nothing_behind(store: Store) -> None:
    claimed, closed, others = opened(store, "a"), opened(store, "b"), opened(store, "c")
    for incident in (claimed, closed):
        store.claim_incident(incident, BOB.person, NOW)
    store.close_incident(closed, BOB.person, NOW)
    store.claim_incident(others, ALICE.person, NOW)
    store.invite(Invite("offen", BOB.person, LATER))
    store.record(entry(uuid4().hex, actions=(Removal(BOB.person, ALICE.person),)))
    assert store.members() == (ALICE,)
    assert store.invitation("offen", NOW) is None
    owners = {row["id"]: row["owner"] for row in store.export("incidents")}
    assert owners == {claimed: None, closed: BOB.person, others: ALICE.person}
    assert (store.timeline(claimed)[-1].what, store.timeline(claimed)[-1].who) == ("release", ALICE.person)
    assert not store.remove_member(Removal(BOB.person, ALICE.person), NOW)
