"""Questions that found nothing and offers that nobody took are kept for rule authors, without the person."""

from __future__ import annotations

import pytest

from tests.support.talk import Say
from triage.store import Store


def _gaps(store: Store) -> list[str]:
    return [str(row["text"]) for row in store.export("gaps")]


@pytest.mark.parametrize("text", ["[图片]", "好的，谢谢", "499 是什么", "帮助"])
def test_what_is_answered_or_says_nothing_is_no_gap(text: str, say: Say, store: Store) -> None:
    say(text)
    assert _gaps(store) == []


def test_a_question_that_finds_nothing_is_kept(say: Say, store: Store) -> None:
    say("量子纠缠 报表 导出 在 oABCDEFGHIJKLMNOPQRSTUVWXYZ1 那里")
    (kept,) = _gaps(store)
    assert kept.startswith("量子纠缠 报表")
    assert "oABCDEFGHIJKLMNOPQRSTUVWXYZ1" not in kept


@pytest.mark.parametrize(
    ("then", "kept"), [("内存不够怎么办", ["支付回调"]), ("1", [])], ids=["not taken", "taken"]
)
def test_an_offer_that_nobody_takes_is_kept(then: str, kept: list[str], say: Say, store: Store) -> None:
    say("服务器扛不住又带宽跑满，支付回调")
    say("支付回调")
    before = len(_gaps(store))
    say(then)
    assert _gaps(store)[before:] == kept


def test_a_long_question_is_cut(say: Say, store: Store) -> None:
    say("量子" * 150)
    (kept,) = _gaps(store)
    assert len(kept) == 200
