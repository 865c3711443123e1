"""The lines above the steps: when, how much, and in whose words."""

from __future__ import annotations

import pytest

from triage.advice.adviser import Adviser
from triage.advice.headline import excerpt, headline

ALERT = (
    "Appid: wx1decccb40f795d9f\n昵称: 小站\n时间: {time}\n"
    "内容: 微信服务器向公众号推送消息或事件后，开发者5秒内没有返回\n次数: {count}\n"
    "错误样例: [3rdUrl=https://a.example.cn/cb?token=abcdefgh][IP=203.0.113.9]"
)


def _values(
    adviser: Adviser, time: str = "2025-04-15 17:22:13", count: str = "5分钟 30次"
) -> dict[str, object]:
    _, (diagnosis,) = adviser.diagnose(ALERT.format(time=time, count=count))
    assert diagnosis.best
    return headline(diagnosis, diagnosis.best)


@pytest.mark.parametrize(
    ("time", "count", "window"),
    [
        pytest.param("昨天", "5分钟 30次", "", id="a time nobody can read"),
        pytest.param("2025-04-15 17:22:13", "30次", "2025-04-15 17:22:13", id="no window"),
        pytest.param(
            "2025-04-15 17:22:13", "0分钟 30次", "2025-04-15 17:22:13 – 17:22:13", id="a window of no length"
        ),
        pytest.param(
            "2025-04-05 07:02:03", "5分钟 30次", "2025-04-05 07:02:03 – 07:07:03", id="a window within a day"
        ),
        pytest.param(
            "2024-12-31 23:58:09",
            "5分钟 30次",
            "2024-12-31 23:58:09 – 01-01 00:03:09",
            id="a window over midnight",
        ),
    ],
)
def test_the_window_is_as_long_as_it_must_be(adviser: Adviser, time: str, count: str, window: str) -> None:
    assert _values(adviser, time, count)["window"] == window


def test_the_address_is_shown_without_its_query(adviser: Adviser) -> None:
    assert _values(adviser)["callback"] == "https://a.example.cn/cb?…"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("", "", id="nothing"),
        pytest.param("a\tb\x00\n c", "a b c", id="control characters are gaps"),
        pytest.param("中" * 49, "中" * 48 + "…", id="what is long is cut"),
        pytest.param("x" * 40 + " token=abcdefgh", "x" * 40 + " token=…", id="masked before it is cut"),
    ],
)
def test_an_excerpt_is_one_masked_line(text: str, shown: str) -> None:
    assert excerpt(text) == shown
