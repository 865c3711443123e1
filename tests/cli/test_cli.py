"""The commands through `main([...])`: what they print, what they refuse, how they exit."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from triage.cli import cli, main

ALERT = ROOT / "docs/alert.txt"
UNKNOWN = """\
Appid: wx352e1c916f58ea3b
时间: 2025-09-25 15:01:22
内容: 微信服务器向公众号推送消息或事件时，开发者服务器证书校验失败
次数: 5分钟 30次
错误样例: [3rdUrl=https://mp.example.cn/wx][IP=203.0.113.202][Event=Subscribe]
"""


Give = Callable[[str | bytes], None]
Printed = pytest.CaptureFixture[str]


class _Input(io.TextIOWrapper):
    def isatty(self) -> bool:
        return False


@pytest.fixture
def give(monkeypatch: pytest.MonkeyPatch) -> Give:
    """Put bytes or a text on standard input."""

    def put(data: str | bytes) -> None:
        raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
        monkeypatch.setattr(sys, "stdin", _Input(io.BytesIO(raw)))

    return put


def test_parse_prints_the_contract_json(give: Give, capsys: Printed) -> None:
    assert main(["parse", "--json", str(ALERT)]) == 0
    (alert,) = json.loads(capsys.readouterr().out)
    assert alert["kind"] == "bad_response"
    assert alert["causes"] == ["curl_receive", "receipt_flood"]


def test_parse_shows_what_was_not_understood(give: Give, capsys: Printed) -> None:
    give(UNKNOWN.replace("[IP=", "[Region=sh][IP="))
    assert main(["parse"]) == 0
    printed = capsys.readouterr()
    assert "203.0.113.202" in printed.out
    assert "not understood" in printed.err
    assert "[Region=sh]" in printed.err


class _Terminal(_Input):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    "words", ["parse", "parse --batch", "ask", "judge", "nginx", "rules new", "rules why"]
)
def test_whoever_sits_before_a_terminal_is_told_that_it_waits_for_them(
    words: str, monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    monkeypatch.setattr(sys, "stdin", _Terminal(io.BytesIO(b"[]")))
    main(words.split())
    assert capsys.readouterr().err.startswith("paste the text, then press Ctrl-D:")


def test_parse_batch_answers_every_text_in_order(give: Give, capsys: Printed) -> None:
    give(json.dumps(["你好", UNKNOWN, UNKNOWN + UNKNOWN]))
    assert main(["parse", "--batch"]) == 0
    assert [len(alerts) for alerts in json.loads(capsys.readouterr().out)] == [0, 1, 2]


def test_ask_takes_words_a_file_or_standard_input(give: Give, capsys: Printed) -> None:
    assert main(["ask", "499", "是什么"]) == 0
    assert "499" in capsys.readouterr().out
    assert main(["ask", "--file", str(ALERT)]) == 0
    assert "回应失败" in capsys.readouterr().out
    give(UNKNOWN)
    assert main(["ask", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["topic"] == "unknown"


def test_ask_batch_prints_an_answer_for_each_text(give: Give, capsys: Printed) -> None:
    give(json.dumps(["4", "今天中午吃什么", "\ud800"]))
    assert main(["ask", "--batch", "--json"]) == 0
    assert [answer["topic"] for answer in json.loads(capsys.readouterr().out)] == [
        "request_timeout",
        None,
        None,
    ]


def test_rules_check_and_test_are_clean(capsys: Printed) -> None:
    assert main(["rules", "check"]) == 0
    assert "0 mistakes" in capsys.readouterr().out
    assert main(["rules", "test"]) == 0
    assert "0 failed" in capsys.readouterr().out


def test_rules_check_exits_1_and_names_the_line_of_a_mistake(tmp_path: Path, capsys: Printed) -> None:
    file = tmp_path / "own.yml"
    file.write_text((ROOT / "rules/mark_fail.yml").read_text().replace("severity:", "sevrity:", 1))
    assert main(["rules", "check", str(tmp_path)]) == 1
    line = next(line for line in capsys.readouterr().out.splitlines() if "sevrity" in line)
    assert line.startswith(f"{file}:")
    assert "unknown key 'sevrity'; did you mean 'severity'?" in line


def test_rules_check_names_a_mistake_behind_a_link_as_the_service_does(
    tmp_path: Path, capsys: Printed
) -> None:
    broken = (ROOT / "rules/mark_fail.yml").read_text().replace("severity:", "sevrity:", 1)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.yml").write_text(broken.replace("id: mark_fail", "id: own", 1))
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "a.yml").symlink_to("../elsewhere/a.yml")
    (tmp_path / "team").symlink_to("own")
    for directory in ("own", "team", "elsewhere", "own/a.yml"):
        assert main(["rules", "check", str(tmp_path / directory)]) == 1
        assert "unknown key 'sevrity'" in capsys.readouterr().out
    assert main(["rules", "check", str(tmp_path / "nowhere")]) == 1
    assert "nowhere:1:1: no such rules directory or file" in capsys.readouterr().out


def test_rules_check_takes_one_file_of_the_rules_in_use(capsys: Printed) -> None:
    assert main(["rules", "check", str(ROOT / "rules/mark_fail.yml")]) == 0, capsys.readouterr()


@pytest.mark.parametrize(
    "alert",
    [
        pytest.param(UNKNOWN, id="an alert nobody knows starts a kind"),
        pytest.param(ALERT.read_text(encoding="utf-8"), id="a known alert starts a rule of advice"),
    ],
)
def test_a_new_rule_started_from_an_alert_is_clean_and_wins_it(
    alert: str, give: Give, tmp_path: Path, capsys: Printed
) -> None:
    give(alert)
    assert main(["rules", "new"]) == 0
    (tmp_path / "my_rule.yml").write_text(capsys.readouterr().out)
    assert main(["rules", "check", str(tmp_path)]) == 0, capsys.readouterr()
    assert main(["rules", "test", str(tmp_path)]) == 0, capsys.readouterr()


def test_own_rules_are_used_from_the_setting(
    give: Give, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    give(UNKNOWN)
    main(["rules", "new"])
    (tmp_path / "my_rule.yml").write_text(capsys.readouterr().out)
    monkeypatch.setenv("TRIAGE_RULES_DIRS", str(tmp_path))
    give(UNKNOWN)
    assert main(["parse", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["kind"] == "my_rule"


def test_rules_why_names_the_words_and_the_reasons_against(give: Give, capsys: Printed) -> None:
    assert main(["rules", "why", str(ALERT)]) == 0
    printed = capsys.readouterr().out
    assert "bad_response matches" in printed
    assert "cause receipt_flood" in printed
    assert "request_timeout" in printed
    assert "no sentence fits" in printed


def test_rules_list_and_show(capsys: Printed) -> None:
    assert main(["rules", "list"]) == 0
    assert " 4  request_timeout" in capsys.readouterr().out
    assert main(["rules", "show", "mark_fail"]) == 0
    assert "〔P.7〕屏蔽一分钟" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "data", "message"),
    [
        pytest.param(["nonsense"], b"", "there is no command", id="an unknown command"),
        pytest.param(["parse", "/nowhere"], b"", "cannot read /nowhere", id="a missing file"),
        pytest.param(["parse"], b"\x00\x01PNG\x00", "no text: it holds NUL bytes", id="a binary file"),
        pytest.param(["parse"], b"x" * 8_000_002, "are read", id="ten megabytes"),
        pytest.param(["parse", "--batch"], b"{", "wants a JSON array", id="a batch that is no JSON"),
        pytest.param(["parse", "--batch"], b'["a", 3]', "wants a JSON array", id="a batch of numbers"),
        pytest.param(
            ["parse", "--batch"], b"[" * 100_000, "wants a JSON array", id="a batch nested too deep"
        ),
        pytest.param(["ask", "4", "--batch"], b"[]", "not two of them", id="words and a batch"),
        pytest.param(["rules", "show", "nobody"], b"", "there is no rule 'nobody'", id="an unknown rule"),
        pytest.param(["rules", "new"], b"hello", "no alert in this text", id="a rule from small talk"),
    ],
)
def test_bad_input_ends_in_one_clear_line(
    arguments: list[str], data: bytes, message: str, give: Give, capsys: Printed
) -> None:
    give(data)
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert message in printed.err
    assert "Traceback" not in printed.err


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\xff\xfe" + "4".encode("utf-16-le"), id="UTF-16 with its mark"),
        pytest.param("连接超时".encode("gb18030"), id="GB18030 from a Windows console"),
        pytest.param(b"\xff\xfa\xfb\x80\x81", id="bytes of no encoding"),
        pytest.param(b"[" * 100_000, id="a hundred thousand brackets"),
        pytest.param("\x01\x02\x7f\u202e".encode(), id="control characters"),
        pytest.param("\ud800\udfff".encode("utf-8", "surrogatepass"), id="lone surrogates"),
    ],
)
def test_odd_input_gets_an_answer(data: bytes, give: Give, capsys: Printed) -> None:
    give(data)
    assert main(["ask"]) == 0
    assert capsys.readouterr().out.strip()


def test_a_wrong_setting_says_what_to_do(monkeypatch: pytest.MonkeyPatch, capsys: Printed) -> None:
    monkeypatch.setenv("TRIAGE_RULES_DIRS", "/nowhere")
    assert main(["ask", "4"]) == 2
    assert "TRIAGE_RULES_DIRS: there is no '/nowhere'" in capsys.readouterr().err


def test_every_command_has_help_and_stands_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    context = cli.make_context("triage", [], resilient_parsing=True)
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        assert command
        assert command.help
        assert f"`triage {name}" in readme
