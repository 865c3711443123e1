"""What is due goes out: once, in time, not too fast, and by another way where one is closed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.loopback import NOW, Clock
from tests.support.paths import ROOT
from tests.support.sending import Answers, CardAnswers, PlainDesk, Receiver, notice_row
from tests.support.stores import SERVERS, fresh_database
from tests.support.upgraded import new_store
from triage.bot.sending import BACKOFF, LONGEST_BACKOFF, MAYBE_SENT_TRIES, SETTING_PAUSE, Decided, Sending
from triage.channels.delivery import Delivery, RateLimit, Result
from triage.errors import StoreDownError
from triage.store import OutgoingKind, OutgoingState, Queued, Store

LI = "wecom/corp/li"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(new_store(tmp_path / "t.db")) as opened:
        yield opened


@pytest.fixture
def clock() -> Clock:
    return Clock()


def sending(store: Store, desk: PlainDesk, clock: Clock, owner: str = "a") -> Sending:
    return Sending(store.outbox, desk, clock, owner)


def rows(store: Store) -> dict[str, Queued]:
    return {row.key: row for row in store.outbox.rows(list(OutgoingState), 1000)}


def states(store: Store) -> dict[str, str]:
    return {key: row.state.value for key, row in rows(store).items()}


class TestNotSent:
    def test_what_was_claimed_between_due_and_send(self, store: Store, clock: Clock) -> None:
        sender = Answers()
        desk = PlainDesk(lambda _: sender)
        sender.before = lambda: desk.unwanted.add("2")
        store.outbox.put([notice_row("1", LI, NOW), notice_row("2", LI, NOW)], NOW)
        sending(store, desk, clock).run()
        assert [notice.text for notice in sender.sent] == ["1"]
        assert (rows(store)["2"].state, rows(store)["2"].reason) == (OutgoingState.CANCELLED, "claimed")

    def test_what_comes_too_late_says_so_and_why(self, store: Store, clock: Clock) -> None:
        sender = Answers([Delivery(Result.LATER, "errcode -1")])
        store.outbox.put([notice_row("1", LI, NOW)], NOW)
        work = sending(store, PlainDesk(lambda _: sender), clock)
        work.run()
        clock.now += timedelta(hours=2)
        work.run()
        row = rows(store)["1"]
        assert row.state is OutgoingState.EXPIRED
        assert row.reason == "too late to help anybody; before: later: errcode -1"
        assert len(sender.sent) == 1

    def test_what_nobody_can_read_and_the_rest_goes_out(self, store: Store, clock: Clock) -> None:
        sender = Answers()
        broken = [notice_row("1", LI, NOW, payload={}), notice_row("2", LI, NOW)]
        store.outbox.put(
            [*broken, notice_row("3", "incident/1", NOW, kind=OutgoingKind.CHANGE, payload={})], NOW
        )
        desk = PlainDesk(lambda _: sender, decides=lambda row, now: row.payload["what"])
        sending(store, desk, clock).run()
        assert states(store) == {"1": "failed", "2": "sent", "3": "failed"}
        assert rows(store)["1"].reason == "the row cannot be read: KeyError"

    def test_what_no_setting_says_how(self, store: Store, clock: Clock) -> None:
        desk = PlainDesk(lambda _: None)
        store.outbox.put([notice_row("1", LI, NOW)], NOW)
        sending(store, desk, clock).run()
        assert states(store) == {"1": "failed"}
        assert desk.warned


OTHER = "wecom_webhook/ops/"


@pytest.mark.parametrize(
    ("delivery", "state", "due_in", "goes_other_way", "warns"),
    [
        pytest.param(Delivery(Result.SENT, "ok"), "sent", None, False, False, id="sent"),
        pytest.param(Delivery(Result.LATER, "5xx"), "due", BACKOFF, False, False, id="later, with backoff"),
        pytest.param(
            Delivery(Result.LATER, "130101", timedelta(minutes=10)), "due", timedelta(minutes=10),
            False, False, id="later, when the platform says",
        ),
        pytest.param(
            Delivery(Result.TOKEN_REFUSED, "42001"), "due", BACKOFF, False, False, id="later, with a new token"
        ),
        pytest.param(Delivery(Result.MAYBE_SENT, "cut"), "due", BACKOFF, False, False, id="maybe sent: again"),
        pytest.param(
            Delivery(Result.OTHER_WAY, "81013"), "failed", None, True, False, id="other way, and that is enough"
        ),
        pytest.param(
            Delivery(Result.SETTING_WRONG, "60020"), "failed", None, True, True,
            id="a wrong setting: other way, and who can mend it hears of it",
        ),
        pytest.param(Delivery(Result.OUR_TEXT, "45002"), "failed", None, True, False, id="our text: other way"),
    ],
)  # fmt: skip
def test_what_a_platform_says_decides_what_becomes_of_a_message(
    store: Store,
    clock: Clock,
    delivery: Delivery,
    state: str,
    due_in: timedelta | None,
    goes_other_way: bool,
    warns: bool,
) -> None:
    first, second = Answers([delivery]), Answers()
    desk = PlainDesk(
        lambda where: first if where == LI else second, others={"1": notice_row("1/b", OTHER, NOW)}
    )
    store.outbox.put([notice_row("1", LI, NOW)], NOW)
    sending(store, desk, clock).run()
    row = rows(store)["1"]
    assert row.state == state
    assert (row.due_at - NOW if row.state is OutgoingState.DUE else None) == due_in
    assert len(second.sent) == goes_other_way
    assert bool(desk.warned) is warns
    assert row.reason == (None if state == "sent" else f"{delivery.result}: {delivery.reason}")
    assert row.receipt is None


@pytest.mark.parametrize(
    ("result", "state"),
    [(Result.OTHER_WAY, "failed"), (Result.OUR_TEXT, "failed"), (Result.SETTING_WRONG, "due")],
    ids=lambda value: str(value),
)
def test_where_there_is_no_other_way_somebody_hears_of_it(
    store: Store, clock: Clock, result: Result, state: str
) -> None:
    desk = PlainDesk(lambda _: Answers([Delivery(result, "why")]))
    store.outbox.put([notice_row("1", LI, NOW)], NOW)
    sending(store, desk, clock).run()
    assert states(store) == {"1": state}
    assert desk.warned == [("1", f"{result}: why")]
    if state == "due":
        assert rows(store)["1"].due_at == NOW + SETTING_PAUSE


def test_a_text_that_is_refused_with_markdown_goes_out_without(store: Store, clock: Clock) -> None:
    sender = Answers([Delivery(Result.OUR_TEXT, "40058")])
    store.outbox.put([notice_row("1", LI, NOW, payload={"text": "t", "markdown": "**t**"})], NOW)
    sending(store, PlainDesk(lambda _: sender), clock).run()
    assert [notice.markdown for notice in sender.sent] == ["**t**", None]
    assert states(store) == {"1": "sent"}


def test_pauses_double_up_to_a_minute(store: Store, clock: Clock) -> None:
    sender = Answers([Delivery(Result.LATER, "5xx")] * 9)
    store.outbox.put([notice_row("1", LI, NOW)], NOW)
    work, pauses = sending(store, PlainDesk(lambda _: sender), clock), []
    for _ in range(9):
        work.run()
        pauses.append((rows(store)["1"].due_at - clock.now) / BACKOFF)
        clock.now = rows(store)["1"].due_at
    assert pauses == [1, 2, 4, 8, 16, 32, *[LONGEST_BACKOFF / BACKOFF] * 3]


def test_what_may_have_arrived_each_time_is_given_up_with_the_same_words(store: Store, clock: Clock) -> None:
    sender = Answers([Delivery(Result.MAYBE_SENT, "cut")] * 9)
    store.outbox.put([notice_row("#12 14:05", LI, NOW)], NOW)
    work = sending(store, PlainDesk(lambda _: sender), clock)
    for _ in range(9):
        work.run()
        clock.now += MINUTE
    assert [notice.text for notice in sender.sent] == ["#12 14:05"] * MAYBE_SENT_TRIES
    assert states(store) == {"#12 14:05": "failed"}


def test_what_holds_for_a_destination_holds_for_all_that_is_due_there(store: Store, clock: Clock) -> None:
    sender = Answers([Delivery(Result.LATER, "130101", timedelta(minutes=10))])
    store.outbox.put([notice_row(str(n), LI, NOW) for n in range(5)], NOW)
    sending(store, PlainDesk(lambda _: sender), clock).run()
    assert len(sender.sent) == 1
    assert {row.due_at - NOW for row in rows(store).values()} == {timedelta(minutes=10)}


def test_cards_that_are_out_are_changed(store: Store, clock: Clock) -> None:
    sender = CardAnswers()
    card = {"receipt": "rc", "label": "已由李雷认领"}
    store.outbox.put([notice_row("1", LI, NOW, kind=OutgoingKind.CARD, payload=card)], NOW)
    sending(store, PlainDesk(lambda _: sender), clock).run()
    assert sender.updated == [("rc", "已由李雷认领")]
    assert states(store) == {"1": "sent"}


def test_what_follows_from_a_change_goes_out_in_the_same_pass(store: Store, clock: Clock) -> None:
    sender = Answers()
    follows = Decided("nobody has claimed it", (notice_row("page", LI, NOW),))
    desk = PlainDesk(lambda _: sender, decides=lambda row, now: follows)
    store.outbox.put([notice_row("change", "incident/1", NOW, kind=OutgoingKind.CHANGE)], NOW)
    assert sending(store, desk, clock).run() == 2
    assert states(store) == {"change": "done", "page": "sent"}
    assert [notice.text for notice in sender.sent] == ["page"]


def test_what_takes_longer_than_the_lease_is_given_back_untried(store: Store, clock: Clock) -> None:
    sender = Answers()

    def take_nine_seconds() -> None:
        clock.now += timedelta(seconds=9)

    sender.before = take_nine_seconds
    store.outbox.put([notice_row(str(n), LI, NOW) for n in range(7)], NOW)
    sending(store, PlainDesk(lambda _: sender), clock).run()
    assert sorted(notice.text for notice in sender.sent) == [str(n) for n in range(7)]
    assert {row.tries for row in rows(store).values()} == {1}


class TestLimits:
    LIMIT = RateLimit(20, MINUTE)

    def test_two_hundred_messages_of_twenty_a_minute_all_arrive(self, store: Store, clock: Clock) -> None:
        sender = Answers(limits=(self.LIMIT,))
        names = [f"#{n} 14:{n % 60:02}" for n in range(1000, 1200)]
        store.outbox.put([notice_row(name, LI, NOW) for name in names], NOW)
        nodes = [sending(store, PlainDesk(lambda _: sender), clock, owner) for owner in "ab"]
        minutes = []
        while "due" in states(store).values():
            before = len(sender.sent)
            for node in nodes:
                node.run()
            minutes.append(len(sender.sent) - before)
            clock.now += MINUTE
        said = [line for notice in sender.sent for line in notice.text.split("\n")]
        assert sorted(said) == sorted(names), "each is said once"
        assert max(minutes) == self.LIMIT.count
        assert len(minutes) <= 2
        assert set(states(store).values()) == {"sent"}
        assert all(sender.page_size.measure(notice.text) <= 2048 for notice in sender.sent)

    def test_what_is_within_the_limit_is_not_merged(self, store: Store, clock: Clock) -> None:
        sender = Answers(limits=(self.LIMIT,))
        store.outbox.put([notice_row(str(n), LI, NOW) for n in range(self.LIMIT.count)], NOW)
        sending(store, PlainDesk(lambda _: sender), clock).run()
        assert len(sender.sent) == self.LIMIT.count

    def test_every_limit_holds(self, store: Store, clock: Clock) -> None:
        sender = Answers(limits=(RateLimit(5, timedelta(seconds=1)), RateLimit(7, MINUTE)))
        work = sending(store, PlainDesk(lambda _: sender), clock)
        for second in range(3):
            rows_now = [notice_row(f"{second}.{n}", LI, clock.now) for n in range(9)]
            store.outbox.put(rows_now, clock.now)
            work.run()
            clock.now += timedelta(seconds=1)
        assert len(sender.sent) == 7

    def test_a_message_that_may_have_arrived_counts_with_every_further_try(
        self, store: Store, clock: Clock
    ) -> None:
        cut = Delivery(Result.MAYBE_SENT, "cut")
        sender = Answers([cut, cut], limits=(RateLimit(5, MINUTE),))
        store.outbox.put([notice_row(f"#{n} 14:31", LI, NOW) for n in range(9)], NOW)
        work = sending(store, PlainDesk(lambda _: sender), clock)
        for _ in range(30):
            work.run()
            clock.now += timedelta(seconds=1)
        assert len(sender.sent) == 5
        clock.now += MINUTE
        work.run()
        assert set(states(store).values()) == {"sent"}

    def test_a_summary_that_may_have_arrived_counts_once(self, store: Store, clock: Clock) -> None:
        sender = Answers([Delivery(Result.MAYBE_SENT, "cut")], limits=(RateLimit(2, MINUTE),))
        sender.answers.insert(0, Delivery(Result.SENT, "ok"))
        store.outbox.put([notice_row(f"#{n} 14:31", LI, NOW) for n in range(4)], NOW)
        sending(store, PlainDesk(lambda _: sender), clock).run()
        assert len(store.outbox.messages_sent(LI, NOW - MINUTE, 9)) == len(sender.sent) == 2

    def test_destinations_are_counted_apart(self, store: Store, clock: Clock) -> None:
        sender = Answers(limits=(RateLimit(1, MINUTE),))
        store.outbox.put([notice_row("1", LI, NOW), notice_row("2", OTHER, NOW)], NOW)
        sending(store, PlainDesk(lambda _: sender), clock).run()
        assert len(sender.sent) == 2


def test_while_the_database_is_away_nothing_is_lost(
    store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender = Answers()
    store.outbox.put([notice_row(str(n), LI, NOW) for n in range(5)], NOW)
    work, settle, calls = sending(store, PlainDesk(lambda _: sender), clock), store.outbox.settle, []

    def away_at_the_third(*args: object) -> None:
        calls.append(args)
        if len(calls) == 3:
            raise StoreDownError("away")
        settle(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(store.outbox, "settle", away_at_the_third)
    with pytest.raises(StoreDownError):
        work.run()
    assert work.run() == 0, "the lease holds"
    clock.now += work.lease
    work.run()
    assert Counter(notice.text for notice in sender.sent) == {"0": 1, "1": 1, "2": 2, "3": 1, "4": 1}
    assert set(states(store).values()) == {"sent"}


@pytest.mark.parametrize("kind", ["sqlite", *SERVERS])
def test_a_node_that_is_killed_loses_nothing_and_doubles_only_what_was_in_flight(
    kind: str, tmp_path: Path
) -> None:
    names = [f"#{n}" for n in range(1000)]
    with fresh_database(kind, tmp_path) as url, closing(Store.open(url, upgrade=True)) as store:
        now = datetime.now(UTC)
        store.outbox.put([notice_row(name, f"robot/{n % 40}", now) for n, name in enumerate(names)], now)
        receiver, is_half_done, is_done = Receiver(), threading.Event(), threading.Event()

        def look() -> None:
            if sum(node == "a" for _, node in receiver.texts) == 200:
                is_half_done.set()
            if len({text for text, _ in receiver.texts}) == len(names):
                is_done.set()

        receiver.told = look
        with receiver.serving():
            nodes = {name: _start(url, receiver.url, name) for name in "ab"}
            try:
                assert is_half_done.wait(60)
                os.kill(nodes["a"].pid, signal.SIGKILL)
                assert is_done.wait(60)
            finally:
                for node in nodes.values():
                    node.kill()
                    node.wait()
        counts = Counter(text for text, _ in receiver.texts)
        doubled = [text for text, count in counts.items() if count > 1]
        assert set(counts) == set(names)
        assert len(doubled) <= 1, "one message is in flight at a time"
        assert all(count <= 2 for count in counts.values())
        assert {node for _, node in receiver.texts} == {"a", "b"}


def _start(url: str, receiver: str, name: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.support.sending", url, receiver, name]
    return subprocess.Popen(command, cwd=ROOT)
