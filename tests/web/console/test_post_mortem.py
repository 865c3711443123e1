"""The post-mortem: what it says, and that nothing anybody wrote becomes markup or a secret in it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.support.stores import NOW, person, sighting
from triage.incidents.correlation import Incident, State
from triage.web.console.post_mortem import Before, Known, Moment, post_mortem

MINUTE = timedelta(minutes=1)
INCIDENT = Incident(
    12, "k", "wx1", "https://a.example/cb?token=hush", State.CLOSED, NOW, NOW + 9 * MINUTE, person("oBob"),
    closed_at=NOW + 42 * MINUTE, closed_note="换了证书", sightings=(sighting(),),
)  # fmt: skip
KNOWN = Known(
    INCIDENT, "时令果蔬", "回应超时", 3, 90, NOW + 4 * MINUTE, "小李", ("证书过期了",), ("看证书（小李）",),
    ("先重启试试",),
    (Moment(NOW, "小赵", "转来报警：回应超时"), Moment(NOW + 4 * MINUTE, "小李", "认领")), 0, (),
)  # fmt: skip
EMPTY = replace(
    KNOWN, incident=replace(INCIDENT, state=State.OPEN, callback=None, closed_at=None, closed_note=None),
    claimed_at=None, owner=None, causes=(), ticked=(), notes=(), moments=(),
)  # fmt: skip


@pytest.mark.parametrize(
    "said",
    [
        "# 事件 #12：时令果蔬",
        "回应超时（3 条，90 次失败）",
        "| 转来后多久有人认领 | 4 分钟（05-12 18:35） |",
        "| 转来后多久关闭 | 42 分钟（05-12 19:13） |",
        "| 怎么好的 | 换了证书 |",
        "- 证书过期了",
        "- 看证书（小李）",
        "- 先重启试试",
        "| 05-12 18:35 | 小李 | 认领 |",
        "没有见过。",
    ],
)
def test_it_says_what_is_known(said: str) -> None:
    assert said in post_mortem(KNOWN)


@pytest.mark.parametrize(
    "said", ["没人认领", "还没关闭", "没有证明任何原因", "没有勾过步骤", "没有备注", "| 负责 | 没有人 |"]
)
def test_it_says_what_is_not_known(said: str) -> None:
    assert said in post_mortem(EMPTY)


def test_it_began_with_the_first_failure_and_not_when_that_was_forwarded() -> None:
    alert = sighting(first_seen=NOW - 36 * MINUTE)
    assert "| 开始 | 05-12 17:55 |" in post_mortem(
        replace(KNOWN, incident=replace(INCIDENT, sightings=(alert,)))
    )


def test_what_was_like_it_is_told_with_what_closed_it() -> None:
    known = replace(KNOWN, similar=(Before(7, "号 wx1 回应超时", "05-12 18:40", "同一个号", "换了证书"),))
    assert "\\#7 号 wx1 回应超时（05-12 18:40）：换了证书" in post_mortem(known)


def test_it_says_how_many_older_lines_are_left_out() -> None:
    assert "更早的 5 条没有列出" in post_mortem(replace(KNOWN, left_out=5))


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        pytest.param("<img src=x>", r"\<img src=x\>", id="HTML"),
        pytest.param("[a](https://evil.example)", r"\[a\]\(https", id="a link"),
        pytest.param("a | b", r"a \| b", id="the end of a cell"),
        pytest.param("a\n# b", r"a \# b", id="a heading on a new line"),
        pytest.param("`rm`", r"\`rm\`", id="code"),
        pytest.param("access_token=0123456789abcdef", "access\\_token=…", id="a secret"),
    ],
)
def test_what_people_wrote_is_text(written: str, shown: str) -> None:
    body = post_mortem(replace(KNOWN, notes=(written,)))
    assert shown in body
    assert "0123456789abcdef" not in body


def test_the_query_of_the_callback_is_not_told() -> None:
    assert "hush" not in post_mortem(KNOWN)
