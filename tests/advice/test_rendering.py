"""Replies as people see them: golden texts, pages, masking."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.alerts import ALERT_TEXTS
from tests.support.paths import DATA
from triage.advice.adviser import Adviser
from triage.advice.rendering import Renderer
from triage.advice.ticks import Lines
from triage.message import PageSize, Unit
from triage.platform.limits import MAX_CONTENT_BYTES

GOLDEN = DATA / "golden"
ASKED = {
    "a template campaign floods the callback": ALERT_TEXTS["C21"],
    "a connection times out": ALERT_TEXTS["R032"],
    "a domain does not resolve": ALERT_TEXTS["C01"],
    "a domain is called invalid": ALERT_TEXTS["C13"],
    "the callback answers 404": ALERT_TEXTS["R012"],
    "success is quoted and a provider is concerned": ALERT_TEXTS["R009"],
    "the push is echoed": ALERT_TEXTS["R007"],
    "an XML reply is malformed": ALERT_TEXTS["R005"],
    "pushes are blocked": ALERT_TEXTS["C52"],
    "a ticket is not answered": ALERT_TEXTS["R036"],
    "a ticket is answered with JSON": ALERT_TEXTS["C64"],
    "a component message fails": ALERT_TEXTS["C74"],
    "a payment is refused": ALERT_TEXTS["C80"],
    "a sentence nobody knows": ALERT_TEXTS["C88"],
    "several alerts in one message": ALERT_TEXTS["WS05"],
    "a nickname and values are masked": ALERT_TEXTS["R029"],
    "a topic is asked for": "499 是什么",
    "help is asked for": "帮助",
    "two topics are close": "DNS",
    "small talk": "今天中午吃什么",
    "a cited item is asked for": "R4",
}
EXPLAINED = {
    "why it is a campaign": ALERT_TEXTS["C21"],
    "why it is a quoted reply": ALERT_TEXTS["R009"],
    "why it is a topic": "access_token",
}


def _file(name: str) -> Path:
    return GOLDEN / f"{name.replace(' ', '_')}.txt"


@pytest.mark.parametrize("name", ASKED)
def test_reply_is_the_golden_text(name: str, adviser: Adviser) -> None:
    """After a wanted change: UPDATE_GOLDEN=1 pytest tests/advice/test_rendering.py, then read the diff."""
    _compare(name, adviser.answer(ASKED[name]).pages)


@pytest.mark.parametrize("name", EXPLAINED)
def test_why_is_the_golden_text(name: str, adviser: Adviser) -> None:
    _compare(name, adviser.why(EXPLAINED[name]))


def _compare(name: str, pages: Sequence[str]) -> None:
    shown = "\n────\n".join(pages) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        _file(name).write_text(shown, encoding="utf-8")
    assert shown == _file(name).read_text(encoding="utf-8")


def test_every_golden_text_is_used() -> None:
    assert {path.name for path in GOLDEN.glob("*.txt")} == {_file(name).name for name in (*ASKED, *EXPLAINED)}


@pytest.mark.parametrize("record", ALERT_TEXTS)
def test_a_page_fits_a_message_and_is_plain(record: str, adviser: Adviser) -> None:
    for page in adviser.answer(ALERT_TEXTS[record]).pages:
        assert len(page.encode()) <= MAX_CONTENT_BYTES
        assert page == page.strip("\n")
        assert not re.search(r"(?<!\*)\*\*(?!\*)|^#|```|None|\{\{", page, re.MULTILINE)


@pytest.mark.parametrize("record", ALERT_TEXTS)
def test_no_reply_repeats_an_openid_or_a_query(record: str, adviser: Adviser) -> None:
    shown = "\n".join(adviser.answer(ALERT_TEXTS[record]).pages)
    for openid in re.findall(r"\bo[A-Za-z0-9_-]{27}\b", ALERT_TEXTS[record]):
        assert openid not in shown
    for query in re.findall(r"3rdUrl=[^\]?]*\?([^\]]+)\]", ALERT_TEXTS[record]):
        assert query not in shown


def test_pages_hold_every_step_once_and_count_the_rest(adviser: Adviser) -> None:
    pages = adviser.answer(ALERT_TEXTS["C21"]).pages
    numbers = [int(number) for page in pages for number in re.findall(r"^(\d+) ", page, re.MULTILINE)]
    assert numbers == list(range(1, len(numbers) + 1))
    first = len(re.findall(r"^\d+ ", pages[0], re.MULTILINE))
    assert f"看其余 {len(numbers) - first} 步" in pages[0]


def test_a_mark_fail_says_until_when_pushes_are_blocked(adviser: Adviser) -> None:
    assert "屏蔽 一分钟，最早 10:09:34 恢复推送" in adviser.answer(ALERT_TEXTS["C52"]).pages[0]


def test_a_command_works_with_a_masked_openid(adviser: Adviser) -> None:
    shown = "\n".join(adviser.answer(ALERT_TEXTS["C21"]).pages)
    pattern = re.search(r"grep -aE '(oyMA[^']*)'", shown)
    assert pattern
    assert re.fullmatch(pattern[1], "oyMAhHWVOLqo7iBSw3dhyyn7-9vQ")


def test_a_masked_address_is_replaced_by_a_word_in_commands(adviser: Adviser) -> None:
    shown = "\n".join(adviser.answer(ALERT_TEXTS["R029"]).pages)
    commands = [
        line for line in shown.splitlines() if line.startswith("  ") and not line.startswith("  正常")
    ]
    assert any(line.endswith("回调地址") for line in commands)
    assert not any("xx" in line for line in commands)


def test_an_address_that_holds_a_secret_is_replaced_by_a_word_in_commands(adviser: Adviser) -> None:
    openid = "oQ7dXk2VbnTzLr5WfGh8JmPs3YcA"
    pages = adviser.answer(
        ALERT_TEXTS["R032"].replace("[3rdUrl=", f"[3rdUrl=https://a.example.cn/{openid}][Old=")
    ).pages
    shown = "\n".join(pages)
    assert "https://a.example.cn/oQ7d…3YcA" in shown
    assert openid not in shown
    assert "curl" in shown
    assert not re.search(r"curl.*oQ7d", shown)


def test_the_worst_of_several_alerts_comes_first(adviser: Adviser) -> None:
    shown = adviser.answer(ALERT_TEXTS["WS03"]).pages[0]
    assert shown.index("MarkFail") < shown.index("连接超时")


def test_why_names_rule_words_and_sources(adviser: Adviser) -> None:
    why = adviser.why(ALERT_TEXTS["C21"])[0]
    assert "为什么是「请求超时" in why
    assert "开发者5秒内没有返回" in why
    assert re.search(r"^1 .*F\.1", why, re.MULTILINE)


@pytest.mark.parametrize("record", ALERT_TEXTS)
def test_why_fits_one_message(record: str, adviser: Adviser) -> None:
    """The bot sends the first page only."""
    if len(adviser.diagnose(ALERT_TEXTS[record])[1]) == 1:
        assert len(adviser.why(ALERT_TEXTS[record])) == 1


HOSTILE = [
    *("]]>", "<xml>", "\x00\x08", "{{ 7*7 }}", "{% for x in y %}", "'; rm -rf ~; '", "$(reboot)"),
    *("🔥" * 400, "」「", "\u202e"),
]


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: ascii(value)[:20])
def test_hostile_values_are_shown_as_text_and_fit(value: str, adviser: Adviser) -> None:
    alert = (
        f"Appid: wx1decccb40f795d9f\n昵称: {value}\n时间: 2025-04-15 17:22:13\n"
        "内容: 微信服务器向公众号推送消息或事件后，开发者5秒内没有返回\n次数: 5分钟 30次\n"
        f"错误样例: [3rdUrl=https://a.example.cn/{value}][IP={value}][Event={value}]"
    )
    pages = adviser.answer(alert).pages
    assert all(len(page.encode()) <= MAX_CONTENT_BYTES for page in pages)
    assert "49" not in pages[0].split("先做")[0].replace(value, "")


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.lists(st.text(st.characters(codec="utf-8"), max_size=900), max_size=12),
    st.integers(200, 2048),
)
def test_fitting_loses_no_step_and_keeps_the_limit(steps: list[str], limit: int) -> None:
    blocks = [f"<{index}>{text}" for index, text in enumerate(steps)]
    renderer = Renderer({"step.txt": "{% macro step() %}{% endmacro %}"}, PageSize(limit, Unit.BYTES))
    pages = tuple(page.text for page in renderer.fit("头", Lines(len(blocks), blocks.__getitem__), str))
    assert all(len(page.encode()) <= limit for page in pages)
    shown = "".join(pages).replace("\n", "")
    for block in blocks:
        assert block.replace("\n", "") in shown


_SECRETS = ("oABCDEFGHIJKLMNOPQRSTUVWXYZ1", "token=abcdefgh1234", "https://a.example.cn/?sign=abcdefgh1234")


@pytest.mark.parametrize("secret", _SECRETS)
@pytest.mark.parametrize("place", ["IP", "Host", "3rdUrl", "Event", "OpenID", "OuterIP", "platform", "guide"])
def test_a_secret_is_shown_nowhere_wherever_it_stands(adviser: Adviser, place: str, secret: str) -> None:
    bracket = "" if place == "guide" else f"[{place}={secret}]"
    guide = f"https://mmbizurl.cn/s/x?token={secret}" if place == "guide" else "https://mmbizurl.cn/s/x"
    for sentence in ("5秒内没有返回", "得到的回应不合法", "解析域名失败"):
        text = (
            f"Appid: wx1decccb40f795d9f\n时间: 2025-04-15 17:22:13\n内容: 微信服务器{sentence}\n次数: 5分钟 30次\n"
            f"错误样例: {bracket}\n报警排查指引，请见: {guide}\n"
        )
        for page in adviser.answer(text).pages:
            assert secret.rpartition("=")[2] not in page
