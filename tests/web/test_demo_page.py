"""The demo's chat page in a real browser: a newcomer forwards a sample alert with one click and sees the reply."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import pytest

from tests.support.browser import CHROMIUM, REPLIES, Browser, demo_page
from triage.web.console.demo import load_samples

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium to look at the page with")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with demo_page(tmp_path_factory.mktemp("demo")) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    browser = Browser()
    yield browser
    browser.close()


LAST = "[...document.querySelectorAll('.row:not(.mine) .bubble')].at(-1).textContent"


def _after(browser: Browser, action: str) -> str:
    """What the bot says to an action in the page."""
    browser.act(action)
    return str(browser.run(LAST))


@pytest.fixture
def page(browser: Browser, address: str) -> Browser:
    browser.complaints.clear()
    browser.size(1280, 860)
    browser.open(address)
    browser.until(f"{REPLIES} === 1")
    return browser


def test_the_page_greets_as_the_account_greets_a_follower(page: Browser) -> None:
    assert "报警" in page.run(LAST)
    assert page.complaints == []


def test_one_click_forwards_a_sample_and_shows_the_judged_reply(page: Browser) -> None:
    reply = _after(page, "document.querySelector('.sample').click()")
    assert "连接超时" in reply
    assert "先做" in reply
    summary = page.run("[...document.querySelectorAll('.wire summary')].at(-1).textContent")
    assert summary.startswith("回应合法")
    assert page.run(
        "[...document.querySelectorAll('.wire')].at(-1).querySelector('dl').textContent.includes('Encrypt')"
    )
    assert page.complaints == []


def test_typed_words_are_sent_by_the_enter_key_and_shown_as_text(page: Browser) -> None:
    typed = "document.querySelector('#text').value = '<img src=x onerror=alert(1)>'"
    enter = "document.querySelector('#text').dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', bubbles: true}))"
    _after(page, f"{typed}; {enter}")
    assert page.run("document.querySelectorAll('#talk img').length") == 0
    assert page.run("document.querySelector('#text').value") == ""


def test_a_second_colleague_is_told_what_the_first_has_sent(page: Browser) -> None:
    sample = "document.querySelectorAll('.sample')[5].click()"
    _after(page, sample)
    reply = _after(page, f"document.querySelector('input[value=li]').click(); {sample}")
    assert "小王" in reply


@pytest.mark.parametrize("width", [320, 390, 768, 1024, 1600])
def test_nothing_is_cut_off_at_any_width(page: Browser, width: int) -> None:
    page.size(width, 700)
    _after(page, "document.querySelector('.sample').click()")
    assert page.run("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert page.run("document.querySelector('.send').getBoundingClientRect().bottom <= innerHeight")
    assert page.run("document.querySelector('#talk').clientHeight") > 250
    links = "[...document.querySelectorAll('a[href=\"/now\"]')].filter(link => link.checkVisibility()).length"
    assert page.run(links) == 1, "the console is found at any width"
    words = "document.querySelector('.words')"
    assert width < 820 or page.run(f"{words}.scrollWidth <= {words}.clientWidth")


def test_the_page_says_when_the_service_has_gone(page: Browser) -> None:
    page.run("window.fetch = () => Promise.reject(new Error('gone'))")
    page.run("document.querySelector('.sample').click()")
    page.until("document.querySelector('.bubble.failed')")
    assert "没有送到" in page.run(LAST)


def test_every_sample_is_read_by_a_rule(page: Browser) -> None:
    samples = load_samples(datetime(2026, 3, 9, 10, 31, tzinfo=UTC))
    replies: Mapping[str, str] = {
        sample.id: _after(page, f"document.querySelector('[data-sample=\"{sample.id}\"]').click()")
        for sample in samples
    }
    assert 5 <= len(replies) <= 6
    in_short = "一样；发「更多」看这一条的"  # one that the tests above have clicked twice within the minute
    assert all("先做" in reply or in_short in reply for reply in replies.values()), replies


def test_a_word_in_a_reply_is_sent_by_a_tap(page: Browser) -> None:
    _after(page, "document.querySelector('[data-word=\"499 是什么\"]').click()")
    tap = "[...document.querySelectorAll('.bubble button')].filter(tap => tap.textContent === '为什么').at(-1).click()"
    assert "为什么是「" in _after(page, tap)
    own = "[...document.querySelectorAll('.mine .bubble')].at(-1).textContent"
    assert page.run(own) == "为什么"
