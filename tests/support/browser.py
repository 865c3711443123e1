"""Headless Chromium, and the demo page to look at with it."""

from __future__ import annotations

import atexit
import base64
import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

from tests.support.service import serving
from tests.support.upgraded import new_file

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SECONDS = 15
REFRESH = 8
"""Seconds after which a page asks for news."""
REPLIES = "document.querySelectorAll('.row:not(.mine) .wire:not([hidden])').length"
"""How many replies the page shows, as JavaScript."""
_HELD_BACK = """
    const heldBack = [];
    const setTimer = window.setInterval;
    window.setInterval = (work, every) => { heldBack.push([work, every]); return setTimer(work, every); };
"""


class _Chromium:
    """Headless Chromium, spoken to over its debugging pipe. Starting it takes seconds, so that a process has one."""

    def __init__(self) -> None:
        self._profile = TemporaryDirectory(ignore_cleanup_errors=True)
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
        self.process = subprocess.Popen(
            [
                str(CHROMIUM), *options, f"--user-data-dir={self._profile.name}", "--remote-debugging-pipe",
                "about:blank",
            ],
            preexec_fn=give_pipes,  # the pipes must be numbers 3 and 4
            close_fds=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(to_read)
        os.close(to_write)
        self._answers: IO[bytes] = os.fdopen(self._read, "rb", buffering=0)
        self._number, self._rest = 0, b""
        self.listeners: dict[str, Callable[[dict[str, Any]], None]] = {}
        """By session who wants to know of its events."""
        atexit.register(self.end)

    def end(self) -> None:
        """Kill it, if it is still there."""
        atexit.unregister(self.end)
        self.process.kill()
        self.process.wait()
        self._answers.close()
        os.close(self._write)
        self._profile.cleanup()

    def call(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result
            if listener := self.listeners.get(answer.get("sessionId", "")):
                listener(answer)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            piece = self._answers.read(1 << 16)
            assert piece, "the browser has gone"
            self._rest += piece
        line, _, self._rest = self._rest.partition(b"\0")
        answer: dict[str, Any] = json.loads(line)
        return answer


_started: list[_Chromium] = []


def _chromium() -> _Chromium:
    """The one of this process; a new one where the last was killed."""
    if _started and _started[0].process.poll() is not None:
        _started.pop().end()
    if not _started:
        _started.append(_Chromium())
    return _started[0]


class Browser:
    """A window of headless Chromium that knows nothing of other windows; the whole is killed after some seconds."""

    def __init__(self, seconds: float = 2 * SECONDS) -> None:
        self._chromium = _chromium()
        self._watch = threading.Timer(seconds, self._chromium.process.kill)
        self._watch.start()
        self.complaints: list[str] = []
        self.pages = 0
        """How many pages have been opened."""
        self._context = self._chromium.call("Target.createBrowserContext")["browserContextId"]
        target = self._chromium.call(
            "Target.createTarget", url="about:blank", browserContextId=self._context
        )["targetId"]
        attached = self._chromium.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        self._chromium.listeners[self._session] = self._hear
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def close(self) -> None:
        self._watch.cancel()
        del self._chromium.listeners[self._session]
        if self._chromium.process.poll() is None:
            self._chromium.call("Target.disposeBrowserContext", browserContextId=self._context)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        return self._chromium.call(method, self._session, **parameters)

    def _hear(self, event: dict[str, Any]) -> None:
        if event.get("method") == "Page.frameNavigated":
            self.pages += 1
        if event.get("method") in ("Runtime.exceptionThrown", "Log.entryAdded"):
            self.complaints.append(json.dumps(event["params"], ensure_ascii=False))

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

    def hold_back(self) -> None:
        """From the next page on, `let_pass` can do what a page does at intervals."""
        self.call("Page.addScriptToEvaluateOnNewDocument", source=_HELD_BACK)

    def let_pass(self, seconds: float) -> None:
        """Do what the page does at intervals of at most so many seconds."""
        self.run(f"heldBack.forEach(([work, every]) => every <= {seconds * 1000} && work())")

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
    new_file(folder / "triage-demo.db")
    with serving(folder, {}) as served:
        yield f"http://127.0.0.1:{served.port}/"
