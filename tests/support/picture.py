"""`make picture`: the demo page after an alert was forwarded to it, as README shows it."""

from __future__ import annotations

import logging
import sys
import tempfile
from pathlib import Path

from tests.support.browser import CHROMIUM, REPLIES, Browser, demo_page

SAMPLE = "receipts"
WIDTH, HEIGHT = 1040, 800
_AT_REST = "Promise.all(document.getAnimations().map(animation => animation.finished)).then(() => true)"


def take(file: Path) -> None:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        folder = Path(directory)
        with demo_page(folder) as address:
            browser = Browser()
            try:
                browser.size(WIDTH, HEIGHT)
                browser.call("Emulation.setScrollbarsHidden", hidden=True)
                browser.open(address)
                browser.until(f"{REPLIES} === 1")
                browser.act(f"document.querySelector('[data-sample*=\"{SAMPLE}\"]').click()")
                browser.run(_AT_REST)
                browser.picture(file)
            finally:
                browser.close()


if __name__ == "__main__":
    if CHROMIUM is None:
        sys.exit("there is no chromium to take the picture with")
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    take(Path(sys.argv[1]))
