"""The outbox, the channels' own senders, and servers with the platforms' limits and error codes, together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import requests

from tests.support.customer_messages import CustomerMessages
from tests.support.loopback import NOW, Clock
from tests.support.robots import Robots
from tests.support.sending import PlainDesk, notice_row
from tests.support.upgraded import new_store
from tests.support.wechat_api import APPID
from tests.support.wechat_api import SECRET as WECHAT_SECRET
from tests.support.wecom_api import AGENTID, CORPID, SECRET, Wecom
from triage.bot.sending import SETTING_PAUSE, Ready, Sending, Unwanted
from triage.channels.apis import Apis
from triage.channels.delivery import Notice
from triage.channels.registry import CHANNELS, ROBOTS
from triage.channels.robot import Robot
from triage.channels.sealed import Seal
from triage.channels.wechat.account import Account
from triage.channels.wecom_app.account import Account as WecomAccount
from triage.message import Person
from triage.store import OutgoingKind, OutgoingState, Queued, Store

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
LI = Person("wecom", CORPID, "lilei")
FOLLOWER = Person("wechat", APPID, "oFollower0000000000000000001")
LATE = {"kind": OutgoingKind.LATE, "expires_at": NOW + timedelta(hours=48)}


class PersonDesk(PlainDesk):
    """Sends to the person that a row's destination names."""

    def write(self, row: Queued, now: datetime) -> Ready | Unwanted:
        text = str(row.payload["text"])
        return Ready(row, Notice(Person.parse(row.destination), text), text)


@dataclass
class Post:
    """An outbox that sends by one sender."""

    store: Store
    clock: Clock
    desk: PlainDesk

    def put(self, *texts: str, to: str, **values: object) -> None:
        self.store.outbox.put([notice_row(text, to, self.clock(), **values) for text in texts], self.clock())

    def run(self, after: timedelta = timedelta()) -> dict[str, str]:
        """What became of each row, once time has passed."""
        self.clock.now += after
        Sending(self.store.outbox, self.desk, self.clock, "node").run()
        return {row.key: row.state.value for row in self.rows()}

    def rows(self) -> tuple[Queued, ...]:
        return self.store.outbox.rows(list(OutgoingState), 1000)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False  # no proxy of this machine between the test and its server
        yield session


@pytest.fixture
def open_post(tmp_path: Path, clock: Clock) -> Iterator[Callable[..., Post]]:
    with closing(new_store(tmp_path / "t.db")) as store:
        yield lambda sender, desk=PlainDesk: Post(store, clock, desk(lambda _: sender))


# -- group robots


@pytest.fixture
def robots(clock: Clock) -> Iterator[Robots]:
    server = Robots(clock)
    with server.serving():
        yield server


@pytest.fixture
def to_robot(
    robots: Robots, session: requests.Session, open_post: Callable[..., Post]
) -> Callable[[str], Post]:
    def opened(channel: str) -> Post:
        apis = Apis(session, clock=robots.clock)
        return open_post(ROBOTS[channel].sender(Robot(robots.address(channel)), apis))

    return opened


@pytest.mark.parametrize("channel", ROBOTS)
def test_two_hundred_due_messages_all_arrive_and_the_platform_refuses_none(
    robots: Robots, to_robot: Callable[[str], Post], channel: str
) -> None:
    post = to_robot(channel)
    names = [f"#{number} 14:05 连接超时" for number in range(1000, 1200)]
    post.put(*names, to="ops")
    states = post.run()
    for _ in range(180):
        if set(states.values()) == {"sent"}:
            break
        states = post.run(SECOND)
    assert Counter(line for text in robots.posted for line in text.splitlines()) == Counter(names)
    assert len(robots.asked) == len(robots.posted), "every request was within the limits"
    assert len(robots.posted) < len(names), "what was too much went out as a summary"


@pytest.mark.parametrize(
    ("channel", "others", "pause"),
    [
        pytest.param("wecom_webhook", 20, timedelta(seconds=65), id="WeCom, 65 s"),
        pytest.param("dingtalk_webhook", 20, 10 * MINUTE, id="DingTalk, ten minutes"),
        pytest.param("feishu_webhook", 5, MINUTE, id="Feishu, a minute"),
    ],
)
def test_where_somebody_else_uses_up_the_limit_the_message_goes_out_when_it_is_free(
    robots: Robots, to_robot: Callable[[str], Post], channel: str, others: int, pause: timedelta
) -> None:
    post = to_robot(channel)
    robots.used(others)
    post.put("#12 14:05", to="ops")
    assert post.run() == {"#12 14:05": "due"}
    assert post.run(pause - SECOND) == {"#12 14:05": "due"}
    assert post.run(SECOND) == {"#12 14:05": "sent"}
    assert robots.posted == ["#12 14:05"]


@pytest.mark.parametrize("channel", ROBOTS)
def test_a_robot_that_was_removed_is_told_to_somebody_and_tried_again_when_it_may_be_mended(
    robots: Robots, to_robot: Callable[[str], Post], channel: str
) -> None:
    post = to_robot(channel)
    robots.settings.is_removed = True
    post.put("#12 14:05", to="ops")
    assert post.run() == {"#12 14:05": "due"}
    ((_, reason),) = post.desk.warned
    assert "重新添加" in reason
    robots.settings.is_removed = False
    assert post.run(SETTING_PAUSE) == {"#12 14:05": "sent"}


@pytest.mark.parametrize("channel", ROBOTS)
def test_what_was_perhaps_sent_is_sent_again_in_the_same_words(
    robots: Robots, to_robot: Callable[[str], Post], channel: str
) -> None:
    post = to_robot(channel)
    robots.instead = [None]
    post.put("#12 14:05", to="ops")
    assert post.run() == {"#12 14:05": "due"}
    assert post.run(MINUTE) == {"#12 14:05": "sent"}
    assert robots.asked[0].body == robots.asked[1].body


# -- members of a corporation


@pytest.fixture
def wecom(clock: Clock) -> Iterator[Wecom]:
    server = Wecom(clock)
    with server.serving():
        yield server


@pytest.fixture
def to_li(wecom: Wecom, session: requests.Session, open_post: Callable[..., Post]) -> Post:
    apis = Apis(session, {"wecom": wecom.url}, clock=wecom.clock)
    account = WecomAccount(CORPID, AGENTID, Seal("a-token", "A" * 43, CORPID), SECRET)
    return open_post(CHANNELS["wecom"].sender(account, apis), PersonDesk)


def test_thirty_a_minute_reach_a_member_and_none_is_dropped_in_silence(wecom: Wecom, to_li: Post) -> None:
    names = [f"#{number} 14:05" for number in range(100, 300)]
    to_li.put(*names, to=str(LI))
    while set(to_li.run().values()) != {"sent"}:
        to_li.run(MINUTE)
    shown = [line for _, content in wecom.shown for line in content["content"].splitlines()]
    assert Counter(shown) == Counter(names)


def test_a_revoked_token_costs_a_member_nothing(wecom: Wecom, to_li: Post) -> None:
    to_li.put("#1", to=str(LI))
    to_li.run()
    wecom.revoke()
    to_li.put("#2", to=str(LI))
    assert to_li.run() == {"#1": "sent", "#2": "sent"}


def test_a_member_out_of_reach_is_reached_another_way_at_once(wecom: Wecom, to_li: Post) -> None:
    wecom.members = {"han"}
    han = str(Person("wecom", CORPID, "han"))
    to_li.desk.others["#12"] = notice_row("#12 to han", han, NOW)
    to_li.put("#12", to=str(LI))
    assert to_li.run() == {"#12": "failed", "#12 to han": "sent"}
    assert [person for person, _ in wecom.shown] == ["han"]


def test_what_a_member_perhaps_got_is_not_shown_twice(wecom: Wecom, to_li: Post) -> None:
    to_li.put("#11", to=str(LI))
    to_li.run()
    to_li.put("#12", to=str(LI))
    wecom.loses_an_answer = True
    assert to_li.run()["#12"] == "due"
    assert to_li.run(MINUTE)["#12"] == "sent"
    assert [content["content"] for _, content in wecom.shown] == ["#11", "#12"]


# -- late answers of an Official Account


@pytest.fixture
def wechat(clock: Clock) -> Iterator[CustomerMessages]:
    server = CustomerMessages(clock)
    with server.serving():
        yield server


@pytest.fixture
def to_follower(wechat: CustomerMessages, session: requests.Session, open_post: Callable[..., Post]) -> Post:
    apis = Apis(session, {"wechat": wechat.url}, clock=wechat.clock)
    return open_post(
        CHANNELS["wechat"].sender(Account(APPID, "a-token", secret=WECHAT_SECRET), apis), PersonDesk
    )


def test_a_late_answer_goes_out_to_a_follower_who_has_just_written(
    wechat: CustomerMessages, to_follower: Post
) -> None:
    wechat.hears(FOLLOWER.id)
    to_follower.put("18:40 转来的报警", to=str(FOLLOWER), **LATE)
    assert to_follower.run() == {"18:40 转来的报警": "sent"}
    assert wechat.shown == [(FOLLOWER.id, "18:40 转来的报警")]
    assert to_follower.store.outbox.late_answers(str(FOLLOWER), NOW, 9) == ()


@pytest.mark.parametrize("closed", ["not verified", "never written"])
def test_where_the_account_may_not_write_it_waits_for_the_next_word(
    wechat: CustomerMessages, to_follower: Post, closed: str
) -> None:
    if closed == "not verified":
        wechat.is_verified = False
        wechat.hears(FOLLOWER.id)
    to_follower.put("18:40 转来的报警", to=str(FOLLOWER), **LATE)
    assert to_follower.run() == {"18:40 转来的报警": "failed"}
    (waiting,) = to_follower.store.outbox.late_answers(str(FOLLOWER), to_follower.clock(), 9)
    assert waiting.payload["text"] == "18:40 转来的报警"
