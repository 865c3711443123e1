"""`make pictures`: every page of the console, light and dark, on a desk and on a phone, in both languages."""

from __future__ import annotations

import io
import logging
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser

from tests.support.browser import CHROMIUM
from tests.support.console import console
from tests.support.console_pages import addresses
from tests.support.full_store import Size, fill
from tests.support.paths import ROOT
from tests.support.service import ENVIRONMENT, Served, serving
from tests.support.upgraded import new_file
from tests.support.windows import DESKTOP, PHONE, Theme, a_browser, a_window

FEW = Size(incidents=60, alerts=300, days=12, one_open_in=10)
_OPEN = 50
_COLOURS = 160
_REFINED = 2
"""Rounds in which a colour moves to the middle of those it stands for."""
_PASSWORD = {**ENVIRONMENT, "TRIAGE_CONSOLE_PASSWORD": "a-long-password-of-nobody"}
"""A service that asks for signing in, which the demo does not."""
_SIGN_IN = "/login"
_TALLEST = 1_600
_READY = """root => {
    for (const bar of document.querySelectorAll(".bar")) bar.style.position = "static";
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) texts.currentNode.data = texts.currentNode.data.replaceAll(root, "");
}"""
"""What sticks to the window's edge would lie over the page; where the tree lies on this machine is nothing to show."""
_LOOKS: tuple[tuple[str, tuple[int, int], Theme], ...] = (
    ("light", DESKTOP, "light"),
    ("dark", DESKTOP, "dark"),
    ("phone", PHONE, "light"),
)


def take(folder: Path) -> None:
    """One picture of each page for each look and language, `week-dark-en.png`."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        home = Path(directory)
        url = new_file(home / "triage.db")
        fill(url, datetime.now(UTC), FEW)
        with console(home, demo=True) as application:
            pages = {page for page in addresses(application.pages, _OPEN) if "." not in page}
        database = {"TRIAGE_DATABASE_URL": url}
        with (
            serving(home, database) as demo,
            serving(home, {**database, **_PASSWORD}) as real,
            a_browser() as browser,
        ):
            for served, shown in ((demo, pages - {_SIGN_IN}), (real, pages & {_SIGN_IN})):
                _take_of(browser, served, sorted(shown), folder)


def _take_of(browser: Browser, served: Served, pages: Sequence[str], folder: Path) -> None:
    for look, size, theme in _LOOKS:
        with a_window(browser, f"127.0.0.1:{served.port}", size, theme) as window:
            for page, lang in product(pages, ("zh", "en")):
                window.open(f"{page}?lang={lang}")
                window.page.wait_for_timeout(300)  # the chart is drawn in the next frame
                window.page.evaluate(_READY, f"{ROOT}/")
                name = page.strip("/").replace("/", "-") or "chat"
                _keep(window.page.screenshot(full_page=True), folder / f"{name}-{look}-{lang}.png")


def _keep(picture: bytes, file: Path) -> None:
    """Small enough for a repository: few colours, and of a long page the beginning."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    image = image.crop((0, 0, image.width, min(image.height, _TALLEST)))
    colours = image.quantize(_COLOURS, Image.Quantize.MAXCOVERAGE, _REFINED, dither=Image.Dither.NONE)
    colours.save(file, optimize=True)


if __name__ == "__main__":
    if CHROMIUM is None:
        sys.exit("there is no chromium to take the pictures with")
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    where = Path(sys.argv[1])
    where.mkdir(parents=True, exist_ok=True)
    take(where)
