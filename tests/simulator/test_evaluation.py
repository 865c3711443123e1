"""What the bot reads in a simulated alert is compared with what the illness expects."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from triage.advice.adviser import Adviser
from triage.alerts.parser import BEIJING
from triage.simulator.evaluation import AlertReading, IllnessRun, make_act, play_illness, read_alert
from triage.simulator.illnesses import ILLNESSES, Illness
from triage.simulator.platform import SentAlert, SimulationOptions

OPTIONS = SimulationOptions(datetime(2026, 4, 21, 18, 30, 7, tzinfo=BEIJING), speed=60)
JSON = ILLNESSES["json"]


@pytest.fixture(scope="module")
def alert(adviser: Adviser) -> SentAlert:
    run = play_illness(make_act(JSON, minutes=0.6), OPTIONS, adviser, lambda _slot, _failed: None)
    (reading,) = run.readings
    return reading.alert


@pytest.mark.parametrize(
    ("illness", "wrong"),
    [
        pytest.param(JSON, (), id="as expected"),
        pytest.param(replace(JSON, step="reboot"), ("第一步是 no_json，应是 reboot",), id="another step"),
        pytest.param(replace(JSON, cause="html_page"), ("没有看出 html_page",), id="a cause that is missed"),
        pytest.param(replace(JSON, cause=None), ("看出了没有的 json_reply",), id="a cause too many"),
        pytest.param(replace(JSON, kind=None), ("这种病不该报警",), id="an alert where none is due"),
        pytest.param(replace(JSON, kind="mark_fail", step="x"), (), id="an alert beside the illness's own"),
    ],
)
def test_a_difference_is_named(
    illness: Illness, wrong: tuple[str, ...], alert: SentAlert, adviser: Adviser
) -> None:
    assert read_alert(alert, illness, adviser).wrong == wrong


def test_another_kind_is_named(alert: SentAlert, adviser: Adviser) -> None:
    assert read_alert(replace(alert, kind="mark_fail"), JSON, adviser).wrong == (
        "类型读成 bad_response，应是 mark_fail",
    )


@pytest.mark.parametrize("times", [0, 2])
def test_a_text_must_hold_one_alert(times: int, alert: SentAlert, adviser: Adviser) -> None:
    reading = read_alert(replace(alert, text=alert.text * times), JSON, adviser)
    assert (reading.kind, reading.step, reading.wrong) == (
        "unknown",
        None,
        (f"读出 {times} 条报警，应是 1 条",),
    )


def test_one_wrong_reading_makes_a_run_wrong(alert: SentAlert) -> None:
    right = AlertReading(alert, "bad_response", (), None, "", ())
    assert IllnessRun(JSON, (right,), 1, 1, 0).is_right
    assert not IllnessRun(JSON, (right, replace(right, wrong=("x",))), 1, 1, 0).is_right


@pytest.mark.parametrize(("name", "minutes"), [("json", 5.0), ("ticket_json", 30.0)])
def test_an_illness_is_played_for_one_window_at_its_own_rate(name: str, minutes: float) -> None:
    illness = ILLNESSES[name]
    act = make_act(illness)
    assert (act.minutes, act.rate) == (minutes, illness.rate)
    act = make_act(illness, rate=7, minutes=2)
    assert (act.minutes, act.rate) == (2, 7)
