"""What every page of the console has: its words in two languages, its headers, and the check of every write."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from flask import Blueprint
from flask.testing import FlaskClient
from werkzeug.wrappers import Response

from tests.support.console import TEMPLATES, console, texts
from tests.support.console_pages import addresses
from triage.web.console import words
from triage.web.console.frame import FORM_FIELD, csrf_field, page
from triage.web.console.pages import PAGES
from triage.web.console.visitors import Sight, seen_by, sight_of

_VALUES = re.compile(r"%\((\w+)\)s")
_CHINESE = re.compile(r"[\u4e00-\u9fff]")


def sample() -> Blueprint:
    blueprint = Blueprint("sample", __name__)

    @blueprint.get("/sample")
    @seen_by(Sight.MEMBER)
    def look() -> Response:
        return page("problem.html", title="<script>alert(1)</script>", advice=csrf_field())

    @blueprint.post("/sample")
    @seen_by(Sight.MEMBER)
    def write() -> Response:
        return page("problem.html", title="written", advice="")

    return blueprint


@pytest.fixture
def client(tmp_path: Path) -> Iterator[FlaskClient]:
    with console(tmp_path, sample(), demo=True) as application:
        yield application.pages.test_client()


def token(client: FlaskClient) -> str:
    found = re.search(f'name="{FORM_FIELD}" value="([^"]+)"', client.get("/sample").get_data(as_text=True))
    assert found
    return found[1]


def test_every_text_has_its_english() -> None:
    missing = {(text, file) for text, file in texts() if text not in words.english()}
    assert not missing


def test_no_english_is_for_a_text_that_is_gone() -> None:
    assert set(words.english()) <= {text for text, _ in texts()}


def test_no_text_has_its_english_twice() -> None:
    tree = yaml.compose((TEMPLATES / "english.yml").read_text(encoding="utf-8"))
    assert isinstance(tree, yaml.MappingNode)
    assert [text for text, times in Counter(key.value for key, _ in tree.value).items() if times > 1] == []


@pytest.mark.parametrize("text", words.english())
def test_english_keeps_the_values_of_its_text_and_has_no_chinese(text: str) -> None:
    shown = words.english()[text]
    assert set(_VALUES.findall(shown)) == set(_VALUES.findall(text))
    assert not _CHINESE.search(shown.replace("登录", ""))


def test_every_view_says_whom_it_is_for(tmp_path: Path) -> None:
    with console(tmp_path, demo=True) as application:
        ours = {blueprint.name for blueprint in PAGES}
        views = application.pages.view_functions.items()
        assert not [name for name, view in views if name.partition(".")[0] in ours and not sight_of(view)]


def test_what_is_shown_is_text_and_never_markup(client: FlaskClient) -> None:
    body = client.get("/sample").get_data(as_text=True)
    assert "&lt;script&gt;alert(1)" in body
    assert "<script>alert" not in body


def test_a_page_is_kept_nowhere_and_framed_nowhere(client: FlaskClient) -> None:
    headers = client.get("/sample").headers
    assert headers["Cache-Control"] == "no-store"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]


def test_a_page_fits_the_policy_without_inline_style_or_script(client: FlaskClient) -> None:
    body = client.get("/sample").get_data(as_text=True)
    assert not re.search(r"\son\w+=|\sstyle=|<style|<script(?![^>]*\ssrc=)", body)


@pytest.mark.parametrize(
    ("asked", "preferred", "shown"),
    [
        ("", "zh-CN", "跳到正文"),
        ("", "en-GB,en;q=0.9,zh;q=0.5", "Skip to content"),
        ("", "fr", "跳到正文"),
        ("?lang=en", "zh-CN", "Skip to content"),
        ("?lang=zh", "en", "跳到正文"),
        ("?lang=<b>", "en", "Skip to content"),
    ],
)
def test_language_is_the_one_asked_for_else_the_browsers(
    client: FlaskClient, asked: str, preferred: str, shown: str
) -> None:
    body = client.get(f"/sample{asked}", headers={"Accept-Language": preferred}).get_data(as_text=True)
    assert shown in body


def test_a_chosen_language_is_kept(client: FlaskClient) -> None:
    client.get("/sample?lang=en")
    assert "Skip to content" in client.get("/sample", headers={"Accept-Language": "zh"}).get_data(
        as_text=True
    )


def test_a_form_of_ours_is_accepted(client: FlaskClient) -> None:
    written = client.post("/sample", data={FORM_FIELD: token(client)})
    assert (written.status_code, "written" in written.get_data(as_text=True)) == (200, True)


@pytest.mark.parametrize(
    ("field", "headers"),
    [
        (None, {}),
        ("", {}),
        ("x" * 32, {}),
        ("\ud800", {}),
        ("ours", {"Origin": "https://evil.example"}),
        ("ours", {"Origin": "null"}),
        ("ours", {"Sec-Fetch-Site": "cross-site"}),
        ("ours", {"Sec-Fetch-Site": "same-site"}),
    ],
    ids=[
        "no token",
        "empty",
        "a guess",
        "no text",
        "another site",
        "no site",
        "cross-site",
        "a sibling site",
    ],
)
def test_a_foreign_write_is_refused(client: FlaskClient, field: str | None, headers: dict[str, str]) -> None:
    ours = token(client)
    value = ours if field == "ours" else field
    data = {} if value is None else {FORM_FIELD: value.encode("utf-8", "surrogatepass")}
    assert client.post("/sample", data=data, headers=headers).status_code == 403


def test_a_token_without_its_cookie_is_refused(client: FlaskClient) -> None:
    ours = token(client)
    client.delete_cookie("triage_form")
    assert client.post("/sample", data={FORM_FIELD: ours}).status_code == 403


def test_every_page_is_there_without_the_database_or_says_in_words_that_it_is_away(tmp_path: Path) -> None:
    with console(tmp_path, demo=True) as application:
        application.service.store = None
        client = application.pages.test_client()
        known = list(addresses(application.pages, 1))
        answers = {address: client.get(address) for address in known}
    away = {address for address, answer in answers.items() if answer.status_code == 503}
    assert away == {address for address in known if address.startswith(("/now", "/incidents/", "/week"))}
    for address in away:
        assert "数据库没有回应" in answers[address].get_data(as_text=True), address
    assert {answers[address].status_code for address in known if address not in away} <= {200, 302, 303}


def test_who_has_not_come_in_sees_no_page_of_members(tmp_path: Path) -> None:
    settings = {"wechat_token": "hush", "wechat_appid": "wx5f3a09c27be1d846"}
    with console(tmp_path, sample(), **settings) as application:
        assert application.pages.test_client().get("/sample").status_code == 303
