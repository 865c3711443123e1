"""Platforms that give out pictures and take answers, and a node that reads pictures until it is killed.

`python -m tests.support.fetching DATABASE` is that node: it begins to read and does not come to the end.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from tests.support.loopback import Asked, Given, Loopback
from triage.bot.reading import Reading
from triage.channels.sealed import Seal
from triage.message import Picture
from triage.store import Store

KILLED_LEASE = timedelta(seconds=2)


class ResponseUrls(Loopback):
    """Takes one answer at each address; `shown` is what stands in the chat."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[str] = []
        self._used: set[str] = set()

    def answer(self, asked: Asked) -> tuple[int, Mapping[str, object] | bytes]:
        code = asked.query.get("response_code", "")
        if code in self._used:
            return 200, {"errcode": 846610, "errmsg": "invalid response_code"}
        self._used.add(code)
        content = asked.json["markdown"]["content"]
        if asked.json["msgtype"] != "markdown" or len(content.encode()) > 20_480:
            return 200, {"errcode": 40058, "errmsg": "invalid content"}
        self.shown.append(content)
        return 200, {"errcode": 0, "errmsg": "ok"}


def sealed_file(data: bytes, seal: Seal) -> bytes:
    """A file as WeCom gives it to a bot: https://developer.work.weixin.qq.com/document/path/100719"""
    import base64

    from wechatpy.crypto.cryptography import WeChatCipher

    padding = 32 - len(data) % 32
    padded = data + bytes([padding]) * padding
    encrypted: bytes = WeChatCipher(base64.b64decode(f"{seal.aes_key}=")).encrypt(padded)
    return encrypted


def until(check: Callable[[], object], seconds: float = 120.0) -> None:
    """Wait for what another process does."""
    waiting = threading.Event()
    for _ in range(int(seconds / 0.05)):
        if check():
            return
        waiting.wait(0.05)
    raise AssertionError("it did not happen")


def drip() -> Given:
    """A host that sends a byte now and then, for a minute."""
    waiting = threading.Event()
    return Given(b"." for _ in range(1200) if not waiting.wait(0.05))


class _Endless:
    """Gives out a picture that is read for ever."""

    def fetch(self, picture: Picture, seconds: float) -> bytes:
        print("begun", flush=True)
        threading.Event().wait()
        return b""


def _node(url: str) -> None:
    store = Store.open(url)

    def nobody() -> None:
        raise AssertionError

    reading = Reading(
        store.outbox,
        nobody,  # type: ignore[arg-type]  # never gets there
        lambda message: _Endless(),
        nobody,  # type: ignore[arg-type]
        lambda: datetime.now(UTC),
        "killed",
        lease=KILLED_LEASE,
    )
    reading.run()


if __name__ == "__main__":
    _node(*sys.argv[1:])
