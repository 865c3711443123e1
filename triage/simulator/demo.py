"""The demo: a template-message campaign floods a callback, from the first alerts to the fix."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from triage.alerts.parser import BEIJING
from triage.bot.bot import Bot
from triage.message import Message, MessageKind, Person
from triage.simulator.illnesses import HEALTHY, RECEIPT, Illness
from triage.simulator.platform import Act, SentAlert, SimulationOptions, Slot, simulate

ON_CALL, NAME = Person("wechat", "wxdemo00000000demo", "oDemoOnCall000000000000000001"), "小赵"
_RECIPIENT = "gh_demo00000000"
_MINUTE = timedelta(minutes=1)
_LATER = timedelta(minutes=40)

BUSY = Illness(
    "campaign",
    "群发回执涌来，回调两秒只接得住一条",
    "request_timeout",
    "receipt_flood",
    "receipt_gateway",
    RECEIPT,
    capacity=0.5,
)
SCENES: tuple[tuple[str, Act], ...] = (
    ("平常的一分钟：粉丝发消息，回调马上回 success", Act(HEALTHY, 1, 12)),
    ("运营群发模板消息：每送达一条，微信就推一条回执回来", Act(BUSY, 5, 60)),
    ("群发到了高峰，失败的又各推三次，回调垮了", Act(BUSY, 2, 240)),
    (
        "照建议修好：入口认出群发回执就直接回 success，不进业务；群发还在继续",
        Act(replace(HEALTHY, push=RECEIPT), 3, 240),
    ),
)


class BeatKind(enum.Enum):
    """What a beat shows."""

    SCENE = enum.auto()
    MINUTE = enum.auto()
    ALERT = enum.auto()
    SAID = enum.auto()
    REPLY = enum.auto()


@dataclass(frozen=True, slots=True)
class Beat:
    """One thing to show; the numbers are the tries of a MINUTE."""

    kind: BeatKind
    at: datetime
    text: str = ""
    sent: int = 0
    failed: int = 0
    withheld: int = 0


def play_campaign(bot: Bot, options: SimulationOptions) -> Iterator[Beat]:
    """Simulate the campaign and let `ON_CALL`, an admin of the bot, forward each alert; yields beats in order."""
    talk = _Talk(bot)
    minute: Beat | None = None
    scene = -1
    at = options.start
    for happening in simulate([act for _, act in SCENES], options):
        at = happening.at
        if isinstance(happening, SentAlert):
            if minute is not None:
                yield minute
            minute = None
            yield from talk.forward(happening)
            continue
        if minute is not None and (happening.act > scene or at - minute.at >= _MINUTE):
            yield minute
            minute = None
        if happening.act > scene:
            scene = happening.act
            yield Beat(BeatKind.SCENE, at, SCENES[scene][0])
        minute = _added(minute, happening)
    yield from filter(None, (minute,))
    yield Beat(BeatKind.SCENE, at, "再没有报警。微信不发恢复通知，事情是不是完了要自己看")
    yield from talk.say("关闭 1 入口直接回 success", at + _MINUTE)
    yield from talk.say("历史", at + _LATER)


def _added(minute: Beat | None, slot: Slot) -> Beat:
    if minute is None:
        return Beat(BeatKind.MINUTE, slot.at, "", slot.sent, slot.failed, slot.withheld)
    return replace(
        minute,
        sent=minute.sent + slot.sent,
        failed=minute.failed + slot.failed,
        withheld=minute.withheld + slot.withheld,
    )


@dataclass(slots=True)
class _Talk:
    """The person on call and the bot."""

    bot: Bot
    said: int = 0
    seen: set[str] = field(default_factory=set)

    def forward(self, alerted: SentAlert) -> Iterator[Beat]:
        """Forward an alert to the bot; the first of all is claimed too."""
        yield Beat(BeatKind.ALERT, alerted.at, alerted.text)
        yield self._answer(alerted.text, alerted.at)
        if not self.seen:
            yield from self.say("认领", alerted.at + _MINUTE / 6)
        self.seen.add(alerted.kind)

    def say(self, words: str, at: datetime) -> Iterator[Beat]:
        yield Beat(BeatKind.SAID, at, words)
        yield self._answer(words, at)

    def _answer(self, words: str, at: datetime) -> Beat:
        self.said += 1
        message = Message(
            channel=ON_CALL.channel,
            account=ON_CALL.account,
            sender=ON_CALL.id,
            recipient=_RECIPIENT,
            kind=MessageKind.TEXT,
            created=int(at.timestamp()),
            id=str(self.said),
            text=words,
            encrypted=True,
        )
        return Beat(BeatKind.REPLY, at, self.bot.handle(message, at.astimezone(BEIJING)).text or "")
