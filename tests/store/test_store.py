"""The store, on SQLite always and on the servers that are there."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from itertools import pairwise

import pytest
from sqlalchemy import delete

from tests.support.paths import ROOT
from tests.support.stores import (
    HOSTILE,
    NOW,
    SERVERS,
    entry,
    fresh_database,
    message,
    opened,
    opening,
    person,
    recorded_in,
    sighting,
    together,
)
from triage.errors import OvertakenError, StoreError
from triage.incidents.correlation import Incident, Reason, State
from triage.message import Person
from triage.store import TABLES, Action, Change, Entry, Event, Invite, Join, Member, Recorded, Store, Wanted
from triage.store.database import Database
from triage.store.purging import PURGE_ROWS
from triage.store.schema import MEMBERS

LATER = NOW + timedelta(hours=1)


@pytest.fixture(scope="module", params=["sqlite", *SERVERS])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with fresh_database(request.param, tmp_path_factory.mktemp("store")) as url:
        Store.open(url, upgrade=True).close()
        yield url


@pytest.fixture
def store(place: str) -> Iterator[Store]:
    database = Database(place)
    database.write(lambda session: session.connection.execute(delete(MEMBERS)))
    opened = Store(database)
    opened.purge(datetime(9998, 1, 1, tzinfo=UTC))
    yield opened
    opened.close()


def writer(url: str, script: str) -> subprocess.Popen[str]:
    """Another process with a store, `entry` and `opening`."""
    head = (
        "import sys\nfrom tests.support.stores import *\nstore = Store.open(sys.argv[1])\n"
        "def say(what): print(what, flush=True)\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", head + script, url],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def _record_own(store: Store, made: Entry, worker: int) -> Recorded:
    """A worker comes to a reply of its own, and records it."""
    return store.record(replace(made, reply=f"reply of {worker}"))


class TestMessages:
    def test_a_new_message_has_no_reply(self, store: Store) -> None:
        assert store.reply_to("unheard") is None

    @pytest.mark.parametrize("reply", ["回复", "", None])
    def test_a_recorded_reply_comes_back(self, store: Store, reply: str | None) -> None:
        made = entry("1", reply=reply)
        assert store.record(made) == Recorded(reply, is_new=True)
        assert store.reply_to(made.message.key) == Recorded(reply, sender="oAlice")

    def test_a_second_record_changes_nothing(self, store: Store) -> None:
        store.record(entry("1", opening()))
        again = entry("1", opening("other"), reply="anders", conversation={"page": 9}, gap="?")
        assert store.record(again) == Recorded("回复", sender="oAlice")
        assert store.incidents_for(["other"], NOW) == ()
        assert store.conversation(person("oAlice"), NOW) is None
        assert list(store.export("gaps")) == []
        known = store.incident(next(iter(store.export("incidents")))["id"])
        assert known is not None
        assert len(known.sightings) == 1

    def test_threads_that_record_one_message_get_one_reply(self, store: Store) -> None:
        for number in range(10):
            made = entry(f"m{number}", opening())
            given = together(partial(_record_own, store, made))
            assert len({recorded.reply for recorded in given}) == 1
            assert sum(recorded.is_new for recorded in given) == 1
        assert len(list(store.export("alerts"))) == 10

    def test_processes_that_record_one_message_get_one_reply(self, store: Store, place: str) -> None:
        script = (
            "import os\nsay('ready'); sys.stdin.readline()\n"
            "for n in range(40): say(store.record(entry(f'm{n}', opening(), reply=f'{n} by {os.getpid()}')).reply)\n"
        )
        writers = [writer(place, script) for _ in range(2)]
        for process in writers:
            assert process.stdout
            process.stdout.readline()
        for process in writers:
            assert process.stdin
            process.stdin.write("go\n")
            process.stdin.flush()
        given = [process.communicate(timeout=30)[0].splitlines() for process in writers]
        assert len(given[0]) == 40
        assert given[0] == given[1]
        assert len(list(store.export("alerts"))) == 40
        assert len(list(store.export("incidents"))) == 1

    def test_what_was_recorded_survives_kill_9(self, store: Store, place: str) -> None:
        process = writer(
            place,
            "import itertools\nfor n in itertools.count():\n    store.record(entry(f'k{n}', opening())); say(n)\n",
        )
        assert process.stdout
        done = [process.stdout.readline() for _ in range(60)]
        process.send_signal(signal.SIGKILL)
        done += process.communicate(timeout=30)[0].splitlines()
        told = [int(line) for line in done if line.strip()]
        assert all(store.reply_to(message(f"k{n}").key) == Recorded("回复", sender="oAlice") for n in told)
        assert store.record(entry("after", opening())).is_new

    @pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
    def test_a_hostile_text_comes_back_exactly(self, store: Store, text: str) -> None:
        placed = opening("k" + text, title=text, callback=text, nickname=text, causes=(text,))
        made = replace(
            entry("1", placed, reply=text, conversation={"text": text}, gap=text),
            message=message("1", text=text),
        )
        (incident,) = recorded_in(store, made)
        assert store.reply_to(made.message.key) == Recorded(text, sender="oAlice")
        known = store.incident(incident)
        assert known is not None
        assert (known.key, known.callback, known.sightings) == ("k" + text, text, (placed[0],))
        assert store.conversation(person("oAlice"), NOW) == {"text": text}
        assert [row["text"] for row in store.export("messages")] == [text]
        assert [row["text"] for row in store.export("gaps")] == [text]
        assert [each.id for each in store.incidents_for(["k" + text], NOW)] == [incident]

    def test_what_no_database_stores_is_left_out_everywhere(self, store: Store) -> None:
        made = entry("1", opening(count=10**30), reply="a\0b\ud83dc")
        assert store.record(made).reply == "ab\ufffdc"
        assert store.reply_to(made.message.key) == Recorded("ab\ufffdc", sender="oAlice")
        assert next(store.export("alerts"))["count"] == 2**63 - 1

    def test_keys_differ_by_case(self, store: Store) -> None:
        store.record(entry("abc"))
        assert store.reply_to(message("ABC").key) is None

    def test_a_signature_is_used_by_another_message_only(self, store: Store) -> None:
        made = entry("1")
        store.record(made)
        assert not store.signature_used("s1", made.message.key)
        assert not store.signature_used("s2", "other")
        assert not store.signature_used("", "other")
        assert store.signature_used("s1", "other")

    def test_a_conversation_is_replaced_and_expires(self, store: Store) -> None:
        store.record(entry("1", conversation={"page": 1}, expires_at=LATER))
        store.record(entry("2"))
        assert store.conversation(person("oAlice"), NOW) == {"page": 1}
        store.record(entry("3", conversation={"page": 2}, expires_at=LATER))
        assert store.conversation(person("oAlice"), NOW) == {"page": 2}
        assert store.conversation(person("oAlice"), LATER) is None
        assert store.conversation(person("oBob"), NOW) is None

    def test_a_talk_in_a_group_is_another_one(self, store: Store) -> None:
        chats = (None, "C1", "C2", "长" * 300)
        for page, chat in enumerate(chats, start=1):
            talk = entry(str(page), conversation={"page": page}, expires_at=LATER)
            store.record(replace(talk, message=replace(talk.message, chat=chat)))
        alice = person("oAlice")
        assert [store.conversation(alice, NOW, chat) for chat in chats] == [
            {"page": page} for page in range(1, 5)
        ]
        assert store.conversation(alice, NOW, "C3") is None
        assert store.conversation(person("oBob"), NOW, "C1") is None

    def test_the_text_of_a_message_is_not_kept_again_with_its_conversation(self, store: Store) -> None:
        made = replace(
            entry("1", conversation={"text": "第一行\n第二行", "page": 1}, expires_at=LATER),
            message=message("1", text="第一行\n第二行"),
        )
        store.record(made)
        (kept,) = store.export("conversations")
        assert kept["state"] == {"page": 1, "text_of": made.message.key}
        assert store.conversation(person("oAlice"), NOW) == {"page": 1, "text": "第一行\n第二行"}


class TestIncidents:
    def test_the_text_of_an_incident_is_that_of_its_newest_alert(self, store: Store) -> None:
        first = replace(entry("1", opening()), message=message("1", text="第一条"))
        (incident,) = recorded_in(store, first)
        joined = (sighting("d2"), Change("wx1|cb", incident, Reason.JOINED))
        store.record(replace(entry("2", joined), message=message("2", text="第二条")))
        assert store.alert_text(incident) == "第二条"
        assert store.alert_text(incident + 1) is None

    def test_an_alert_opens_an_incident(self, store: Store) -> None:
        incident = opened(store)
        expected = Incident(
            incident,
            "wx1|cb",
            "wx1",
            "https://a.example/cb",
            State.OPEN,
            NOW,
            NOW,
            sightings=(sighting(),),
            alerts=1,
        )
        assert store.incident(incident) == expected
        assert store.incidents_for(["wx1|cb", "none"], NOW) == (expected,)
        assert store.incident(incident + 1) is None
        assert store.incident(10**30) is None
        assert store.timeline(incident) == (Event(NOW, person("oAlice"), "open", "回应超时"),)

    def test_an_alert_joins_the_incident_named(self, store: Store) -> None:
        incident = opened(store)
        second = sighting("d2", seen_at=LATER)
        store.record(entry("2", (second, Change("wx1|cb", incident, Reason.JOINED))))
        known = store.incident(incident)
        assert known is not None
        assert known.sightings == (sighting(), second)
        assert (known.opened_at, known.last_seen) == (NOW, LATER)

    def test_threads_that_open_one_key_join(self, store: Store) -> None:
        ids = together(lambda n: recorded_in(store, entry(f"m{n}", opening(digest=f"d{n}"))))
        assert len({tuple(each) for each in ids}) == 1
        known = store.incident(ids[0][0])
        assert known is not None
        assert {each.digest for each in known.sightings} == {f"d{n}" for n in range(8)}
        assert [event.what for event in store.timeline(known.id)] == ["open"]

    def test_messages_with_the_same_alerts_in_another_order_do_not_block(self, store: Store) -> None:
        keys = [f"key{n}" for n in range(6)]

        def send(number: int) -> list[int]:
            turned = keys if number % 2 else keys[::-1]
            made = entry(f"m{number}", *(opening(key, digest=key) for key in turned))
            return recorded_in(store, made)

        for number, incidents in enumerate(together(send)):
            turned = keys if number % 2 else keys[::-1]
            found = [store.incident(each) for each in incidents]
            assert [each and each.key for each in found] == turned
        assert len(list(store.export("incidents"))) == 6

    def test_an_alert_of_a_purged_incident_opens_another(self, store: Store) -> None:
        incident = opened(store)
        store.purge(LATER)
        placed = (sighting(), Change("wx1|cb", incident, Reason.JOINED))
        (other,) = recorded_in(store, entry("2", placed))
        assert other > incident

    def test_an_alert_reopens_a_closed_incident(self, store: Store) -> None:
        incident = opened(store)
        store.claim_incident(incident, person("oAlice"), NOW)
        store.close_incident(incident, person("oAlice"), NOW, "重启")
        again = (
            sighting("d2", sender=person("oBob"), seen_at=LATER),
            Change("wx1|cb", incident, Reason.REOPENED),
        )
        assert recorded_in(store, entry("2", again)) == [incident]
        known = store.incident(incident)
        assert known is not None
        assert (known.state, known.owner, known.closed_note) == (State.OPEN, None, None)
        assert [event.what for event in store.timeline(incident)] == ["open", "claim", "close", "reopen"]

    def test_reopening_joins_what_is_open_by_now(self, store: Store) -> None:
        incident = opened(store)
        store.close_incident(incident, person("oAlice"), NOW)
        other = opened(store)
        again = (sighting("d2"), Change("wx1|cb", incident, Reason.REOPENED))
        assert recorded_in(store, entry("2", again)) == [other]

    def test_only_the_newest_sightings_come_with_it(self, store: Store) -> None:
        placed = [opening(digest=f"d{n}") for n in range(120)]
        (incident,) = set(recorded_in(store, entry("1", *placed)))
        known = store.incident(incident)
        assert known is not None
        assert [each.digest for each in known.sightings] == [f"d{n}" for n in range(70, 120)]

    def test_what_was_closed_long_ago_is_not_known(self, store: Store) -> None:
        incident = opened(store)
        store.close_incident(incident, person("oAlice"), NOW, "重启")
        assert store.incidents_for(["wx1|cb"], LATER) == ()
        (known,) = store.incidents_for(["wx1|cb"], NOW)
        assert (known.state, known.closed_at, known.closed_note) == (State.CLOSED, NOW, "重启")

    def test_the_open_incident_of_a_flapping_callback_is_always_known(self, store: Store) -> None:
        closed = []
        for number in range(12):
            closed.append(opened(store, seen_at=LATER + timedelta(hours=number)))
            store.close_incident(closed[-1], person("oAlice"), LATER)
        assert [each.id for each in store.incidents_for(["wx1|cb"], NOW)] == closed[:-11:-1]
        incident = opened(store)
        known = store.incidents_for(["wx1|cb"], NOW)
        assert [each.id for each in known] == [incident, *closed[:-10:-1]]

    def test_recent_incidents_are_the_newest_of_ones_accounts(self, store: Store) -> None:
        old = opened(store, "a", seen_at=NOW - timedelta(days=1))
        ours, theirs = opened(store, "b", seen_at=NOW), opened(store, "c", appid="wx2", seen_at=LATER)
        assert [each.id for each in store.recent_incidents(NOW)] == [theirs, ours]
        assert [each.id for each in store.recent_incidents(NOW, 1)] == [theirs]
        of_wx1 = Wanted(appids=("wx1",))
        assert [each.id for each in store.recent_incidents(NOW - timedelta(days=2), 9, of_wx1)] == [ours, old]
        assert store.count_incidents(NOW - timedelta(days=2), of_wx1) == 2

    def test_of_many_claims_one_wins(self, store: Store) -> None:
        incident = opened(store)
        owners = together(lambda n: store.claim_incident(incident, person(f"o{n}"), NOW))
        assert len(set(owners)) == 1
        (claim,) = [event for event in store.timeline(incident) if event.what == "claim"]
        assert claim.who == owners[0]

    def test_of_many_messages_that_claim_one_is_recorded(self, store: Store) -> None:
        incident = opened(store)
        entries = [
            entry(uuid.uuid4().hex, actions=(Action("claim", incident, person(f"o{n}")),)) for n in range(8)
        ]

        def claim(number: int) -> bool:
            with contextlib.suppress(OvertakenError):
                store.record(entries[number])
                return True
            return False

        won = together(claim)
        assert sum(won) == 1
        assert [store.reply_to(each.message.key) is not None for each in entries] == won
        (told,) = [event for event in store.timeline(incident) if event.what == "claim"]
        assert told.who == person(f"o{won.index(True)}")

    def test_nothing_is_claimed_that_is_not_open(self, store: Store) -> None:
        incident = opened(store)
        store.close_incident(incident, person("oAlice"), NOW)
        assert store.claim_incident(incident, person("oAlice"), NOW) is None
        assert store.claim_incident(incident + 99, person("oAlice"), NOW) is None

    def test_actions_change_an_incident_once(self, store: Store) -> None:
        incident = opened(store)
        for number, who in enumerate(("oAlice", "oBob")):
            step = Action("step", incident, person(who), "2")
            store.record(entry(f"step{number}", actions=(step,)))
        assert store.add_note(incident, person("oBob"), NOW, "看日志")
        assert store.close_incident(incident, person("oAlice"), LATER, "好了")
        assert not store.close_incident(incident, person("oBob"), LATER, "也好了")
        known = store.incident(incident)
        assert known is not None
        assert (known.step, known.state, known.closed_at) == (2, State.CLOSED, LATER)
        assert [(event.what, event.detail) for event in store.timeline(incident)] == [
            ("open", "回应超时"), ("step", "2"), ("note", "看日志"), ("close", "好了"),
        ]  # fmt: skip

    def test_nothing_happens_to_an_incident_that_is_not_there(self, store: Store) -> None:
        assert not store.add_note(99999, person("oAlice"), NOW, "x")
        assert not store.close_incident(99999, person("oAlice"), NOW)
        store.record(entry("1", actions=(Action("step", 99999, person("oAlice"), "1"),)))
        assert store.timeline(99999) == ()

    def test_actions_are_recorded_with_their_message_once(self, store: Store) -> None:
        incident = opened(store)
        done = (
            Action("claim", incident, person("oBob")),
            Action("note", incident, person("oBob"), "在看"),
            Action("note", 99999, person("o")),
        )
        for _ in range(2):
            store.record(entry("2", actions=done))
        assert [event.what for event in store.timeline(incident)] == ["open", "claim", "note"]

    def test_instants_keep_their_microseconds_whatever_their_zone(self, store: Store) -> None:
        beijing = NOW.astimezone(timezone(timedelta(hours=8)))
        incident = opened(store, seen_at=beijing, first_seen=beijing)
        known = store.incident(incident)
        assert known is not None
        assert (known.opened_at, known.sightings[0].first_seen) == (NOW, NOW)
        assert known.opened_at.utcoffset() == timedelta(0)

    def test_an_instant_without_a_zone_is_refused_and_nothing_is_kept(self, store: Store) -> None:
        made = entry("1", opening(seen_at=NOW.replace(tzinfo=None)))
        with pytest.raises(StoreError):
            store.record(made)
        assert store.reply_to(made.message.key) is None


class TestMembers:
    ALICE = Member(person("oAlice"), "Alice 🙂", "支付", ("wx1", "wx2"), NOW)

    def test_members_come_and_change(self, store: Store) -> None:
        assert store.member(person("oAlice")) is None
        store.add_member(self.ALICE)
        store.add_member(replace(self.ALICE, name="A."))
        assert store.members() == (replace(self.ALICE, name="A."),)

    def test_an_old_used_or_unknown_word_makes_nobody_a_member(self, store: Store) -> None:
        store.invite(Invite("alt", person("oAlice"), NOW))
        store.invite(Invite("einmal", person("oAlice"), LATER))
        _join(store, "einmal", person("oBob"))
        for word in ("alt", "neu", "einmal"):
            assert store.invitation(word, NOW) is None
            with pytest.raises(OvertakenError):
                _join(store, word, person("oEve"))
        assert [member.person for member in store.members()] == [person("oBob")]

    def test_a_word_makes_one_person_a_member(self, store: Store) -> None:
        store.add_member(self.ALICE)
        store.invite(Invite("芝麻开门", person("oAlice"), LATER, "支付", ("wx1", "wx2")))
        assert store.invitation("芝麻开门", NOW)

        def join(number: int) -> bool:
            with contextlib.suppress(OvertakenError):
                _join(store, "芝麻开门", person(f"o{number}"))
                return True
            return False

        assert sum(together(join)) == 1
        (made,) = [member for member in store.members() if member != self.ALICE]
        assert made == Member(made.person, "阿珍", "支付", ("wx1", "wx2"), NOW)

    def test_a_member_who_joins_again_keeps_the_date(self, store: Store) -> None:
        store.add_member(self.ALICE)
        store.invite(Invite("wort", person("oBob"), LATER + timedelta(days=2)))
        _join(store, "wort", person("oAlice"), LATER)
        (member,) = store.members()
        assert (member.name, member.appids, member.since) == ("阿珍", (), self.ALICE.since)

    def test_a_word_is_given_out_once(self, store: Store) -> None:
        store.invite(Invite("wort", person("oAlice"), LATER))
        with pytest.raises(StoreError, match="choose another"):
            store.invite(Invite("wort", person("oBob"), LATER, "them"))


def _join(store: Store, word: str, who: Person, at: datetime = NOW) -> Recorded:
    joining = Join(word, who, "阿珍")
    return store.record(entry(uuid.uuid4().hex, actions=(joining,), received_at=at))


def _count_rows(store: Store) -> int:
    return sum(len(list(store.export(table))) for table in TABLES)


def _no_rest(seconds: float) -> None: ...


class TestUpkeep:
    def test_purge_forgets_what_is_older_only(self, store: Store) -> None:
        old = entry("1", opening("old"), conversation={}, expires_at=NOW, gap="?")
        (gone,) = recorded_in(store, old)
        store.add_note(gone, person("oAlice"), NOW, "看日志")
        store.invite(Invite("wort", person("oAlice"), NOW))
        new = entry("2", opening("new", seen_at=LATER), received_at=LATER)
        (kept,) = recorded_in(store, new)
        assert store.purge(LATER) == 7  # message, gap, conversation, invitation, alert, incident, its note
        assert store.purge(LATER) == 0
        assert store.reply_to(old.message.key) is None
        assert store.reply_to(new.message.key) is not None
        assert [each.id for each in store.recent_incidents(NOW)] == [kept]

    def test_purge_takes_many_portions(self, store: Store) -> None:
        store.record(entry("1", *(opening(f"key{n}") for n in range(1100))))
        assert store.purge(LATER, _no_rest) == 1 + 2 * 1100

    def test_a_push_can_be_recorded_after_each_small_portion_of_a_purge(self, store: Store) -> None:
        for number in range(2 * PURGE_ROWS + 1):
            store.record(entry(str(number), opening(f"key{number}"), gap="?"))
        counts, rests = [_count_rows(store)], []

        def rest(seconds: float) -> None:
            rests.append(seconds)
            counts.append(_count_rows(store))
            new = entry(f"new{len(rests)}", received_at=LATER)
            assert store.record(new).is_new  # on this thread: nobody holds the lock
            counts[-1] += 1

        gone = store.purge(LATER, rest)
        portions = [before - after + 1 for before, after in pairwise(counts)]
        assert sum(portions) == gone == 4 * (2 * PURGE_ROWS + 1)  # message, gap, alert, incident
        assert max(portions) == PURGE_ROWS
        assert min(rests) > 0

    def test_export_gives_every_row_once(self, store: Store) -> None:
        store.record(entry("1", *(opening(digest=f"d{n}") for n in range(1001))))
        rows = list(store.export("alerts"))
        assert [row["digest"] for row in rows] == [f"d{n}" for n in range(1001)]
        assert rows[0]["seen_at"] == NOW
        assert rows[0]["causes"] == ("slow", "dns")

    @pytest.mark.parametrize("table", TABLES)
    def test_every_table_can_be_exported(self, store: Store, table: str) -> None:
        assert list(store.export(table)) == []

    def test_an_unknown_table_is_named(self, store: Store) -> None:
        with pytest.raises(StoreError, match="no table 'mesages'; choose from alerts"):
            list(store.export("mesages"))
