"""A walk through the console in a real browser, and what axe finds on each of its pages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser

from tests.support.browser import CHROMIUM
from tests.support.console import console
from tests.support.console_pages import addresses
from tests.support.full_store import Size, fill
from tests.support.service import serving
from tests.support.windows import DESKTOP, PHONE, Theme, Window, a_browser, a_window
from triage.store import Store

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
    url = f"sqlite:///{folder / 'triage.db'}"
    Store.open(url, upgrade=True).close()
    fill(url, datetime.now(UTC), FEW)
    with serving(folder, {"TRIAGE_DATABASE_URL": url}) as served:
        yield f"127.0.0.1:{served.port}"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Every page of the console that is one to look at, and the demo's chat."""
    with console(tmp_path_factory.mktemp("map"), demo=True) as application:
        found = addresses(application.pages, _OPEN)
        return ["/", *(page for page in found if not page.endswith(_FILES) and page != "/")]


def _is_well(window: Window) -> None:
    assert window.complaints == []
    assert window.elsewhere == []
    assert not window.is_too_wide()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_axe_finds_nothing_on_any_page(
    browser: Browser, host: str, pages: list[str], size: tuple[int, int], theme: Theme
) -> None:
    found: dict[str, list[str]] = {}
    with a_window(browser, host, size, theme) as window:
        for page in pages:
            for lang in ("zh", "en"):
                window.open(f"{page}?lang={lang}")
                found[f"{page} {lang}"] = window.findings() + ["too wide"] * window.is_too_wide()
        assert window.complaints == []
        assert window.elsewhere == []
    assert {page: findings for page, findings in found.items() if findings} == {}


def test_axe_would_find_something(browser: Browser, host: str) -> None:
    with a_window(browser, host) as window:
        window.open("/week")
        window.page.evaluate("document.querySelector('h1').outerHTML = '<h4><img src=/static/icon.svg></h4>'")
        assert any(finding.startswith("image-alt") for finding in window.findings())
