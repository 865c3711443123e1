"""A picture in the demo: what the page and its platform refuse, and its way in a real browser."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import pytest

from tests.support.browser import CHROMIUM, REPLIES, Browser
from tests.support.paths import DATA
from tests.support.service import Served, serving
from triage.channels.delivery import Group, Notice, Result
from triage.errors import DownloadError
from triage.message import Person, Picture, Request
from triage.pictures.formats import MAX_BYTES
from triage.pictures.values import PictureText
from triage.web.console.demo_pictures import UPLOAD, DemoPlatform

SHOT = (DATA / "pictures/ticket_failure.png").read_bytes()
WANG = Person("wechat", "wxdemo", "oWang")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("demo"), {}) as running:
        yield running


def test_only_what_the_page_sent_is_given_out_and_the_oldest_are_forgotten() -> None:
    platform = DemoPlatform()
    first = platform.keep(b"first")
    assert platform.fetch(Picture(media_id=first), 1) == b"first"
    for number in range(8):
        platform.keep(bytes([number]))
    for picture in (Picture(media_id=first), Picture("http://127.0.0.1/x"), Picture(media_id="other")):
        with pytest.raises(DownloadError):
            platform.fetch(picture, 1)


def test_each_hears_their_own_messages_once() -> None:
    platform = DemoPlatform()
    assert platform.send(Notice(WANG, "一"), 1).result is Result.SENT
    assert platform.send(Notice(Person("wechat", "wxdemo", "oLi"), "二"), 1).result is Result.SENT
    assert platform.send(Notice(Group("wechat", "wxdemo"), "三"), 1).result is Result.OTHER_WAY
    assert platform.heard("oWang", 0) == (2, ["一"])
    assert platform.heard("oWang", 2) == (2, [])


def test_what_was_read_is_kept_for_the_page() -> None:
    platform, text = DemoPlatform(), PictureText("字", (), 10, 20)
    media_id = platform.keep(SHOT)
    assert platform.found(media_id) is None
    assert platform.watched(lambda data: text)(SHOT) is text
    assert platform.found(media_id) is text


@pytest.mark.parametrize(
    ("path", "size", "status"),
    [
        pytest.param(f"{UPLOAD}?who=wang", MAX_BYTES + 1, 413, id="more than is read"),
        pytest.param(f"{UPLOAD}?who=somebody", 10, 400, id="of nobody"),
        pytest.param("/demo/send", 2 * 1024 * 1024, 413, id="large, where no picture is sent"),
    ],
)
def test_what_is_refused(served: Served, path: str, size: int, status: int) -> None:
    try:
        answered = served.send(Request("POST", {}, bytes(size)), path).status
    except ConnectionError:  # it hangs up on what it does not read
        answered = 413
    assert answered == status


def test_what_is_no_picture_is_answered_as_the_account_would(served: Served) -> None:
    sent = served.send(Request("POST", {"who": "guest"}, b"<svg/>"), UPLOAD)
    answered = json.loads(sent.body)
    assert "正在读" in answered["reply"]
    assert answered["legal"]


needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium to look at the page with")
_CARRY = f"""
    const signs = atob("{base64.b64encode(SHOT).decode()}");
    const file = new File([Uint8Array.from(signs, (sign) => sign.charCodeAt(0))], "a.png", {{type: "image/png"}});
    const all = new DataTransfer();
    all.items.add(file);
"""
_PASTE = "document.dispatchEvent(new ClipboardEvent('paste', {clipboardData: all, bubbles: true}))"
_DROP = "document.querySelector('.phone').dispatchEvent(new DragEvent('drop', {dataTransfer: all, bubbles: true}))"
_CHOOSE = """
    const chooser = document.getElementById("picture");
    chooser.files = all.files;
    chooser.dispatchEvent(new Event("change"));
"""


@needs_chromium
@pytest.mark.parametrize("action", [_PASTE, _DROP, _CHOOSE], ids=["pasted", "dropped", "chosen"])
def test_a_picture_is_shown_read_and_answered(served: Served, action: str) -> None:
    browser = Browser()
    try:
        browser.size(1280, 860)
        browser.open(f"http://127.0.0.1:{served.port}/")
        browser.until(f"{REPLIES} === 1")
        browser.act(f"(() => {{ {_CARRY} {action} }})()")
        assert "正在读" in browser.run("document.querySelector('.progress').textContent")
        browser.until("document.querySelector('.shot svg rect')")
        assert "wxd05be41bd77ee4cf" in browser.run("document.querySelector('.shot svg').textContent")
        last = "[...document.querySelectorAll('.row:not(.mine) .bubble')].at(-1).textContent"
        assert browser.run(last).startswith("图读好了")
        assert "事件 #1" in browser.run(last) or "先做" in browser.run(last)
        assert browser.run("document.querySelector('.progress')") is None
        browser.run("document.querySelector('.toggle').click()")
        assert browser.run("getComputedStyle(document.querySelector('.shot svg')).visibility") == "hidden"
        assert browser.complaints == []
    finally:
        browser.close()
