"""Every command that a reply shows: a shell reads it, and run over a log it never lets silence pass for health."""

from __future__ import annotations

import gzip
import http.server
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.paths import DATA, ROOT
from tests.support.shell import AWKS, Shell, shell_with
from triage.advice.adviser import Adviser
from triage.advice.rendering import steps_for
from triage.alerts.facts import usable_facts
from triage.platform.pushes import PUSHES
from triage.rules.model import Rule, RuleSet

SAMPLES = [
    json.loads(line)["text"]
    for line in (DATA / "alerts/alerts.jsonl").read_text(encoding="utf-8").splitlines()
]
HEAD = "时间: 2026-11-28 {time}\n内容: {sentence}\n次数: 5分钟 64次\n错误样例: {sample}"
"""The logs in tests/data hold five minutes from 08:59:20 UTC on."""
KINDS = {
    "request_timeout": "微信服务器向公众号推送消息或事件后，开发者5秒内没有返回",
    "bad_response": "微信服务器向公众号推送消息或事件后，得到的回应不合法",
    "mark_fail": "微信服务器向公众号推送消息或事件发生多次失败后，暂时不推送消息，一分钟后解除屏蔽",
    "payment_timeout": "推送“支付完成事件”给开发者后，开发者5秒内没有返回",
    "payment_bad_response": "推送“支付完成事件”给开发者后，得到的回应不合法",
    "ticket_timeout": "微信服务器向公众号服务开发者推送component_verify_ticket时，开发者5秒内没有返回",
    "ticket_failure": "微信服务器向公众号服务开发者推送component_verify_ticket时，得到的回应不合法(应返回success)",
    "component_message_timeout": "推送第三方平台消息（如取消授权消息）等，第三方平台5秒内没有返回",
    "component_message_failure": "推送第三方平台消息（如取消授权消息）等，第三方平台没有返回success",
    "unknown": "微信服务器向公众号推送消息或事件时，月亮不圆",
}
WITH_OPENID = "[OpenID=oAbcdefghijklmnopqrstuvwxyz1][IP=203.0.113.21][Msg=Text]"
WITH_STATUS = "[IP=203.0.113.21][http code=502]"


def commands_for(adviser: Adviser, text: str) -> dict[str, str]:
    """The commands that the steps for a text show, by step."""
    return {
        step.id: step.run.render(usable_facts(diagnosis.facts))
        for diagnosis in adviser.answer(text).diagnoses
        for step in steps_for(diagnosis)
        if step.run
    }


def alert(kind: str, sample: str = "[IP=203.0.113.21][Msg=Text]") -> str:
    time = "17:04:20" if kind == "mark_fail" else "16:59:20"  # what led to a block came before it
    return HEAD.format(time=time, sentence=KINDS[kind], sample=sample)


def log_commands(adviser: Adviser) -> Iterator[tuple[str, str]]:
    """The commands that read the access log, with where they stand."""
    for kind in KINDS:
        for sample in ("[IP=203.0.113.21]", WITH_OPENID, WITH_STATUS, "[3rdUrl=https://wx.example.com/wx]"):
            for step, command in commands_for(adviser, alert(kind, sample)).items():
                if re.search(r"grep \S+ '?\S+ access\.log", command):
                    yield f"{kind}/{step} {sample}", command


# -- a shell reads them


def test_every_command_of_every_rule_is_one_that_a_shell_reads(rules: RuleSet, adviser: Adviser) -> None:
    examples = [example.text for rule in rules.rules for example in rule.match if not example.query]
    shown = {command for text in (*examples, *SAMPLES) for command in commands_for(adviser, text).values()}
    shown |= {step.run.render({}) for rule in rules.rules for step in rule.steps if step.run}
    assert len(shown) > 200
    for command in shown:
        read = subprocess.run(["bash", "-n"], input=command.encode(), capture_output=True, check=False)
        assert read.returncode == 0, (command, read.stderr)
        assert command.isprintable()
        assert len(command) <= 500, command
        assert "2>/dev/null" not in command, f"a tool that fails must say so: {command}"


def _steps(rules: RuleSet) -> Iterator[tuple[Rule, str, str, str]]:
    for rule in rules.rules:
        for step in rule.steps:
            if step.run:
                yield rule, step.id, step.run.source, step.healthy.source if step.healthy else ""


def test_no_step_calls_silence_healthy(rules: RuleSet) -> None:
    silent = [
        f"{rule.id}/{step}"
        for rule, step, _, healthy in _steps(rules)
        if re.search("没有输出|没有新行", healthy)
    ]
    assert silent == []


def test_reading_a_log_by_grep_is_the_second_choice_after_the_command_that_judges_it(rules: RuleSet) -> None:
    found = {f"{rule.id}/{step}": run for rule, step, run, _ in _steps(rules)}
    second = [name for name in found if name.endswith("_by_grep")]
    assert len(second) == 12
    for name in second:
        assert found[name.removesuffix("_by_grep")] == "triage logs access.log* --alert alert.txt"


LAST_FILTER = re.compile(r"\| (?:grep -(?!-line)|awk '\$|awk '/)[^|]*(?:\| (?:tail|head)[^|]*)?$")
MAY_BE_SILENT = {
    "bad_response/route_404": "its healthy result is a line",
    "bad_response/http_403": "every configuration has a location",
    "connect_timeout/limits": "its healthy result is a line",
    "network_check/counters": "netstat prints these counters always",
    "network_check/tls": "openssl prints one of them or the error",
    "nginx_status_404/server_block": "its healthy result is a line",
    "payment_timeout/locks": "its head line is printed always",
    "tcp_states/count_old": "its healthy result is a count",
    "tcp_states/syn_recv": "nstat -az prints zeros",
}


def test_a_pipeline_that_ends_in_a_filter_says_what_its_silence_means(rules: RuleSet) -> None:
    silent = {
        f"{rule.id}/{step}"
        for rule, step, run, _ in _steps(rules)
        if LAST_FILTER.search(run) and "||" not in run
    }
    assert silent - MAY_BE_SILENT.keys() == set()


# -- logs

GUIDE, COMBINED, JSON = ((DATA / f"logs/{name}.log").read_bytes() for name in ("guide", "combined", "json"))
ANOTHER_DAY = GUIDE.replace(b"28/Nov", b"27/Nov")
EIGHT_HOURS_LATER = GUIDE.replace(b"2026:08:", b"2026:16:").replace(b"2026:09:", b"2026:17:")
IN_BEIJING = EIGHT_HOURS_LATER.replace(b" +0000]", b" +0800]")
UNQUOTED = (
    b'10.9.8.7 - - [28/Nov/2026:16:59:36 +0800] "POST /wx?openid=oAbcdefghijklmnopqrstuvwxyz1 HTTP/1.1" 499 0 "-" '
    b'"Mozilla/4.0" "-" wx.example.com 10.0.0.1:80 - 5.001 5.001\n'
)
RETRIED = (
    b'10.9.8.7  - - [28/Nov/2026:16:59:36 +0800] "POST /wx?openid=oAbcdefghijklmnopqrstuvwxyz1 HTTP/1.1" 200 7 "-" '
    b'"Mozilla/4.0" "-" "wx.example.com"  "-" "10.0.0.1:80, 10.0.0.2:80"   "504, 200"  "4.003"  "4.001, 0.002" \n'
)
TELLING = {
    "a UTC log": GUIDE,
    "a Beijing log": IN_BEIJING,
    "JSON": JSON,
    "fields without quotes": UNQUOTED,
    "a backend that was tried again": RETRIED,
    "NUL bytes that copytruncate left": b"\0" * 5000 + GUIDE,
}
NOT_TELLING: dict[str, bytes | bool | None] = {
    "a log without times": COMBINED,
    "another day": ANOTHER_DAY,
    "the same digits in another zone": EIGHT_HOURS_LATER,
    "an empty log": b"",
    "a compressed log": gzip.compress(GUIDE, mtime=0),
    "words": b"not a log\n" * 5,
    "no log": None,
    "a log that cannot be read": False,
}
LOGS = {**TELLING, **NOT_TELLING}


@pytest.fixture(params=AWKS)
def shell(request: pytest.FixtureRequest, tmp_path: Path) -> Shell:
    return shell_with(request.param, tmp_path)


def put(shell: Shell, log: bytes | bool | None) -> None:
    """Lay the log there; None for no file, False for one that cannot be read (a folder: root may read any file)."""
    if log is False:
        (shell.folder / "access.log").mkdir()
    elif isinstance(log, bytes):
        (shell.folder / "access.log").write_bytes(log)


SLOW_STEPS = [
    ("request_timeout", "find_window_by_grep"),
    ("payment_timeout", "find_slow_by_grep"),
    ("mark_fail", "find_window"),
]


@pytest.mark.parametrize(("kind", "step"), SLOW_STEPS)
@pytest.mark.parametrize("log", TELLING.values(), ids=TELLING)
def test_slow_requests_of_the_window_are_found(
    shell: Shell, adviser: Adviser, kind: str, step: str, log: bytes
) -> None:
    put(shell, log)
    *found, said = shell.run(commands_for(adviser, alert(kind, "[IP=203.0.113.21]"))[step]).splitlines()
    assert len(found) == (1 if log in (UNQUOTED, RETRIED) else 3)
    assert said.endswith(f"超过 3 秒的 {len(found)} 行")


@pytest.mark.parametrize(("kind", "step"), SLOW_STEPS)
@pytest.mark.parametrize("log", NOT_TELLING.values(), ids=NOT_TELLING)
def test_a_log_that_cannot_tell_is_not_called_healthy(
    shell: Shell, adviser: Adviser, kind: str, step: str, log: bytes | bool | None
) -> None:
    put(shell, log)
    (said,) = shell.run(commands_for(adviser, alert(kind, "[IP=203.0.113.21]"))[step]).splitlines()
    assert "看不出" in said


@pytest.mark.parametrize("log", LOGS.values(), ids=LOGS)
def test_no_command_over_a_log_is_silent(shell: Shell, adviser: Adviser, log: bytes | bool | None) -> None:
    put(shell, log)
    commands = dict(log_commands(adviser))
    assert {name.partition("/")[0] for name in commands} == KINDS.keys()
    silent = [name for name, command in commands.items() if not shell.run(command).strip()]
    assert silent == []


@pytest.mark.parametrize(
    "log", [GUIDE, IN_BEIJING, COMBINED, JSON], ids=["UTC", "Beijing", "combined", "JSON"]
)
def test_the_states_of_a_blocked_callback_are_counted(shell: Shell, adviser: Adviser, log: bytes) -> None:
    put(shell, log)
    counted = shell.run(
        commands_for(adviser, alert("mark_fail", "[IP=203.0.113.21]"))["what_failed_by_grep"]
    ).splitlines()
    assert {"7 200", "3 504", "2 499"} <= set(counted)


def test_an_empty_window_of_a_blocked_callback_is_not_called_a_connection_timeout(
    shell: Shell, adviser: Adviser
) -> None:
    put(shell, ANOTHER_DAY)
    assert shell.run(commands_for(adviser, alert("mark_fail"))["what_failed_by_grep"]).startswith("看不出：")
    pages = "\n".join(adviser.answer(alert("mark_fail")).pages)
    assert "前后都有、就这几分钟没有，才按连接超时查" in pages


def test_other_paths_do_not_hide_that_the_callback_was_not_reached(shell: Shell, adviser: Adviser) -> None:
    put(shell, GUIDE)
    commands = commands_for(
        adviser, alert("mark_fail", "[3rdUrl=https://wx.example.com/push][IP=203.0.113.21]")
    )
    assert shell.run(commands["what_failed_by_grep"]).startswith("看不出：")
    assert shell.run(commands["find_window"]).startswith("看不出：")


@pytest.mark.parametrize("log", [UNQUOTED, RETRIED, COMBINED], ids=["without quotes", "retried", "combined"])
def test_a_push_is_found_by_its_openid(shell: Shell, adviser: Adviser, log: bytes) -> None:
    put(shell, log)
    found, *said = shell.run(
        commands_for(adviser, alert("request_timeout", WITH_OPENID))["find_request_by_grep"]
    ).splitlines()
    assert "openid=oAbcdefghijklmnopqrstuvwxyz1" in found
    assert said == (["看不出快慢：都没记耗时（request_time）"] if log is COMBINED else [])


def test_the_backend_that_failed_is_named(shell: Shell, adviser: Adviser) -> None:
    put(shell, GUIDE)
    counted = shell.run(
        commands_for(adviser, alert("bad_response", WITH_STATUS))["gateway_backend"]
    ).splitlines()
    assert {"1 502 127.0.0.1:18083", "1 503"} <= set(counted)


# -- other tools


class _Plain(http.server.BaseHTTPRequestHandler):
    """Speaks HTTP, no TLS, and writes no log."""

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def plain_port() -> Iterator[int]:
    with http.server.HTTPServer(("127.0.0.1", 0), _Plain) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_a_port_without_tls_is_not_called_healthy(rules: RuleSet, plain_port: int, tmp_path: Path) -> None:
    (step,) = (
        step for rule in rules.rules for step in rule.steps if (rule.id, step.id) == ("network_check", "tls")
    )
    assert step.run
    assert step.healthy
    command = (
        step.run.render({})
        .replace("回调域名:443", f"127.0.0.1:{plain_port}")
        .replace("回调域名", "localhost")
    )
    printed = Shell(tmp_path, os.environ["PATH"]).run(command)
    assert "Cipher is (NONE)" in printed
    assert "(NONE)" in step.healthy.source


@pytest.fixture
def triage_shell(tmp_path: Path) -> Shell:
    program = tmp_path / "bin/triage"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m triage "$@" 2>&1\n')
    program.chmod(0o755)
    return Shell(tmp_path, f"{program.parent}:{os.environ['PATH']}")


def test_the_probe_of_a_step_runs_as_it_is_printed(adviser: Adviser, triage_shell: Shell) -> None:
    sample = "[3rdUrl=http://127.0.0.1:9/wx][IP=203.0.113.21][response_length=2][response_content=ok]"
    printed = triage_shell.run(commands_for(adviser, alert("bad_response", sample))["probe"])
    assert "127.0.0.1" in printed
    assert "no Token" not in printed
    assert "Usage:" not in printed


@pytest.mark.parametrize("log", LOGS.values(), ids=LOGS)
def test_the_first_choice_over_a_log_gives_no_false_all_clear(
    adviser: Adviser, triage_shell: Shell, log: bytes | bool | None
) -> None:
    put(triage_shell, log)
    text = alert("request_timeout", WITH_OPENID)
    (triage_shell.folder / "alert.txt").write_text(text, encoding="utf-8")
    said = triage_shell.run(commands_for(adviser, text)["find_request"])
    if log in (*TELLING.values(), COMBINED, gzip.compress(GUIDE, mtime=0)):
        assert ("slowest took 4.003 s" if log is RETRIED else "backend_slow") in said
    else:
        assert "cannot_tell" in said or "cannot read" in said or "is no file" in said


def test_the_draft_of_a_rule_is_made_as_it_is_printed(adviser: Adviser, triage_shell: Shell) -> None:
    (triage_shell.folder / "alert.txt").write_text(alert("unknown"), encoding="utf-8")
    assert "sentences:" in triage_shell.run(commands_for(adviser, alert("unknown"))["new_rule"])


# -- what code compares with

WORDS = (
    "Template Send Job Finish",
    "UnSubscribe",
    "Click Menu Url",
    "Scan QRCode",
    "Location Report",
    "Subscribe",
)
KEEPS_THE_WORD = {"which_event"}
"""Speaks of the alert and not of code."""


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "body", ["", "[response_length=9][response_content=<xml><ToUserName>gh_1</ToUserName></xml>]"]
)
def test_a_step_names_an_event_as_it_is_on_the_wire(
    adviser: Adviser, kind: str, word: str, body: str
) -> None:
    (diagnosis,) = adviser.answer(alert(kind, f"[IP=203.0.113.21][Event={word}]{body}")).diagnoses
    for step in steps_for(diagnosis):
        assert step.id in KEEPS_THE_WORD or word not in step.do.render(diagnosis.facts)


def test_no_step_prints_or_spells_the_word_of_an_alert_where_code_is_meant(rules: RuleSet) -> None:
    spelled = {name for push in PUSHES for name in push.alert_names if " " in name or name == "UnSubscribe"}
    for rule in rules.rules:
        for step in rule.steps:
            texts = [text.source for text in (step.do, step.run, step.healthy) if text]
            assert "event" not in step.do.names or step.id in KEEPS_THE_WORD, f"{rule.id}/{step.id}"
            assert not [name for name in spelled if name in "".join(texts)], f"{rule.id}/{step.id}"


# -- success is a promise

LOSES = re.compile("(异常|出错|错误)[^。；]*?(照样|也|先)先?回 ?success")


def test_success_after_an_exception_is_tied_to_a_stored_push(rules: RuleSet) -> None:
    steps = {f"{rule.id}/{step.id}": step.do.source for rule in rules.rules for step in rule.steps}
    careless = [name for name, told in steps.items() if LOSES.search(told) and "存下" not in told]
    assert careless == []
    assert "没存下就回 500" in steps["bad_response/catch_all"]
