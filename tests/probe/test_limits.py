"""Every limit of the probe holds at its value and not beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.sick_peer import PLAIN, Authority, Raw, dns_server, healthy, serving
from triage.errors import InputError, TransportProblem, UnreachableError
from triage.findings import Finding, Severity
from triage.message import Request, Response
from triage.probe import Guard, Limits, ProbePlan, World, examine
from triage.probe.connection import Connection, HttpAnswer
from triage.probe.faults import excerpt, explain_status
from triage.probe.formats import shown_subjects
from triage.probe.guard import parse_target
from triage.probe.heartbeat import Notice, Turn, Watch
from triage.probe.load import connections_for, run
from triage.probe.network_checks import check_dns
from triage.probe.push import find_sample_push
from triage.probe.report import Check, CheckState, Layer, Report, checked
from triage.probe.resolver import Resolution

LOOPBACK = Guard(frozenset({"127.0.0.1"}), allow_private=True)
NOW = datetime(2026, 3, 9, 18, 31, 40, tzinfo=UTC)
GET = Request("GET", {})
GONE = Finding("curl_connect", Severity.HIGH, "连不上")


def _report(*checks: Check, failed: int = 0) -> Report:
    return Report("http://mp.example.com/wx", "safe", NOW, 0.5, checks, None, 1, failed)


def test_the_platforms_and_our_own_limits_are_these() -> None:
    assert Limits() == Limits(
        connect=5, slow_connect=3, answer=5, slow_answer=3, expiry=timedelta(days=14), control=2
    )
    plan = ProbePlan(PLAIN)
    assert (plan.count, plan.rate) == (20, 10)


# -- what is read


@pytest.mark.parametrize(
    ("longest", "too_long"),
    [
        pytest.param(*(f"http://a.cn/{'x' * (size - 12)}" for size in (2048, 2049)), id="a URL"),
        pytest.param(*(f"http://{'x' * size}.cn/" for size in (63, 64)), id="a label of a name"),
        pytest.param(
            *(f"http://{'.'.join(['x' * 49] * 5)}{'.' + 'x' * size}/" for size in (3, 4)), id="a name of 253"
        ),
    ],
)
def test_what_is_too_long_in_a_url_is_refused(longest: str, too_long: str) -> None:
    assert parse_target(longest)
    with pytest.raises(InputError):
        parse_target(too_long)


@pytest.mark.parametrize(("size", "is_read"), [(262_144, True), (262_145, False)])
def test_a_body_is_read_up_to_256_kib(size: int, is_read: bool) -> None:
    with (
        serving(lambda request: Response(200, b"x" * size)) as peer,
        Connection(parse_target(peer.url), "127.0.0.1", LOOPBACK) as connection,
    ):
        if is_read:
            assert len(connection.exchange(GET).response.body) == size
            return
        with pytest.raises(UnreachableError) as caught:
            connection.exchange(GET)
    assert caught.value.problem is TransportProblem.TOO_LARGE


def test_the_words_of_a_failure_are_cut_at_200_characters() -> None:
    with (
        serving(lambda request: Raw(b"x" * 300 + b"\r\n")) as peer,
        Connection(parse_target(peer.url), "127.0.0.1", LOOPBACK) as connection,
        pytest.raises(UnreachableError) as caught,
    ):
        connection.exchange(GET)
    assert len(caught.value.detail) == 200


def test_eight_addresses_of_a_name_are_tried() -> None:
    addresses = tuple(f"8.8.8.{number}" for number in range(9))
    world = World(lambda host: Resolution(addresses, 0.0), nameserver=None)
    _, found = check_dns(parse_target("http://mp.example.com/"), LOOPBACK, world, Limits())
    assert found == list(addresses[:8])


def test_the_control_name_is_waited_for_no_longer_than_its_limit() -> None:
    with dns_server({"mp.example.com": None, "weixin.qq.com": None}) as server:
        world = World(lambda host: Resolution((), 0.0), nameserver=server.place)
        limits = Limits(answer=0.2, control=0.0)
        checks, _ = check_dns(parse_target("http://mp.example.com/"), LOOPBACK, world, limits)
        assert "weixin.qq.com" not in server.asked
    assert checks[1].state is CheckState.UNKNOWN


# -- when we warn


def _look_at_certificate(authority: Authority, world: World, left: timedelta, *more: str) -> Report:
    with serving(healthy(PLAIN), authority.serving("mp.example.com", left, *more)) as peer:
        guard = Guard(frozenset({"mp.example.com"}), True)
        plan = ProbePlan(PLAIN, "plain", ("text",), count=0, quick=True)
        return examine(f"https://mp.example.com:{peer.port}/wx", plan, guard, world=world)


@pytest.fixture
def world(authority: Authority) -> World:
    return World(lambda host: Resolution(("127.0.0.1",), 0.0), None, authority.trusting())


@pytest.mark.parametrize(("days", "is_clean"), [(14, False), (15, True)])
def test_a_certificate_should_last_14_days(
    days: int, is_clean: bool, authority: Authority, world: World
) -> None:
    assert _look_at_certificate(authority, world, timedelta(days=days)).is_clean == is_clean


@pytest.mark.parametrize(
    ("left", "is_trusted", "flaw"),
    [
        (timedelta(days=-3), True, "证书过期了"),
        (timedelta(days=90), False, "证书链不完整，或者签发机构不受信任"),
    ],
    ids=["expired", "unknown authority"],
)
def test_the_flaw_of_a_certificate_is_told_with_five_of_its_names(
    left: timedelta, is_trusted: bool, flaw: str, authority: Authority, world: World
) -> None:
    world = world if is_trusted else replace(world, tls=None)
    report = _look_at_certificate(authority, world, left, *(f"mp{number}.example.com" for number in range(5)))
    (finding,) = (finding for check, finding in report.findings if check.layer is Layer.TLS)
    assert finding.message.startswith(f"{flaw}：写给 mp.example.com、mp0.example.com、")
    assert "mp3.example.com，" in finding.message
    assert "mp4.example.com" not in finding.message


@pytest.mark.parametrize(("failures", "turn"), [(2, None), (3, Turn.WARNING)])
def test_a_heartbeat_warns_by_default_at_three_failures(failures: int, turn: Turn | None) -> None:
    notice = Watch().note(_report(failed=failures), NOW)
    assert (notice.turn if notice else None) == turn


# -- how much is shown


@pytest.mark.parametrize(("size", "rest"), [(80, ""), (81, "…")])
def test_80_characters_of_a_body_are_shown(size: int, rest: str) -> None:
    assert excerpt(Response(200, ("😀" * size).encode())) == "😀" * 80 + rest


@pytest.mark.parametrize("size", [100, 101])
def test_100_characters_of_a_redirects_target_are_shown(size: int) -> None:
    finding = explain_status(HttpAnswer(Response(302, b""), 0.1, "x" * size))
    assert finding
    assert finding.message.count("x") == 100


def test_a_notice_names_five_reasons() -> None:
    text = Notice(Turn.WARNING, "http://mp.example.com/", 3, tuple("甲乙丙丁戊己")).text
    assert text.endswith("- 戊")


def test_wecoms_robot_gets_2048_bytes() -> None:
    notice = Notice(Turn.WARNING, "u", 3, ("x" * 3000,))
    assert len(notice.as_json(robot=True)["text"]["content"].encode()) == 2048


@pytest.mark.parametrize(("count", "shown"), [(4, "0、1、2、3"), (5, "0、1、2、3等 5 项")])
def test_four_checks_of_a_finding_are_named(count: int, shown: str) -> None:
    checks = (
        Check("reply_law", Layer.REPLY, str(number), CheckState.FAILED, "", (GONE,))
        for number in range(count)
    )
    (group,) = _report(*checks).groups
    assert shown_subjects(group) == shown


@pytest.mark.parametrize(("count", "rest"), [(2, ""), (3, "；另有 1 处")])
def test_two_reasons_of_a_verdict_are_named(count: int, rest: str) -> None:
    checks = (Check("retry", Layer.TIME, "推", CheckState.FAILED, "", (GONE,)) for _ in range(count))
    assert checked(_report(*checks))["retry"] == f"检查过：没通过，因为推：连不上；推：连不上{rest}"


# -- load


@pytest.mark.parametrize(
    ("rate", "longest", "connections"), [(0.1, 5, 1), (10, 5, 50), (12.8, 5, 64), (1000, 5, 64)]
)
def test_connections_are_as_many_as_the_rate_needs_and_at_most_64(
    rate: float, longest: float, connections: int
) -> None:
    assert connections_for(rate, longest) == connections


@pytest.fixture
def url() -> Iterator[str]:
    with serving(healthy(PLAIN)) as peer:
        yield peer.url


@pytest.mark.parametrize(("asked", "count", "opened"), [(0, 2, 1), (5, 3, 3), (100, 70, 64)])
def test_a_load_run_opens_no_more_connections_than_it_has_pushes_and_64(
    asked: int, count: int, opened: int, url: str
) -> None:
    made: list[Connection] = []

    def open_connection() -> Connection:
        made.append(Connection(parse_target(url), "127.0.0.1", LOOPBACK))
        return made[-1]

    load = run(open_connection, PLAIN, find_sample_push("text"), count, mode="plain", connections=asked)
    assert (len(made), load.pushes, load.failed) == (opened, count, 0)


def test_a_retry_is_three_pushes_of_one_message() -> None:
    with serving(healthy(PLAIN)) as peer:
        examine(peer.url, ProbePlan(PLAIN, "plain", ("text",), count=0), LOOPBACK)
        retries = [request.body for request in peer.requests if "triage 重推检查".encode() in request.body]
    assert len(retries) == 3
    assert len(set(retries)) == 1
