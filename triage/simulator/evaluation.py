"""Plays an illness to its end and compares what the bot reads in its alerts with what the illness expects."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from triage.advice.adviser import Adviser
from triage.advice.rendering import steps_for
from triage.simulator.alert import TICKET
from triage.simulator.illnesses import Illness
from triage.simulator.platform import Act, SentAlert, SimulationOptions, Slot, simulate
from triage.wording import Wording, joined

_MINUTES = 5.0
_TICKET_MINUTES = 30.0
"""Tickets are pushed every ten minutes and counted for thirty."""

OnSlot = Callable[[Slot, int], None]
"""Called after each slot with the tries that have failed so far."""


@dataclass(frozen=True, slots=True)
class AlertReading:
    """What the bot read in one alert; `wrong` says in Chinese how it differs from the illness."""

    alert: SentAlert
    kind: str
    causes: tuple[str, ...]
    step: str | None
    reply: str
    wrong: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "at": self.alert.at.isoformat(),
            "text": self.alert.text,
            "kind": self.kind,
            "causes": list(self.causes),
            "step": self.step,
            "reply": self.reply,
            "wrong": list(self.wrong),
        }


@dataclass(frozen=True, slots=True)
class IllnessRun:
    """One illness played to its end: what was read in its alerts, and the tries sent, failed and withheld."""

    illness: Illness
    readings: tuple[AlertReading, ...]
    sent: int
    failed: int
    withheld: int

    @property
    def is_right(self) -> bool:
        return not any(reading.wrong for reading in self.readings)

    def as_json(self) -> dict[str, Any]:
        return {
            "illness": self.illness.id,
            "meaning": self.illness.meaning,
            "sent": self.sent,
            "failed": self.failed,
            "withheld": self.withheld,
            "right": self.is_right,
            "alerts": [reading.as_json() for reading in self.readings],
        }


def make_act(illness: Illness, rate: float | None = None, minutes: float | None = None) -> Act:
    """The act that shows an illness; by default at the illness's own rate, for as long as one window is."""
    usual = _TICKET_MINUTES if illness.push == TICKET else _MINUTES
    return Act(illness, minutes or usual, rate or illness.rate)


def play_illness(act: Act, options: SimulationOptions, adviser: Adviser, on_slot: OnSlot) -> IllnessRun:
    """Simulate one act and read every alert that it brings."""
    readings = []
    sent = failed = withheld = 0
    for happening in simulate([act], options):
        if isinstance(happening, SentAlert):
            readings.append(read_alert(happening, act.illness, adviser))
            continue
        sent, failed = sent + happening.sent, failed + happening.failed
        withheld += happening.withheld
        on_slot(happening, failed)
    return IllnessRun(act.illness, tuple(readings), sent, failed, withheld)


def read_alert(alert: SentAlert, illness: Illness, adviser: Adviser) -> AlertReading:
    """Let the bot read the alert's text as one that was forwarded, and compare with the illness."""
    _, diagnoses = adviser.diagnose(alert.text)
    reply = adviser.answer(alert.text).pages[0]
    if len(diagnoses) != 1:
        wrong = Wording("读出 {count} 条报警，应是 1 条", count=len(diagnoses))
        return AlertReading(alert, "unknown", (), None, reply, (wrong,))
    (diagnosis,) = diagnoses
    causes = tuple(cause.id for cause in diagnosis.causes)
    step = next((step.id for step in steps_for(diagnosis)), None)
    differences = tuple(_differences(alert.kind, illness, diagnosis.kind, causes, step))
    return AlertReading(alert, diagnosis.kind, causes, step, reply, differences)


def _differences(
    sent: str, illness: Illness, kind: str, causes: tuple[str, ...], step: str | None
) -> Iterator[str]:
    """An illness may bring alerts of kinds beside its own, like MarkFail; of those it knows no cause and no step."""
    if illness.kind is None:
        yield Wording("这种病不该报警")
    if kind != sent:
        yield Wording("类型读成 {kind}，应是 {sent}", kind=kind, sent=sent)
    if sent != illness.kind:
        return
    if illness.cause is not None and illness.cause not in causes:
        yield Wording("没有看出 {cause}", cause=illness.cause)
    if illness.cause is None and causes:
        yield Wording("看出了没有的 {causes}", causes=joined("{a}、{b}", causes))
    if step != illness.step:
        yield Wording("第一步是 {step}，应是 {right}", step=step, right=illness.step)
