"""A team that is on call in a story: its rota, and the real outbox, which sends to a WeCom that is played."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from triage.bot.bot import Bot
from triage.bot.paging import Paging
from triage.bot.reaching import Reaching
from triage.bot.sending import Sending
from triage.channels.apis import Apis
from triage.channels.sealed import Seal
from triage.channels.wecom_app.account import Account
from triage.channels.wecom_app.channel import WECOM_APP
from triage.channels.wecom_webhook.channel import WECOM_WEBHOOK
from triage.findings import Severity
from triage.incidents.team import (
    Escalation,
    EscalationStep,
    Every,
    Rotation,
    Target,
    TargetKind,
    Team,
    TeamGroup,
    Teammate,
)
from triage.message import ANY_ACCOUNT, Person
from triage.simulator.wecom import GROUP, PlayedWecom
from triage.store import Store

WECHAT = "wechat"
PEOPLE: Mapping[str, str] = {"zhao": "小赵", "lin": "小林"}
"""The first is on call."""
OPENIDS: Mapping[str, str] = {
    "zhao": "oDemoOnCall000000000000000001",
    "lin": "oDemoOnCall000000000000000002",
}
CORPID = "wwdemo000000000000"
_ROBOT = "demo-robot-key"
_ZONE = ZoneInfo("Asia/Shanghai")
# one that nobody can reach needs no secrets
_APP = Account(CORPID, 1000002, Seal("demo", "0" * 43, CORPID), "demo-secret")


def two_by_turns(people: Sequence[Teammate], since: date, robot: str, second_after: timedelta) -> Team:
    """A team by weeks from midnight in Shanghai on `since`, the first of them in the first week, and their group.

    The second is called `second_after` the first; `robot` is the key of the robot in the group.
    """
    order = tuple(mate.id for mate in people)
    turns = Rotation("值班", order, Every.WEEK, 1, time(0), since, _ZONE, on=since.weekday())
    steps = (
        EscalationStep(timedelta(0), (Target(TargetKind.ROTATION, turns.id),), GROUP),
        EscalationStep(second_after, (Target(TargetKind.ROTATION, turns.id, 1),), GROUP),
    )
    return Team(
        people=tuple(people),
        rotations=(turns,),
        escalations=(Escalation(Severity.INFO, steps),),
        groups=(TeamGroup(GROUP, WECOM_WEBHOOK.name, robot),),
    )


def _mate(id_: str, name: str) -> Teammate:
    wecom = tuple(Person(channel, ANY_ACCOUNT, id_) for channel in (WECOM_APP.name, WECOM_WEBHOOK.name))
    return Teammate(id_, name, (*wecom, Person(WECHAT, ANY_ACCOUNT, OPENIDS[id_])))


TEAM = two_by_turns(
    [_mate(id_, name) for id_, name in PEOPLE.items()], date(2026, 4, 20), _ROBOT, timedelta(minutes=10)
)


class Phones:
    """What the outbox sends to the team, by the clock of the story."""

    def __init__(self, bot: Bot, store: Store, start: datetime) -> None:
        # imported here: requests takes a tenth of a second, and most plays send nothing
        from triage.simulator.transport import open_session

        self._now = start
        self._seen = 0
        self._wecom = PlayedWecom(_APP, _ROBOT, PEOPLE, self._clock)
        apis = Apis(open_session(self._wecom), clock=self._clock)
        reaching = Reaching({WECOM_APP.name: {CORPID: _APP}}, TEAM, apis)
        paging = Paging(store, TEAM, reaching, bot.adviser.say, bot.admins)
        self._sending = Sending(store.outbox, paging, self._clock, "demo")

    def _clock(self) -> datetime:
        return self._now

    def look(self, now: datetime) -> list[Mapping[str, Any]]:
        """What has come to the phones and the group since the last look, as `PlayedWecom.since` has it."""
        self._now = max(self._now, now)
        self._sending.run()
        new = sorted(self._wecom.since(self._seen), key=lambda item: int(item["version"]))
        self._seen = max((int(item["version"]) for item in new), default=self._seen)
        return list(new)
