"""Pictures: acknowledged within the push, read afterwards, answered once as if their text had been sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from tests.support.loopback import Clock
from tests.support.talk import CONNECT, LIN, NOW, STRANGER, ZHAO, message_of, person
from triage.bot.bot import Bot
from triage.bot.late import LATE_EXPIRES
from triage.bot.pictures import MOST_WAITING, Promise
from triage.bot.reading import BACKOFF, FETCH_SECONDS, LAST_START, MOST_TRIES, READING_LEASE, Reading
from triage.errors import DownloadError, PictureError, StoreDownError
from triage.message import Message, MessageKind, Picture
from triage.store import Outgoing, OutgoingKind, OutgoingState, Queued, Store

TERMINAL = (
    "$ ss -s\nTCP:   5200 (estab 88, closed 20, orphaned 0, timewait 12)\nCLOSE_WAIT 911\nESTABLISHED 88"
)
NO_FAULT = DownloadError("取图时平台没给（HTTP 503）", is_passing=True)


@dataclass(frozen=True)
class Found:
    """What was read in a picture."""

    text: str


@dataclass
class Desk:
    """Gives out and reads pictures as it is told: what is in one, or why not; in turns, the last one from then on."""

    outcomes: list[str | Exception] = field(default_factory=lambda: [CONNECT])
    fetched: list[Picture] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    meanwhile: Callable[[], object] = lambda: None

    def fetch(self, picture: Picture, seconds: float) -> bytes:
        self.fetched.append(picture)
        self.seconds.append(seconds)
        outcome = self.outcomes[0]
        if isinstance(outcome, DownloadError):
            self._next()
            raise outcome
        return b"picture"

    def read(self, data: bytes) -> Found:
        self.meanwhile()
        outcome = self._next()
        if isinstance(outcome, Exception):
            raise outcome
        return Found(outcome)

    def _next(self) -> str | Exception:
        return self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW)


@pytest.fixture
def seeing(bot: Bot) -> Bot:
    """The bot where pictures are read, and answers wait for the next word."""
    return replace(bot, promise=lambda message: Promise.WAITS, has_late_answers=lambda: True)


def picture(sender: str = ZHAO, **values: object) -> Message:
    sent = message_of(None, sender, MessageKind.IMAGE)
    return replace(sent, pictures=(Picture("https://mmbiz.qpic.cn/1", "m1"),), **values)  # type: ignore[arg-type]


def reader(bot: Bot, desk: Desk, clock: Clock, owner: str = "a") -> Reading:
    assert bot.store
    return Reading(bot.store.outbox, lambda: bot, lambda message: desk, desk.read, clock, owner)


def rows(store: Store, kind: OutgoingKind) -> list[Queued]:
    return [row for row in store.outbox.rows(list(OutgoingState), 99)[::-1] if row.kind is kind]


def answers(store: Store) -> list[str]:
    return [str(row.payload["text"]) for row in rows(store, OutgoingKind.LATE)]


def ends(store: Store) -> list[tuple[str, str | None]]:
    return [(row.state.value, row.reason) for row in rows(store, OutgoingKind.PICTURE)]


def read_one(bot: Bot, desk: Desk, clock: Clock, message: Message | None = None) -> str:
    """The answer to a picture."""
    assert bot.store
    bot.handle(message or picture(), NOW)
    assert reader(bot, desk, clock).run() == 1
    return answers(bot.store)[-1]


# -- within the push


def test_where_pictures_are_not_read_the_sender_is_asked_for_text(bot: Bot, store: Store) -> None:
    reply = bot.handle(picture(), NOW).text or ""
    assert reply.startswith("图片我读不了")
    assert "pip" not in reply
    assert rows(store, OutgoingKind.PICTURE) == []


def test_where_the_reader_is_missing_one_line_says_how_to_install_it(bot: Bot, store: Store) -> None:
    reply = replace(bot, promise=lambda message: Promise.NOT_INSTALLED).handle(picture(), NOW).text or ""
    assert "pip install 'wechat-triage[pictures]'" in reply.splitlines()[1]
    assert rows(store, OutgoingKind.PICTURE) == []


def test_without_the_database_the_sender_hears_to_try_again(seeing: Bot) -> None:
    assert "过几分钟再发" in (seeing.without_memory().handle(picture(), NOW).text or "")


def test_a_retry_gets_the_same_reply_and_one_row(seeing: Bot, store: Store, desk: Desk) -> None:
    message = picture()
    assert seeing.handle(message, NOW) == seeing.handle(message, NOW + timedelta(seconds=5))
    (row,) = rows(store, OutgoingKind.PICTURE)
    assert row.expires_at == NOW + LATE_EXPIRES
    assert desk.fetched == [], "nothing is fetched within the push"


@pytest.mark.parametrize(
    ("promise", "chat", "says"),
    [
        pytest.param(
            Promise.SENT, None, "收到图，正在读，读完发你。没等到就回任意字来看", id="where it goes out"
        ),
        pytest.param(
            Promise.WAITS, None, "收到图，正在读，几秒就好。等一下回任意字，就给你看", id="where it waits"
        ),
        pytest.param(
            Promise.SENT,
            "C1",
            "收到图，正在读，读完发在这里。没等到就 @我 说个字来看",
            id="where a group reads it",
        ),
        pytest.param(
            Promise.WAITS,
            "C1",
            "收到图，正在读，几秒就好。等一下 @我 说个字，就给你看",
            id="where it waits in a group",
        ),
    ],
)
def test_the_reply_says_what_comes_next(bot: Bot, promise: Promise, chat: str | None, says: str) -> None:
    assert replace(bot, promise=lambda message: promise).handle(picture(chat=chat), NOW).text == says


def test_whoever_sends_many_waits_for_their_own_and_nobody_else_does(
    seeing: Bot, store: Store, desk: Desk, clock: Clock
) -> None:
    for _ in range(MOST_WAITING):
        assert "正在读" in (seeing.handle(picture(STRANGER), NOW).text or "")
    assert "前面的图还没读完" in (seeing.handle(picture(STRANGER), NOW).text or "")
    assert "正在读" in (seeing.handle(picture(), NOW + timedelta(seconds=1)).text or "")
    clock.now += timedelta(seconds=2)
    reader(seeing, desk, clock).run()
    assert [str(person(ZHAO)) in str(row.payload["to"]) for row in rows(store, OutgoingKind.LATE)].index(
        True
    ) <= 1
    assert "正在读" in (seeing.handle(picture(STRANGER), clock.now).text or "")


@pytest.mark.parametrize(
    ("words", "quote", "is_picture"),
    [
        pytest.param("认领", None, False, id="a command beside a picture is carried out"),
        pytest.param("499", None, False, id="a question beside a picture is answered"),
        pytest.param(CONNECT, None, False, id="an alert beside a picture is answered"),
        pytest.param(None, CONNECT, False, id="an alert that is quoted is answered"),
        pytest.param("看看这个", None, True, id="words that say nothing leave it to the picture"),
        pytest.param("", None, True, id="a picture alone"),
    ],
)
def test_words_that_say_something_come_before_the_picture(
    seeing: Bot, store: Store, words: str | None, quote: str | None, is_picture: bool
) -> None:
    seeing.handle(picture(kind=MessageKind.TEXT, text=words, quote=quote), NOW)
    assert len(rows(store, OutgoingKind.PICTURE)) == is_picture


# -- what cannot be read


@pytest.mark.parametrize(
    ("outcome", "says"),
    [
        pytest.param(
            DownloadError("图的地址不是平台自己的，不去取"), "不是平台自己的", id="a foreign address"
        ),
        pytest.param(DownloadError("图太大，最多读 10 MB"), "最多读 10 MB", id="a large file"),
        pytest.param(PictureError("这不是图", "not_a_picture"), "这不是图", id="no picture"),
        pytest.param(
            PictureError("读了 10 秒没读完", "too_slow"), "读了 10 秒", id="a reader that is too slow"
        ),
        pytest.param(PictureError("没装读图的部件", "not_installed"), "没装", id="a reader that is missing"),
        pytest.param("", "没认出字", id="a picture without words"),
    ],
)
def test_each_ends_in_an_answer_and_keeps_why(
    seeing: Bot, store: Store, desk: Desk, clock: Clock, outcome: str | Exception, says: str
) -> None:
    desk.outcomes = [outcome]
    answer = read_one(seeing, desk, clock)
    assert answer.startswith("你发的图没读成：")
    assert says in answer
    [(state, reason)] = ends(store)
    assert (state, bool(reason)) == ("done", True)


def test_what_passes_is_tried_again_and_then_answered(
    seeing: Bot, store: Store, desk: Desk, clock: Clock
) -> None:
    desk.outcomes = [NO_FAULT]
    seeing.handle(picture(), NOW)
    work, pauses = reader(seeing, desk, clock), []
    while answers(store) == []:
        work.run()
        (row,) = rows(store, OutgoingKind.PICTURE)
        pauses.append((row.due_at - clock.now) / BACKOFF)
        clock.now = max(clock.now, row.due_at)
    assert pauses[:-1] == [1, 2, 4]
    assert len(desk.fetched) == MOST_TRIES
    assert "HTTP 503" in answers(store)[0]


def test_what_passes_and_comes_is_read(seeing: Bot, store: Store, desk: Desk, clock: Clock) -> None:
    desk.outcomes = [NO_FAULT, PictureError("在读别的图", "busy"), CONNECT]
    seeing.handle(picture(), NOW)
    for _ in desk.outcomes[:]:
        reader(seeing, desk, clock).run()
        clock.now += timedelta(minutes=1)
    assert "先做" in answers(store)[0]


def test_a_picture_that_ends_each_process_is_given_up_with_an_answer(
    seeing: Bot, store: Store, desk: Desk, clock: Clock
) -> None:
    def dies() -> None:
        raise KeyboardInterrupt

    desk.meanwhile = dies
    seeing.handle(picture(), NOW)
    for _ in range(MOST_TRIES):
        with pytest.raises(KeyboardInterrupt):
            reader(seeing, desk, clock).run()
        assert reader(seeing, desk, clock, "b").run() == 0, "the lease holds"
        clock.now += READING_LEASE
    assert reader(seeing, desk, clock).run() == 1
    assert "没读完" in answers(store)[0]
    assert ends(store) == [("done", "given up")]


def test_a_row_that_nobody_can_read_and_one_that_is_too_old_are_ended(
    seeing: Bot, store: Store, desk: Desk, clock: Clock
) -> None:
    seeing.handle(picture(LIN), NOW)
    store.outbox.put([Outgoing("broken", OutgoingKind.PICTURE, "picture/broken", NOW, payload={})], NOW)
    clock.now += LATE_EXPIRES
    reader(seeing, desk, clock).run()
    assert sorted(state for state, _ in ends(store)) == ["expired", "failed"]
    assert answers(store) == []


# -- what is read


def test_an_alert_in_a_picture_leaves_what_its_text_would(
    seeing: Bot, store: Store, desk: Desk, clock: Clock
) -> None:
    answer = read_one(seeing, desk, clock)
    assert answer.splitlines()[0].startswith("图读好了")
    assert "读自截图，请对照原图" in answer
    assert "先做" in answer
    (incident,) = store.recent_incidents(NOW - timedelta(hours=1))
    assert (incident.id, incident.is_confirmed) == (1, True)
    assert ends(store) == [("done", "read")]
    assert desk.seconds == [FETCH_SECONDS]
    assert "#1 归你了" in (seeing.handle(message_of("认领"), NOW).text or "")
    assert (seeing.handle(message_of("更多"), NOW).text or "").startswith("2 ")


def test_a_stranger_s_alert_is_kept_apart_as_their_text_would_be(
    seeing: Bot, store: Store, desk: Desk, clock: Clock
) -> None:
    read_one(seeing, desk, clock, picture(STRANGER))
    assert store.recent_incidents(NOW - timedelta(hours=1)) == ()


def test_what_stands_in_a_picture_is_never_a_command(
    seeing: Bot, store: Store, desk: Desk, clock: Clock
) -> None:
    seeing.handle(message_of(CONNECT), NOW)
    desk.outcomes = ["关闭 #1 好了"]
    assert "没找到报警" in read_one(seeing, desk, clock)
    incident = store.incident(1)
    assert incident
    assert incident.closed_at is None


def test_what_is_doubtful_in_a_picture_is_said_once_and_not_of_a_text(
    seeing: Bot, desk: Desk, clock: Clock
) -> None:
    damaged = CONNECT.replace("192.0.2.126", "192.0.2.l26x")
    desk.outcomes = [damaged]
    assert "拿不准的：IP" in read_one(seeing, desk, clock)
    assert "拿不准" not in (seeing.handle(message_of(damaged, LIN), NOW).text or "")


def test_a_terminal_in_a_picture_is_kept_as_evidence(
    seeing: Bot, store: Store, desk: Desk, clock: Clock
) -> None:
    seeing.handle(message_of(CONNECT), NOW)
    desk.outcomes = [TERMINAL]
    answer = read_one(seeing, desk, clock)
    assert "CLOSE_WAIT" in answer
    assert [event.what for event in store.timeline(1)][-1] == "evidence"


def test_what_is_no_alert_is_shown_as_it_was_read_without_secrets_and_no_more_is_kept(
    seeing: Bot, store: Store, desk: Desk, clock: Clock
) -> None:
    desk.outcomes = ["今天中午吃什么\naccess_token=abcdef0123456789abcdef\n" + "好" * 2000]
    answer = read_one(seeing, desk, clock)
    assert "没找到报警" in answer
    assert "今天中午吃什么" in answer
    assert "abcdef0123456789" not in answer
    assert len(answer) < 500
    kept = [str(row["text"]) for row in store.export("messages") if row["text"]]
    assert all(text in answer for text in kept)
    assert list(store.export("gaps")) == []


def test_several_pictures_are_read_as_one_text_while_there_is_time(
    seeing: Bot, store: Store, desk: Desk, clock: Clock
) -> None:
    half = len(CONNECT.splitlines()) // 2
    lines = CONNECT.splitlines()
    desk.outcomes = ["\n".join(lines[:half]), "\n".join(lines[half:]), CONNECT]

    def take_long() -> None:
        clock.now += LAST_START * 0.6

    desk.meanwhile = take_long
    several = tuple(Picture(f"https://mmbiz.qpic.cn/{n}") for n in range(3))
    answer = read_one(seeing, desk, clock, replace(picture(), pictures=several))
    assert "另有 1 张没读" in answer
    assert len(desk.fetched) == 2


# -- the answer


def test_it_waits_for_any_word_and_is_given_once(seeing: Bot, store: Store, desk: Desk, clock: Clock) -> None:
    answer = read_one(seeing, desk, clock)
    (row,) = rows(store, OutgoingKind.LATE)
    assert row.due_at > NOW + timedelta(days=9999), "it never goes out by itself"
    assert seeing.handle(message_of("1"), NOW).text == answer
    assert seeing.handle(message_of("1"), NOW).text != answer


@pytest.mark.parametrize("word", ["好", "看", "1", "嗯嗯", "看看"])
def test_any_short_word_is_answered_with_it_alone(seeing: Bot, desk: Desk, clock: Clock, word: str) -> None:
    answer = read_one(seeing, desk, clock)
    assert seeing.handle(message_of(word), NOW).text == answer


@pytest.mark.parametrize(
    ("word", "is_told"),
    [
        pytest.param("好了吗", True, id="small talk"),
        pytest.param("1", True, id="one digit"),
        pytest.param("499", False, id="a question is answered"),
        pytest.param("认领", False, id="a command is carried out"),
    ],
)
def test_whoever_asks_while_it_is_read_hears_so(
    seeing: Bot, desk: Desk, clock: Clock, word: str, is_told: bool
) -> None:
    seeing.handle(picture(), NOW)
    assert ((seeing.handle(message_of(word), NOW).text or "") == "图还在读，过几秒再回一个字") == is_told
    assert "还在读" not in (seeing.handle(message_of(word, LIN), NOW).text or "")
    reader(seeing, desk, clock).run()
    assert "还在读" not in (seeing.handle(message_of(word), NOW).text or "")


def test_a_word_that_does_something_is_not_lost_for_it(
    seeing: Bot, store: Store, desk: Desk, clock: Clock
) -> None:
    read_one(seeing, desk, clock)
    seeing.handle(message_of("认领"), NOW)
    incident = store.incident(1)
    assert incident
    assert incident.owner is not None


def test_it_goes_out_where_the_channel_can(bot: Bot, store: Store, desk: Desk, clock: Clock) -> None:
    read_one(replace(bot, promise=lambda message: Promise.SENT), desk, clock)
    (row,) = rows(store, OutgoingKind.LATE)
    assert (row.due_at, row.payload["answer_url"]) == (NOW, None)


def test_a_group_s_picture_is_answered_in_the_group_and_as_it_may_see(
    seeing: Bot, store: Store, desk: Desk, clock: Clock
) -> None:
    seeing.handle(message_of(CONNECT, LIN), NOW)
    seeing.handle(message_of("认领", LIN), NOW)
    answer = read_one(seeing, desk, clock, picture(chat="C1", answer_url="https://qyapi.weixin.qq.com/r"))
    (row,) = rows(store, OutgoingKind.LATE)
    assert (row.payload["chat"], row.payload["answer_url"]) == ("C1", "https://qyapi.weixin.qq.com/r")
    assert "小林" not in answer
    assert answer.splitlines()[-1].startswith("#1"), "a member's alert ends with its number there"
    assert seeing.handle(message_of("好"), NOW).text != answer, "not where they are alone"
    assert seeing.handle(replace(message_of("好"), chat="C1"), NOW).text == answer


# -- nodes


def test_what_a_dead_node_has_begun_is_read_by_another_and_answered_once(
    seeing: Bot, store: Store, desk: Desk, clock: Clock
) -> None:
    def other_node_takes_over() -> None:
        if clock.now == NOW:
            clock.now += READING_LEASE
            assert reader(seeing, Desk(), clock, "b").run() == 1

    desk.meanwhile = other_node_takes_over
    seeing.handle(picture(), NOW)
    reader(seeing, desk, clock, "a").run()
    assert len(answers(store)) == 1
    (incident,) = store.recent_incidents(NOW - timedelta(hours=1))
    assert len(incident.sightings) == 1


def test_while_the_database_is_away_nothing_is_lost(
    seeing: Bot, store: Store, desk: Desk, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeing.handle(picture(), NOW)
    with monkeypatch.context() as patch:
        patch.setattr(Store, "record", lambda *_: (_ for _ in ()).throw(StoreDownError("away")))
        with pytest.raises(StoreDownError):
            reader(seeing, desk, clock).run()
    clock.now += READING_LEASE
    assert reader(seeing, desk, clock).run() == 1
    assert len(answers(store)) == 1


def test_one_person_s_pictures_are_read_in_their_order(
    seeing: Bot, store: Store, desk: Desk, clock: Clock
) -> None:
    desk.outcomes = ["第一张", "第二张"]
    for number in (1, 2):
        seeing.handle(picture(), NOW + timedelta(seconds=number))
    clock.now += timedelta(seconds=5)
    assert reader(seeing, desk, clock).run() == 2
    assert ["第一张" in answer for answer in answers(store)] == [True, False]
