"""Reports of triage's own commands, pasted: the verdict of the logs, the faults of the probe."""

from __future__ import annotations

import pytest

from triage.evidence.judge import judge
from triage.evidence.judgement import Finding, Verdict
from triage.evidence.reports import logs_part
from triage.logs.verdict import Verdict as LogVerdict

LOGS = """\
判断 进来了，是我们慢了（backend_slow）
依据 /wx 31 次，状态 499 ×31；后端 10.0.0.8:80 ×31
接着 先看 10.0.0.8:80
窗口 08-12 16:17:53 到 08-12 16:23:03（北京时间），/wx 31 次
样例这个 OpenID 的行：
  198.51.100.160 - - [12/Aug/2022:08:18:08 +0000] "POST /wx?openid=… HTTP/1.1" 499 0 "-" "Mozilla/4.0" 5.002 5.001
"""
PROBE = """\
https://mp.example.com/wx（safe 模式，用时 2.1 秒）
结论：有问题：严重 1 处，轻微 1 处
 ✗ 回应  text：{"code":0}
最先不通的是：回应。先修这一层，后面的可能只是受它连累
1. [严重] json_reply  text：回的是 JSON
   怎么办：只输出 success
   出处：〔R6〕；检查项：reply_law
2. [轻微] stale_timestamp_accepted  一小时前的 GET：收下了
   怎么办：拒绝旧请求
   出处：〔R14〕；检查项：timestamp_refused
3. [提示] wrong_nonce  text：不同
   怎么办：可以不改
   出处：〔R14〕；检查项：reply_law
"""


ENGLISH = """\
verdict it came in, and we were slow (backend_slow)
proof /wx ×31, statuses 499 ×31; backends 10.0.0.8:80 ×31
next look at 10.0.0.8:80 first

1. [high] json_reply  text: the answer is JSON
   what to do: write success alone
   source: R6; check: reply_law
2. [low] stale_timestamp_accepted  a GET of an hour ago: it was taken
   what to do: refuse old requests
   source: R14; check: timestamp_refused
3. [hint] wrong_nonce  text: another one
   what to do: it may stay
   source: R14; check: reply_law
"""


def test_a_report_in_english_is_read_too() -> None:
    assert [(part.tool, [item.id for item in part.findings]) for part in judge(ENGLISH)] == [
        ("logs", ["late_backend"]),
        ("probe_reply_law", ["probe_failed"]),
        ("probe_timestamp_refused", ["probe_trifle"]),
    ]


def test_a_report_of_the_logs_is_one_part_with_its_proof() -> None:
    (part,) = judge(LOGS)
    assert part.tool == "logs"
    assert part.findings == (
        Finding("late_backend", Verdict.SICK, "/wx 31 次,状态 499 ×31;后端 10.0.0.8:80 ×31"),
    )


@pytest.mark.parametrize("verdict", LogVerdict)
def test_every_verdict_of_the_logs_has_a_finding(verdict: LogVerdict) -> None:
    assert logs_part(verdict.value, "").findings


@pytest.mark.parametrize(
    ("text", "tools"),
    [
        pytest.param("判断 是我们慢了（backend_slow）\n我看也是", [], id="a conclusion without its proof"),
        pytest.param("1. [严重] 回错了\n2. [严重] 又错了", [], id="a list of somebody"),
        pytest.param(
            PROBE, ["probe_reply_law", "probe_timestamp_refused"], id="faults alone, each check once"
        ),
    ],
)
def test_the_parts_of_a_report(text: str, tools: list[str]) -> None:
    assert [part.tool for part in judge(text)] == tools
