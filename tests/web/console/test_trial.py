"""Try it: any text, however hostile, is shown as text with what was read in it; nothing of it is kept."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from tests.support.browser import CHROMIUM
from tests.support.console import console
from tests.support.service import ALERT, serving
from tests.support.windows import DESKTOP, PHONE, Theme, a_browser, a_window
from triage.advice.pieces import MAX_CHARACTERS
from triage.channels.registry import CHANNELS
from triage.settings.model import Settings
from triage.web.app import make_app
from triage.web.console.frame import FORM_FIELD

SEVERAL = ALERT * 2
UNREAD = """\
Appid: wx352e1c916f58ea3b
时间: 2025-09-25 15:01:22
内容: 微信服务器向公众号推送消息或事件后，开发者5秒内没有返回
次数: 5分钟 很多次
错误样例: [3rdUrl=https://mp.example.cn/wx][IP=203.0.113.202]
"""
UPTIME = " 16:02:37 up 83 days,  3:04,  1 user,  load average: 90.20, 80.30, 70.25\nnproc\n4"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[FlaskClient]:
    with console(tmp_path, demo=True) as application:
        yield application.pages.test_client()


def token(client: FlaskClient) -> str:
    found = re.search(f'name="{FORM_FIELD}" value="([^"]+)"', client.get("/try").get_data(as_text=True))
    assert found
    return found[1]


def tried(client: FlaskClient, text: str, **more: str) -> str:
    answer = client.post("/try", data={FORM_FIELD: token(client), "text": text, **more})
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def marked(page: str) -> dict[str, str]:
    found = re.findall(r'<mark class="p-\w+" title="(\w+)">(.*?)</mark>', page, re.DOTALL)
    return {what: html.unescape(text) for what, text in found}


HOSTILE = {
    "a script": "<script>alert(1)</script>" + ALERT.replace("昵称: ", "昵称: <img src=x onerror=alert(1)>"),
    "the end of the field": "</textarea><script>alert(1)</script>" + ALERT,
    "control characters": "\x00\x01\x1b[2J\x7f" + ALERT,
    "another direction": "\u202e\u2066" + ALERT.replace("昵称: ", "昵称: \u202e"),
    "templates": "{{ 7 * 7 }}{% raw %}" + ALERT,
    "SQL": "'; DROP TABLE messages; --",
    "nearly a megabyte without an alert": "长" * 110_000,
    "five hundred alerts": ALERT * 500,
    "brackets": "[" * 9_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_text_is_shown_as_text(client: FlaskClient, text: str) -> None:
    page = tried(client, text)
    assert "<script>alert" not in page
    assert "<img" not in page.partition("<main")[2]
    assert not re.search(r"\son\w+=\"|\sstyle=", page)
    shown = page.partition('id="result"')[2]
    assert not re.search("[\x00-\x08\x1b\x7f\u202a-\u202e\u2066-\u2069]", shown)


def test_a_text_larger_than_the_api_takes_is_refused(client: FlaskClient) -> None:
    data = {FORM_FIELD: token(client), "text": "x" * 1_100_000}
    assert client.post("/try", data=data).status_code == 413


def test_without_a_token_nothing_is_read(client: FlaskClient) -> None:
    assert client.post("/try", data={"text": ALERT}).status_code == 403


def test_who_has_not_come_in_tries_nothing(tmp_path: Path) -> None:
    settings = {"wechat_token": "hush", "wechat_appid": "wx5f3a09c27be1d846"}
    with console(tmp_path, **settings) as application:
        client = application.pages.test_client()
        assert (client.get("/try").status_code, client.post("/try").status_code) == (303, 403)


def test_it_works_without_a_database(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/none.db"
    client = make_app(Settings.model_validate({"database_url": url, "demo": True})).pages.test_client()
    assert "答它的规则" in tried(client, ALERT)


def test_nothing_that_is_tried_is_kept(tmp_path: Path) -> None:
    with console(tmp_path, demo=True) as application:
        tried(application.pages.test_client(), ALERT)
        store = application.service.store
        assert store
        assert [list(store.export(table)) for table in ("messages", "alerts", "gaps")] == [[], [], []]


@pytest.mark.parametrize("text", ["", "  \n "], ids=["nothing", "white space"])
def test_an_empty_text_has_no_result(client: FlaskClient, text: str) -> None:
    assert "读到的" not in tried(client, text)


def test_an_alert_is_shown_with_its_values_causes_rule_and_why_the_others_lost(client: FlaskClient) -> None:
    page = tried(client, ALERT)
    values = marked(page)
    assert values["appid"].startswith("wx")
    assert {"first_seen", "description", "count", "openid", "guide_url"} <= values.keys()
    for words in (
        "样例自己证明的原因",
        "cURL 56",
        "答它的规则",
        "没有一句对得上",
        "照它写一条规则",
        "id: my_rule",
    ):
        assert words in page
    assert 'href="/rules/bad_response"' in page


def test_what_was_not_understood_is_marked_and_named(client: FlaskClient) -> None:
    page = tried(client, UNREAD)
    assert "没读懂：" in page
    assert "unread" in marked(page)


def test_several_alerts_are_numbered_and_each_is_explained(client: FlaskClient) -> None:
    page = tried(client, SEVERAL)
    assert "2 条报警" in page
    assert page.count('class="nth"') == 2
    assert page.count("别的规则为什么不符合") == 2
    many = tried(client, ALERT * 12)
    assert "另外 2 条报警没有逐条解释" in many


def test_every_channel_shows_its_pages_with_their_bytes(client: FlaskClient) -> None:
    shown = tried(client, ALERT).partition('id="reply"')[2]
    assert "企业微信应用 · 接入的程序" in shown
    assert "企业微信机器人（Markdown）" in shown
    sizes = [(int(size), int(most)) for size, most in re.findall(r"(\d+) / (\d+) 字节", shown)]
    assert {most for _, most in sizes} == {channel.page_size.limit for channel in CHANNELS.values()}
    assert all(0 < size <= most for size, most in sizes)
    bubbles = [
        html.unescape(text) for text in re.findall(r'<pre class="bubble">(.*?)</pre>', shown, re.DOTALL)
    ]
    pages = list(zip(bubbles, (size for size, _ in sizes), strict=True))
    tapped = [(text, size) for text, size in pages if size == len(CHANNELS["wechat"].written(text).encode())]
    assert [text for text, _ in tapped if "「更多」" in text], "what a tap sends counts, and is not seen"
    assert all(size == len(text.encode()) for text, size in pages if (text, size) not in tapped)


def test_output_of_tools_is_judged(client: FlaskClient) -> None:
    page = tried(client, UPTIME)
    assert "uptime" in marked(page)
    assert "有问题" in page


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("45015", "问的是"),
        ("R4", "〔R4〕"),
        ("今天中午吃什么", "没有话题对得上"),
    ],
    ids=["a code", "a cited item", "small talk"],
)
def test_a_question_says_what_it_asks_for(client: FlaskClient, text: str, said: str) -> None:
    assert said in tried(client, text).partition('id="result"')[2]


def test_a_sample_is_tried_with_a_click(client: FlaskClient) -> None:
    page = tried(client, "", sample="4_bad_response")
    assert "bad_response" in page
    assert "竹影民宿" in page


def test_what_is_typed_stays_in_the_field(client: FlaskClient) -> None:
    page = tried(client, "\n  45015 <b>\n")
    assert "<textarea" in page
    assert (
        html.unescape(re.findall(r"<textarea[^>]*>\n(.*?)</textarea>", page, re.DOTALL)[0])
        == "\n  45015 <b>\n"
    )


def test_only_the_beginning_of_a_long_text_is_coloured(client: FlaskClient) -> None:
    page = tried(client, "长" * (MAX_CHARACTERS + 1))
    assert "这里只显示开头" in page
    assert "这里只显示开头" not in tried(client, "长" * MAX_CHARACTERS)


def test_the_page_is_there_in_english(client: FlaskClient) -> None:
    assert "See the answer" in client.get("/try?lang=en").get_data(as_text=True)
    assert "no sentence fits" in tried(client, ALERT)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("trial"), {}) as served:
        yield f"127.0.0.1:{served.port}"


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")
@pytest.mark.parametrize(("size", "theme"), [(PHONE, "light"), (DESKTOP, "dark")], ids=["phone", "desktop"])
def test_in_a_browser_the_answer_comes_and_the_text_stays(
    host: str, size: tuple[int, int], theme: Theme
) -> None:
    texts = (HOSTILE["a script"], f"{UNREAD}\n{ALERT}", UPTIME, "45015", "今天中午吃什么", "x" * 3_000)
    with a_browser() as browser, a_window(browser, host, size, theme) as window:
        window.open("/try")
        for text in texts:
            window.page.fill("#text", text)
            window.page.evaluate("document.querySelector('#result').replaceChildren()")
            window.page.click("form.card button")
            window.page.wait_for_selector("#result #reply")
            for details in window.page.query_selector_all("details:not([open]) > summary"):
                details.click()
            assert window.page.input_value("#text") == text
            assert window.findings() == []
            assert not window.is_too_wide()
        window.page.click("[name=sample][value='4_bad_response']")
        window.page.wait_for_selector("#reply")
        assert "竹影民宿" in window.page.input_value("#text")
        assert (window.complaints, window.elsewhere) == ([], [])
