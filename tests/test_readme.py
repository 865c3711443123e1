"""The pages lead somewhere, and the two READMEs are one page in two languages."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest

from tests.support.paths import DATA, ROOT

PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
ENGLISH, CHINESE = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh-CN.md"))
SECTIONS = dict(
    zip(re.findall(r"(?m)^## (.*)$", ENGLISH), re.findall(r"(?m)^## (.*)$", CHINESE), strict=True)
)


def _headings(page: Path) -> set[str]:
    """The anchors of a page, as GitHub makes them."""
    titles = re.findall(r"(?m)^#+ (.*)$", page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_or_heading_leads_there(page: Path) -> None:
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        if re.match(r"\w+://", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in _headings(target), link


@pytest.mark.parametrize("english", SECTIONS)
def test_a_section_has_the_same_rows_examples_and_links_in_both_languages(english: str) -> None:
    ours, theirs = (
        text.split(f"\n## {title}\n")[1].split("\n## ")[0]
        for text, title in ((ENGLISH, english), (CHINESE, SECTIONS[english]))
    )
    for found in (r"(?m)^\| ?(`.*?`)", r"(?ms)^```.*?^```", LINK.pattern, r"python -m \S+?(?=`)"):
        assert re.findall(found, ours) == re.findall(found, theirs)


def test_the_readme_shows_the_page_and_a_recording() -> None:
    for name in ("demo.png", "simulate.svg"):
        picture = ROOT / "docs/images" / name
        assert f"(docs/images/{name})" in ENGLISH
        assert 10_000 < picture.stat().st_size < 200_000
    recording = html.unescape((ROOT / "docs/images/simulate.svg").read_text(encoding="utf-8"))
    assert "请求超时" in recording
    assert "已关闭" in recording


def test_the_sample_reply_is_what_the_bot_answers() -> None:
    (sample,) = re.findall(r"(?ms)^## A reply\n\n```\n(.*?)^```", ENGLISH)
    golden = DATA / "golden/a_template_campaign_floods_the_callback.txt"
    assert golden.read_text(encoding="utf-8").startswith(sample)
