"""The demo tells a campaign from the flood to all clear: who is called, claims and closes, and who hears of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.support.talk import CONNECT, NOW, message_of
from tests.support.upgraded import new_store
from triage.advice.adviser import Adviser
from triage.alerts.parser import BEIJING
from triage.bot.bot import Bot
from triage.simulator.demo import Beat, BeatKind, play_campaign
from triage.simulator.illnesses import RECEIPT
from triage.simulator.on_call import OPENIDS, TEAM, Phones
from triage.simulator.platform import SimulationOptions

START = datetime(2026, 4, 21, 18, 30, 7, tzinfo=BEIJING)


@pytest.fixture(scope="module")
def beats(adviser: Adviser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Beat]]:
    path = tmp_path_factory.mktemp("demo")
    store = new_store(path / "demo.db", has_team=True)
    bot = Bot(adviser, store, lambda: "gulu", TEAM.members, team=TEAM)
    yield list(play_campaign(bot, store, SimulationOptions(START, speed=90)))
    store.close()


def _texts(beats: list[Beat], kind: BeatKind) -> list[str]:
    return [beat.text for beat in beats if beat.kind is kind]


def test_the_campaign_is_told_from_flood_to_quiet(beats: list[Beat], adviser: Adviser) -> None:
    told = _texts(beats, BeatKind.ALERT)
    assert [adviser.diagnose(text)[1][0].kind for text in told] == [
        "request_timeout",
        "mark_fail",
        "request_timeout",
    ]
    assert all(RECEIPT.casefold() in text.casefold().replace(" ", "") for text in told)
    replies = "\n".join(_texts(beats, BeatKind.REPLY))
    for line in (
        "小赵已认领",
        "→ 18:36 MarkFail",
        "根子多半是 18:31 的请求超时",
        "同一件事里已经自动屏蔽过",
        "事件 #1 已关闭",
        "已关闭：入口直接回 success",
    ):
        assert line in replies
    minutes = [beat for beat in beats if beat.kind is BeatKind.MINUTE]
    assert any(beat.withheld for beat in minutes)
    assert minutes[-1].sent
    assert not minutes[-1].failed


def test_one_is_called_and_the_group_hears_of_the_claim_and_of_all_clear(beats: list[Beat]) -> None:
    shown = [(beat.who or "群", beat.text) for beat in beats if beat.kind in (BeatKind.PAGE, BeatKind.GROUP)]
    first, *rest = shown
    assert first[0] == "小赵"
    assert first[1].startswith("#1 18:36 请求超时\n")
    assert first[1].endswith("[认领]  [看步骤]  [关闭]")
    said = [text.splitlines()[-1] for _, text in rest]
    assert said[0] == "正在叫：小赵；18:46 还没人认领就叫别人"
    assert rest[0][1].startswith("@小赵 ")
    assert "小赵认领了" in said
    assert "已由小赵认领" in said
    assert said[-1] == "关闭了：入口直接回 success"
    assert all(who != "小林" for who, _ in shown), "after the claim nobody else is called"


def test_word_of_the_minute_after_mark_fail_comes_when_it_is_over(beats: list[Beat]) -> None:
    (over,) = (beat for beat in beats if "停推的一分钟过了" in beat.text)
    assert (f"{over.at:%H:%M}", over.who) == ("18:37", "小赵")


def test_without_a_claim_the_next_one_is_called_after_ten_minutes(adviser: Adviser, tmp_path: Path) -> None:

    store = new_store(tmp_path / "demo.db", has_team=True)
    bot = Bot(adviser, store, lambda: "gulu", TEAM.members, team=TEAM)
    phones = Phones(bot, store, NOW)
    bot.handle(replace(message_of(CONNECT), sender=OPENIDS["lin"]), NOW)
    called = [
        [item["chat"] for item in phones.look(NOW + timedelta(minutes=minutes)) if item["card"]]
        for minutes in (0, 9, 10, 11)
    ]
    store.close()
    assert called == [["zhao"], [], ["lin"], []]
