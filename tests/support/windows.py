"""Windows of a real browser, driven by Playwright: what they complain of, whom they ask, and what axe finds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

from tests.support.browser import CHROMIUM
from tests.support.paths import ROOT

Theme = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = get_args(Theme)
DESKTOP, PHONE = (1280, 860), (390, 844)
AXE = (ROOT / "tests/data/axe/axe-4.14.1.min.js").read_text(encoding="utf-8")
_MILLISECONDS = 25_000
"""That something may take to appear where the machine has much else to do."""
_FOUND = """async () => (await axe.run({resultTypes: ["violations"]})).violations.map(
    rule => rule.id + ": " + rule.nodes.map(node => node.html.slice(0, 200) + " " + node.failureSummary).join("; "))"""


@dataclass
class Window:
    """A window of its own: nobody else has its cookies."""

    page: Page
    host: str
    complaints: list[str] = field(default_factory=list)
    """What stands on its console as an error, and what a script threw."""
    elsewhere: list[str] = field(default_factory=list)
    """Addresses on other hosts that it asked."""

    def open(self, path: str) -> None:
        self.page.goto(f"http://{self.host}{path}", wait_until="load")

    def look(self, theme: Theme) -> None:
        """Show the page in the light or in the dark."""
        self.page.emulate_media(color_scheme=theme, reduced_motion="reduce")

    def let_pass(self, seconds: float) -> None:
        """Let the page's clock go on at once; one that asks for news by then does so."""
        self.page.clock.fast_forward(round(seconds * 1000))

    def findings(self) -> list[str]:
        """What axe finds on the page as it is: rules of WCAG A and AA, and of good practice."""
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE)
        found: list[str] = self.page.evaluate(_FOUND)
        return found

    def is_too_wide(self) -> bool:
        """Whether one has to scroll sideways."""
        wide: bool = self.page.evaluate(
            "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        )
        return wide

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    def _watch(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in ("data", "blob") and parts.netloc != self.host:
            self.elsewhere.append(request.url)


@contextmanager
def a_browser() -> Iterator[Browser]:
    """Debian's Chromium; Playwright brings none of its own."""
    with sync_playwright() as playing:
        browser = playing.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def a_window(
    browser: Browser,
    host: str,
    size: tuple[int, int] = DESKTOP,
    theme: Theme = "light",
    lang: str = "zh-CN",
    **more: Any,
) -> Iterator[Window]:
    """A new window without cookies; `more` is what Playwright takes beside."""
    width, height = size
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=theme,
        locale=lang,
        has_touch=size == PHONE,
        reduced_motion="reduce",
        **more,
    )
    window = Window(context.new_page(), host)
    window.page.clock.install()
    window.page.set_default_timeout(_MILLISECONDS)
    expect.set_options(timeout=_MILLISECONDS)
    window.page.on("console", window._hear)
    window.page.on("pageerror", lambda error: window.complaints.append(str(error)))
    window.page.on("request", window._watch)
    try:
        yield window
    finally:
        context.close()
