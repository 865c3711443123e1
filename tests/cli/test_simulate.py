"""`triage simulate` through `main([...])`: what it prints, what it refuses, how it exits."""

from __future__ import annotations

import io
import json
import sys
from dataclasses import replace
from types import MappingProxyType

import pytest

from triage.cli import main, simulate
from triage.cli._language import in_language
from triage.simulator import demo as simulator_demo
from triage.simulator.illnesses import HEALTHY, ILLNESSES, Illness
from triage.simulator.platform import Act
from triage.wording import Wording

Printed = pytest.CaptureFixture[str]
JSON = ILLNESSES["json"]
FAST = ["--minutes", "0.6", "--speed", "60"]


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_list_names_every_illness(capsys: Printed) -> None:
    assert main(["simulate", "--list"]) == 0
    printed = capsys.readouterr().out
    for illness in ILLNESSES.values():
        assert illness.id in printed
        assert in_language(Wording(illness.meaning)) in printed


def test_list_as_json(capsys: Printed) -> None:
    assert main(["simulate", "--list", "--json"]) == 0
    assert [item["id"] for item in json.loads(capsys.readouterr().out)] == list(ILLNESSES)


def test_an_illness_is_shown_with_its_alert_and_the_reply(capsys: Printed) -> None:
    assert main(["simulate", "quoted_success", *FAST]) == 0
    printed = capsys.readouterr()
    assert "Appid: wx" in printed.out
    assert '[response_length=9][response_content="success"]' in printed.out
    assert "1 回应外面多了一对双引号" in printed.out
    assert "✓ bad_response · quoted_reply · first step unquote: as the illness" in printed.out
    assert not printed.err


def test_a_healthy_callback_is_without_alert(capsys: Printed) -> None:
    assert main(["simulate", "healthy", "--minutes", "0.3", "--speed", "20"]) == 0
    assert "no alert" in capsys.readouterr().out


def test_alerts_alone_can_be_piped_into_ask(capsys: Printed, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (
        main(
            [
                "simulate",
                "status_404",
                "ticket_json",
                *FAST[2:],
                "--minutes",
                "30",
                "--rate",
                "4",
                "--alerts-only",
            ]
        )
        == 0
    )
    alerts = capsys.readouterr().out
    assert alerts.startswith("Appid: ")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(alerts.encode())))
    assert main(["ask", "--json"]) == 0
    kinds = {alert["kind"] for alert in json.loads(capsys.readouterr().out)["alerts"]}
    assert kinds == {"bad_response", "ticket_failure"}


def test_json_tells_what_happened(capsys: Printed) -> None:
    assert main(["simulate", "html", *FAST, "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert (told["illness"], told["sent"], told["failed"], told["right"]) == ("html", 36, 36, True)
    (alert,) = told["alerts"]
    assert (alert["kind"], alert["causes"], alert["step"]) == (
        "bad_response",
        ["html_page"],
        "app_error_page",
    )
    assert alert["wrong"] == []


def test_the_same_seed_prints_the_same(capsys: Printed) -> None:
    printed = []
    for seed in ("7", "7", "8"):
        main(["simulate", "status_500", *FAST, "--seed", seed, "--alerts-only"])
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1] != printed[2]


def test_the_threshold_decides_whether_there_is_an_alert(capsys: Printed) -> None:
    assert main(["simulate", "status_500", *FAST, "--threshold", "37", "--alerts-only"]) == 0
    assert not capsys.readouterr().out
    assert main(["simulate", "status_500", *FAST, "--threshold", "36", "--alerts-only"]) == 0
    assert "次数: 5分钟 36次" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("illness", "complaint"),
    [
        (replace(JSON, step="reboot"), "the first step is no_json, it should be reboot"),
        (replace(JSON, cause="html_page"), "html_page was not found"),
        (replace(JSON, cause=None), "found what is not there: json_reply"),
        (replace(JSON, kind=None), "there should be no alert for this"),
    ],
)
def test_a_bot_that_takes_it_for_something_else_is_a_finding(
    illness: Illness, complaint: str, capsys: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulate, "ILLNESSES", MappingProxyType({"json": illness}))
    assert main(["simulate", "json", *FAST]) == 1
    assert complaint in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "name an illness"),
        (["silnt"], "did you mean 'silent'?"),
        (["zzzzzz"], "see --list"),
        (["--demo", "silent"], "a story of its own"),
        (["--demo", "--json"], "a story of its own"),
        (["silent", "--rate", "0"], "--rate"),
        (["silent", "--rate", "6001"], "--rate"),
        (["silent", "--minutes", "0"], "--minutes"),
        (["silent", "--minutes", "1441"], "--minutes"),
        (["silent", "--speed", "0"], "--speed"),
        (["silent", "--speed", "501"], "--speed"),
        (["silent", "--threshold", "0"], "--threshold"),
        (["--demo", "--pause", "61"], "--pause"),
    ],
)
def test_wrong_usage_is_refused(arguments: list[str], complaint: str, capsys: Printed) -> None:
    assert main(["simulate", *arguments]) == 2
    assert complaint in capsys.readouterr().err


def test_a_terminal_gets_a_progress_bar_and_panels(monkeypatch: pytest.MonkeyPatch) -> None:
    out, err = _Terminal(), _Terminal()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    monkeypatch.setenv("TERM", "xterm")
    assert main(["simulate", "json", *FAST]) == 0
    assert "╭" in out.getvalue()
    assert err.getvalue()


def test_the_demo_tells_its_scenes_alerts_and_replies(monkeypatch: pytest.MonkeyPatch) -> None:
    out = _Terminal()
    busy = Act(simulator_demo.BUSY, 0.4, 90)
    scenes = (("群发开始", busy), ("照建议修好", Act(HEALTHY, 0.2, 20)))
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(simulator_demo, "SCENES", scenes)
    assert main(["simulate", "--demo", "--pause", "0"]) == 0
    for word in (
        "the alerts' group",
        "群发开始",
        "照建议修好",
        "pushes",
        "failed",
        "Template Send Job Finish",
        "the bot",
        "小赵",
        "the phone of 小赵",
        "[认领]",
        "the team's group",
        "小赵认领了",
        "关闭了：入口直接回 success",
    ):
        assert word in out.getvalue()
