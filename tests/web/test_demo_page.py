"""The demo's chat page in a real browser: a newcomer forwards a sample alert with one click and sees the reply."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import pytest
from werkzeug.serving import make_server

from triage.settings.model import Settings
from triage.store import Store
from triage.web import create_app
from triage.web.console.demo import load_samples

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SECONDS = 15

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium to look at the page with")


class Browser:
    """Headless Chromium, spoken to over its debugging pipe."""

    def __init__(self, profile: Path) -> None:
        to_read, self._write = os.pipe()
        self._read, to_write = os.pipe()

        def give_pipes() -> None:
            first, second = os.dup(to_read), os.dup(to_write)
            os.dup2(first, 3)
            os.dup2(second, 4)

        options = (
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--lang=zh-CN",
        )
        self._process = subprocess.Popen(
            [str(CHROMIUM), *options, f"--user-data-dir={profile}", "--remote-debugging-pipe", "about:blank"],
            preexec_fn=give_pipes,  # the pipes must be numbers 3 and 4
            close_fds=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_read)
        os.close(to_write)
        self._answers: IO[bytes] = os.fdopen(self._read, "rb", buffering=0)
        self._watch = threading.Timer(2 * SECONDS, self._process.kill)
        self._watch.start()
        self._number, self._rest = 0, b""
        self.complaints: list[str] = []
        self._session: str | None = None
        target = next(
            item for item in self.call("Target.getTargets")["targetInfos"] if item["type"] == "page"
        )
        attached = self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def close(self) -> None:
        self._watch.cancel()
        self._process.kill()
        self._process.wait()
        self._answers.close()
        os.close(self._write)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result
            if answer.get("method") in ("Runtime.exceptionThrown", "Log.entryAdded"):
                self.complaints.append(json.dumps(answer["params"], ensure_ascii=False))

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            piece = self._answers.read(1 << 16)
            assert piece, "the browser has gone"
            self._rest += piece
        line, _, self._rest = self._rest.partition(b"\0")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def open(self, url: str) -> None:
        self.call("Page.navigate", url=url)
        self.until("document.readyState === 'complete' && document.querySelector('#talk')")

    def run(self, expression: str) -> Any:
        """The value of a JavaScript expression; of a promise, what it comes to."""
        answer = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def until(self, condition: str) -> None:
        """Wait until a condition holds in the page."""
        script = f"""new Promise((good, bad) => {{
            const end = Date.now() + {SECONDS * 1000};
            const look = () => {{
                if ({condition}) good(true);
                else if (Date.now() > end) bad(new Error("never came true"));
                else setTimeout(look, 20);
            }};
            look();
        }})"""
        assert self.run(script), condition

    def size(self, width: int, height: int) -> None:
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )

    def picture(self, file: Path) -> None:
        file.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    url = f"sqlite:///{tmp_path_factory.mktemp('demo')}/demo.db"
    Store.open(url, upgrade=True).close()
    server = make_server("127.0.0.1", 0, create_app(Settings(database_url=url)), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    browser = Browser(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


REPLIES = "document.querySelectorAll('.row:not(.mine) .wire:not([hidden])').length"
LAST = "[...document.querySelectorAll('.row:not(.mine) .bubble')].at(-1).textContent"


def _after(browser: Browser, action: str) -> str:
    """What the bot says to an action in the page."""
    before = browser.run(REPLIES)
    browser.run(action)
    browser.until(f"{REPLIES} > {before}")
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
    assert summary.startswith("回复合法")
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
    assert all("先做" in reply for reply in replies.values()), replies
