"""What is a name of a person, and when two are the same."""

from __future__ import annotations

import pytest

from triage.names import LONGEST_NAME, name_key, person_name


@pytest.mark.parametrize(
    "text", ["", "  ", "\0", "\u200b\u200d", "\u3164", "\u2800\uffa0", "\x1b", "\n"], ids=ascii
)
def test_what_cannot_be_seen_is_no_name(text: str) -> None:
    assert person_name(text) is None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("小李", "小李"),
        (" Li  Lei ", "Li Lei"),
        ("小\0李\n04-21", "小 李 04-21"),
        ("小李。", "小李"),
        ("🐱", "🐱"),
        ("长" * (LONGEST_NAME + 1), "长" * LONGEST_NAME),
    ],
    ids=ascii,
)
def test_a_name_is_one_line_that_can_be_seen(text: str, name: str) -> None:
    assert person_name(text) == name


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("Li Lei", "lilei", True),
        ("ＬＩ", "li", True),
        ("小李", "小 李", True),
        ("小李", "@小李。", True),
        ("。", "小李", False),
        ("小李", "小王", False),
        ("小李", "小李2", False),
    ],
)
def test_names_are_the_same_where_people_would_confuse_them(one: str, other: str, is_same: bool) -> None:
    assert (name_key(one) == name_key(other)) == is_same
