"""The demo tells a campaign from the flood to the quiet."""

from __future__ import annotations

from datetime import datetime

from triage.advice.adviser import Adviser
from triage.alerts.parser import BEIJING
from triage.simulator.demo import BeatKind, play_campaign
from triage.simulator.illnesses import RECEIPT
from triage.simulator.platform import SimulationOptions

START = datetime(2026, 4, 21, 18, 30, 7, tzinfo=BEIJING)


def test_the_campaign_is_told_from_flood_to_quiet(adviser: Adviser, tmp_path: object) -> None:
    from triage.bot.bot import Bot
    from triage.simulator.demo import NAME, ON_CALL
    from triage.store import Store

    store = Store.open(f"sqlite:///{tmp_path}/demo.db", upgrade=True)
    beats = list(
        play_campaign(
            Bot(adviser, store, lambda: "gulu", {ON_CALL: NAME}), SimulationOptions(START, speed=90)
        )
    )
    store.close()
    told = [beat.text for beat in beats if beat.kind is BeatKind.ALERT]
    assert [adviser.diagnose(text)[1][0].kind for text in told] == [
        "request_timeout",
        "mark_fail",
        "request_timeout",
    ]
    assert all(RECEIPT.casefold() in text.casefold().replace(" ", "") for text in told)
    replies = "\n".join(beat.text for beat in beats if beat.kind is BeatKind.REPLY)
    for line in (
        "归你了",
        "→ 18:36 MarkFail",
        "根子多半是 18:31 的请求超时",
        "已经被自动屏蔽，这条并进同一件事",
        "事件 #1 已关闭",
        "已关闭：入口直接回 success",
    ):
        assert line in replies
    minutes = [beat for beat in beats if beat.kind is BeatKind.MINUTE]
    assert any(beat.withheld for beat in minutes)
    assert minutes[-1].sent
    assert not minutes[-1].failed
