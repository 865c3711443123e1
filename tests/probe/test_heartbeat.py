"""A heartbeat warns once, early, and says when all is well again; a report reads well in every form."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from xml.etree.ElementTree import fromstring

import pytest

from triage.advice.sources import Sources
from triage.errors import UnreachableError
from triage.findings import Finding, Severity
from triage.probe.formats import render_html, render_junit, rows_of
from triage.probe.guard import Guard, parse_target
from triage.probe.heartbeat import HeartbeatMetrics, Notice, Turn, Watch, beat, line_of, post
from triage.probe.report import Check, CheckState, Layer, Report, checked, make_check, printable, times_of
from triage.probe.resolver import Resolution
from triage.settings.directories import data_directory, load_sources

NOW = datetime(2026, 3, 9, 18, 31, 40, tzinfo=UTC)
SOURCES = load_sources()
GONE = Finding("curl_connect", Severity.HIGH, "连不上", hint="看进程", source="3.b")
STALE = Finding("stale_timestamp_accepted", Severity.LOW, "旧请求", hint="查时间", source="R14")
ODD = Finding("http_status", Severity.HIGH, "<b>500</b> \x1b", hint=None, source="R1")


def report(*checks: Check, pushes: int = 1, failed: int = 0) -> Report:
    return Report("http://mp.example.com/wx", "safe", NOW, 0.5, checks, times_of([0.1, 0.2]), pushes, failed)


WELL = report(Check("echo", Layer.VERIFY, "GET", CheckState.PASSED, "200"))
DOWN = report(
    Check("tcp_connect", Layer.TCP, "203.0.113.9", CheckState.FAILED, "拒绝", (GONE,)),
    Check("echo", Layer.VERIFY, "echo", CheckState.SKIPPED, "连不上"),
    pushes=0,
)
SICK = report(
    Check("timestamp_refused", Layer.VERIFY, "旧请求", CheckState.FAILED, "200", (STALE,), 0.01),
    Check("reply_law", Layer.REPLY, "text", CheckState.FAILED, "500", (ODD,), 0.01),
    Check("reply_law", Layer.REPLY, "CLICK", CheckState.FAILED, "500", (ODD,), 0.01),
    Check("retry", Layer.TIME, "重推", CheckState.FAILED, "2", (GONE,)),
    Check("dns_wechat", Layer.DNS, "dns", CheckState.UNKNOWN, "问不到"),
    pushes=2,
    failed=2,
)


def notices(watch: Watch, *runs: tuple[int, Report]) -> list[Turn | None]:
    said = [watch.note(run, NOW + timedelta(seconds=at)) for at, run in runs]
    return [notice.turn if notice else None for notice in said]


@pytest.mark.parametrize(
    ("warn_at", "runs", "expected"),
    [
        (3, [(0, WELL), (60, WELL)], [None, None]),
        (3, [(0, DOWN), (60, DOWN), (120, WELL)], [None, None, None]),
        (3, [(0, DOWN), (60, DOWN), (120, DOWN), (180, DOWN)], [None, None, Turn.WARNING, None]),
        (3, [(0, DOWN), (60, DOWN), (300, DOWN)], [None, None, None]),
        (2, [(0, SICK), (60, WELL), (299, WELL), (300, WELL)], [Turn.WARNING, None, None, Turn.RECOVERED]),
        (1, [(0, DOWN), (400, WELL), (460, DOWN)], [Turn.WARNING, Turn.RECOVERED, Turn.WARNING]),
    ],
    ids=["well", "two are not enough", "warned once", "the first is over", "recovered", "warned again"],
)
def test_a_watch_warns_once_and_says_when_it_is_over(
    warn_at: int, runs: list[tuple[int, Report]], expected: list[Turn | None]
) -> None:
    assert notices(Watch(warn_at), *runs) == expected


def test_a_trifle_is_no_failure() -> None:
    trifle = report(Check("timestamp_refused", Layer.VERIFY, "旧请求", CheckState.FAILED, "200", (STALE,)))
    assert notices(Watch(1), (0, trifle)) == [None]


def test_the_webhook_of_wecom_gets_the_shape_it_wants() -> None:
    notice = Notice(Turn.WARNING, "http://mp.example.com/wx", 3, ("连不上" * 900,))
    body = notice.as_json(robot=True)
    assert body["msgtype"] == "text"
    assert len(body["text"]["content"].encode()) <= 2048
    assert body["text"]["content"].startswith("【预警】http://mp.example.com/wx 最近 5 分钟体检失败 3 次")
    assert notice.as_json()["window_minutes"] == 5
    assert "已恢复" in Notice(Turn.RECOVERED, "http://mp.example.com/wx", 0).text


def test_a_webhook_without_an_address_is_told_as_such() -> None:
    guard = Guard(frozenset({"hook.example.com"}))
    with pytest.raises(UnreachableError):
        post(
            Notice(Turn.WARNING, "x", 3),
            parse_target("http://hook.example.com/"),
            guard,
            lambda _: Resolution((), 0.0),
        )


def test_a_beat_tells_every_run_until_it_is_stopped() -> None:
    stop, lines, warnings = threading.Event(), [], list[Notice]()

    def note(run: Report, failures: int) -> None:
        lines.append(line_of(run, failures))
        if len(lines) == 4:
            stop.set()

    beat(
        lambda: DOWN,
        Watch(3),
        every=0.001,
        stop=stop,
        clock=lambda: NOW,
        on_report=note,
        on_notice=warnings.append,
    )
    assert lines[3].startswith("2026-03-09T18:31:40Z TCP 连接：curl_connect 连不上")
    assert "5 分钟内 4 败" in lines[3]
    assert [notice.failures for notice in warnings] == [3]
    assert "正常" in line_of(WELL, 0)


def test_metrics_follow_the_last_run() -> None:
    from prometheus_client import generate_latest

    metrics = HeartbeatMetrics()
    metrics.note(SICK, 2)
    metrics.note(WELL, 2)
    text = generate_latest(metrics.registry).decode()
    assert "triage_probe_up 1.0" in text
    assert "triage_probe_runs_total 2.0" in text
    assert "triage_probe_failures_total 2.0" in text
    assert "severity=" not in text
    assert 'triage_probe_answer_seconds{quantile="0.99"} 0.2' in text


# -- in every form


def test_only_the_first_failing_layer_and_trifles_before_it_are_explained() -> None:
    assert SICK.first is Layer.REPLY
    assert [(item.finding.id, item.explained) for item in SICK.groups] == [
        ("http_status", True),
        ("curl_connect", False),
        ("stale_timestamp_accepted", True),
    ]
    shown = "\n".join(row.text for row in rows_of(SICK, SOURCES))
    assert "最先不通的是：回应" in shown
    assert "text、CLICK：" in shown
    assert "看进程" not in shown


def test_an_explained_finding_names_the_item_it_rests_on() -> None:
    shown = [row.text for row in rows_of(SICK, SOURCES)]
    assert "   出处：〔R1〕只认 200；检查项：reply_law" in shown
    bare = [row.text for row in rows_of(SICK, Sources())]
    assert "   出处：R1；检查项：reply_law" in bare


def test_the_page_links_an_item_to_its_official_page_and_says_what_it_says() -> None:
    template = (data_directory("templates") / "report" / "probe.html").read_text(encoding="utf-8")
    page = render_html(DOWN, template, SOURCES)
    assert (
        '<a href="https://developers.weixin.qq.com/doc/service/guide/dev/api/warn_guide.html">〔3.b〕' in page
    )
    assert "〔3.b〕机器过载</a>：看机器的负载是否过高，连接是否太多。检查项" in page
    assert "出处：3.b；检查项" in render_html(DOWN, template, Sources())


def test_what_was_left_out_stands_on_one_line() -> None:
    assert [row.text for row in rows_of(DOWN, SOURCES) if "没查" in row.text] == [" - 没查 echo：连不上"]


def test_the_page_escapes_what_it_shows() -> None:
    template = (data_directory("templates") / "report" / "probe.html").read_text(encoding="utf-8")
    page = render_html(SICK, template, SOURCES)
    assert "&lt;b&gt;500&lt;/b&gt;" in page
    assert "<b>500" not in page
    assert "没有发现问题" in render_html(WELL, template, SOURCES)
    assert "http://mp.example.com/wx" in render_html(DOWN, template, SOURCES)


def test_junit_counts_and_holds_only_what_xml_can_hold() -> None:
    root = fromstring(render_junit([SICK, WELL]))  # noqa: S314 - we wrote it
    assert [suite.attrib["failures"] for suite in root] == ["3", "0"]
    assert len(root[0].findall("testcase/failure")) == 3
    assert [suite.attrib["skipped"] for suite in root] == ["1", "0"]
    assert root[0][1].attrib == {"classname": "reply", "name": "reply_law text", "time": "0.010000"}
    assert root[0][1][0].attrib == {"type": "http_status", "message": "<b>500</b> \ufffd"}


def test_a_case_of_junit_fails_once_and_by_what_fails_the_command() -> None:
    both = Check("reply_law", Layer.REPLY, "text", CheckState.FAILED, "200", (STALE, GONE))
    trifle = Check("timestamp_refused", Layer.VERIFY, "旧请求", CheckState.FAILED, "200", (STALE,))
    for fail_on, failures in ((Severity.LOW, 2), (Severity.MEDIUM, 1), (Severity.CRITICAL, 0)):
        root = fromstring(render_junit([report(both, trifle)], fail_on))  # noqa: S314 - we wrote it
        assert root[0].attrib["failures"] == str(failures)
        assert len(root[0].findall("testcase/failure")) == failures
        assert len(root[0].findall("testcase/system-out")) == 2 - failures
    first = root[0].find("testcase/system-out")
    assert first is not None
    assert "连不上" in str(first.text)
    assert "旧请求" in str(first.text)


def test_the_page_tells_beijing_time_and_begins_with_the_verdict() -> None:
    template = (data_directory("templates") / "report" / "probe.html").read_text(encoding="utf-8")
    page = render_html(SICK, template, SOURCES)
    assert "北京时间 2026-03-10 02:31:40 开始" in page
    assert "UTC" not in page
    assert page.index("结论：有问题：严重 2 处、轻微 1 处") < page.index("发现的问题")
    assert "结论：没有发现问题" in render_html(WELL, template, SOURCES)


def test_a_trifle_is_marked_as_one_and_a_hint_not_at_all() -> None:
    hint = Finding("leading_blanks", Severity.INFO, "前面有空白", source="R7")
    trifle = Check("timestamp_refused", Layer.VERIFY, "旧请求", CheckState.FAILED, "200", (STALE,))
    shown = [
        row.text
        for row in rows_of(
            report(trifle, make_check("reply_law", Layer.REPLY, "text", "200", [hint])), SOURCES
        )
    ]
    assert shown[1] == "结论：能用，有小毛病：轻微 1 处，另有 1 条提示；推了 1 次，都得到了合法的回应"
    assert shown[2:4] == [" ! 签名与验证  旧请求：200", " ✓ 回应  text：200"]
    assert shown[-3].startswith("2. [提示] leading_blanks  text：前面有空白")


def test_json_holds_everything() -> None:
    values = json.loads(json.dumps(SICK.as_json()))
    assert values["first_failing_layer"] == "reply"
    assert [item["check"] for item in values["findings"]] == [
        "reply_law",
        "retry",
        "timestamp_refused",
    ]
    assert values["findings"][0]["subjects"] == ["text", "CLICK"]
    assert values["findings"][2]["hint"] == "查时间"
    assert values["conclusion"] == "有问题：严重 2 处、轻微 1 处；推了 2 次，2 次没得到合法的回应"
    assert values["times"]["count"] == 2


def test_a_verdict_names_two_reasons_and_counts_the_rest() -> None:
    third = Check("reply_law", Layer.REPLY, "VIEW", CheckState.FAILED, "500", (ODD,))
    said = checked(report(*SICK.checks, third))
    assert said["reply_law"].startswith("检查过：没通过，因为text：")
    assert said["reply_law"].endswith("；另有 1 处")
    assert said["dns_wechat"] == "查不出：问不到"
    assert checked(DOWN)["echo"] == "没检查：连不上"
    assert checked(WELL)["echo"] == "检查过：通过（200）"


def test_nothing_in_a_line_gives_a_terminal_orders() -> None:
    assert printable("a\x1b[31m\u202eb\r\nc\x9b 👨\u200d👩") == "a\ufffd[31m\ufffdb c\ufffd 👨\u200d👩"
