"""Stages of pipelines, run over logs of a real nginx: they find what the log holds and say where it cannot tell."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.paths import DATA
from tests.support.shell import AWKS, Shell, shell_with
from triage.rules.parser import parse_rules
from triage.rules.stages import STAGES, expand

LOGS = DATA / "logs"
GUIDE, COMBINED, JSON = (
    (LOGS / f"{name}.log").read_text(encoding="utf-8", errors="surrogateescape")
    for name in ("guide", "combined", "json")
)
HEAD = '10.1.2.3 - - [28/Nov/2026:16:59:30 +0800] "POST /wx?openid=o1 HTTP/1.1" '
AGENT = '"-" "Mozilla/4.0" '


@pytest.fixture(params=AWKS)
def shell(request: pytest.FixtureRequest, tmp_path: Path) -> Shell:
    return shell_with(request.param, tmp_path)


def read(shell: Shell, log: str, stage: str) -> str:
    (shell.folder / "access.log").write_text(log, encoding="utf-8", errors="surrogateescape")
    return shell.run(expand(f"cat access.log | {{{{ {stage} }}}}"))


# -- how slow

NOT_SLOW = {
    "a version in the agent": HEAD + '200 7 "-" "MicroMessenger/8.0.472 (5.123.4; Build 9.876b)" 0.010',
    "a number in the query": HEAD.replace("o1", "o1&v=5.234") + "200 7 " + AGENT + "0.010",
    "an address of the client": HEAD + "200 7 " + AGENT + '"8.134.56.7, 9.111.2.3" "0.010"',
    "a moment in milliseconds": '{"msec":"1795856360.236","request_time":"0.010"}',
    "a gzip ratio and a size": HEAD + "200 7031 " + AGENT + '"4.55" "0.010"',
    "just below three seconds": HEAD + "200 7 " + AGENT + '"2.999" "2.998"',
}
SLOW = {
    "three seconds": HEAD + "200 7 " + AGENT + "3.000 2.999",
    "quoted as in the guide": HEAD + "499 0 " + AGENT + '"10.0.0.1:80"   "-"  "5.074"  "5.075" ',
    "the last field of the line": HEAD + "499 0 " + AGENT + "5.074",
    "nothing from the backend": HEAD + "499 0 " + AGENT + "5.074 -",
    "the backend's time first": HEAD + "499 0 " + AGENT + "- 5.074",
    "a first backend that was slow": HEAD
    + "200 7 "
    + AGENT
    + '"10.0.0.1:80, 10.0.0.2:80" "504, 200" "4.001, 0.002"',
    "a second backend that was slow": HEAD
    + "200 7 "
    + AGENT
    + '"10.0.0.1:80, 10.0.0.2:80" "502, 200" "0.001, 4.002"',
    "our own nginx's format": HEAD.replace("?openid=o1", "")
    + '499 0 "Mozilla/4.0" "-" wx.cn 10.0.0.1:80 - 5.001 5.001',
    "behind a name": HEAD + "200 7 " + AGENT + "rt=5.074 uct=0.001",
    "JSON with numbers": '{"status": 499, "request_time": 5.074}',
    "JSON without blanks": '{"request_time":5.074,"status":499}',
    "more than a minute": HEAD + "200 7 " + AGENT + "61.005",
}


@pytest.mark.parametrize("line", NOT_SLOW.values(), ids=NOT_SLOW)
def test_what_only_looks_like_a_time_is_none(shell: Shell, line: str) -> None:
    assert read(shell, line + "\n", "slow_lines") == "1 行，1 行有耗时，超过 3 秒的 0 行\n"


@pytest.mark.parametrize("line", SLOW.values(), ids=SLOW)
def test_a_slow_request_is_found_whatever_the_format(shell: Shell, line: str) -> None:
    found, said = read(shell, line + "\n", "slow_lines").splitlines()
    assert found == re.sub(r'\?[^ "]*', "", line)
    assert said == "1 行，1 行有耗时，超过 3 秒的 1 行"


@pytest.mark.parametrize("log", [GUIDE, JSON], ids=["the guide's format", "JSON"])
def test_the_slow_requests_of_a_real_log_are_found(shell: Shell, log: str) -> None:
    *found, said = read(shell, log, "slow_lines").splitlines()
    assert said == "23 行，23 行有耗时，超过 3 秒的 3 行"
    assert ["/slow " in line for line in found] == [False, True, False]
    assert "openid" not in "".join(found)


CANNOT_TELL = {
    "a log without times": (COMBINED, "23 行，看不出快慢：都没记耗时（request_time）"),
    "times of another program": (HEAD + "200 7 " + AGENT + "5074 us\n", "1 行，看不出快慢"),
    "a moment but no time": ('{"msec":"1795856360.236","status":"499"}\n', "1 行，看不出快慢"),
    "nothing to read": ("", "看不出：没有对得上的行"),
}


@pytest.mark.parametrize(("log", "said"), CANNOT_TELL.values(), ids=CANNOT_TELL)
def test_a_log_that_cannot_tell_is_not_called_fast(shell: Shell, log: str, said: str) -> None:
    assert read(shell, log, "slow_lines").startswith(said)


def test_slow_requests_are_counted_by_backend(shell: Shell) -> None:
    log = SLOW["quoted as in the guide"] + "\n" + SLOW["a second backend that was slow"] + "\n" + GUIDE
    counted = [line.split() for line in read(shell, log, "slow_backends").splitlines()]
    assert counted == [["3", "127.0.0.1:18081"], ["2", "10.0.0.1:80"], ["1", "10.0.0.2:80"]]


@pytest.mark.parametrize("log", ["", COMBINED, NOT_SLOW["just below three seconds"] + "\n"])
def test_no_backend_to_name_is_said(shell: Shell, log: str) -> None:
    assert read(shell, log, "slow_backends").startswith("看不出：")


# -- states, sizes, backends

STATUSES = {"200": 7, "504": 3, "499": 2, "400": 2, "301": 2}


@pytest.mark.parametrize("log", [GUIDE, COMBINED, JSON], ids=["the guide's format", "combined", "JSON"])
def test_states_are_counted_whatever_the_format(shell: Shell, log: str) -> None:
    counted = {
        status: int(count) for count, status in map(str.split, read(shell, log, "status_counts").splitlines())
    }
    assert sum(counted.values()) == 23
    assert counted.items() >= STATUSES.items()


def test_the_state_of_the_backend_is_not_taken_for_the_answer(shell: Shell) -> None:
    log = HEAD + "499 0 " + AGENT + '"10.0.0.1:80" 200 5.074\n' + '{"upstream_status":"200","status":"499"}\n'
    assert read(shell, log, "status_counts").split() == ["2", "499"]


def test_states_are_counted_with_sizes(shell: Shell) -> None:
    assert "7 200 7\n" in read(shell, GUIDE, "size_counts")


def test_states_are_counted_by_backend(shell: Shell) -> None:
    log = (
        GUIDE
        + HEAD
        + "502 157 "
        + AGENT
        + '"10.0.0.1:80, 10.0.0.2:80"   "502, 502"  "0.001"  "0.000, 0.001"\n'
    )
    lines = read(shell, log, "backend_counts").splitlines()
    assert "3 504 127.0.0.1:18081" not in lines
    assert {
        "2 504 127.0.0.1:18081",
        "1 502 127.0.0.1:18083",
        "1 503",
        "1 502 10.0.0.1:80, 10.0.0.2:80",
    } <= set(lines)


@pytest.mark.parametrize("stage", ["status_counts", "size_counts", "backend_counts"])
def test_lines_that_cannot_be_counted_are_named(shell: Shell, stage: str) -> None:
    assert read(shell, "some words\nand more\n", stage) == "2 行读不出来\n"
    assert read(shell, "", stage).startswith("看不出：没有对得上的行")


# -- single lines


def test_a_push_is_shown_whole_and_a_log_without_times_is_named(shell: Shell) -> None:
    assert read(shell, SLOW["three seconds"] + "\n", "found_lines") == SLOW["three seconds"] + "\n"
    assert read(shell, COMBINED, "found_lines").splitlines()[-1] == "看不出快慢：都没记耗时（request_time）"
    assert read(shell, "", "found_lines").startswith("没找到，也不等于没进来")


def test_lines_are_found_in_any_letter_case_and_the_time_they_cover_is_said(shell: Shell) -> None:
    stage = "lines_with('connection REFUSED|Permission denied')"
    log = (
        "2026/11/28 08:59:19 start\n2026/11/28 08:59:30 connect() failed (111: Connection refused)\n"
        "2026/11/28 09:03:00 end\n"
    )
    found, said = read(shell, log, stage).splitlines()
    assert "Connection refused" in found
    assert said == "1 行对得上，共 3 行，从 2026/11/28 08:59:19 start 到 2026/11/28 09:03:00 end"
    assert read(shell, "", stage) == "看不出：一行都没读到\n"


# -- in commands


def test_a_name_in_a_command_is_written_out_and_any_other_is_left() -> None:
    for name, stage in STAGES.items():
        assert expand(f"cat x | {{{{ {name} }}}}") == f"cat x | {stage}"
    for left in (
        "{{ ip }}",
        "{{ slow_line }}",
        "{{ lines_with }}",
        "{{ slow_lines('x') }}",
        "awk '{{print}}'",
    ):
        assert expand(left) == left


RULE = """\
id: rule
title: 样例
severity: high
meaning: 一句话
aliases: [样例]
steps:
  - id: first
    do: 看日志
    {key}: cat access.log | {{{{ {name} }}}}
    source: field
examples:
  match: [query: 样例]
  ignore: [query: 别的]
"""


def test_a_rule_of_a_team_may_use_a_stage_in_a_command_only() -> None:
    (rule,), findings = parse_rules(RULE.format(key="run", name="slow_lines"), "rule.yml")
    assert rule.steps[0].run
    assert rule.steps[0].run.render({}) == f"cat access.log | {STAGES['slow_lines']}"
    assert findings == ()
    _, findings = parse_rules(RULE.format(key="healthy", name="slow_lines"), "rule.yml")
    assert findings[0].message == "unknown fact 'slow_lines'"
    _, findings = parse_rules(RULE.format(key="run", name="slow_line"), "rule.yml")
    assert findings[0].hint == "did you mean 'slow_lines'?"


# -- nginx itself

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin")
LIMITED = """\
worker_processes 2; worker_rlimit_nofile 777; daemon on; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
"""


@pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
def test_the_limit_is_that_of_the_workers_and_not_of_the_master(shell: Shell) -> None:
    folder = shell.folder
    (folder / "nginx.conf").write_text(LIMITED.format(folder=folder), encoding="utf-8")
    nginx = [str(NGINX), "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
    subprocess.run(nginx, check=True, capture_output=True)
    try:
        master = (Path("/proc") / (folder / "nginx.pid").read_text().strip() / "limits").read_text()
        rows = [line.split() for line in shell.run(expand("{{ worker_limits }}")).splitlines()]
    finally:
        subprocess.run([*nginx, "-s", "stop"], check=True, capture_output=True)
    assert "777" not in master
    assert [row[0] for row in rows if "777" in row] == ["2"]


def test_a_host_without_workers_says_so(shell: Shell) -> None:
    command = expand("{{ worker_limits }}").replace("[n]ginx: worker", "[n]o such worker")
    assert "such worker" in command
    assert shell.run(command) == "看不出：这里没有 nginx 的 worker 进程\n"
