"""Nothing of the official guide is lost, and whatever is cited can be looked up in docs/sources.md."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.support.paths import DATA, ROOT
from triage.advice.sources import Source
from triage.platform.clauses import CLAUSES
from triage.probe.faults import FAULTS
from triage.rules.model import RuleSet
from triage.settings.directories import load_sources

ITEMS = (DATA / "guide_items.txt").read_text(encoding="utf-8").split()
REPLY_LAW = {f"R{number}" for number in range(1, 21)}
LEFT_OUT: dict[str, str] = {}
SOURCES = {source.id: source for source in load_sources()}
PAGE = ROOT / "docs/sources.md"
ID = re.compile(
    r"(?<![\w.+/=-])(?:R\d{1,2}|FAQ\d\.\d|[DPTEF]\.\d{1,2}|A\d(?:\.\d){1,2}|\d{1,2}\.[a-z])(?![\w.])"
)
"""An id of any scheme, as it stands in text or code; the bare numbers of the kinds cannot be told there."""


@pytest.fixture(scope="module")
def cited(rules: RuleSet) -> set[str]:
    return {source for rule in rules.rules for step in rule.steps for source in step.source}


def test_a_source_is_an_item_of_the_guide_a_reply_rule_or_the_field(cited: set[str]) -> None:
    beyond_the_guide = {id_ for id_ in SOURCES if id_.startswith("D.")}
    assert cited <= {*ITEMS, *REPLY_LAW, *beyond_the_guide, "field"}


def test_what_is_left_out_is_not_cited_and_has_a_reason(cited: set[str]) -> None:
    assert not cited & LEFT_OUT.keys()
    assert LEFT_OUT.keys() <= set(ITEMS)
    assert all(len(reason) > 20 for reason in LEFT_OUT.values())


def test_the_list_names_each_item_once() -> None:
    assert len(ITEMS) == len(set(ITEMS)) == 112


@pytest.mark.parametrize("item", [item for item in ITEMS if item not in LEFT_OUT])
def test_an_item_of_the_guide_is_cited_by_a_step(item: str, cited: set[str]) -> None:
    assert item in cited


# -- docs/sources.md


def _mentions() -> Iterator[tuple[str, str]]:
    """Every id that code, rules, templates and pages name, with the place where it stands."""
    for folder, pattern in (("triage", "*.py"), ("rules", "*.yml"), ("templates", "*.*"), ("docs", "*.md")):
        for file in sorted((ROOT / folder).rglob(pattern)):
            if file == PAGE:
                continue
            for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
                for id_ in ID.findall(line):
                    yield f"{file.relative_to(ROOT)}:{number}", id_


def _citations(rules: RuleSet) -> Iterator[tuple[str, str]]:
    """Every id that a step, a code, a fault or a clause names as its source, with who does."""
    for rule in rules.rules:
        for step in rule.steps:
            yield from ((f"{rule.location}: step '{step.id}'", id_) for id_ in step.source)
    for code in (code for table in rules.tables for code in table.codes):
        yield from ((f"{code.location}: code {code.code}", id_) for id_ in code.source)
    yield from ((f"the fault '{id_}'", fault.source) for id_, fault in FAULTS.items())
    yield from ((f"the clause '{id_}'", clause.source) for id_, clause in CLAUSES.items())


def test_whatever_is_cited_stands_on_the_page(rules: RuleSet) -> None:
    unknown = [
        f"{place} cites '{id_}', which has no row in docs/sources.md"
        for place, id_ in (*_citations(rules), *_mentions())
        if id_ not in SOURCES
    ]
    assert not unknown, "\n".join(unknown)


def test_whatever_stands_on_the_page_is_cited(rules: RuleSet) -> None:
    cited = {id_ for _, id_ in (*_citations(rules), *_mentions())}
    unused = [f"nothing cites '{id_}', a row of docs/sources.md" for id_ in SOURCES if id_ not in cited]
    assert not unused, "\n".join(unused)


def test_every_row_of_the_page_is_read_and_no_id_stands_twice() -> None:
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    assert [line.split("`")[1] for line in rows] == list(SOURCES)


def test_every_link_of_the_page_is_used_and_leads_to_https() -> None:
    defined = re.findall(r"(?m)^\[[\w-]+\]: (\S+)$", PAGE.read_text(encoding="utf-8"))
    assert set(defined) == {source.url for source in SOURCES.values() if source.url}
    assert all(url.startswith("https://") for url in defined)


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_a_row_is_short_enough_for_a_phone(source: Source) -> None:
    assert len(source.name) <= 16
    assert len(source.sentence) <= 80
    assert source.sentence.count("。") == 1
    assert source.sentence.endswith("。")
