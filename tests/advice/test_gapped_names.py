"""A name with a gap is found where its parts stand in order and near each other."""

from __future__ import annotations

import pytest

from triage.advice.gapped_names import GappedNames, squash_gapped
from triage.advice.question import read_question
from triage.rules.index import Literals

NAMES = GappedNames(map(squash_gapped, ["公众号…坏了", "接入…GET", "先回…再…处理"]))
LITERALS = Literals(NAMES.parts)


def _found(text: str) -> list[str]:
    question = read_question(text, {})
    return NAMES.found_in(question, LITERALS.found_in(question.squashed))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("坏了的公众号", id="other order"),
        pytest.param("公众号昨天下午改完了菜单和自动回复之后就坏了", id="too far apart"),
        pytest.param("公众号", id="one part alone"),
        pytest.param("接入 target", id="a Latin part inside another word"),
        pytest.param("先回家再说", id="the last part missing"),
    ],
)
def test_not_found(text: str) -> None:
    assert _found(text) == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("公众号坏了", "公众号…坏了"),
        ("我们的公众号今天又坏了", "公众号…坏了"),
        ("接入的时候有个 GET 请求", "接入…get"),
        ("先回 success，再慢慢处理", "先回…再…处理"),
    ],
)
def test_found_whatever_stands_between(text: str, name: str) -> None:
    assert _found(text) == [name]


def test_a_name_may_stand_after_a_part_that_is_too_far_away() -> None:
    assert _found("公众号菜单和客服还有素材都好好的，就是公众号老坏了") == ["公众号…坏了"]
