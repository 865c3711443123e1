"""The page of the demo's team in a real browser: what arrives is shown without a reload, on a desk and on a phone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.browser import CHROMIUM, Browser, demo_page

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium to look at the page with")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with demo_page(tmp_path_factory.mktemp("demo")) as address:
        yield f"{address}duty"


@pytest.fixture
def page(address: str) -> Iterator[Browser]:
    browser = Browser(120)
    try:
        browser.size(1366, 860)
        browser.call("Page.navigate", url=address)
        browser.until("document.readyState === 'complete' && document.querySelector('.desk')")
        yield browser
    finally:
        browser.close()


def _until(page: Browser, chat: str, words: str) -> None:
    page.until(f"document.querySelector('#chat-{chat} .talk').textContent.includes('{words}')")


def test_a_quoted_alert_calls_one_who_claims_and_closes_it(page: Browser) -> None:
    page.run("document.querySelector('.sample').click()")
    _until(page, "group", "先做")
    _until(page, "group", "正在叫：小王")
    page.until("document.querySelector('#chat-wang .buttons button')")
    page.run("document.querySelector('#chat-wang .buttons button').click()")
    page.until("document.querySelector('#chat-wang .settled')")
    _until(page, "group", "小王认领了")
    page.run("document.querySelector('#chat-wang [data-word^=关闭]').click()")
    _until(page, "group", "关闭了：已切回旧版本")
    assert page.complaints == []


def test_what_is_typed_is_shown_as_text(page: Browser) -> None:
    form = "document.querySelector('#chat-li form')"
    page.run(f"{form}.elements.text.value = '<img src=x onerror=alert(1)>'; {form}.requestSubmit()")
    _until(page, "li", "<img src=x")
    assert page.run("document.querySelectorAll('.talk img').length") == 0
    assert page.complaints == []


@pytest.mark.parametrize("width", [320, 390, 768, 1024, 1280, 1600])
def test_nothing_is_cut_off_at_any_width(width: int, page: Browser) -> None:
    page.size(width, 700)
    page.run("document.querySelector('.sample').click()")
    _until(page, "group", "正在叫：小王")
    assert page.run("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert page.run(
        "document.querySelector('#chat-group .send').getBoundingClientRect().bottom <= innerHeight"
    )
    assert page.run("document.querySelector('#chat-group .talk').clientHeight") > 250
    words = "[...document.querySelectorAll('.words')]"
    assert width < 900 or page.run(f"{words}.every(row => row.scrollWidth <= row.clientWidth)")


def test_on_a_phone_a_tab_counts_what_came_in_and_opens_it(page: Browser) -> None:
    page.size(390, 844)
    page.run("document.querySelectorAll('.sample')[3].click()")
    page.until("Number(document.querySelector('[data-tab=wang] b').textContent) > 0")
    page.run("document.querySelector('[data-tab=wang]').click()")
    assert page.run("document.querySelector('#chat-wang').offsetHeight > 0")
    assert page.run("document.querySelector('#chat-group').offsetHeight") == 0
    assert page.run("document.querySelector('[data-tab=wang] b').hidden")


def test_the_page_says_when_the_service_has_gone(page: Browser) -> None:
    page.run("window.fetch = () => Promise.reject(new Error('gone'))")
    page.until("!document.querySelector('#trouble').hidden")
    assert "还在运行吗" in page.run("document.querySelector('#trouble').textContent")
