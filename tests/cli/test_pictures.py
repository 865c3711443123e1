"""Commands read a screenshot where they read a text."""

from __future__ import annotations

import io
import json
import sys

import pytest

from tests.support.paths import ROOT
from triage.cli import main
from triage.pictures import reading

PICTURES = ROOT / "tests/data/pictures"
ALERT = str(PICTURES / "small_letters.jpg")
Printed = pytest.CaptureFixture[str]


def test_parse_reads_a_screenshot_and_says_what_is_doubtful(capsys: Printed) -> None:
    assert main(["parse", ALERT, "--json"]) == 0
    (alert,) = json.loads(capsys.readouterr().out)
    assert (alert["kind"], alert["appid"], alert["count"]) == ("bad_response", "wx73bcca7af36c85fd", 55)
    assert (alert["sample"]["ip"], alert["sample"]["event"]) == ("192.0.2.69", "Template Send Job Finish")
    assert alert["doubtful"] == ["callback_url"]


def test_a_text_has_no_doubts(capsys: Printed) -> None:
    assert main(["parse", str(ROOT / "docs/alert.txt"), "--json"]) == 0
    assert "doubtful" not in json.loads(capsys.readouterr().out)[0]


def test_the_reply_to_a_screenshot_says_so(capsys: Printed) -> None:
    assert main(["ask", "--file", ALERT]) == 0
    page = capsys.readouterr().out
    assert "读自截图，请对照原图；拿不准的：回调地址\n" in page
    assert "192.0.2.69" in page


def test_judge_reads_the_screenshot_of_a_terminal(capsys: Printed) -> None:
    assert main(["judge", str(PICTURES / "terminal.png"), "--json"]) == 1
    parts = json.loads(capsys.readouterr().out)["parts"]
    assert [part["verdict"] for part in parts] == ["sick"]


def test_a_screenshot_comes_by_standard_input_too(capsys: Printed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        sys, "stdin", io.TextIOWrapper(io.BytesIO((PICTURES / "small_letters.jpg").read_bytes()))
    )
    assert main(["parse", "-"]) == 0
    assert "wx73bcca7af36c85fd" in capsys.readouterr().out


@pytest.mark.parametrize("command", [["parse"], ["ask", "--file"], ["judge"]])
def test_without_the_extra_the_command_names_it(
    command: list[str], capsys: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "is_available", lambda: False)
    assert main([*command, ALERT]) == 2
    assert "pip install 'wechat-triage[pictures]'" in capsys.readouterr().err
