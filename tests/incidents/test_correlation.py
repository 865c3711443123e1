"""Which alerts belong together: tables of what must not be joined first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from triage.advice.adviser import Adviser
from triage.alerts.parser import BEIJING
from triage.incidents.correlation import (
    RECALL,
    STORY,
    UNNUMBERED,
    Incident,
    Reason,
    Shape,
    Sighting,
    State,
    correlate,
    correlate_together,
    is_quiet,
    key_of,
    shape_of,
    sighting_of,
    storm_size,
    story_of,
)
from triage.message import Person

NOW = datetime(2026, 4, 21, 18, 40, tzinfo=BEIJING)
BASE = Sighting(
    digest="a",
    kind="request_timeout",
    title="请求超时",
    rank=1,
    appid="wx1",
    nickname="示例",
    callback="https://a.example.cn/wx",
    ip="203.0.113.7",
    event="Subscribe",
    first_seen=NOW - timedelta(minutes=4),
    count=40,
    causes=(),
    sender=Person("wechat", "wx1", "o1"),
    seen_at=NOW,
)


def _incident(
    *sightings: Sighting, state: State = State.OPEN, last: datetime = NOW, **changes: object
) -> Incident:
    first = sightings[0] if sightings else BASE
    incident = Incident(7, key_of(first), first.appid, first.callback, state, last, last, sightings=sightings)
    return replace(incident, **changes)  # type: ignore[arg-type]


OTHER = replace(BASE, digest="b", first_seen=NOW - timedelta(minutes=1))
BLOCKED = replace(BASE, digest="m", kind="mark_fail", title="MarkFail", rank=0)


@pytest.mark.parametrize(
    ("sighting", "known", "reason"),
    [
        pytest.param(BASE, [], Reason.OPENED, id="nothing is known"),
        pytest.param(
            replace(OTHER, appid="wx2"),
            [_incident(BASE)],
            Reason.OPENED,
            id="another account is another incident",
        ),
        pytest.param(
            replace(OTHER, callback="https://b.example.cn/"),
            [_incident(BASE)],
            Reason.OPENED,
            id="another callback is another incident",
        ),
        pytest.param(
            OTHER,
            [_incident(BASE, state=State.CLOSED, last=NOW - STORY - timedelta(minutes=1))],
            Reason.OPENED,
            id="an incident closed long ago stays closed",
        ),
        pytest.param(BASE, [_incident(BASE)], Reason.REPEATED, id="the same alert again is no second alert"),
        pytest.param(
            replace(BASE, sender=Person("wechat", "wx1", "o2")),
            [_incident(BASE)],
            Reason.REPEATED,
            id="also from somebody else",
        ),
        pytest.param(OTHER, [_incident(BASE)], Reason.JOINED, id="another alert of the callback joins"),
        pytest.param(
            OTHER,
            [_incident(BASE, last=NOW - timedelta(days=2))],
            Reason.JOINED,
            id="an open incident is joined even after days",
        ),
        pytest.param(
            OTHER,
            [_incident(BASE, state=State.CLOSED)],
            Reason.REOPENED,
            id="soon after closing it is reopened",
        ),
        pytest.param(
            OTHER, [_incident(BASE, BLOCKED)], Reason.FOLDED, id="a lesser alert after MarkFail is folded in"
        ),
        pytest.param(BLOCKED, [_incident(BASE)], Reason.JOINED, id="a MarkFail joins the timeouts before it"),
    ],
)
def test_where_an_alert_belongs(sighting: Sighting, known: list[Incident], reason: Reason) -> None:
    assert correlate(sighting, known, NOW).reason is reason


def test_a_mark_fail_names_the_first_alert_before_it_as_its_root() -> None:
    connect = replace(
        BASE, digest="c", kind="connect_timeout", title="连接超时", first_seen=NOW - timedelta(minutes=9)
    )
    verdict = correlate(BLOCKED, [_incident(BASE, connect)], NOW)
    assert verdict.root == connect
    assert correlate(BLOCKED, [], NOW).root is None


def test_what_failed_after_a_mark_fail_or_long_before_it_is_not_its_root() -> None:
    hours = timedelta(hours=1)
    old = replace(BASE, digest="o", first_seen=NOW - 30 * hours)
    after = replace(BASE, digest="l", first_seen=NOW + timedelta(minutes=4))
    earlier = [replace(BASE, digest=str(age), first_seen=NOW - age * hours) for age in (1, 3)]
    blocked = replace(BLOCKED, first_seen=NOW)
    assert correlate(blocked, [_incident(old, after)], NOW).root is None
    assert correlate(blocked, [_incident(old, after, *earlier)], NOW).root == earlier[1]


@pytest.mark.parametrize(
    ("kind", "minutes", "reason"),
    [
        ("request_timeout", 5, Reason.JOINED),
        ("request_timeout", 4, Reason.REOPENED),
        ("ticket_timeout", 30, Reason.JOINED),
        ("ticket_timeout", 29, Reason.REOPENED),
    ],
)
def test_what_an_alert_counts_was_over_when_its_incident_was_closed(
    kind: str, minutes: int, reason: Reason
) -> None:
    late = replace(OTHER, kind=kind, first_seen=NOW - timedelta(minutes=minutes))
    closed = _incident(BASE, state=State.CLOSED, closed_at=NOW)
    verdict = correlate(late, [closed], NOW)
    assert (verdict.reason, verdict.incident) == (reason, closed)


def test_a_late_alert_goes_to_the_incident_of_its_time_not_to_the_open_one() -> None:
    closed = _incident(BASE, state=State.CLOSED, closed_at=NOW + timedelta(hours=1))
    later = NOW + timedelta(hours=9)
    opened = replace(_incident(replace(OTHER, first_seen=later), last=later), id=8)
    assert correlate(replace(OTHER, digest="z"), [closed, opened], later).incident == closed
    long_before = replace(OTHER, digest="y", first_seen=NOW - timedelta(days=1))
    assert correlate(long_before, [closed, opened], later).incident == opened


@pytest.mark.parametrize(
    ("age", "reason"), [(STORY, Reason.REPEATED), (STORY + timedelta(seconds=1), Reason.OPENED)]
)
def test_an_alert_without_a_time_is_the_same_for_two_hours(age: timedelta, reason: Reason) -> None:
    timeless = replace(BASE, first_seen=None)
    closed = _incident(replace(timeless, seen_at=NOW - age), state=State.CLOSED, last=NOW - age)
    assert correlate(timeless, [closed], NOW).reason is reason


def test_the_second_forwarder_is_told_of_the_first() -> None:
    verdict = correlate(
        replace(BASE, sender=Person("wechat", "wx1", "o2"), seen_at=NOW), [_incident(BASE)], NOW
    )
    assert verdict.first is not None
    assert verdict.first.sender == BASE.sender


def test_an_earlier_closed_incident_is_remembered() -> None:
    closed = _incident(BASE, state=State.CLOSED, last=NOW - timedelta(days=30), closed_note="加了超时")
    assert correlate(OTHER, [closed], NOW).before == closed
    assert timedelta(days=30) < RECALL


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        pytest.param({}, "wx1|https://a.example.cn/wx", id="account and callback"),
        pytest.param({"appid": None}, "|https://a.example.cn/wx", id="a masked account"),
        pytest.param({"callback": None}, "wx1|", id="a masked callback"),
        pytest.param({"appid": None, "callback": None}, "ip|203.0.113.7", id="only the address"),
        pytest.param({"appid": None, "callback": None, "ip": None}, "name|示例", id="only the name"),
        pytest.param(
            {"appid": None, "callback": None, "ip": None, "nickname": None},
            "alert|a",
            id="nothing but the alert",
        ),
    ],
)
def test_key_of_an_incident(changes: dict[str, None], key: str) -> None:
    assert key_of(replace(BASE, **changes)) == key  # type: ignore[arg-type]


def test_the_story_is_told_in_order_each_kind_once() -> None:
    late = replace(OTHER, digest="d")
    connect = replace(BASE, digest="c", kind="connect_timeout", first_seen=NOW - timedelta(minutes=9))
    assert [step.kind for step in story_of(_incident(BASE, late, connect))] == [
        "connect_timeout",
        "request_timeout",
    ]


def test_shapes() -> None:
    many_accounts = [_incident(replace(BASE, appid=f"wx{n}", digest=str(n))) for n in (2, 3)]
    assert shape_of(BASE, many_accounts) == (Shape.HOST, 3)
    many_hosts = [_incident(replace(BASE, ip=f"203.0.113.{n}", digest=str(n))) for n in (8, 9)]
    assert shape_of(BASE, many_hosts) == (Shape.CODE, 3)
    one_event = [_incident(replace(BASE, digest=str(n))) for n in (1, 2)]
    assert shape_of(BASE, one_event) == (Shape.ONE_EVENT, 3)
    assert shape_of(BASE, []) is None


def test_a_storm_is_many_alerts_in_a_minute_and_quiet_is_none_for_long() -> None:
    crowd = tuple(replace(BASE, digest=str(n), seen_at=NOW - timedelta(seconds=n)) for n in range(25))
    assert storm_size([_incident(*crowd)], NOW, {BASE.sender}) == 25
    assert storm_size([_incident(*crowd, *crowd)], NOW, {BASE.sender}) == 25
    assert storm_size([_incident(*crowd)], NOW + timedelta(minutes=5), {BASE.sender}) == 0
    assert (
        storm_size(
            [_incident(*crowd)],
            NOW,
            {Person("wechat", "wx1", "oSomebodyElse"), Person("wechat", "wx2", BASE.sender.id)},
        )
        == 0
    )
    assert storm_size([_incident(*[BASE] * 25)], NOW, {BASE.sender}) == 0
    assert is_quiet(_incident(BASE), NOW + timedelta(minutes=31))
    assert not is_quiet(_incident(BASE), NOW + timedelta(minutes=29))
    assert not is_quiet(_incident(BASE, state=State.CLOSED), NOW + timedelta(days=1))


SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(("alerts", "storm"), [(19, 0), (20, 20)])
def test_twenty_different_alerts_are_a_storm(alerts: int, storm: int) -> None:
    crowd = [replace(BASE, digest=str(number)) for number in range(alerts)]
    assert storm_size([_incident(*crowd)], NOW, {BASE.sender}) == storm


@pytest.mark.parametrize(("age", "storm"), [(timedelta(minutes=1), 20), (timedelta(minutes=1) + SECOND, 0)])
def test_a_storm_comes_within_a_minute(age: timedelta, storm: int) -> None:
    crowd = [replace(BASE, digest=str(number), seen_at=NOW - age) for number in range(20)]
    assert storm_size([_incident(*crowd)], NOW, {BASE.sender}) == storm


@pytest.mark.parametrize(
    ("age", "quiet"), [(timedelta(minutes=30), False), (timedelta(minutes=30) + SECOND, True)]
)
def test_an_incident_is_quiet_after_half_an_hour(age: timedelta, quiet: bool) -> None:
    assert is_quiet(_incident(BASE, last=NOW - age), NOW) == quiet


@pytest.mark.parametrize(
    ("age", "reason"), [(timedelta(hours=2), Reason.REOPENED), (timedelta(hours=2) + SECOND, Reason.OPENED)]
)
def test_a_closed_incident_is_reopened_within_two_hours(age: timedelta, reason: Reason) -> None:
    assert correlate(OTHER, [_incident(BASE, state=State.CLOSED, last=NOW - age)], NOW).reason is reason


@pytest.mark.parametrize(("age", "root"), [(timedelta(hours=2), BASE), (timedelta(hours=2) + SECOND, None)])
def test_a_mark_fail_has_its_root_within_two_hours(age: timedelta, root: Sighting | None) -> None:
    assert correlate(BLOCKED, [_incident(BASE, last=NOW - age)], NOW).root == root


@pytest.mark.parametrize(
    ("alike", "shape"),
    [
        pytest.param(lambda n: replace(BASE, digest=str(n), appid=f"wx{n}"), Shape.HOST, id="one address"),
        pytest.param(
            lambda n: replace(BASE, digest=str(n), ip=f"203.0.113.{n}"), Shape.CODE, id="one account"
        ),
        pytest.param(lambda n: replace(BASE, digest=str(n)), Shape.ONE_EVENT, id="one event"),
    ],
)
def test_three_alike_are_a_shape_and_two_are_none(alike: Callable[[int], Sighting], shape: Shape) -> None:
    assert shape_of(BASE, [_incident(alike(8))]) is None
    assert shape_of(BASE, [_incident(alike(8)), _incident(alike(9))]) == (shape, 3)


def test_earlier_incidents_are_mentioned_for_ninety_days() -> None:
    assert timedelta(days=90) == RECALL


def test_a_sighting_keeps_no_secret_and_knows_the_same_alert(adviser: Adviser) -> None:
    text = (
        "Appid: wx1decccb40f795d9f\n时间: 2025-04-15 17:22:13\n"
        "内容: 微信服务器向公众号推送消息或事件后，开发者5秒内没有返回\n"
        "次数: 5分钟 30次\n错误样例: [OpenID=oFasK2uCGUQtcwJc-KdgobnqjH2V]"
        "[3rdUrl=https://a.example.cn/wx?token=abcdef][IP=***]"
    )
    (diagnosis,) = adviser.diagnose(text)[1]
    sighting = sighting_of(diagnosis, BASE.sender, NOW)
    assert "oFasK2uCGUQ" not in repr(sighting)
    assert "abcdef" not in repr(sighting)
    assert sighting.ip is None
    (quoted,) = adviser.diagnose("> " + text.replace("\n", "\n> "))[1]
    assert sighting_of(quoted, BASE.sender, NOW).digest == sighting.digest
    (later,) = adviser.diagnose(text.replace("17:22:13", "17:27:13"))[1]
    assert sighting_of(later, BASE.sender, NOW).digest != sighting.digest


def test_alerts_of_one_message_are_taken_in_the_order_of_their_failures() -> None:
    connect = replace(BASE, digest="c", kind="connect_timeout", first_seen=NOW - timedelta(minutes=9))
    blocked = replace(BLOCKED, first_seen=NOW)
    verdicts, after = correlate_together((blocked, BASE, connect), [], NOW)
    assert [verdict.reason for verdict in verdicts] == [Reason.JOINED, Reason.JOINED, Reason.OPENED]
    assert verdicts[0].root == connect
    (incident,) = after
    assert (incident.id, incident.sightings) == (UNNUMBERED, (connect, BASE, blocked))


def test_what_one_message_opens_again_belongs_to_nobody_and_is_joined_by_the_rest() -> None:
    closed = _incident(
        BASE, state=State.CLOSED, owner=BASE.sender, step=3, closed_at=NOW, closed_note="加了带宽"
    )
    verdicts, (incident,) = correlate_together((OTHER, BLOCKED), [closed], NOW)
    assert [verdict.reason for verdict in verdicts] == [Reason.FOLDED, Reason.REOPENED]
    assert verdicts[1].incident == closed
    assert (incident.state, incident.owner, incident.step, incident.closed_note) == (
        State.OPEN,
        None,
        0,
        None,
    )
    assert len(incident.sightings) == 3
