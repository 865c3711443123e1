"""The first page of an answer is read at night, on a phone: what stands on its screen, and what waits behind it."""

from __future__ import annotations

import re

import pytest

from tests.support.alerts import ALERT_TEXTS
from triage.advice.adviser import Adviser
from triage.advice.rendering import Renderer
from triage.advice.screen import COLUMNS, SCREEN_LINES, screen_lines
from triage.advice.ticks import Lines

LONGEST = 21
"""Lines of the longest first page, which holds one step with a long command."""


def _steps(page: str) -> list[str]:
    return re.findall(r"(?m)^\d+ ", re.split("(?m)^(?:先做|怎么做)$", page)[-1])


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        pytest.param("", 1, id="an empty line is a line"),
        pytest.param("字" * 20, 1, id="twenty Chinese characters fill a line"),
        pytest.param("字" * 21, 2, id="one more wraps"),
        pytest.param("x" * 40, 1, id="forty Latin letters fill a line"),
        pytest.param("x" * 41, 2, id="one more Latin letter wraps"),
        pytest.param("字\n\n字", 3, id="lines are counted where they end"),
    ],
)
def test_lines_are_counted_as_a_phone_wraps_them(text: str, lines: int) -> None:
    assert screen_lines(text) == lines


def test_a_phone_390_px_wide_shows_fourteen_lines_of_forty_columns() -> None:
    assert (SCREEN_LINES, COLUMNS) == (14, 40)


def test_a_first_page_is_a_screen_unless_its_only_step_is_longer(adviser: Adviser) -> None:
    for text in ALERT_TEXTS.values():
        page = adviser.answer(text).pages[0]
        if len(_steps(page)) > 1 and len(adviser.diagnose(text)[1]) == 1:
            assert screen_lines(page) <= SCREEN_LINES, page
        assert screen_lines(page) <= LONGEST, page


def test_the_first_page_of_a_topic_is_a_screen_unless_its_only_step_is_longer(adviser: Adviser) -> None:
    for rule in adviser.rules.rules:
        page = next(adviser.topic_pages(adviser.ask(rule.title))).text
        assert len(_steps(page)) <= 1 or screen_lines(page) <= SCREEN_LINES, page
        assert screen_lines(page) <= LONGEST, page


def _shown(renderer: Renderer, head: str, step: str, skip: int = 0) -> list[int]:
    pages = renderer.fit(head, Lines(20, lambda index: f"{index + 1} {step}"), str, skip)
    return [page.shown for page in pages]


@pytest.mark.parametrize(
    ("head", "step", "shown"),
    [
        pytest.param("头", "短", [3, 8, 13, 18, 20], id="short steps: three, then five a page"),
        pytest.param(
            "头\n" * 10 + "头", "短", [2, 7, 12, 17, 20], id="a head of eleven lines leaves room for two"
        ),
        pytest.param("头\n" * 40 + "头", "短", [1, 6, 11, 16, 20], id="one step stands beside any head"),
    ],
)
def test_steps_are_dealt_out_to_pages(renderer: Renderer, head: str, step: str, shown: list[int]) -> None:
    assert _shown(renderer, head, step) == shown


def test_what_the_guide_has_wrong_stands_under_why_alone(adviser: Adviser) -> None:
    for text in ALERT_TEXTS.values():
        _, alerts = adviser.diagnose(text)
        pages = "\n".join(adviser.answer(text).pages)
        errata = {step.erratum for alert in alerts for match in alert.matches for step in match.rule.steps}
        assert not any(erratum and erratum in pages for erratum in errata)
    why = "\n".join(adviser.why(ALERT_TEXTS["C21"]))
    assert "指引让人联系微信；其实多是我们满 5 秒没答完被断开" in why


def test_a_title_is_not_said_twice(adviser: Adviser) -> None:
    assert "MarkFail（自动屏蔽）\n" in next(adviser.topic_pages(adviser.ask("MarkFail"))).text
    assert "请求超时 (Request timeout)\n" in next(adviser.topic_pages(adviser.ask("请求超时"))).text
