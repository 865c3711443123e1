"""A walk through the console in a real browser, and what axe finds on each of its pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.support.browser import CHROMIUM, REFRESH
from tests.support.console import console
from tests.support.console_pages import addresses
from tests.support.full_store import Size, fill
from tests.support.service import serving
from tests.support.upgraded import new_file
from tests.support.windows import DESKTOP, PHONE, THEMES, Window, a_browser, a_window
from triage.web.console.demo_people import COOKIE

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium to walk with")

FEW = Size(incidents=60, alerts=300, days=12)
_OPEN = 50
"""One of them that is open."""
_FILES = (".csv", ".json", ".md")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with a_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the demo is served with a store of its own, in which a few things have happened."""
    folder = tmp_path_factory.mktemp("walk")
    url = new_file(folder / "triage.db")
    fill(url, datetime.now(UTC), FEW)
    with serving(folder, {"TRIAGE_DATABASE_URL": url}) as served:
        yield f"127.0.0.1:{served.port}"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Every page of the console that is one to look at, and the demo's own."""
    with console(tmp_path_factory.mktemp("map"), demo=True) as application:
        found = addresses(application.pages, _OPEN)
        return ["/", "/duty", *(page for page in found if not page.endswith(_FILES) and page != "/")]


def _is_well(window: Window) -> None:
    assert window.complaints == []
    assert window.elsewhere == []
    assert not window.is_too_wide()


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_axe_finds_nothing_on_any_page(
    browser: Browser, host: str, pages: list[str], size: tuple[int, int]
) -> None:
    found: dict[str, list[str]] = {}
    with a_window(browser, host, size) as window:
        for page, lang in product(pages, ("zh", "en")):
            window.open(f"{page}?lang={lang}")
            expect(window.page.locator(".sample:disabled")).to_have_count(0)  # while the bot still greets
            for theme in THEMES:
                window.look(theme)
                found[f"{page} {lang} {theme}"] = window.findings() + ["too wide"] * window.is_too_wide()
        assert window.complaints == []
        assert window.elsewhere == []
    assert {page: findings for page, findings in found.items() if findings} == {}


def test_axe_would_find_something(browser: Browser, host: str) -> None:
    with a_window(browser, host) as window:
        window.open("/week")
        window.page.evaluate("document.querySelector('h1').outerHTML = '<h4><img src=/static/icon.svg></h4>'")
        assert any(finding.startswith("image-alt") for finding in window.findings())


EVIDENCE = "$ curl -sv -m 5 https://a.example/cb\ncurl: (28) Connection timed out after 5001 milliseconds"


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_an_alert_is_forwarded_claimed_ticked_judged_closed_and_counted(
    browser: Browser, tmp_path: Path, size: tuple[int, int]
) -> None:
    """小王 does it all; 小李 looks on in another window, types meanwhile, and never reloads."""
    with serving(tmp_path, {}) as served:
        host = f"127.0.0.1:{served.port}"
        with a_window(browser, host, size) as wang, a_window(browser, host, size) as li:
            li.page.context.add_cookies([{"name": COOKIE, "value": "li", "url": f"http://{host}"}])
            _forward(wang)
            _claim(wang, li)
            _tick_and_judge(wang, li)
            _close(wang, li)
            wang.open("/week")
            expect(wang.page.locator(".facts")).to_contain_text(re.compile("新事件\\s*1\\s*关闭 1"))
            expect(wang.page.locator(".facts")).to_contain_text("没人认领 0")
            for window in (wang, li):
                _is_well(window)


def _forward(wang: Window) -> None:
    wang.open("/")
    expect(wang.page.locator("#talk")).to_contain_text("帮助")  # it takes no click while the bot still greets
    wang.page.locator(".sample").first.evaluate("sample => sample.click()")  # a phone shows them at the side
    expect(wang.page.locator("#talk")).to_contain_text("先做")


def _claim(wang: Window, li: Window) -> None:
    li.open("/now")
    expect(li.page.locator("#incident-1")).to_contain_text("没人认领")
    li.page.locator("#words").fill("我先看看日志")
    wang.open("/now")
    wang.page.get_by_role("button", name="认领 #1").click()
    expect(wang.page.locator("#incident-1")).to_contain_text("你在处理")
    li.let_pass(REFRESH)
    expect(li.page.locator("#incident-1")).to_contain_text("小王")
    expect(li.page.locator("#words")).to_have_value("我先看看日志")


def _tick_and_judge(wang: Window, li: Window) -> None:
    li.open("/incidents/1")
    li.page.locator("textarea#text").fill("还没贴完")
    wang.page.locator("#incident-1 a.title").click()
    tick = "#steps li button[name=done]"
    wang.page.locator(tick).first.click()
    expect(wang.page.locator(tick).first).to_have_attribute("aria-pressed", "true")
    li.let_pass(REFRESH)
    expect(li.page.locator(tick).first).to_have_attribute("aria-pressed", "true")
    expect(li.page.locator("#steps li.ticked")).to_contain_text("小王")
    wang.page.locator("textarea#text").fill(EVIDENCE)
    wang.page.get_by_role("button", name="判断").click()
    expect(wang.page.locator("#evidence-seen")).to_contain_text("curl")
    li.let_pass(REFRESH)
    expect(li.page.locator("#evidence-seen")).to_contain_text("curl")
    expect(li.page.locator("textarea#text")).to_have_value("还没贴完")
    for window in (wang, li):
        assert window.findings() == []
        assert not window.is_too_wide()


def _close(wang: Window, li: Window) -> None:
    wang.page.locator("#words").fill("换了入口的 IP")
    wang.page.get_by_role("button", name="关闭").click()
    expect(wang.page.locator("#facts")).to_contain_text("换了入口的 IP")
    li.let_pass(REFRESH)
    expect(li.page.locator("#facts")).to_contain_text("换了入口的 IP")
