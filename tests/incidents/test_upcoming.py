"""Who is called next, and when: what is foretold is what happens if nobody does anything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.support.escalating import Story
from tests.support.team import HAN, HIGH, LI, LOW, NIGHT, NOON, TEAM, WANG, alert, incident
from triage.findings import Severity
from triage.incidents.correlation import State
from triage.incidents.escalation import ROUND_PAUSE, WATCH
from triage.incidents.occasions import Occasion, What
from triage.incidents.team import EscalationStep, Override, Team
from triage.incidents.upcoming import Call, next_call

HOUR, MINUTES = timedelta(hours=1), timedelta(minutes=1)
LOW_THEN_NEXT = replace(LOW, steps=(*LOW.steps, HIGH.steps[1]))
IN_BERLIN = replace(LI, zone=ZoneInfo("Europe/Berlin"))
A_QUARTER_LATER = (EscalationStep(15 * MINUTES, HIGH.steps[0].targets),)
GROUP_FIRST = (EscalationStep(timedelta(), (), "ops"), EscalationStep(15 * MINUTES, HIGH.steps[0].targets))


def _story(
    at: datetime = NOON, severity: Severity = Severity.HIGH, team: Team = TEAM, *overrides: Override
) -> Story:
    story = Story(incident(alert(at, severity)), team)
    story.overrides = overrides
    return story.open()


def _foretold(story: Story) -> Call | None:
    return next_call(story.incident, story.due, story.team, story.overrides, story.now)


# -- nobody


@pytest.mark.parametrize(
    "story",
    [
        pytest.param(lambda: _story(severity=Severity.INFO), id="the file calls nobody for what is so light"),
        pytest.param(lambda: _story().claim(HAN), id="somebody has claimed it"),
        pytest.param(lambda: _story().close(HAN), id="it is closed"),
        pytest.param(lambda: _story().wait(5 * HOUR), id="all were called and there is nothing new"),
        pytest.param(
            lambda: _story(severity=Severity.LOW, team=replace(TEAM, escalations=(LOW,), repeat=0)),
            id="the only step is behind it and is not repeated",
        ),
    ],
)
def test_nobody_is_called_next(story: Callable[[], Story]) -> None:
    played = story()
    assert _foretold(played) is None
    played.take()
    assert played.wait(4 * HOUR).pages == []


def test_a_step_that_is_still_due_calls_nobody_once_it_is_claimed_or_closed() -> None:
    open_one = _story()
    for changed in (
        replace(open_one.incident, owner=LI.addresses[0]),
        replace(open_one.incident, state=State.CLOSED),
        replace(open_one.incident, is_confirmed=False),
    ):
        assert next_call(changed, open_one.due, TEAM, (), open_one.now) is None


def test_decisions_that_lead_to_each_other_for_ever_come_to_an_end() -> None:
    watching = Occasion(What.WATCH, NOON + HOUR, severity=Severity.HIGH)
    assert next_call(incident(alert(NOON)), [(NOON + WATCH, watching)], TEAM, (), NOON) is None


# -- somebody


@pytest.mark.parametrize(
    ("story", "after", "whom"),
    [
        pytest.param(lambda: _story(), 10, {"han"}, id="the second step"),
        pytest.param(lambda: _story().wait(4 * MINUTES), 6, {"han"}, id="the second step, a while later"),
        pytest.param(lambda: _story().wait(10 * MINUTES), 10, {"li", "han", "wang"}, id="the third step"),
        pytest.param(
            lambda: _story().wait(20 * MINUTES), ROUND_PAUSE // MINUTES, {"li"}, id="the next round"
        ),
        pytest.param(
            lambda: _story(team=replace(TEAM, escalations=(replace(HIGH, steps=A_QUARTER_LATER),))), 15, {"li"},
            id="a first step that comes later",
        ),
        pytest.param(
            lambda: _story(team=replace(TEAM, escalations=(replace(HIGH, steps=GROUP_FIRST),))), 15, {"li"},
            id="behind a step that tells a group alone",
        ),
        pytest.param(lambda: _story(NIGHT, Severity.LOW), 360, {"li"}, id="when the quiet hours are over"),
        pytest.param(lambda: _story().mute(HOUR), 60, {"han"}, id="when it is muted no longer"),
        pytest.param(
            lambda: _story(NOON, Severity.HIGH, TEAM, Override("main", "wang", NOON + 5 * MINUTES, NOON + HOUR)),
            10, {"li"}, id="by who is on call then, not now",
        ),
        pytest.param(
            lambda: _story(NOON, Severity.HIGH, TEAM, Override("main", None, NOON + 5 * MINUTES, NOON + HOUR)),
            10, {"li", "han", "wang"}, id="everybody where nobody is on call then",
        ),
        pytest.param(
            lambda: _story(
                NOON, Severity.LOW,
                replace(TEAM, people=(IN_BERLIN, HAN, WANG), escalations=(replace(LOW, steps=HIGH.steps[2:]),)),
            ),
            20, {"han", "wang"}, id="those of a step who are awake",
        ),
        pytest.param(
            lambda: _story(team=replace(TEAM, repeat=0)).wait(40 * MINUTES).alert(alert(NOON + 40 * MINUTES)),
            50, {"li"}, id="who is on call, after the end, where there are new alerts",
        ),
        pytest.param(
            lambda: _story(NIGHT, Severity.LOW, replace(TEAM, escalations=(LOW_THEN_NEXT,))).wait(360 * MINUTES),
            10, {"han"}, id="the second step, where the first one waited till morning",
        ),
    ],
)  # fmt: skip
def test_next_call_is_the_one_that_comes(story: Callable[[], Story], after: int, whom: set[str]) -> None:
    played = story()
    call = _foretold(played)
    assert call
    assert {mate.id for mate in call.teammates} == whom
    assert call.at == played.now + after * MINUTES
    played.take()
    before = played.now - played.began
    played.wait(call.at - played.now)
    expected = (before + after * MINUTES) // MINUTES
    assert {(minute, who) for minute, who in played.pages} == {(expected, who) for who in whom}


def test_what_is_overdue_is_called_for_now() -> None:
    story = _story()
    story.now += HOUR
    assert _foretold(story) == Call(story.now, (HAN,))
