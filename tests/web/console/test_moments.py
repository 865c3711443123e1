"""Times on pages: short, rounded down, in both languages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from triage.web.console import words
from triage.web.console.moments import ago, clock, lasting

NOON = datetime(2026, 5, 12, 4, 0, tzinfo=UTC)
"""Noon in Beijing."""
SECOND = timedelta(seconds=1)
MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 86_400 * SECOND


@pytest.mark.parametrize(
    ("age", "chinese", "english"),
    [
        pytest.param(-MINUTE, "刚刚", "just now", id="of another machine's clock"),
        pytest.param(59 * SECOND, "刚刚", "just now", id="under a minute"),
        pytest.param(MINUTE, "1 分钟前", "1 min ago", id="a minute"),
        pytest.param(HOUR - SECOND, "59 分钟前", "59 min ago", id="just under an hour"),
        pytest.param(2 * DAY - SECOND, "47 小时前", "47 h ago", id="just under two days"),
        pytest.param(2 * DAY, "2 天前", "2 days ago", id="two days"),
    ],
)
def test_how_long_ago(age: timedelta, chinese: str, english: str) -> None:
    app = Flask("test")
    words.install(app)
    for language, shown in (("en", english), ("zh", chinese)):
        with app.test_request_context(query_string={"lang": language}):
            assert ago(NOON - age, NOON) == shown


@pytest.mark.parametrize(
    ("time", "shown"),
    [
        pytest.param(-SECOND, "0 秒", id="over"),
        pytest.param(34 * SECOND, "34 秒", id="seconds"),
        pytest.param(9 * MINUTE + 59 * SECOND, "9 分钟", id="minutes"),
        pytest.param(3 * HOUR + 5 * MINUTE, "3 小时 5 分钟", id="hours"),
        pytest.param(5 * DAY, "5 天", id="days"),
    ],
)
def test_how_long(time: timedelta, shown: str) -> None:
    assert lasting(time) == shown


def test_the_date_is_told_of_another_day_in_beijing() -> None:
    assert clock(NOON - 11 * HOUR, NOON) == "01:00"
    assert clock(NOON - 13 * HOUR, NOON) == "05-11 23:00"


def test_a_language_ends_with_the_request_that_chose_it() -> None:
    app = Flask("test")
    words.install(app)
    with app.test_request_context(query_string={"lang": "en"}):
        assert lasting(SECOND) == "1 s"
    assert lasting(SECOND) == "1 秒"
