"""The demo: a template-message campaign floods a callback; one is called, claims, and mends it, until all clear."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from triage.alerts.parser import BEIJING
from triage.bot.bot import Bot
from triage.channels.delivery import Button
from triage.channels.wecom_app.channel import WECOM_APP
from triage.message import Message, MessageKind
from triage.simulator.illnesses import HEALTHY, RECEIPT, Illness
from triage.simulator.on_call import CORPID, OPENIDS, PEOPLE, WECHAT, Phones
from triage.simulator.platform import Act, SentAlert, SimulationOptions, Slot, simulate
from triage.simulator.wecom import GROUP
from triage.store import Store
from triage.wording import Wording

_ACCOUNT, _RECIPIENT = "wxdemo00000000demo", "gh_demo00000000"
_ZHAO, _LIN = PEOPLE.values()
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
    (Wording("平常的一分钟：粉丝发消息，回调马上回 success"), Act(HEALTHY, 1, 12)),
    (Wording("运营群发模板消息：每送达一条，微信就推一条回执回来"), Act(BUSY, 5, 60)),
    (Wording("群发到了高峰，失败的又各推三次，回调垮了"), Act(BUSY, 2, 240)),
    (
        Wording("照建议修好：入口认出群发回执就直接回 success，不进业务；群发还在继续"),
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
    PAGE = enum.auto()
    """A card on somebody's phone."""
    GROUP = enum.auto()
    """What the robot says in the team's group."""


@dataclass(frozen=True, slots=True)
class Beat:
    """One thing to show; the numbers are the tries of a MINUTE."""

    kind: BeatKind
    at: datetime
    text: str = ""
    who: str = ""
    """Who says it, or whose phone shows it."""
    sent: int = 0
    failed: int = 0
    withheld: int = 0


def play_campaign(bot: Bot, store: Store, options: SimulationOptions) -> Iterator[Beat]:
    """Simulate the campaign: one of `TEAM` forwards each alert, whoever is on call is called; yields beats in order.

    The bot is that of the team, the store remembers for it and its team.
    """
    talk = _Talk(bot, Phones(bot, store, options.start))
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
        news = list(talk.look(at))
        if news:
            yield from filter(None, (minute,))
            yield from news
            minute = None
        minute = _added(minute, happening)
    yield from filter(None, (minute,))
    yield Beat(BeatKind.SCENE, at, Wording("再没有报警。微信不发恢复通知，事情是不是完了要自己看"))
    yield from talk.say("关闭 1 入口直接回 success", at + _MINUTE)
    yield Beat(BeatKind.SCENE, at + _MINUTE, Wording("解除：群里和被叫过的人都知道了，没人再被叫"))
    yield from talk.say("历史", at + _LATER)


def _added(minute: Beat | None, slot: Slot) -> Beat:
    if minute is None:
        return Beat(BeatKind.MINUTE, slot.at, sent=slot.sent, failed=slot.failed, withheld=slot.withheld)
    return replace(
        minute,
        sent=minute.sent + slot.sent,
        failed=minute.failed + slot.failed,
        withheld=minute.withheld + slot.withheld,
    )


@dataclass(slots=True)
class _Talk:
    """The team and the bot."""

    bot: Bot
    phones: Phones
    said: int = 0
    is_claimed: bool = False

    def forward(self, alerted: SentAlert) -> Iterator[Beat]:
        """Somebody of the team forwards an alert to the bot; who is called for the first of all claims it."""
        yield Beat(BeatKind.ALERT, alerted.at, alerted.text)
        yield Beat(BeatKind.SAID, alerted.at, "（把这条转给机器人）", _LIN)
        yield from self._answer(self._message(_LIN, alerted.at, text=alerted.text), alerted.at)
        if not self.is_claimed:
            self.is_claimed = True
            yield from self._claim(alerted.at + _MINUTE / 6)

    def say(self, words: str, at: datetime) -> Iterator[Beat]:
        """Who is on call says something to the bot."""
        yield Beat(BeatKind.SAID, at, words, _ZHAO)
        yield from self._answer(self._message(_ZHAO, at, text=words), at)

    def _claim(self, at: datetime) -> Iterator[Beat]:
        yield Beat(BeatKind.SAID, at, "（点卡片上的「认领」）", _ZHAO)
        push = self._message(_ZHAO, at, text=None)
        click = replace(
            push,
            channel=WECOM_APP.name,
            account=CORPID,
            sender="zhao",
            kind=MessageKind.EVENT,
            event="template_card_event",
            event_key=Button.CLAIM.key(1),
            task_id="inc-1",
        )
        yield from self._answer(click, at)

    def _answer(self, message: Message, at: datetime) -> Iterator[Beat]:
        at = at.astimezone(BEIJING)
        yield Beat(BeatKind.REPLY, at, self.bot.handle(message, at).text or "")
        yield from self.look(at)

    def look(self, at: datetime) -> Iterator[Beat]:
        """What has come to the phones and the group."""
        for item in self.phones.look(at):
            if item["chat"] == GROUP:
                called = "".join(f"@{name} " for name in item["mentions"])
                yield Beat(BeatKind.GROUP, at, f"{called}{item['text']}")
            else:
                yield Beat(BeatKind.PAGE, at, _shown(item), PEOPLE[item["chat"]])

    def _message(self, name: str, at: datetime, *, text: str | None) -> Message:
        self.said += 1
        (id_,) = (id_ for id_, called in PEOPLE.items() if called == name)
        return Message(
            channel=WECHAT,
            account=_ACCOUNT,
            sender=OPENIDS[id_],
            recipient=_RECIPIENT,
            kind=MessageKind.TEXT,
            created=int(at.timestamp()),
            id=str(self.said),
            text=text,
            encrypted=True,
        )


def _shown(item: Mapping[str, Any]) -> str:
    """A message as a phone shows it; a card in a few lines, its buttons or what became of them last."""
    card = item["card"]
    if card is None:
        return str(item["text"])
    lines = [f"{line['keyname']} {line['value']}" for line in card["horizontal_content_list"]]
    buttons = "  ".join(f"[{button['text']}]" for button in card["button_list"])
    return "\n".join((card["main_title"]["title"], *lines, item["label"] or buttons))
