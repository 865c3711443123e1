"""Who hears of an incident, and when: stories with a clock of their own, what must not be sent first."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.support.escalating import Story
from tests.support.team import (
    APPID,
    HAN,
    HIGH,
    LI,
    LOW,
    NOON,
    OWNERS,
    TEAM,
    WANG,
    address,
    alert,
    incident,
)
from triage.findings import Severity
from triage.incidents.case import severity_of
from triage.incidents.correlation import QUIET
from triage.incidents.escalation import (
    MARK_FAIL_MINUTE,
    ROUND_PAUSE,
    WATCH,
    decide,
)
from triage.incidents.occasions import Because, GroupNotice, Known, News, Occasion, Page, Probed, Tell, What
from triage.incidents.team import EscalationStep, Team, TeamAccount
from triage.rules.model import MARK_FAIL

EVERYBODY_HEARS = replace(TEAM, escalations=(replace(LOW, severity=Severity.CRITICAL),))
HOUR, MINUTES = timedelta(hours=1), timedelta(minutes=1)


def _opened(severity: Severity = Severity.HIGH, team: Team = TEAM) -> Story:
    return Story(incident(alert(NOON, severity)), team).open()


# -- what must not be sent


@pytest.mark.parametrize(
    ("changes", "because"),
    [
        ({"is_confirmed": False}, Because.UNCONFIRMED),
        ({"owner": LI}, Because.CLAIMED),
    ],
    ids=["what no member has confirmed", "what somebody owns already"],
)
def test_nobody_is_called_for(changes: dict[str, Any], because: Because) -> None:
    known = Known(incident(alert(NOON), **changes))
    decision = decide(Occasion(What.OPEN, NOON), known, TEAM, (), NOON)
    assert (decision.because, decision.planned) == (because, ())


def test_nobody_is_called_for_what_the_file_names_nobody_for() -> None:
    story = _opened(Severity.INFO)
    assert (story.sent, story.decisions[0].because) == ([], Because.NO_ESCALATION)


@pytest.mark.parametrize("what", [what for what in What if what is not What.CLOSE])
def test_nothing_follows_once_it_is_closed(what: What) -> None:
    story = _opened()
    story.close(LI)
    story.take()
    occasion = Occasion(what, NOON, LI.addresses[0], Severity.HIGH)
    decision = decide(occasion, Known(story.incident, ("li",), ("ops",)), TEAM, (), NOON + HOUR)
    assert (decision.because, decision.planned) == (Because.CLOSED, ())


def test_groups_and_people_who_heard_nothing_hear_of_no_claim_and_no_end() -> None:
    story = _opened(Severity.INFO).claim(LI).close(LI)
    assert story.sent == []


def test_nothing_is_planned_twice() -> None:
    story = _opened()
    keys = [item.key for item in story.planned]
    again = decide(Occasion(What.OPEN, NOON), Known(story.incident), TEAM, (), NOON)
    assert [item.key for item in again.planned] == keys
    assert len(set(keys)) == len(keys)


def test_keys_fit_the_outbox() -> None:
    story = _opened().wait(timedelta(days=2))
    assert max(len(item.key) for item in story.planned) <= 190


# -- nobody claims


def test_one_after_the_other_is_called_until_everybody_is() -> None:
    story = _opened().wait(20 * MINUTES)
    assert story.sent == [
        (0, "page", "li"),
        (10, "page", "han"),
        (20, "page", "li"), (20, "page", "han"), (20, "page", "wang"), (20, News.CALLED, "ops"),
    ]  # fmt: skip


def test_page_says_when_others_are_called() -> None:
    story = _opened().wait(20 * MINUTES)
    pages = [item for item in story.planned if isinstance(item, Page)]
    assert [page.next_at for page in pages[:3]] == [
        NOON + 10 * MINUTES, NOON + 20 * MINUTES, NOON + 20 * MINUTES + ROUND_PAUSE,
    ]  # fmt: skip
    (group,) = [item for item in story.planned if isinstance(item, GroupNotice)]
    assert (group.called, group.next_at) == (("li", "han", "wang"), NOON + 20 * MINUTES + ROUND_PAUSE)


def test_first_step_may_be_later_than_the_incident() -> None:
    late = replace(HIGH, steps=HIGH.steps[1:])
    story = _opened(team=replace(TEAM, escalations=(late,)))
    assert story.sent == []
    assert story.wait(10 * MINUTES).pages == [(10, "han")]


def test_escalation_begins_again_as_often_as_the_file_says_and_then_says_that_it_ends() -> None:
    story = _opened().wait(20 * MINUTES + ROUND_PAUSE)
    assert story.take()[-1] == (30, "page", "li")
    story.wait(20 * MINUTES)
    story.take()
    story.wait(ROUND_PAUSE)
    assert story.sent == [(60, News.EXHAUSTED, "ops")]


def test_end_is_told_to_those_who_were_called_where_there_is_no_group() -> None:
    alone = replace(TEAM, groups=(), repeat=0, escalations=(replace(HIGH, steps=HIGH.steps[:2]),))
    story = _opened(team=alone).wait(10 * MINUTES + ROUND_PAUSE)
    assert story.sent[-2:] == [(20, News.EXHAUSTED, "li"), (20, News.EXHAUSTED, "han")]


def test_nothing_more_is_sent_after_the_end_while_there_are_no_new_alerts() -> None:
    story = _opened().wait(2 * HOUR)
    story.take()
    assert story.wait(timedelta(days=7)).sent == []


def test_new_alerts_after_the_end_begin_it_again() -> None:
    story = _opened().wait(2 * HOUR).alert(alert(NOON + 2 * HOUR))
    story.take()
    assert story.wait(WATCH).pages[0][1] == "li"


def test_group_that_hears_of_other_accounts_hears_nothing() -> None:
    (ops,) = TEAM.groups
    others, ours = replace(ops, accounts=("wx0000000000000000",)), replace(ops, accounts=(APPID,))
    assert (0, News.CALLED, "ops") in _opened(Severity.LOW, replace(TEAM, groups=(ours,))).sent
    assert (0, News.CALLED, "ops") not in _opened(Severity.LOW, replace(TEAM, groups=(others,))).sent


def test_escalation_of_a_group_alone_ends_without_more_words() -> None:
    group_only = replace(LOW, steps=(EscalationStep(timedelta(), (), "ops"),))
    story = _opened(Severity.LOW, replace(TEAM, escalations=(group_only,))).wait(timedelta(days=1))
    assert story.sent == [(0, News.CALLED, "ops")]


@pytest.mark.parametrize(
    ("appid", "callback", "owners"),
    [
        pytest.param(
            "wx1", "https://wx.example.cn/a", (), id="another account on the same host is another one"
        ),
        pytest.param(None, "https://other.example.cn/a", (), id="a host that is nobody's"),
        pytest.param(None, None, (), id="an alert that says neither"),
        pytest.param(APPID, None, ("wang",), id="by its AppID"),
        pytest.param(
            None, "https://WX.example.cn:8443/a?b", ("wang",), id="by its host where no AppID is told"
        ),
    ],
)
def test_account_of_an_alert(appid: str | None, callback: str | None, owners: tuple[str, ...]) -> None:
    team = replace(TEAM, accounts=(TeamAccount(APPID, owners=("wang",), hosts=("wx.example.cn",)),))
    found = team.account(appid, callback)
    assert (found.owners if found else ()) == owners


def test_owners_of_the_account_are_called() -> None:
    team = replace(TEAM, escalations=(replace(HIGH, steps=(EscalationStep(timedelta(), (OWNERS,)),)),))
    assert _opened(team=team).pages == [(0, "wang")]


@pytest.mark.parametrize(
    ("severity", "escalation"),
    [
        (Severity.CRITICAL, HIGH),
        (Severity.HIGH, HIGH),
        (Severity.MEDIUM, LOW),
        (Severity.LOW, LOW),
        (Severity.INFO, None),
    ],
)
def test_escalation_holds_for_its_severity_and_graver_ones(severity: Severity, escalation: object) -> None:
    assert TEAM.escalation(severity) == escalation


def test_severity_is_that_of_the_gravest_alert() -> None:
    assert severity_of(incident(alert(NOON, Severity.LOW), alert(NOON, Severity.HIGH))) is Severity.HIGH


# -- graver alerts


def test_graver_alert_begins_the_graver_escalation_and_ends_the_other() -> None:
    story = _opened(Severity.LOW).wait(5 * MINUTES)
    story.take()
    story.alert(alert(story.now, Severity.HIGH), is_worse=True).wait(10 * MINUTES)
    assert story.sent == [(5, "page", "li"), (15, "page", "han")]
    assert Because.OTHER_ESCALATION in [decision.because for decision in story.decisions]


def test_graver_alert_of_the_same_escalation_calls_nobody_twice() -> None:
    story = _opened(Severity.HIGH).wait(5 * MINUTES)
    story.alert(alert(story.now, Severity.CRITICAL), is_worse=True).wait(4 * MINUTES)
    assert story.pages == [(0, "li")]


def test_owner_hears_of_graver_alerts() -> None:
    story = _opened(Severity.LOW).claim(LI)
    story.take()
    story.alert(alert(story.now, Severity.CRITICAL), is_worse=True)
    assert story.sent == [(0, News.WORSE, "li")]


# -- somebody claims


def test_those_who_heard_of_it_hear_who_has_claimed_but_for_the_claimer() -> None:
    story = _opened().wait(20 * MINUTES)
    story.take()
    story.claim(HAN)
    assert story.sent == [(20, News.CLAIM, "ops"), (20, News.CLAIM, "li"), (20, News.CLAIM, "wang")]


def test_claim_by_another_channel_is_by_the_same_teammate() -> None:
    story = _opened()
    story.take()
    story.incident = replace(story.incident, owner=address("oLi", "wechat"))
    story._happen(What.CLAIM, address("oLi", "wechat"))
    assert story.sent == []


def test_owner_who_is_nobody_of_the_team_is_reminded_where_they_claimed() -> None:
    story = _opened()
    boss = address("oBoss", "wechat")
    story.incident = replace(story.incident, owner=boss)
    story._happen(What.CLAIM, boss)
    story.take()
    story._due = [again for again in story._due if again.occasion.what is What.REMIND]
    assert story.wait(HOUR).sent == [(60, News.REMIND, str(boss))]


def test_reminder_says_when_the_incident_is_let_go() -> None:
    story = _opened().claim(LI).wait(59 * MINUTES).alert(alert(NOON + 59 * MINUTES)).wait(MINUTES)
    (tell,) = [item for item in story.planned if isinstance(item, Tell) and item.what is News.REMIND]
    assert tell.at == NOON + 90 * MINUTES


def test_incident_without_new_alerts_is_not_let_go() -> None:
    story = _opened().claim(LI).wait(timedelta(days=1))
    assert story.incident.owner == LI.addresses[0]
    assert [what for _, what, _ in story.sent].count(News.REMIND) == 1


@pytest.mark.parametrize(
    ("before_release", "owner"), [(QUIET, None), (QUIET + MINUTES, LI.addresses[0])],
    ids=["with an alert half an hour ago it is let go", "with an older one it is not"],
)  # fmt: skip
def test_let_go_depends_on_the_newest_alert(before_release: timedelta, owner: object) -> None:
    story = _opened().claim(LI).wait(90 * MINUTES - before_release)
    story.alert(alert(story.now)).wait(before_release)
    assert story.incident.owner == owner


def test_group_hears_that_it_was_let_go_and_others_are_called() -> None:
    story = _opened(Severity.LOW).claim(HAN).wait(60 * MINUTES).alert(alert(NOON + HOUR, Severity.LOW))
    story.take()
    story.wait(30 * MINUTES)
    assert story.sent == [(90, News.RELEASE, "ops"), (90, "page", "li"), (90, News.CALLED, "ops")]


def test_who_is_given_an_incident_hears_of_it() -> None:
    story = _opened().claim(LI)
    story.take()
    story.give(WANG, by=LI)
    assert story.sent == [(0, News.GIVE, "wang")]
    story.take()
    assert story.wait(HOUR).sent == [(60, News.REMIND, "wang")]


def test_reminder_of_an_earlier_owner_is_none_of_the_new_ones() -> None:
    known = Known(incident(alert(NOON), owner=HAN))
    occasion = Occasion(What.REMIND, NOON, LI.addresses[0])
    assert decide(occasion, known, TEAM, (), NOON + HOUR).because is Because.UNOWNED


def test_claim_is_not_asked_about_where_the_file_says_nothing_of_it() -> None:
    story = _opened(team=replace(TEAM, claim=None)).claim(LI)
    story.take()
    assert story.wait(timedelta(days=1)).sent == []


# -- all clear


def test_all_clear_goes_to_everybody_who_heard_of_it_but_who_closed_it() -> None:
    story = _opened().wait(20 * MINUTES).claim(HAN)
    story.take()
    story.close(HAN)
    assert story.sent == [(20, News.CLOSE, "ops"), (20, News.CLOSE, "li"), (20, News.CLOSE, "wang")]


# -- the minute after a MarkFail


def _marked() -> Story:
    return Story(incident(alert(NOON, Severity.CRITICAL, MARK_FAIL))).open()


def test_after_the_minute_those_who_were_called_are_asked_whether_it_still_fails() -> None:
    story = _marked().wait(MARK_FAIL_MINUTE)
    assert story.sent == [(0, "page", "li"), (1, News.MINUTE_OVER, "li")]


def test_after_the_minute_the_owner_is_asked() -> None:
    story = _marked().claim(HAN)
    story.take()
    assert story.wait(MARK_FAIL_MINUTE).sent == [(1, News.MINUTE_OVER, "han")]


@pytest.mark.parametrize(
    ("probed", "news", "note"),
    [
        (None, News.MINUTE_OVER, ""),
        (Probed(is_well=True), News.ANSWERS_AGAIN, ""),
        (Probed(is_well=False, found="连不上"), News.STILL_SICK, "连不上"),
    ],
    ids=["nobody can tell without asking", "it answers again", "it does not, and why"],
)
def test_what_a_probe_finds_after_the_minute_is_told(probed: Probed | None, news: News, note: str) -> None:
    story = Story(incident(alert(NOON, Severity.CRITICAL, MARK_FAIL)), EVERYBODY_HEARS).open()
    story.probed = probed
    story.take()
    assert story.wait(MARK_FAIL_MINUTE).sent == [(1, news, "ops"), (1, news, "li")]
    told = [item for item in story.planned if isinstance(item, Tell | GroupNotice) and item.what is news]
    assert [item.note for item in told] == [note, note]


def test_alert_after_the_minute_says_more_than_a_probe() -> None:
    story = _marked().claim(HAN)
    story.probed = Probed(is_well=True)
    story.take()
    story.alert(alert(story.now + MINUTES))
    assert story.wait(MARK_FAIL_MINUTE).sent == [(1, News.STILL_FAILING, "han")]


@pytest.mark.parametrize(("failed", "news"), [(-1, News.MINUTE_OVER), (1, News.STILL_FAILING)])
def test_only_what_failed_after_a_mark_fail_says_that_it_still_fails(failed: int, news: News) -> None:
    story = _marked().claim(HAN).wait(MARK_FAIL_MINUTE / 2)
    story.take()
    story.alert(replace(alert(story.now), first_seen=NOON + failed * MARK_FAIL_MINUTE / 2))
    assert story.wait(MARK_FAIL_MINUTE).sent == [(1, news, "han")]


def test_mark_fail_that_comes_later_is_asked_about_too() -> None:
    story = _opened().claim(HAN).wait(10 * MINUTES)
    story.take()
    story.alert(alert(story.now, Severity.CRITICAL, MARK_FAIL), is_worse=True).wait(MARK_FAIL_MINUTE)
    assert story.sent == [(10, News.WORSE, "han"), (11, News.MINUTE_OVER, "han")]


def test_nothing_is_asked_once_it_is_closed() -> None:
    story = _marked().claim(HAN).close(HAN)
    story.take()
    assert story.wait(HOUR).sent == []


# -- the outbox keeps occasions


@pytest.mark.parametrize(
    "occasion",
    [
        Occasion(What.OPEN, NOON),
        Occasion(What.CLAIM, NOON, address("lilei")),
        Occasion(What.STEP, NOON, None, Severity.CRITICAL, 1, 2, "li"),
    ],
    ids=["opened", "claimed", "a step for one who slept"],
)
def test_occasion_comes_back_from_the_outbox(occasion: Occasion) -> None:
    assert Occasion.from_json(occasion.as_json()) == occasion
