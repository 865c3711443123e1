"""Nothing of the official guide is lost: every item stands in a step's source, or here with the reason why not."""

from __future__ import annotations

import pytest

from tests.support.paths import DATA
from triage.rules.parser import RuleSet

ITEMS = (DATA / "guide_items.txt").read_text(encoding="utf-8").split()
REPLY_LAW = {f"R{number}" for number in range(1, 21)}
LEFT_OUT: dict[str, str] = {}


@pytest.fixture(scope="module")
def cited(rules: RuleSet) -> set[str]:
    return {source for rule in rules.rules for step in rule.steps for source in step.source}


def test_a_source_is_an_item_of_the_guide_a_reply_rule_or_the_field(cited: set[str]) -> None:
    assert cited <= {*ITEMS, *REPLY_LAW, "field"}


def test_what_is_left_out_is_not_cited_and_has_a_reason(cited: set[str]) -> None:
    assert not cited & LEFT_OUT.keys()
    assert LEFT_OUT.keys() <= set(ITEMS)
    assert all(len(reason) > 20 for reason in LEFT_OUT.values())


def test_the_list_names_each_item_once() -> None:
    assert len(ITEMS) == len(set(ITEMS)) == 112


@pytest.mark.parametrize("item", [item for item in ITEMS if item not in LEFT_OUT])
def test_an_item_of_the_guide_is_cited_by_a_step(item: str, cited: set[str]) -> None:
    assert item in cited
