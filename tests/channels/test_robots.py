"""Group robots against a server that has their documented limits, signatures, keywords and error codes."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
import requests

from tests.support.loopback import Clock
from tests.support.robots import HOUR, KEY, MINUTE, Robots, Settings
from triage.channels.apis import Apis
from triage.channels.delivery import EVERYBODY, Group, Notice, RateLimit, Result, Sender
from triage.channels.registry import OUTGOING, ROBOTS
from triage.channels.robot import Robot
from triage.errors import SettingsError

SECRET = "SECtest"  # noqa: S105 - a made-up one
SIGNED = ("dingtalk_webhook", "feishu_webhook")
WORDED = ("dingtalk_webhook", "feishu_webhook")
PAGE = "#12 14:05 连接超时，时令果蔬\n下一步：在服务器上跑 ss -lnt"

Open = Callable[..., Sender]


@pytest.fixture
def robots() -> Iterator[Robots]:
    server = Robots(settings=Settings())
    with server.serving():
        yield server


@pytest.fixture
def open_robot(robots: Robots) -> Iterator[Open]:
    with requests.Session() as session:
        session.trust_env = False  # no proxy of this machine between the test and its server
        apis = Apis(session, clock=robots.clock)

        def opened(channel: str, **settings: str) -> Sender:
            return ROBOTS[channel].sender(Robot(robots.address(channel), **settings), apis)

        yield opened


def notice(channel: str, text: str = PAGE, **more: object) -> Notice:
    return Notice(Group(channel, "ops"), text, **more)  # type: ignore[arg-type]


every_robot = pytest.mark.parametrize("channel", ROBOTS)


LINK = "详情 https://triage.example.cn/incidents/12"


@every_robot
@pytest.mark.parametrize("form", ["text", "markdown"])
def test_a_link_arrives_as_it_was_written(robots: Robots, open_robot: Open, channel: str, form: str) -> None:
    robots.settings.keyword = "报警"
    more = {"markdown": f"{PAGE}\n{LINK}"} if form == "markdown" else {}
    sent = notice(channel, f"{PAGE}\n{LINK}", **more)
    assert open_robot(channel, keyword="报警").send(sent, 5).result is Result.SENT
    assert robots.posted[0].endswith(LINK)


# -- what is not sent


@every_robot
@pytest.mark.parametrize(
    "answer", [(200, b"<html>login</html>"), (200, b"{}"), (502, b'{"errcode":0}'), (200, b"[]")]
)
def test_what_is_no_answer_of_the_platform_is_tried_later(
    robots: Robots, open_robot: Open, channel: str, answer: tuple[int, bytes]
) -> None:
    robots.instead = [answer]
    assert open_robot(channel).send(notice(channel), 5).result is Result.LATER


@every_robot
def test_a_connection_that_ends_after_the_request_is_maybe_sent(
    robots: Robots, open_robot: Open, channel: str
) -> None:
    robots.instead = [None]
    assert open_robot(channel).send(notice(channel), 5).result is Result.MAYBE_SENT


@every_robot
def test_a_connection_that_is_never_made_has_sent_nothing(channel: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        address = f"http://127.0.0.1:{unused.getsockname()[1]}/hook?key={KEY}"
    with requests.Session() as session:
        session.trust_env = False
        delivery = ROBOTS[channel].sender(Robot(address), Apis(session)).send(notice(channel), 5)
    assert delivery.result is Result.LATER
    assert KEY not in delivery.reason


@every_robot
def test_a_silent_server_is_left_after_the_time_limit_and_may_have_it(channel: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, requests.Session() as session:
        session.trust_env = False
        robot = Robot(f"http://127.0.0.1:{silent.getsockname()[1]}/hook?key={KEY}")
        delivery = ROBOTS[channel].sender(robot, Apis(session)).send(notice(channel), 0.2)
    assert delivery.result is Result.MAYBE_SENT
    assert KEY not in delivery.reason


@every_robot
def test_a_removed_robot_is_a_wrong_setting(robots: Robots, open_robot: Open, channel: str) -> None:
    robots.settings.is_removed = True
    delivery = open_robot(channel).send(notice(channel), 5)
    assert (delivery.result, robots.posted) == (Result.SETTING_WRONG, [])
    assert "重新添加" in delivery.reason


@pytest.mark.parametrize("channel", SIGNED)
@pytest.mark.parametrize("secret", [None, "SECother"], ids=["no secret", "another secret"])
def test_a_wrong_signature_is_a_wrong_setting(
    robots: Robots, open_robot: Open, channel: str, secret: str | None
) -> None:
    robots.settings.secret = SECRET
    sender = open_robot(channel) if secret is None else open_robot(channel, secret=secret)
    delivery = sender.send(notice(channel), 5)
    assert (delivery.result, robots.posted) == (Result.SETTING_WRONG, [])
    assert "secret" in delivery.reason


@pytest.mark.parametrize("channel", WORDED)
def test_a_missing_keyword_is_a_wrong_setting(robots: Robots, open_robot: Open, channel: str) -> None:
    robots.settings.keyword = "报警"
    delivery = open_robot(channel).send(notice(channel), 5)
    assert (delivery.result, robots.posted) == (Result.SETTING_WRONG, [])
    assert "keyword" in delivery.reason


@pytest.mark.parametrize(
    ("channel", "limit", "after"),
    [
        pytest.param("wecom_webhook", RateLimit(20, MINUTE), timedelta(seconds=65), id="WeCom, 20 a minute"),
        pytest.param("dingtalk_webhook", RateLimit(20, MINUTE), 10 * MINUTE, id="DingTalk, 20 a minute"),
        pytest.param("feishu_webhook", RateLimit(5, timedelta(seconds=1)), MINUTE, id="Feishu, 5 a second"),
    ],
)
def test_one_more_than_the_limit_is_refused_until_the_time_that_is_told(
    robots: Robots, open_robot: Open, channel: str, limit: RateLimit, after: timedelta
) -> None:
    sender = open_robot(channel)
    results = [sender.send(notice(channel), 5) for _ in range(limit.count + 1)]
    assert {delivery.result for delivery in results[:-1]} == {Result.SENT}
    assert (results[-1].result, results[-1].retry_after) == (Result.LATER, after)
    assert limit in sender.limits
    robots.clock.now += after
    assert sender.send(notice(channel), 5).result is Result.SENT


def test_feishu_takes_100_a_minute(robots: Robots, open_robot: Open) -> None:
    sender = open_robot("feishu_webhook")
    for _ in range(100):
        assert sender.send(notice("feishu_webhook"), 5).result is Result.SENT
        robots.clock.now += timedelta(milliseconds=250)
    assert sender.send(notice("feishu_webhook"), 5).result is Result.LATER
    assert RateLimit(100, MINUTE) in sender.limits


# -- what is sent


@every_robot
def test_the_group_reads_the_text(robots: Robots, open_robot: Open, channel: str) -> None:
    assert open_robot(channel).send(notice(channel), 5).result is Result.SENT
    assert robots.posted == [PAGE]


@pytest.mark.parametrize("channel", SIGNED)
@pytest.mark.parametrize("off", [-HOUR, timedelta(), HOUR], ids=["an hour slow", "right", "an hour fast"])
def test_a_message_is_signed_by_the_clock(
    open_robot: Open, robots: Robots, channel: str, off: timedelta
) -> None:
    robots.settings.secret = SECRET
    sender = open_robot(channel, secret=SECRET)
    assert sender.send(notice(channel), 5).result is Result.SENT
    asked = robots.asked[-1]
    robots.clock.now += off + (timedelta(seconds=1) if off > timedelta() else -timedelta(seconds=1))
    replayed = robots.answer(asked)[1]
    assert replayed.get("errcode", replayed.get("code")) in ((0,) if not off else (310000, 19021))


@pytest.mark.parametrize(
    ("channel", "secret", "place", "sign"),
    [
        pytest.param(
            "dingtalk_webhook",
            "SECtest",
            "query",
            "aZLLrriXgn05YbwaGR7knYsLeJADjr9NwLaNNKpxh4g=",
            id="DingTalk",
        ),
        pytest.param(
            "feishu_webhook",
            "feishutest",
            "body",
            "haBruccblxZRGfQ+rs6Ecglg9ZfbZEqTZYjCVhgR66E=",
            id="Feishu",
        ),
    ],
)
def test_a_known_signature_is_made_again(
    robots: Robots, open_robot: Open, channel: str, secret: str, place: str, sign: str
) -> None:
    robots.clock.now = datetime.fromtimestamp(1_700_000_000, UTC)
    robots.settings.secret = secret
    assert open_robot(channel, secret=secret).send(notice(channel), 5).result is Result.SENT
    asked = robots.asked[-1]
    assert (asked.query if place == "query" else asked.json)["sign"] == sign


@every_robot
@pytest.mark.parametrize("markdown", [None, "**#12** 解除：时令果蔬"], ids=["text", "Markdown"])
def test_the_keyword_stands_in_everything_also_in_an_all_clear(
    robots: Robots, open_robot: Open, channel: str, markdown: str | None
) -> None:
    robots.settings.keyword = "报警"
    sender = open_robot(channel, keyword="报警")
    long = "#12 解除 " + "好" * 9000
    assert sender.send(notice(channel, long, markdown=markdown), 5).result is Result.SENT
    assert robots.posted[-1].startswith("报警 ")
    assert sender.send(notice(channel, "#12 报警解除"), 5).result is Result.SENT
    assert robots.posted[-1] == "#12 报警解除"


@pytest.mark.parametrize(
    ("channel", "mentions", "called"),
    [
        pytest.param("wecom_webhook", ("lilei", "han"), ["lilei", "han"], id="WeCom calls by userid"),
        pytest.param("wecom_webhook", (EVERYBODY,), ["@all"], id="WeCom calls all"),
        pytest.param(
            "dingtalk_webhook", ("manager4220", "13800000000"), ["13800000000", "manager4220"],
            id="DingTalk calls by mobile number and by userid",
        ),
        pytest.param("dingtalk_webhook", (EVERYBODY,), ["@all"], id="DingTalk calls all"),
    ],
)  # fmt: skip
def test_people_are_called_in_a_text_even_where_there_is_markdown(
    robots: Robots, open_robot: Open, channel: str, mentions: tuple[str, ...], called: list[str]
) -> None:
    sent = notice(channel, markdown="**#12**", mentions=mentions)
    assert open_robot(channel).send(sent, 5).result is Result.SENT
    assert (robots.called, robots.posted) == ([called], [PAGE])


def test_feishu_calls_people_by_a_tag_and_a_forwarded_alert_calls_nobody(
    robots: Robots, open_robot: Open
) -> None:
    foreign = '#12 昵称: <at user_id="all">所有人</at><AT user_id="ou_y"></AT>'
    sender = open_robot("feishu_webhook")
    for mentions, tags in ((("ou_x",), 1), ((EVERYBODY,), 1), ((), 0)):
        assert sender.send(notice("feishu_webhook", foreign, mentions=mentions), 5).result is Result.SENT
        assert robots.posted[-1].casefold().count("<at ") == tags
    assert robots.posted[0].startswith('<at user_id="ou_x"></at> #12')
    assert robots.posted[1].startswith('<at user_id="all">所有人</at> #12')
    assert sender.send(notice("feishu_webhook", PAGE, markdown=foreign), 5).result is Result.SENT
    assert "<at " not in robots.posted[-1]


@every_robot
def test_markdown_goes_out_where_nobody_is_called(robots: Robots, open_robot: Open, channel: str) -> None:
    assert open_robot(channel).send(notice(channel, markdown="**#12** 14:05"), 5).result is Result.SENT
    assert robots.posted == ["**#12** 14:05"]


# -- how much


@pytest.mark.parametrize(
    ("channel", "markdown", "fit", "cut"),
    [
        pytest.param("wecom_webhook", False, 682, 683, id="WeCom, text of 2,048 bytes"),
        pytest.param("wecom_webhook", True, 1365, 1366, id="WeCom, Markdown of 4,096"),
        pytest.param("dingtalk_webhook", False, 3000, 3001, id="DingTalk, text of 9,000"),
        pytest.param("dingtalk_webhook", True, 3000, 3001, id="DingTalk, Markdown of 9,000"),
        pytest.param("feishu_webhook", False, 3000, 3001, id="Feishu, text of 9,000"),
        pytest.param("feishu_webhook", True, 3000, 3001, id="Feishu, Markdown of 9,000"),
    ],
)
def test_a_longer_text_is_cut_between_characters(
    robots: Robots, open_robot: Open, channel: str, markdown: bool, fit: int, cut: int
) -> None:
    sender = open_robot(channel)
    for count in (fit, cut):
        text = "好" * count
        sent = notice(channel, text, markdown=text if markdown else None)
        assert sender.send(sent, 5).result is Result.SENT
        assert robots.posted[-1] == "好" * fit


@every_robot
def test_a_page_of_line_feeds_fits_though_json_doubles_them(
    robots: Robots, open_robot: Open, channel: str
) -> None:
    sender = open_robot(channel)
    text = ("#12" + "\n" * 20_000)[: sender.page_size.limit]
    assert sender.send(notice(channel, text), 5).result is Result.SENT


# -- settings


@every_robot
def test_a_robot_is_named_by_its_key_or_its_whole_address(channel: str) -> None:
    official = ROBOTS[channel].official
    assert Robot(KEY).url(official) == official.format(KEY)
    assert Robot(f"https://open.larksuite.com/x/{KEY}").url(official) == f"https://open.larksuite.com/x/{KEY}"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"address": ""}, "address"),
        ({"address": "short"}, "address"),
        ({"address": "ftp://example.cn/x"}, "address"),
        ({"address": "https://example.cn/a b"}, "address"),
        ({"address": KEY, "secret": " "}, "secret"),
        ({"address": KEY, "keyword": ""}, "keyword"),
    ],
)
def test_what_can_be_no_robot_is_refused_without_showing_it(values: dict[str, str], field: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Robot(**values)
    assert caught.value.field == field
    assert values[field].strip() == "" or values[field] not in str(caught.value)


def test_a_robot_never_shows_its_key_or_secret() -> None:
    assert KEY not in repr(Robot(KEY, SECRET))
    assert SECRET not in repr(Robot(KEY, SECRET))


def test_every_robot_is_registered_by_its_name_beside_the_channels() -> None:
    assert all(OUTGOING[name] is ROBOTS[name] and ROBOTS[name].name == name for name in ROBOTS)


@every_robot
def test_what_no_text_can_carry_is_left_out(robots: Robots, open_robot: Open, channel: str) -> None:
    assert open_robot(channel).send(notice(channel, "#12 \ud800\x00好"), 5).result is Result.SENT
    assert robots.posted == ["#12 好"]


def test_a_clock_is_the_machine_s_where_none_is_given() -> None:
    with requests.Session() as session:
        before = datetime.now(UTC)
        assert before <= Apis(session).clock() <= datetime.now(UTC)
    assert Clock()() == Clock().now
