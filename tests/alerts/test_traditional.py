"""Alerts in traditional characters are the same alerts; what was written stays as it was written."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hanziconv import HanziConv

from tests.support.paths import DATA
from triage.alerts.cleaning import fold
from triage.alerts.parser import parse
from triage.rules.matching import Diagnosis, Matcher
from triage.rules.model import RuleSet

PROSE = ("response_content", "resp", "platform")
TAIWAN = {"服务器": "伺服器", "超时": "逾時", "消息": "訊息", "域名": "網域", "连接": "連線"}
"""Words that a converter for Taiwan replaces."""


def _records() -> list[dict[str, Any]]:
    files = ("alerts", "wrapped", "alerts_field")
    lines = [(DATA / f"alerts/{name}.jsonl").read_text(encoding="utf-8").splitlines() for name in files]
    return [json.loads(line) for file in lines for line in file]


@pytest.fixture(scope="module")
def matcher(rules: RuleSet) -> Matcher:
    return Matcher(rules)


def _told(diagnosis: Diagnosis) -> tuple[object, ...]:
    """Everything of an alert that is no prose."""
    alert = diagnosis.alert
    sample = {key: value for key, value in alert.sample.known().items() if key not in PROSE}
    causes = [cause.id for cause in diagnosis.causes]
    times = (alert.first_seen, alert.window_minutes, alert.count)
    return diagnosis.kind, causes, times, alert.appid, alert.guide_url, sample


@pytest.mark.parametrize("record", _records(), ids=lambda record: record["id"])
@pytest.mark.parametrize("words", [{}, TAIWAN], ids=["characters", "characters and words of Taiwan"])
def test_an_alert_in_traditional_characters_is_the_same(
    record: dict[str, Any], words: dict[str, str], matcher: Matcher
) -> None:
    text = record["text"]
    for ours, theirs in words.items():
        text = text.replace(ours, theirs)
    written = parse(HanziConv.toTraditional(text)).alerts
    plain = parse(record["text"]).alerts
    assert [_told(matcher.match(alert)) for alert in written] == [
        _told(matcher.match(alert)) for alert in plain
    ]


def test_what_was_written_stays_as_it_was_written() -> None:
    (alert,) = parse(
        "昵稱: 山茶花店\n內容: 微信服務器向公眾號推送消息或事件後，得到的回應不合法\n次數: 5分鐘 37次"
    ).alerts
    assert (alert.nickname, alert.count) == ("山茶花店", 37)
    assert alert.description == "微信服務器向公眾號推送消息或事件後，得到的回應不合法"


def test_a_place_in_the_folded_text_is_a_place_in_the_text() -> None:
    text = "伺服器逾時，訊息推送到網域 ＡＢＣ 失敗"
    assert fold(text) == "服务器超时,消息推送到域名 abc 失败"
    assert len(fold(text)) == len(text)
