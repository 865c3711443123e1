"""Every illness comes back from the bot as itself, and the platform pushes as the real one does."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from triage.advice.adviser import Adviser
from triage.advice.rendering import steps_for
from triage.alerts.causes import REPLY_CAUSES
from triage.alerts.parser import BEIJING, Alert
from triage.channels.wechat.account import Account
from triage.channels.wechat.platform_side import accepts, compose
from triage.message import Message, MessageKind, Response
from triage.platform.clauses import CLAUSES
from triage.platform.pushes import PAYMENT_NOTIFY
from triage.platform.reply_law import judge
from triage.simulator.alert import SENTENCES, TICKET
from triage.simulator.illnesses import HEALTHY, ILLNESSES, Illness
from triage.simulator.platform import Act, SentAlert, SimulationOptions, Slot, make_persona, simulate
from triage.simulator.replies import ReceivedPush, changed

START = datetime(2026, 4, 21, 18, 30, 7, tzinfo=BEIJING)
FAN = "oAdFXedIqWRgfr63S568PiXzSAYS"


def _play(illness: Illness, minutes: float = 0.6, rate: float | None = None, **plan: float) -> list[object]:
    minutes = 30 if illness.push == TICKET else minutes
    acts = [Act(illness, minutes, rate or illness.rate)]
    return list(
        simulate(acts, SimulationOptions(START, speed=plan.get("speed", 100), seed=int(plan.get("seed", 0))))
    )


def _alerts(happenings: list[object]) -> list[SentAlert]:
    return [happening for happening in happenings if isinstance(happening, SentAlert)]


def _slots(happenings: list[object]) -> list[Slot]:
    return [happening for happening in happenings if isinstance(happening, Slot)]


# -- the loop over all illnesses

_SICK = [illness for illness in ILLNESSES.values() if illness.kind is not None]
_WELL = [illness for illness in ILLNESSES.values() if illness.kind is None]


@pytest.mark.parametrize("illness", _WELL, ids=lambda illness: illness.id)
def test_what_the_platform_takes_raises_no_alert(illness: Illness) -> None:
    happenings = _play(illness, minutes=0.3, speed=10 if illness.after else 100)
    assert not _alerts(happenings)
    assert not sum(slot.failed for slot in _slots(happenings))


@pytest.mark.parametrize("illness", _SICK, ids=lambda illness: illness.id)
def test_every_illness_comes_back_from_the_bot_as_itself(illness: Illness, adviser: Adviser) -> None:
    alerts = _alerts(_play(illness, minutes=max(0.6, illness.spell or 0)))
    for alerted in alerts:
        reading, (diagnosis,) = adviser.diagnose(alerted.text)
        assert diagnosis.kind == alerted.kind
        assert not reading.unread
        assert replace(diagnosis.alert, text="", span=(0, 0)) == _as_pasted(alerted.alert)
        assert adviser.answer(alerted.text).pages[0]
    assert [alerted.kind for alerted in alerts].count(str(illness.kind)) == 1
    (own,) = (adviser.diagnose(alerted.text)[1][0] for alerted in alerts if alerted.kind == illness.kind)
    causes = {cause.id for cause in own.causes}
    assert illness.cause in causes if illness.cause else not causes
    assert steps_for(own)[0].id == illness.step


def _as_pasted(alert: Alert) -> Alert:
    """As the parser takes it: a byte order mark and the white space around a body do not outlive a copy."""
    body = alert.sample.response_content
    if body is None:
        return alert
    return replace(alert, sample=replace(alert.sample, response_content=body.replace("\ufeff", "").strip()))


def test_every_kind_of_alert_has_an_illness() -> None:
    assert {illness.kind for illness in _SICK} == set(SENTENCES)


def test_every_cause_of_the_contract_has_an_illness() -> None:
    others = {"http_status", "curl_connect", "curl_empty_reply", "curl_receive", "decrypt_fail"}
    shared = {"receipt_flood", "provider_side"}
    assert {illness.cause for illness in _SICK} - {None} == REPLY_CAUSES | others | shared


def test_every_clause_of_the_reply_law_is_broken_by_some_illness() -> None:
    broken = {id_ for illness in ILLNESSES.values() for id_ in _broken(illness)}
    assert set(CLAUSES) <= broken


def _broken(illness: Illness) -> set[str]:
    """The findings on an illness's reply, without a network."""
    persona = make_persona(illness, 0)
    if illness.push == PAYMENT_NOTIFY.name:
        pushed = ReceivedPush(b"<transaction_id>", None, persona.account, START)
        return {finding.id for finding in judge(illness.reply(pushed), PAYMENT_NOTIFY)}
    request = compose(
        illness.push,
        persona.account,
        START,
        sender=FAN,
        recipient=persona.recipient,
        nonce="1000000000",
        mode=illness.mode,
        random16=b"0" * 16,
    )
    message = Message(
        "wechat", persona.account.appid, FAN, persona.recipient, MessageKind.TEXT, 1, push=illness.push
    )
    pushed = ReceivedPush(request.body, message, persona.account, START, "1000000000")
    response = Response(illness.status, illness.reply(pushed))
    accepted = accepts(
        response, request, persona.account, illness.push, sender=FAN, recipient=persona.recipient
    )
    return {finding.id for finding in accepted.findings}


def test_a_mistake_that_changes_nothing_is_ours() -> None:
    message = Message("wechat", "wx", FAN, "gh_1", MessageKind.TEXT, 1)
    with pytest.raises(ValueError, match="does not stand in the reply"):
        changed("<None>", "")(ReceivedPush(b"", message, Account("wx", "token"), START))


def test_each_illness_bears_the_name_it_is_found_by() -> None:
    assert all(id_ == illness.id for id_, illness in ILLNESSES.items())
    assert len({illness.meaning for illness in ILLNESSES.values()}) == len(ILLNESSES)


# -- the platform


def test_the_same_seed_plays_the_same() -> None:
    for name in ("status_500", "silent", "wrong_key", "flood"):
        assert _play(ILLNESSES[name]) == _play(ILLNESSES[name])


def test_another_seed_names_others() -> None:
    (first,), (other,) = (_alerts(_play(ILLNESSES["status_500"], seed=seed)) for seed in (0, 1))
    assert first.alert.appid != other.alert.appid
    assert first.alert.sample.openid != other.alert.sample.openid
    assert first.alert.count == other.alert.count


def test_a_failing_push_is_tried_three_times_five_seconds_apart() -> None:
    slots = _slots(_play(ILLNESSES["status_500"], minutes=0.01))
    assert [(slot.at - START, slot.sent, slot.failed) for slot in slots] == [
        (timedelta(seconds=5) * index, 1, 1) for index in range(3)
    ]


def test_a_ticket_comes_every_ten_minutes() -> None:
    slots = _slots(_play(ILLNESSES["ticket_quoted"]))
    firsts = [slot.at - START for slot in slots[::3]]
    assert firsts == [timedelta(minutes=10) * index for index in range(3)]


def test_a_callback_that_recovers_is_left_alone() -> None:
    illness = replace(ILLNESSES["status_500"], spell=1)
    slots = _slots(_play(illness, minutes=2))
    turn = START + timedelta(minutes=1)
    assert all(slot.failed == slot.sent for slot in slots if slot.at < turn)
    assert not any(slot.failed for slot in slots if slot.at >= turn)
    assert any(slot.sent for slot in slots if slot.at >= turn)


def test_nothing_is_pushed_while_the_platform_is_silent() -> None:
    happenings = _play(ILLNESSES["mark_fail"], minutes=2)
    first = _alerts(happenings)[0]
    assert first.kind == "mark_fail"
    silent = [slot for slot in _slots(happenings) if first.at < slot.at < first.at + timedelta(seconds=55)]
    assert silent
    assert all(slot.sent == 0 and slot.withheld for slot in silent)
    assert any(slot.sent for slot in _slots(happenings) if slot.at > first.at + timedelta(seconds=60))


def test_several_acts_are_one_story() -> None:
    acts = [Act(ILLNESSES["refuses"], 0.5, 20), Act(HEALTHY, 0.5, 20), Act(ILLNESSES["json"], 0.5, 20)]
    slots = _slots(list(simulate(acts, SimulationOptions(START, speed=20))))
    failed = {
        act: sum(slot.failed for slot in slots if slot.act == act and slot.at.second % 30 > 17)
        for act in range(3)
    }
    assert failed[0]
    assert not failed[1]
    assert failed[2]
