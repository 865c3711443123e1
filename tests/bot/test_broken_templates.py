"""A broken reply template of any name still gives an answer to the messages that use it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from itertools import count
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from tests.support.upgraded import new_store
from triage.advice.adviser import Adviser
from triage.advice.rendering import Renderer
from triage.advice.reply_templates import VARIABLES
from triage.alerts.parser import BEIJING
from triage.bot.bot import Bot
from triage.bot.links import Links
from triage.bot.notices import Words
from triage.bot.pictures import Promise
from triage.bot.sending import Ready
from triage.channels.registry import DEFAULT_CHANNEL
from triage.incidents.story import MemberNames
from triage.incidents.team import Team
from triage.message import Message, MessageKind, Person, Picture
from triage.rules.loader import load_templates
from triage.rules.model import RuleSet
from triage.settings.directories import load_sources
from triage.store import Outgoing, OutgoingKind, OutgoingState

NOW = datetime(2026, 4, 21, 18, 40, tzinfo=BEIJING)
MEMBER, STRANGER = "oZhao", "oStranger"
ALERT = """\
Appid: wx014d339f79c92781
时间: 2026-04-21 18:31:00
内容: 微信服务器连接公众号开发者服务器时发生超时，超时时间为5秒
次数: 5分钟 86次
错误样例: [3rdUrl=http://wx.example.org/cb][IP=192.0.2.126][Msg=Text]
报警排查指引，请见: https://mmbizurl.cn/s/MpkaZb8yg
"""
OTHER = ALERT.replace("wx014d339f79c92781", "wx114d339f79c92781").replace("18:31", "18:32")
MANY = "\n".join(ALERT.replace("18:31:00", f"18:31:{second:02}") for second in range(1, 21))
SCRIPT = [
    *[
        (MEMBER, text)
        for text in (
            "更多",
            "更都",
            "帮助",
            "吃什么",
            "DNS",
            "499",
            "R4",
            "邀请",
            ALERT,
            "更多",
            "更多",
            "更多",
        )
    ],
    *[(MEMBER, text) for text in ("为什么", "下一步", "认领", "备注 重启了", "状态", "状态 1", OTHER)],
    (MEMBER, "备注 1 看过"),
    (MEMBER, "值班"),
    (MEMBER, "登录"),
    (MEMBER, "CLOSE_WAIT 911\nESTABLISHED 88"),
    (MEMBER, "下一步"),
    (MEMBER, "认领 没有的号"),
    (STRANGER, "状态"),
    (STRANGER, "加入 词 名字"),
    *[(MEMBER, text) for text in ("待确认", "确认 #1", "成员", "移除 没有的人")],
    *[(MEMBER, text) for text in ("关闭 #1 好了", "关闭 #2 好了")],
    (MEMBER, ALERT.replace("18:31", "18:39") + OTHER.replace("18:32", "18:39")),
    *[(MEMBER, text) for text in (ALERT, "认领 #1 #2")],
    (MEMBER, MANY),
    (MEMBER, ALERT),
]
WITHOUT_A_STORE = "认领"
WITHOUT_RULES = ALERT

_SHIFT = Outgoing(
    "s", OutgoingKind.NOTICE, "d", NOW, payload={"news": "shift", "to": "wecom/ww1/li", "at": NOW.isoformat()}
)

_ids = count(1)


_PICTURE = Message(
    "wechat",
    "wxbot",
    MEMBER,
    "gh_1",
    MessageKind.IMAGE,
    0,
    "picture",
    pictures=(Picture("u"),),
    encrypted=True,
)


def _message(text: str | None, sender: str = MEMBER, kind: MessageKind = MessageKind.TEXT) -> Message:
    event = "subscribe" if kind is MessageKind.EVENT else None
    number = str(next(_ids))
    return Message(
        "wechat", "wxbot", sender, "gh_1", kind, int(NOW.timestamp()), number, text, event, encrypted=True
    )


@pytest.fixture(scope="module")
def ruleless(renderer: Renderer) -> Adviser:
    return Adviser(RuleSet((), "none"), renderer)


@pytest.mark.parametrize("source", ["{{ nothing }}", "{% if %}"], ids=["unknown variable", "syntax error"])
@pytest.mark.parametrize("name", VARIABLES)
def test_a_broken_template_still_gives_an_answer(
    name: str, source: str, adviser: Adviser, ruleless: Adviser, tmp_path: Path
) -> None:
    broken: set[str] = set()
    templates = load_templates(ROOT / "templates/reply") | {f"{name}.txt": source}
    renderer = Renderer(
        templates,
        DEFAULT_CHANNEL.page_size,
        sources=load_sources(),
        on_broken=lambda name, error: broken.add(name),
    )
    store = new_store(tmp_path / "triage.db")
    adviser = adviser.worded_by(renderer)
    bot = Bot(adviser, store, lambda: "gulu", {Person("wechat", "wxbot", MEMBER): "小赵"})
    bot = replace(bot, links=Links("https://triage.example.cn", "key", lambda: "token"))
    forgetful = Bot(adviser, None, lambda: "gulu")
    ignorant = Bot(ruleless.worded_by(renderer), None, lambda: "gulu")
    replies = [bot.handle(_message(text, sender), NOW) for sender, text in SCRIPT]
    replies += [bot.handle(_message(None, kind=kind), NOW) for kind in (MessageKind.EVENT, MessageKind.IMAGE)]
    replies += [
        bot.handle(replace(_message(ALERT), chat="C1"), NOW),
        bot.handle(
            replace(_message(None, kind=MessageKind.EVENT), event="click", event_key="claim:1", task_id="c"),
            NOW,
        ),
        forgetful.handle(_message(WITHOUT_A_STORE), NOW),
        ignorant.handle(_message(WITHOUT_RULES), NOW),
        replace(bot, promise=lambda message: Promise.WAITS).handle(_PICTURE, NOW),
    ]
    late = bot.catch_up(_message(ALERT.replace("86次", "99次")), NOW, NOW)
    assert late
    words = Words(bot.adviser.say, Team(), MemberNames({}))
    store.outbox.put([_SHIFT], NOW)
    assert isinstance(words.write(store.outbox.rows([OutgoingState.DUE], 1)[0], None, NOW), Ready)
    assert all(reply.text for reply in replies)
    assert broken == {name}, "the messages above use every template"
