"""Ages are told in the words of a chat."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from triage.times import ago

NOW = datetime(2026, 4, 21, 10, 40, tzinfo=UTC)


@pytest.mark.parametrize(
    ("age", "words"),
    [
        pytest.param(timedelta(minutes=-2), "", id="what is still to come has no age"),
        pytest.param(timedelta(seconds=-30), "刚刚", id="the clock of another machine may be ahead"),
        pytest.param(timedelta(seconds=59), "刚刚", id="less than a minute"),
        pytest.param(timedelta(seconds=60), "1 分钟前", id="a minute"),
        pytest.param(timedelta(minutes=59, seconds=59), "59 分钟前", id="less than an hour"),
        pytest.param(timedelta(minutes=60), "1 小时前", id="an hour"),
        pytest.param(timedelta(hours=47), "47 小时前", id="less than two days"),
        pytest.param(timedelta(hours=48), "2 天前", id="two days"),
        pytest.param(timedelta(days=400), "400 天前", id="more than a year"),
    ],
)
def test_an_age_is_rounded_down_to_one_unit(age: timedelta, words: str) -> None:
    assert ago(NOW - age, NOW) == words
