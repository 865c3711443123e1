"""Who may enter the console: links that work once, sessions that end, and what is kept of both."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.support.stores import NOW, entry, fresh_database, opened, person, together
from triage.errors import StoreError
from triage.store import TABLES, Audited, Member, Removal, SignInLink, Store
from triage.store.database import Database
from triage.store.engine import UPGRADE_TIMEOUTS
from triage.store.migrating import SCRIPTS, migrate
from triage.store.schema import VERSIONS
from triage.store.signing import digest_of

ALICE, BOB = person("oAlice"), person("oBob")
SOON, LATER = NOW + timedelta(minutes=10), NOW + timedelta(hours=12)
LINK, TOKEN = "link-" + "k" * 40, "session-" + "s" * 40


@pytest.fixture
def store(upgraded: str) -> Iterator[Store]:
    with closing(Store.open(upgraded)) as opened_store:
        yield opened_store


def send_link(store: Store, link: str = LINK) -> None:
    store.record(entry(link, actions=(SignInLink(digest_of(link), ALICE, SOON),)))


@pytest.mark.parametrize(
    ("token", "at"),
    [
        pytest.param("link-x", NOW, id="a guess"),
        pytest.param("", NOW, id="nothing"),
        pytest.param(LINK[:-1], NOW, id="a cut link"),
        pytest.param(digest_of(LINK), NOW, id="what is kept of it"),
        pytest.param("\ud800", NOW, id="half a character"),
        pytest.param(LINK, SOON, id="a link at the moment it expires"),
    ],
)
def test_what_is_no_link_any_more_begins_nothing(store: Store, token: str, at: datetime) -> None:
    send_link(store)
    assert store.sign_ins.link_holder(token, at) is None
    assert store.sign_ins.use_link(token, TOKEN, at, LATER) is None
    assert store.sign_ins.session_holder(TOKEN, NOW) is None


def test_a_link_begins_one_session(store: Store) -> None:
    send_link(store)
    assert store.sign_ins.link_holder(LINK, NOW) == ALICE
    assert store.sign_ins.use_link(LINK, TOKEN, NOW, LATER) == ALICE
    assert store.sign_ins.use_link(LINK, "another", NOW, LATER) is None
    assert store.sign_ins.session_holder(TOKEN, NOW) == ALICE
    assert store.sign_ins.session_holder("another", NOW) is None


def test_of_a_crowd_that_uses_one_link_a_single_one_gets_in(store: Store) -> None:
    send_link(store)

    def use(number: int) -> object:
        try:
            return store.sign_ins.use_link(LINK, f"s{number}", NOW, LATER)
        except StoreError:  # it waited too long for the lock
            return None

    assert sum(holder is not None for holder in together(use)) == 1


def test_a_link_is_no_session_and_a_session_no_link(store: Store) -> None:
    send_link(store)
    assert store.sign_ins.session_holder(LINK, NOW) is None
    store.sign_ins.begin(TOKEN, BOB, NOW, LATER)
    assert store.sign_ins.link_holder(TOKEN, NOW) is None


def test_a_session_ends_by_time_and_by_signing_out(store: Store) -> None:
    store.sign_ins.begin(TOKEN, BOB, NOW, LATER)
    assert store.sign_ins.session_holder(TOKEN, LATER) is None
    assert store.sign_ins.end(TOKEN, NOW)
    assert not store.sign_ins.end(TOKEN, NOW)
    assert store.sign_ins.session_holder(TOKEN, NOW) is None


def test_signing_out_everywhere_ends_every_session_and_link_of_one_person(store: Store) -> None:
    send_link(store)
    store.sign_ins.begin("phone", ALICE, NOW, LATER)
    store.sign_ins.begin("laptop", ALICE, NOW, LATER)
    store.sign_ins.begin("other", BOB, NOW, LATER)
    assert store.sign_ins.end_all(ALICE, NOW) == 3
    assert store.sign_ins.link_holder(LINK, NOW) is None
    assert [store.sign_ins.session_holder(token, NOW) for token in ("phone", "laptop", "other")] == [
        None,
        None,
        BOB,
    ]


def test_who_is_removed_is_signed_out(store: Store) -> None:
    store.add_member(Member(ALICE, "阿丽", None, (), NOW))
    send_link(store)
    store.sign_ins.begin(TOKEN, ALICE, NOW, LATER)
    assert store.remove_member(Removal(ALICE, BOB), NOW)
    assert store.sign_ins.session_holder(TOKEN, NOW) is None
    assert store.sign_ins.link_holder(LINK, NOW) is None


def test_no_token_and_no_key_can_be_read_in_what_is_exported(store: Store) -> None:
    send_link(store)
    store.sign_ins.begin(TOKEN, ALICE, NOW, LATER)
    printed = json.dumps([list(store.export(table)) for table in TABLES if table != "messages"], default=str)
    assert digest_of(TOKEN) in printed
    assert not [secret for secret in (TOKEN, LINK, store.sign_ins.key()) if secret in printed]


def test_links_to_an_incident_are_voided_until_now_and_again_later(store: Store) -> None:
    incident = opened(store)
    assert store.sign_ins.links_voided_at(incident) is None
    store.sign_ins.void_links(incident, NOW)
    store.sign_ins.void_links(incident, SOON)
    assert store.sign_ins.links_voided_at(incident) == SOON
    assert store.sign_ins.links_voided_at(incident + 1) is None


def test_the_audit_log_is_read_from_its_end(store: Store) -> None:
    lines = [
        Audited(NOW, ALICE, "session", "claim", 3, "满仓商城 🚨", "192.0.2.7"),
        Audited(SOON, None, "nobody", "wrong_password"),
    ]
    for line in lines:
        store.sign_ins.note(line)
    assert store.sign_ins.audited(10) == (lines[1], lines[0])
    assert store.sign_ins.audited(1) == (lines[1],)


def test_what_is_old_is_forgotten(store: Store) -> None:
    send_link(store)
    store.sign_ins.begin(TOKEN, ALICE, NOW, LATER)
    store.sign_ins.void_links(1, NOW)
    store.sign_ins.note(Audited(NOW, ALICE, "session", "claim"))
    store.purge(SOON)
    assert [len(list(store.export(name))) for name in ("sign_ins", "voided_links", "audit")] == [2, 0, 0]
    store.purge(LATER + timedelta(seconds=1))
    assert list(store.export("sign_ins")) == []


def test_an_upgrade_makes_a_key_of_its_own_and_keeps_it(empty: str, tmp_path: Path) -> None:
    shutil.copytree(SCRIPTS, tmp_path / "eighth", ignore=shutil.ignore_patterns("v0009*"))
    database = Database(empty, UPGRADE_TIMEOUTS)
    database.write(lambda session: migrate(session.connection, tmp_path / "eighth", VERSIONS[:8]))
    with closing(Store(database)) as store:
        store.upgrade()
        key = store.sign_ins.key()
        store.upgrade()
        assert store.sign_ins.key() == key
        with fresh_database("sqlite", tmp_path) as url, closing(Store.open(url, upgrade=True)) as other:
            assert len(key) == len(other.sign_ins.key()) == 64
            assert key != other.sign_ins.key()
