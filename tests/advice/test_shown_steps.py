"""The steps of a checklist as values: the same as the reply shows as lines."""

from __future__ import annotations

import pytest

from tests.support.talk import BLOCKED, CONNECT
from triage.advice.adviser import Adviser
from triage.evidence.judge import judge
from triage.evidence.judgement import Verdict

SICK = "$ free -m\n              total        used        free      shared  buff/cache   available\n"
SICK += "Mem:           3790        3500          90          10         200         110\n"


@pytest.mark.parametrize(
    "text", [CONNECT, BLOCKED, "499", "connect_timeout"], ids=["an alert", "a MarkFail", "a code", "a kind"]
)
def test_they_are_those_of_the_reply(adviser: Adviser, text: str) -> None:
    lines, steps = adviser.steps(text), adviser.shown_steps(text)
    assert lines
    assert [step.number for step in steps] == list(range(1, lines.count + 1))
    for step in steps:
        line = lines.line(step.number - 1)
        assert step.do in line
        assert step.run is None or step.run in line


def test_what_led_to_a_markfail_comes_first(adviser: Adviser) -> None:
    led = adviser.shown_steps(BLOCKED, "connect_timeout")
    assert led[0].id == adviser.shown_steps(CONNECT)[0].id


def test_evidence_ticks_them(adviser: Adviser) -> None:
    parts = judge(SICK)
    ticks = [step.tick.verdict for step in adviser.shown_steps("memory", parts=parts) if step.tick]
    assert Verdict.SICK in ticks


@pytest.mark.parametrize("text", ["", "你好", "🚨"])
def test_small_talk_has_none(adviser: Adviser, text: str) -> None:
    assert adviser.shown_steps(text) == ()
