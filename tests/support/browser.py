"""Headless Chromium, and the demo page to look at with it."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from tests.support.service import serving

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SECONDS = 15
REPLIES = "document.querySelectorAll('.row:not(.mine) .wire:not([hidden])').length"
"""How many replies the page shows, as JavaScript."""


class Browser:
    """Headless Chromium, spoken to over its debugging pipe."""

    def __init__(self, profile: Path, seconds: float = 2 * SECONDS) -> None:
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
        self._watch = threading.Timer(seconds, self._process.kill)
        self._watch.start()
        self._number, self._rest = 0, b""
        self.complaints: list[str] = []
        self.pages = 0
        """How many pages have been opened."""
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
            if answer.get("method") == "Page.frameNavigated":
                self.pages += 1
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

    def visit(self, url: str) -> None:
        """Open a page of the console, and wait until all of it is there."""
        self.call("Page.navigate", url=url)
        self.until("document.readyState === 'complete' && document.querySelector('main')")

    def follow(self, action: str) -> None:
        """Run an expression that leads to another page, and wait until that one is there."""
        before = self.pages
        self.run(action)
        while self.pages == before:
            self.call("Target.getTargets")
        self.until("document.readyState === 'complete'")

    def run(self, expression: str) -> Any:
        """The value of a JavaScript expression; of a promise, what it comes to."""
        answer = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def until(self, condition: str) -> None:
        """Wait until a condition holds in the page, or in the one that follows it."""
        end = time.monotonic() + SECONDS
        while not self.run(f"Boolean({condition})"):
            assert time.monotonic() < end, f"never came true: {condition}"
            time.sleep(0.02)

    def act(self, action: str) -> None:
        """Run an expression, and wait until the page shows one more reply."""
        before = self.run(REPLIES)
        self.run(action)
        self.until(f"{REPLIES} > {before}")

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


@contextmanager
def demo_page(folder: Path) -> Iterator[str]:
    """The address of the demo, served with a new database in a folder."""
    with serving(folder, {}) as served:
        yield f"http://127.0.0.1:{served.port}/"
