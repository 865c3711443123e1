"""A team of three and an incident of theirs."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from triage.findings import Severity
from triage.incidents.correlation import Incident, Sighting, State
from triage.incidents.team import (
    ClaimRules,
    Escalation,
    EscalationStep,
    Every,
    QuietHours,
    Rotation,
    Target,
    TargetKind,
    Team,
    TeamAccount,
    TeamGroup,
    Teammate,
)
from triage.message import ANY_ACCOUNT, Person

SHANGHAI = ZoneInfo("Asia/Shanghai")
APPID = "wx352e1c916f58ea3b"


def address(id_: str, channel: str = "wecom") -> Person:
    """Somebody on a channel, whichever of our accounts they write to."""
    return Person(channel, ANY_ACCOUNT, id_)


LI = Teammate("li", "李雷", (address("lilei"), address("oLi", "wechat")))
HAN = Teammate("han", "韩梅", (address("hanmei"),))
WANG = Teammate("wang", "王强", (address("wangqiang"),))
MAIN = Rotation("main", ("li", "han", "wang"), Every.WEEK, 1, time(10), date(2026, 1, 5), SHANGHAI, on=0)
ON_CALL, NEXT, EVERYBODY, OWNERS = (
    Target(TargetKind.ROTATION, "main"),
    Target(TargetKind.ROTATION, "main", 1),
    Target(TargetKind.ALL),
    Target(TargetKind.OWNERS),
)
HIGH = Escalation(
    Severity.HIGH,
    (
        EscalationStep(timedelta(), (ON_CALL,)),
        EscalationStep(timedelta(minutes=10), (NEXT,)),
        EscalationStep(timedelta(minutes=20), (EVERYBODY,), "ops"),
    ),
)
LOW = Escalation(Severity.LOW, (EscalationStep(timedelta(), (ON_CALL,), "ops"),))
TEAM = Team(
    people=(LI, HAN, WANG),
    accounts=(TeamAccount(APPID, "满仓商城", ("wang",)),),
    rotations=(MAIN,),
    escalations=(HIGH, LOW),
    repeat=1,
    quiet=QuietHours(time(23), time(8), SHANGHAI, Severity.HIGH),
    claim=ClaimRules(timedelta(minutes=60), timedelta(minutes=30)),
    groups=(TeamGroup("ops", "wecom_webhook", "a-key-of-a-robot"),),
)
NOON = datetime(2026, 1, 6, 12, tzinfo=SHANGHAI)
"""A Tuesday, in the week of LI."""
NIGHT = datetime(2026, 1, 6, 2, tzinfo=SHANGHAI)


def alert(at: datetime, severity: Severity = Severity.HIGH, kind: str = "request_timeout") -> Sighting:
    """An alert of the account that was forwarded at a time."""
    return Sighting(
        digest=f"{kind}{at}", kind=kind, title="请求超时", rank=severity.rank, appid=APPID, nickname=None,
        callback="https://a.example.cn/wx", ip=None, event=None, first_seen=at, count=30, causes=(),
        sender=address("oBoss", "wechat"), seen_at=at,
    )  # fmt: skip


def incident(*alerts: Sighting, owner: Teammate | None = None, **changes: object) -> Incident:
    """An open incident 12 of some alerts, the newest last."""
    first, last = alerts[0], alerts[-1]
    made = Incident(
        12, f"{APPID}|", APPID, first.callback, State.OPEN, first.seen_at, last.seen_at,
        owner=owner.addresses[0] if owner else None, sightings=alerts,
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]
