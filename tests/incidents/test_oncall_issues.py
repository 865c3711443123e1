"""What users of an on-call tool reported as broken or missing, and does not happen here.

The numbers are issues of https://github.com/grafana/oncall, which is archived.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.support.escalating import Story
from tests.support.team import HAN, LI, LOW, MAIN, NIGHT, NOON, SHANGHAI, TEAM, WANG, alert, incident
from triage.findings import Severity
from triage.incidents.escalation import SHIFT_NOTICE, shift_notices
from triage.incidents.occasions import News
from triage.incidents.team import Override

HOUR, MINUTES = timedelta(hours=1), timedelta(minutes=1)


# -- 4654, 4760: pages went on after the acknowledgement


def test_4654_no_page_after_a_claim() -> None:
    story = Story(incident(alert(NOON))).open().wait(5 * MINUTES).claim(LI)
    assert story.pages == [(0, "li")]
    assert story.wait(59 * MINUTES).pages == [(0, "li")]


def test_4760_no_page_after_a_claim_in_the_middle_of_a_repeated_escalation() -> None:
    story = Story(incident(alert(NOON))).open().wait(31 * MINUTES).claim(WANG)
    story.take()
    assert not story.wait(59 * MINUTES).pages


def test_4760_step_that_was_taken_before_the_claim_pages_nobody() -> None:
    story = Story(incident(alert(NOON))).open()
    story.incident = replace(story.incident, owner=LI.addresses[0])  # the step is still there
    story.take()
    story.wait(HOUR)
    assert not story.sent


# -- 1206: the escalation never went on after a time window


def test_1206_escalation_goes_on_after_quiet_hours_where_it_was() -> None:
    two_steps = replace(LOW, steps=(*LOW.steps, replace(TEAM.escalations[0].steps[1])))
    team = replace(TEAM, escalations=(two_steps,))
    story = Story(incident(alert(NIGHT, Severity.LOW)), team).open().wait(20 * HOUR)
    morning = 6 * 60
    assert story.pages[:2] == [(morning, "li"), (morning + 10, "han")]


def test_1206_escalation_goes_on_after_the_time_for_which_it_was_muted() -> None:
    story = Story(incident(alert(NOON))).open().mute(HOUR).wait(75 * MINUTES)
    assert story.pages == [(0, "li"), (60, "han"), (70, "li"), (70, "han"), (70, "wang")]


def test_1206_escalation_goes_on_after_the_database_was_away() -> None:
    story = Story(incident(alert(NOON))).open().sleep(3 * HOUR).wait(10 * MINUTES)
    assert story.pages[:2] == [(0, "li"), (180, "han")]
    assert (190, "wang") in story.pages


# -- 3111: a months-old acknowledged alert paged somebody


def test_3111_incident_that_was_claimed_months_ago_calls_nobody() -> None:
    story = Story(incident(alert(NOON))).open().claim(LI)
    story.take()
    story.wait(timedelta(days=90))
    assert story.sent == [(60, News.REMIND, "li")]


def test_3111_new_alert_of_it_reaches_the_owner_first() -> None:
    story = Story(incident(alert(NOON))).open().claim(LI).wait(timedelta(days=60))
    story.take()
    story.alert(alert(story.now)).wait(29 * MINUTES)
    assert [(what, who) for _, what, who in story.sent] in ([], [(News.REMIND, "li")])
    assert story.incident.owner == LI.addresses[0]


# -- 4846: nobody on call


def test_4846_nobody_on_call_goes_to_the_next_step_at_once_and_says_so() -> None:
    gone = Override("main", None, NOON - HOUR, NOON + HOUR)
    story = Story(incident(alert(NOON)), replace(TEAM, overrides=(gone,))).open()
    assert story.sent[0] == (0, News.NOBODY, "ops")
    assert sorted(story.pages) == [(0, "han"), (0, "li"), (0, "wang")]


def test_4846_nobody_in_the_last_step_calls_everybody() -> None:
    gone = Override("main", None, NOON - HOUR, NOON + HOUR)
    only = replace(TEAM.escalations[0], steps=TEAM.escalations[0].steps[:1])
    story = Story(incident(alert(NOON)), replace(TEAM, overrides=(gone,), escalations=(only,))).open()
    assert story.sent[0] == (0, News.NOBODY, "ops")
    assert sorted(story.pages) == [(0, "han"), (0, "li"), (0, "wang")]


# -- 1792, 3870: a reminder after an acknowledgement after which nothing happens


def test_1792_owner_is_reminded_when_nothing_happens_and_others_are_called_after_that() -> None:
    story = Story(incident(alert(NOON))).open().claim(HAN)
    story.take()
    story.wait(60 * MINUTES).alert(alert(story.now))
    assert story.take() == [(60, News.REMIND, "han")]
    story.wait(30 * MINUTES)
    assert (90, "page", "li") in story.sent
    assert story.incident.owner is None


def test_3870_owner_who_works_on_it_is_not_reminded() -> None:
    story = Story(incident(alert(NOON))).open().claim(HAN)
    story.take()
    for _ in range(4):
        story.wait(50 * MINUTES).touch()
    assert story.sent == []
    assert story.wait(60 * MINUTES).sent == [(260, News.REMIND, "han")]


# -- 2700, 174, 5512: working hours; what can wait waits till morning, in the person's zone


def test_2700_incident_that_can_wait_waits_till_morning() -> None:
    story = Story(incident(alert(NIGHT, Severity.LOW))).open().wait(359 * MINUTES)
    assert story.sent == []
    story.wait(MINUTES)
    assert story.sent == [(360, "page", "li"), (360, News.CALLED, "ops")]


def test_2700_incident_that_cannot_wait_does_not() -> None:
    assert Story(incident(alert(NIGHT, Severity.HIGH))).open().pages == [(0, "li")]


@pytest.mark.parametrize(
    ("severity", "pages"),
    [(Severity.CRITICAL, [(10, "li")]), (Severity.HIGH, [(10, "li")]), (Severity.MEDIUM, [])],
)
def test_a_graver_alert_at_night_calls_who_was_let_sleep(
    severity: Severity, pages: list[tuple[int, str]]
) -> None:
    team = replace(TEAM, escalations=(LOW,))
    story = Story(incident(alert(NIGHT, Severity.LOW)), team).open().wait(10 * MINUTES)
    story.alert(alert(story.now, severity, "mark_fail"), is_worse=True).wait(5 * MINUTES)
    assert story.pages == pages


def test_174_claimed_or_closed_by_morning_calls_nobody() -> None:
    story = Story(incident(alert(NIGHT, Severity.LOW))).open().wait(HOUR).close(LI).wait(12 * HOUR)
    assert story.sent == []


def test_174_morning_asks_again_who_is_on_call() -> None:
    monday = datetime(2026, 1, 12, 2, tzinfo=SHANGHAI)
    early = replace(TEAM, rotations=(replace(MAIN, at=MAIN.at.replace(hour=7)),))
    story = Story(incident(alert(monday, Severity.LOW)), early).open().wait(6 * HOUR)
    assert story.pages == [(360, "han")]


def test_5512_night_is_that_of_who_would_be_called() -> None:
    berlin = replace(LI, zone=ZoneInfo("Europe/Berlin"))
    team = replace(TEAM, people=(berlin, HAN, WANG))
    assert Story(incident(alert(NIGHT, Severity.LOW)), team).open().pages == [(0, "li")]  # 19:00 there
    noon = Story(incident(alert(NOON, Severity.LOW)), team).open()  # 05:00 there
    assert noon.pages == []
    assert noon.wait(3 * HOUR).pages == [(180, "li")]


def test_5512_who_is_awake_is_called_at_once_and_who_sleeps_in_their_morning() -> None:
    berlin = replace(LI, zone=ZoneInfo("Europe/Berlin"))
    everybody = replace(LOW, steps=(TEAM.escalations[0].steps[2],))
    team = replace(TEAM, people=(berlin, HAN, WANG), escalations=(everybody,), repeat=0)
    story = Story(incident(alert(NOON, Severity.LOW)), team).open().wait(3 * HOUR)
    assert story.pages == [(20, "han"), (20, "wang"), (180, "li")]


# -- 2953: word before a shift


@pytest.mark.parametrize(
    ("before", "told"),
    [(SHIFT_NOTICE + MINUTES, []), (SHIFT_NOTICE - MINUTES, ["han"]), (timedelta(), ["han"])],
    ids=["not long before", "half an hour before", "at the latest when it begins"],
)
def test_2953_word_before_a_shift(before: timedelta, told: list[str]) -> None:
    handover = datetime(2026, 1, 12, 10, tzinfo=SHANGHAI)
    notices = shift_notices(TEAM, (), handover - before)
    assert [tell.to.id for tell in notices if not hasattr(tell.to, "channel")] == told
    assert all(tell.at == handover for tell in notices)


def test_2953_word_before_a_shift_comes_once() -> None:
    handover = datetime(2026, 1, 12, 10, tzinfo=SHANGHAI)
    keys = {tell.key for wait in range(30) for tell in shift_notices(TEAM, (), handover - wait * MINUTES)}
    assert len(keys) == 1


# -- 4538, 395: take over a running shift, ask for cover


def test_4538_running_shift_can_be_taken_over_from_now_on() -> None:
    story = Story(incident(alert(NOON)))
    story.overrides = (Override("main", "wang", NOON, NOON + 2 * HOUR),)
    assert story.open().pages == [(0, "wang")]


def test_395_who_takes_over_in_chat_beats_the_file() -> None:
    filed = Override("main", "han", NOON - HOUR, NOON + HOUR)
    story = Story(incident(alert(NOON)), replace(TEAM, overrides=(filed,)))
    story.overrides = (Override("main", "wang", NOON, NOON + 2 * HOUR),)
    assert story.open().pages == [(0, "wang")]
