"""`triage rules`: what it prints for people, for programs and for a review, and how it exits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.paths import ROOT
from triage.cli import main
from triage.findings import Severity

ALERT = ROOT / "docs/alert.txt"
RULE = """\
id: own_rule
title: 证书
severity: high
meaning: 一句话
aliases: [我们自己的证书检查]
steps:
  - id: first
    do: 看日志
    source: field
examples:
  match: [{query: 我们自己的证书检查}]
  ignore: [{query: 今天中午吃什么}]
"""
Printed = pytest.CaptureFixture[str]


def _own(directory: Path, text: str, name: str = "own.yml") -> Path:
    directory.mkdir(exist_ok=True)
    (directory / name).write_text(text, encoding="utf-8")
    return directory


def _json(capsys: Printed) -> Any:
    return json.loads(capsys.readouterr().out)


# -- excerpts

EXCERPTS = {
    "wide characters take two columns": (
        RULE.replace("title: 证书", "title: 证书: 过期"),
        ["  2 | title: 证书: 过期", "    |            ^"],
    ),
    "a tab takes one": (RULE.replace("    do:", "\tdo:"), ["  8 |  do: 看日志", "    | ^"]),
    "what a terminal would obey is shown as a mark": (
        RULE.replace("证书\n", '"\x1b[2J\\q"\n'),
        ['  2 | title: "\ufffd[2J\\q"', "    | "],
    ),
    "a long line is cut around the place": (
        RULE.replace("aliases: [", "aliases: [" + "长" * 300 + ", {}, "),
        ["  5 | " + "长" * 48 + ", {}, 我们自己的证书检查]", "    | " + " " * 98 + "^"],
    ),
}


@pytest.mark.parametrize(("text", "lines"), EXCERPTS.values(), ids=EXCERPTS)
def test_a_mistake_is_shown_with_its_line_and_a_caret(
    text: str, lines: list[str], tmp_path: Path, capsys: Printed
) -> None:
    assert main(["rules", "check", str(_own(tmp_path, text))]) == 1
    printed = capsys.readouterr().out.splitlines()
    assert printed[1:3] == lines if lines[1].endswith("^") else printed[1] == lines[0]


def test_a_mistake_of_a_file_that_cannot_be_read_has_no_line(tmp_path: Path, capsys: Printed) -> None:
    (tmp_path / "own.yml").write_bytes(b"\xff")
    assert main(["rules", "check", str(tmp_path)]) == 1
    printed = capsys.readouterr()
    assert printed.out == f"{tmp_path}/own.yml:1:1: not UTF-8: byte 0 is 0xff\n"
    assert printed.err.endswith(" rules, 1 mistake\n")


# -- nothing to read


@pytest.mark.parametrize("command", ["check", "test"])
@pytest.mark.parametrize("name", ["notes.txt", "rule.yml.txt", ".hidden.yml", "rule.YML"])
def test_a_directory_without_a_rule_says_that_nothing_was_read(
    command: str, name: str, tmp_path: Path, capsys: Printed
) -> None:
    assert main(["rules", command, str(_own(tmp_path, RULE, name))]) == 1
    assert f"{tmp_path}:1:1: nothing of yours was read" in capsys.readouterr().out


def test_an_empty_directory_of_the_settings_is_told_and_no_mistake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    monkeypatch.setenv("TRIAGE_RULES_DIRS", str(tmp_path))
    assert main(["rules", "check"]) == 0
    assert f"{tmp_path}:1:1: nothing of yours was read" in capsys.readouterr().out


# -- a rule of one's own

STARTS = {
    "an alert of a new kind": "内容: 微信服务器向公众号推送消息或事件时，发生了没见过的事\n",
    "an alert without its 内容 line": "",
    "an alert of a known kind": "内容: 微信服务器向公众号推送消息或事件后，开发者5秒内没有返回\n",
}


@pytest.mark.parametrize("description", STARTS.values(), ids=STARTS)
def test_what_new_writes_passes_check_and_test(description: str, tmp_path: Path, capsys: Printed) -> None:
    alert = tmp_path / "alert.txt"
    alert.write_text(
        f"Appid: wx352e1c916f58ea3b\n时间: 2025-09-25 15:01:22\n{description}次数: 5分钟 30次\n"
        "错误样例: [OpenID=oAdFXedIqWRgfr63S568PiXzSAYS][3rdUrl=https://a.cn/wx][Event=Subscribe]",
        encoding="utf-8",
    )
    assert main(["rules", "new", str(alert)]) == 0
    own = _own(tmp_path / "own", capsys.readouterr().out)
    assert main(["rules", "check", str(own)]) == 0
    assert main(["rules", "test", str(own)]) == 0
    assert "0 failed" in capsys.readouterr().out


# -- for programs


def test_check_as_json_names_each_mistake_with_its_place(tmp_path: Path, capsys: Printed) -> None:
    own = _own(tmp_path, RULE.replace("high", "hihg"))
    assert main(["rules", "check", "--json", str(own)]) == 1
    assert _json(capsys)["findings"] == [
        {
            "id": "bad-severity",
            "severity": "high",
            "message": f"'hihg' is no severity: {', '.join(Severity)}",
            "hint": "did you mean 'high'?",
            "file": f"{own}/own.yml",
            "line": 3,
            "column": 11,
        }
    ]
    assert main(["rules", "check", "--json"]) == 0
    assert _json(capsys)["findings"] == []


def test_test_as_json_counts_and_names_what_failed(tmp_path: Path, capsys: Printed) -> None:
    own = _own(tmp_path, RULE.replace("match: [{query: 我们自己的证书检查}", "match: [{query: '4'}"))
    assert main(["rules", "test", "--json", str(own)]) == 1
    result = _json(capsys)
    assert result["examples"] > 100
    assert result["steps"] >= len(result["unshown"])
    assert [(item["id"], item["line"]) for item in result["findings"]] == [("example-failed", 11)]


def test_list_and_show_as_json(capsys: Printed) -> None:
    assert main(["rules", "list", "--json"]) == 0
    listed = {item["id"]: item for item in _json(capsys)}
    assert listed["request_timeout"]["number"] == 4
    assert main(["rules", "show", "--json", "request_timeout"]) == 0
    rule = _json(capsys)
    assert rule["title"] == listed["request_timeout"]["title"] == "请求超时"
    assert len(rule["steps"]) == listed["request_timeout"]["steps"]
    assert {"all": ["cause: receipt_flood"], "any": [], "not": []} in [step["when"] for step in rule["steps"]]


def test_why_as_json_gives_the_words_and_the_reasons_against(capsys: Printed, tmp_path: Path) -> None:
    assert main(["rules", "why", "--json", str(ALERT)]) == 0
    explained = _json(capsys)
    (alert,) = explained["alerts"]
    assert alert["kind"] == alert["matches"][0]["rule"] == "bad_response"
    assert "receipt_flood" in [cause["id"] for cause in alert["causes"]]
    assert {"rule": "request_timeout", "reason": "no sentence fits"} in alert["others"]
    assert explained["question"] is None
    (tmp_path / "question.txt").write_text("502 是什么", encoding="utf-8")
    assert main(["rules", "why", "--json", str(tmp_path / "question.txt")]) == 0
    assert _json(capsys)["question"]["candidates"][0]["rule"] == "nginx_status_502"


# -- for a review


def test_check_as_sarif_names_file_line_and_column(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    """What code hosts require: https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning"""
    monkeypatch.chdir(tmp_path)
    _own(tmp_path / "我们 的", RULE.replace("source: field", "source: A9.x"))
    assert main(["rules", "check", "--sarif", "我们 的"]) == 1
    log = _json(capsys)
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    assert run["tool"]["driver"]["rules"] == [{"id": "unknown-name"}]
    (result,) = run["results"]
    assert (result["ruleId"], result["level"]) == ("unknown-name", "error")
    assert result["message"]["text"].startswith("there is no source 'A9.x'")
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "%E6%88%91%E4%BB%AC%20%E7%9A%84/own.yml"
    assert place["region"] == {"startLine": 9, "startColumn": 13}


def test_sarif_of_no_mistake_is_an_empty_run(tmp_path: Path, capsys: Printed) -> None:
    assert main(["rules", "check", "--sarif", str(_own(tmp_path, RULE))]) == 0
    assert _json(capsys)["runs"][0]["results"] == []


def test_a_failed_example_is_in_the_sarif_of_test(tmp_path: Path, capsys: Printed) -> None:
    own = _own(tmp_path, RULE.replace("match: [{query: 我们自己的证书检查}", "match: [{query: '4'}"))
    assert main(["rules", "test", "--sarif", str(own)]) == 1
    (result,) = _json(capsys)["runs"][0]["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == f"file://{own}/own.yml"


# -- what a team changes

CHANGES = """\
off: [dns_timeout, connect_timeout/carrier]
override:
  request_timeout: {owner: 后端二组}
  request_timeout/slow_module: {do: 看 SkyWalking 上这条请求}
"""


@pytest.fixture
def changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    own = _own(tmp_path / "own", CHANGES, "team.yml")
    monkeypatch.setenv("TRIAGE_RULES_DIRS", str(own))
    return own / "team.yml"


def test_list_ends_with_what_is_changed_and_where(changed: Path, capsys: Printed) -> None:
    assert main(["rules", "list"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[-4:] == [
        f"    dns_timeout is off, by {changed}:1:7",
        f"    connect_timeout/carrier is off, by {changed}:1:20",
        f"    request_timeout has its own owner, by {changed}:3:3",
        f"    request_timeout/slow_module has its own do, by {changed}:4:3",
    ]
    assert not any(line[4:].startswith("dns_timeout ") for line in printed[:-4])


def test_show_has_the_changed_step_and_where_it_is_changed(changed: Path, capsys: Printed) -> None:
    assert main(["rules", "show", "request_timeout"]) == 0
    printed = capsys.readouterr().out
    assert "[slow_module] 看 SkyWalking 上这条请求\n" in printed
    assert printed.endswith(f"request_timeout/slow_module has its own do, by {changed}:4:3\n")
    assert main(["rules", "show", "--json", "connect_timeout"]) == 0
    rule = _json(capsys)
    assert "carrier" not in [step["id"] for step in rule["steps"]]
    assert rule["changes"] == [{"step": "carrier", "off": True, "keys": [], "file": str(changed), "line": 1}]


def test_show_says_where_a_rule_is_switched_off(changed: Path, capsys: Printed) -> None:
    assert main(["rules", "show", "dns_timeout"]) == 2
    assert f"rule 'dns_timeout' is switched off at {changed}:1:7" in capsys.readouterr().err


def test_bundled_examples_that_a_change_breaks_are_hints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    own = _own(tmp_path / "own", "off: [connect_timeout]\n", "team.yml")
    assert main(["rules", "test", str(own)]) == 0
    printed = capsys.readouterr().out
    assert f"as rules are changed at {own}/team.yml:1:7; no mistake of yours" in printed
    assert ", 0 failed" in printed


def test_a_change_that_meets_nothing_is_a_mistake(tmp_path: Path, capsys: Printed) -> None:
    own = _own(tmp_path / "own", "off: [connect_timeout/carier]\n", "team.yml")
    assert main(["rules", "check", str(own)]) == 1
    assert (
        f"{own}/team.yml:1:7: rule 'connect_timeout' has no step 'carier'; did you mean 'carrier'?"
        in capsys.readouterr().out
    )
