"""A table of constructed logs, each around one alert: the verdict is right, and none is a false all-clear."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.logs import AFTER, ALERT, BACKEND, BEFORE, OPENID, combined, configured, line, stamp, write
from tests.support.paths import DATA
from triage.alerts.parser import parse
from triage.evidence.services.log_format import OURS, RECOMMENDED
from triage.logs.files import open_log
from triage.logs.join import join
from triage.logs.report import as_json, lines_of
from triage.logs.target import target_of
from triage.logs.traffic import Traffic
from triage.logs.verdict import Answer, judge

FINE = [line(second) for second in range(-9, 290, 30)]
MINE = line(1, openid=OPENID)
LISTS = "10.0.0.1:80, 10.0.0.2:80 502, 200 5.003 4.999, 0.004"
LATE = line(5, 499, "5.074", upstream_seconds="5.075", openid=OPENID)


def quoted_nothing(text: str) -> str:
    """The line in the format that our steps recommend."""
    head, rest = text.split(' "-" "wx.example.com"  "-" ')
    return f'{head.replace("  - -", " - -")} "-" wx.example.com ' + " ".join(rest.replace('"', "").split())


def as_json_line(text: str, **more: str) -> str:
    """The line as `escape=json` writes it, with `$time_iso8601`."""
    fields = text.split('"')
    status, size = fields[2].split()
    return json.dumps(
        {
            "time": more.get("time", "2026-11-28T12:30:05+00:00"), "request": fields[1], "status": status,
            "body_bytes_sent": size, "upstream_addr": fields[13], "request_time": fields[17],
            "upstream_response_time": fields[19],
        }
    )  # fmt: skip


LOGS: dict[str, tuple[Sequence[str], str, str]] = {
    # never arrived
    "nobody came to the path": ([BEFORE, line(60, path="/api"), AFTER], "never_arrived", "一次也没有，别的地址 1 次"),
    "nobody came at all": ([BEFORE, AFTER], "never_arrived", "别的地址 0 次"),
    "others came, this push did not": ([BEFORE, *FINE, AFTER], "never_arrived", "另有 10 次进来"),
    "a path that only begins like ours": ([BEFORE, line(5, 499, "5.0", path="/wxpay"), AFTER], "never_arrived", ""),
    "this push is missing, and few others failed": (
        [BEFORE, *FINE, line(60, 500), AFTER], "never_arrived", "",
    ),
    "slow requests before the window": (
        [BEFORE, line(-20, 499, "5.001"), *FINE, AFTER], "never_arrived", "",
    ),
    # we were slow
    "the platform hung up after five seconds": ([BEFORE, *FINE, LATE, AFTER], "backend_slow", BACKEND),
    "it was sent before the first failure": (
        [BEFORE, line(-2, 499, "5.001", openid=OPENID), AFTER], "backend_slow", "499 ×1",
    ),
    "it ended behind the window": (
        [BEFORE, MINE, line(309, 200, "10.001"), line(341, path="/api"), AFTER], "backend_slow", "200 ×1",
    ),
    "nginx gave the backend up": ([BEFORE, line(9, 504, "4.003", openid=OPENID), AFTER], "backend_slow", "504"),
    "proxy_ignore_client_abort made a late 200 of it": (
        [BEFORE, line(9, 200, "7.001", openid=OPENID), AFTER], "backend_slow", "200 ×1",
    ),
    "the first of two backends was slow": (
        [BEFORE, line(9, 200, "5.003", "10.0.0.1:80, 10.0.0.2:80", "4.001, 1.002", openid=OPENID), AFTER],
        "backend_slow", "后端 10.0.0.1:80 ×1",
    ),
    "the backend behind an internal redirect was slow": (
        [BEFORE, line(9, 200, "5.003", "10.0.0.1:80 : 10.0.0.2:80", "0.001 : 5.002", openid=OPENID), AFTER],
        "backend_slow", "后端 10.0.0.2:80 ×1",
    ),
    "what took long was not the backend": (
        [BEFORE, line(9, 200, "5.003", upstream_seconds="0.002", openid=OPENID), AFTER],
        "backend_slow", "看不出是后端慢",
    ),
    "this push was in time, others were not": ([BEFORE, MINE, line(60, 499, "5.01"), AFTER], "backend_slow", ""),
    "a 499 in combined, which has no times": (
        [BEFORE, combined(5, 499, openid=OPENID), AFTER], "backend_slow", "499 ×1",
    ),
    "the log of a container, in UTC, and of a host in Beijing": (
        [BEFORE, line(5, 499, "5.074", openid=OPENID, zone=8), AFTER], "backend_slow", "",
    ),
    "a zone with half an hour": (
        [BEFORE, line(5, 499, "5.074", openid=OPENID, zone=5.5), AFTER], "backend_slow", "",
    ),
    "our own recommended format": (
        [quoted_nothing(BEFORE), quoted_nothing(LATE), quoted_nothing(AFTER)], "backend_slow", BACKEND,
    ),
    "our own recommended format with lists": (
        [
            quoted_nothing(BEFORE),
            f'1.2.3.4 - - [{stamp(9)}] "POST /wx?openid={OPENID} HTTP/1.1" 200 7 "-" "-" "-" wx.cn {LISTS}',
            quoted_nothing(AFTER),
        ],
        "backend_slow", "10.0.0.1:80 ×1",
    ),
    "a log without queries": (
        [
            f'1.2.3.4 - - [{stamp(at)}] "POST {path} HTTP/1.1" 499 0 "Mozilla/4.0" "-" wx.cn 10.0.0.1:80 - 5.001 5.001'
            for at, path in ((-300, "/api"), (9, "/wx"), (400, "/api"))
        ],
        "backend_slow", "10.0.0.1:80 ×1",
    ),
    "JSON": (
        [
            as_json_line(BEFORE, time="2026-11-28T12:20:05+00:00"),
            as_json_line(LATE),
            as_json_line(AFTER, time="2026-11-28T12:40:05+00:00"),
        ],
        "backend_slow", BACKEND,
    ),
    "JSON of another zone": (
        [
            as_json_line(BEFORE, time="2026-11-28T20:20:05+08:00"),
            as_json_line(LATE, time="2026-11-28T20:30:05+08:00"),
            as_json_line(AFTER, time="2026-11-28T20:40:05+08:00"),
        ],
        "backend_slow", BACKEND,
    ),
    "two formats in one file": (
        [combined(-300, path="/api"), *FINE, *map(quoted_nothing, (LATE, AFTER))], "backend_slow", BACKEND,
    ),
    "a prefix of docker compose": ([f"web-1  | {text}" for text in (BEFORE, LATE, AFTER)], "backend_slow", ""),
    # nginx refused it
    "nginx sent it to https": ([BEFORE, line(1, 301, "0.000", "-", openid=OPENID), AFTER], "refused", "301 ×1"),
    "nginx limited the rate": ([BEFORE, line(1, 503, "0.000", "-", openid=OPENID), AFTER], "refused", "503 ×1"),
    "nginx denied it": ([BEFORE, line(1, 403, "0.000", "-", openid=OPENID), AFTER], "refused", "403 ×1"),
    "a body that was too large": ([BEFORE, line(1, 413, "0.000", "-", openid=OPENID), AFTER], "refused", ""),
    "a redirect in combined": ([BEFORE, combined(1, 302, openid=OPENID), AFTER], "refused", "302"),
    "a body that was too large, in combined": ([BEFORE, combined(1, 413, openid=OPENID), AFTER], "refused", ""),
    # answered wrongly
    "who denied it combined does not say": (
        [BEFORE, combined(1, 403, openid=OPENID), AFTER], "wrong_answer", "403 ×1",
    ),
    "the backend was down": ([BEFORE, line(1, 502, "0.000", openid=OPENID), AFTER], "wrong_answer", BACKEND),
    "the application threw": ([BEFORE, line(1, 500, "0.100", openid=OPENID), AFTER], "wrong_answer", "500"),
    "the application redirected": ([BEFORE, line(1, 302, openid=OPENID), AFTER], "wrong_answer", "302"),
    "no backend was left": (
        [BEFORE, line(1, 502, "0.001", "10.0.0.1:80, 10.0.0.2:80", "0.000, 0.001", openid=OPENID), AFTER],
        "wrong_answer", "10.0.0.2:80",
    ),
    # answered in time
    "all were answered in time": ([BEFORE, *FINE, MINE, AFTER], "answered_in_time", "最慢 0.021 秒"),
    "nearly too late is in time": (
        [BEFORE, line(5, 200, "4.499", openid=OPENID), AFTER], "answered_in_time", "1 次超过 3 秒",
    ),
    "the second backend saved it": (
        [BEFORE, line(1, 200, "0.004", "10.0.0.1:80, 10.0.0.2:80", "0.001, 0.003", openid=OPENID), AFTER],
        "answered_in_time", "",
    ),
    "a time in the agent": (
        [BEFORE, MINE.replace("Mozilla/4.0", "[28/Nov/2020:00:00:00 +0000] 9.999"), AFTER], "answered_in_time", "",
    ),
    # cannot tell
    "combined has no times": ([BEFORE, combined(1, openid=OPENID), AFTER], "cannot_tell", "没记耗时"),
    "it was cut too early for the platform": (
        [BEFORE, line(2, 499, "2.002", openid=OPENID), AFTER], "cannot_tell", "不到 4.5 秒",
    ),
    "the log begins too late": ([line(30), AFTER], "cannot_tell", "才开始"),
    "the log ends too early": ([BEFORE, line(60)], "cannot_tell", "日志只到"),
    "the log is of another day": ([BEFORE.replace("28/Nov", "27/Nov")], "cannot_tell", "日志只到"),
    "an empty file": ([], "cannot_tell", "一行日志也没有"),
    "no log at all": (["# nothing", "hello world"], "cannot_tell", "读不懂"),
    "times without an offset": (
        [as_json_line(LATE, time="2026-11-28 20:30:05")] * 3, "cannot_tell", "读不懂",
    ),
    "a line of ours that cannot be read": (
        [BEFORE, *FINE, f'x "POST /wx?openid={OPENID} 499 5.074', AFTER], "cannot_tell", "读不懂",
    ),
    "a garbled handshake is no request of ours": (
        [BEFORE, *FINE, MINE, '1.2.3.4  - - [x] "\\x16\\x03\\x01" 400 157', AFTER], "answered_in_time", "",
    ),
}  # fmt: skip


def judged(
    folder: Path, lines: Sequence[str], alert: str = ALERT, conf: Path | None = None
) -> tuple[Answer, Traffic]:
    """The verdict on one log."""
    target = target_of(parse(alert).alerts[0])
    logs = configured(conf) if conf else ()
    return join([open_log(write(folder / "access.log", lines))], target, logs, lambda path, done, size: None)


@pytest.mark.parametrize(("lines", "verdict", "proof"), LOGS.values(), ids=LOGS)
def test_the_verdict_is_right(lines: Sequence[str], verdict: str, proof: str, tmp_path: Path) -> None:
    answer, _ = judged(tmp_path, lines)
    assert answer.verdict == verdict, answer
    assert proof in answer.proof


def test_what_the_platform_got_outweighs_a_log_that_is_fine(tmp_path: Path) -> None:
    lines = [BEFORE, *FINE, MINE, AFTER]
    for sample in ("[http code=502]", "[response_length=4][response_content=oops]"):
        answer, _ = judged(tmp_path, lines, ALERT.replace("[Event=Click]", sample))
        assert answer.verdict == "wrong_answer"


def test_a_log_without_backends_blames_neither_nginx_nor_the_application(tmp_path: Path) -> None:
    answer, _ = judged(tmp_path, [BEFORE, combined(1, 403, openid=OPENID), AFTER])
    assert "看不出是应用还是 nginx 回的" in answer.next
    known, _ = judged(tmp_path, [BEFORE, line(1, 403, openid=OPENID), AFTER])
    assert "看不出" not in known.next


def test_a_504_blames_the_backend_though_the_log_names_none(tmp_path: Path) -> None:
    answer, _ = judged(tmp_path, [BEFORE, combined(9, 504, openid=OPENID), AFTER])
    assert answer.verdict == "backend_slow"
    assert "看不出" not in answer.proof
    assert "limit_req" not in answer.next
    left, _ = judged(tmp_path, [BEFORE, combined(9, 499, openid=OPENID), AFTER])
    assert "limit_req" in left.next


def test_failures_that_the_alert_complains_of_come_first(tmp_path: Path) -> None:
    lines = [BEFORE, MINE, line(60, 499, "5.01"), *[line(61, 404, "0.000", "-")] * 9, AFTER]
    assert judged(tmp_path, lines)[0].verdict == "backend_slow"
    wrong = ALERT.replace("开发者5秒内没有返回", "得到的回应不合法")
    assert judged(tmp_path, lines, wrong)[0].verdict == "refused"


def test_failures_before_a_mark_fail_are_found(tmp_path: Path) -> None:
    said = "微信服务器向公众号推送消息或事件发生多次失败后，暂时不推送消息，一分钟后解除屏蔽"
    alert = ALERT.replace("微信服务器向公众号推送消息或事件后，开发者5秒内没有返回", said)
    lines = [line(-400, path="/api"), line(-100, 502, "0.000", openid=OPENID), AFTER]
    assert judged(tmp_path, lines, alert)[0].verdict == "wrong_answer"
    assert judged(tmp_path, lines)[0].verdict == "never_arrived"


def test_an_alert_without_a_path_looks_at_every_request(tmp_path: Path) -> None:
    alert = ALERT.replace("[3rdUrl=http://wx.example.com/wx]", "").replace(OPENID, "oxxxx")
    assert (
        judged(tmp_path, [BEFORE, line(5, 499, "5.0", path="/other"), AFTER], alert)[0].verdict
        == "backend_slow"
    )


def test_an_alert_without_a_time_cannot_be_joined(tmp_path: Path) -> None:
    answer, traffic = judged(tmp_path, [MINE], re.sub(r"时间.*\n|\[Stamp=\d+\]", "", ALERT))
    assert answer.verdict == "cannot_tell"
    assert as_json(answer, traffic, None)["window"] is None


def test_the_cannot_tell_of_missing_times_names_the_log_format(tmp_path: Path) -> None:
    answer, _ = judged(tmp_path, [BEFORE, combined(1, openid=OPENID), AFTER])
    assert "log_format wx '" in answer.next
    assert "$request_time" in answer.next
    assert RECOMMENDED in (DATA.parents[1] / "rules/nginx_config.yml").read_text(encoding="utf-8").replace(
        "\n      ", " "
    )


def test_our_own_format_is_that_of_the_deployment() -> None:
    (log,) = configured(DATA.parents[1] / "deploy/nginx.conf")
    assert log.format.text == OURS


def test_backends_that_are_all_slow_share_something(tmp_path: Path) -> None:
    slow = [line(60, 499, "5.01", f"10.0.0.{number}:80") for number in (1, 2, 3)]
    assert "3 台都慢" in judged(tmp_path, [BEFORE, MINE, *slow, AFTER])[0].next
    assert "先看 10.0.0.2:80" in judged(tmp_path, [BEFORE, MINE, *slow, *[slow[1]] * 9, AFTER])[0].next


LAB = DATA / "evidence/lab"
"""What a real nginx wrote, and its configuration."""
LAB_ALERT = (
    ALERT.replace("20:30:00", "16:59:25")
    .replace("5分钟", "1分钟")
    .replace(OPENID, "oAbcdefghijklmnopqrstuvwxyz1")
)


@pytest.mark.parametrize("name", ["access", "combined", "json"])
@pytest.mark.parametrize("conf", [None, LAB / "nginx.conf"], ids=["by its looks", "by its configuration"])
def test_the_log_of_a_real_nginx_is_understood_in_each_format(
    name: str, conf: Path | None, tmp_path: Path
) -> None:
    target = target_of(parse(LAB_ALERT).alerts[0])
    logs = configured(conf) if conf else ()
    answer, traffic = join([open_log(LAB / f"{name}.log")], target, logs, lambda path, done, size: None)
    assert answer.verdict == "backend_slow"
    assert traffic.count() == 7
    assert traffic.tally(lambda kind: (kind.status,)) == {"200": 2, "504": 2, "413": 1, "500": 1, "408": 1}
    assert traffic.slow == (0 if name == "combined" else 2)
    assert len(traffic.sample) == 1
    assert traffic.unread == []


def test_what_is_printed_is_masked(tmp_path: Path) -> None:
    answer, traffic = judged(tmp_path, [BEFORE, *FINE, LATE, AFTER])
    target = target_of(parse(ALERT).alerts[0])
    for shown in ("\n".join(lines_of(answer, traffic, target)), json.dumps(as_json(answer, traffic, target))):
        assert OPENID not in shown
        assert "0123456789abcdef" not in shown
        assert "5.074" in shown


def test_the_json_is_that_of_the_contract(tmp_path: Path) -> None:
    answer, traffic = judged(tmp_path, [BEFORE, *FINE, LATE, AFTER])
    found = as_json(answer, traffic, target_of(parse(ALERT).alerts[0]))
    assert found["verdict"] == "backend_slow"
    assert found["window"] == ["2026-11-28T20:29:50+08:00", "2026-11-28T20:35:00+08:00"]
    assert found["requests"] == 11
    assert found["by_status"] == {"200": 10, "499": 1}
    assert found["by_upstream"] == {BACKEND: 11}
    assert found["slow"] == 1
    assert len(found["lines"]) == 1


CONDITIONAL = "events {} http { access_log /var/log/nginx/access.log combined if=$wanted; }"


def test_a_log_that_leaves_requests_out_proves_no_absence(tmp_path: Path) -> None:
    conf = tmp_path / "nginx.conf"
    conf.write_text(CONDITIONAL)
    lines = [combined(-300, path="/api"), combined(400, path="/api")]
    assert judged(tmp_path, lines)[0].verdict == "never_arrived"
    assert judged(tmp_path, lines, conf=conf)[0].verdict == "cannot_tell"


def test_a_doubt_hides_no_failure() -> None:
    target = target_of(parse(ALERT).alerts[0])
    assert target
    traffic = Traffic(has_hole=True, unread=["?"])
    assert judge(traffic, target).verdict == "cannot_tell"
