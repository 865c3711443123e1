"""The guide: open to anybody, every topic with all its steps, found as in chat."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Browser

from tests.support.browser import CHROMIUM
from tests.support.console import console
from tests.support.service import serving
from tests.support.windows import PHONE, a_browser, a_window
from triage.rules.model import RuleSet
from triage.settings.directories import load_sources
from triage.settings.model import Settings
from triage.web.app import make_app

CLOSED = {"wechat_token": "hush", "wechat_appid": "wx5f3a09c27be1d846"}
FIRST_PAGE = 100_000


@pytest.fixture
def client(tmp_path: Path) -> Iterator[FlaskClient]:
    with console(tmp_path, demo=True) as application:
        yield application.pages.test_client()


def shown(client: FlaskClient, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


@pytest.mark.parametrize("address", ["/guide", "/guide?q=45015", "/guide/request_timeout"])
def test_anybody_may_read_it_and_it_needs_no_database(address: str, tmp_path: Path) -> None:
    settings = Settings.model_validate({**CLOSED, "database_url": f"sqlite:///{tmp_path}/none.db"})
    assert shown(make_app(settings).pages.test_client(), address)


def test_the_page_of_all_steps_is_for_members_alone(client: FlaskClient, tmp_path: Path) -> None:
    assert "steps=all" in shown(client, "/guide")
    with console(tmp_path, **CLOSED) as application:
        stranger = application.pages.test_client()
        assert stranger.get("/guide?steps=all").status_code == 403
        assert "steps=all" not in shown(stranger, "/guide")


@pytest.mark.parametrize("name", ["nothing", "..", "%3Cscript%3E", "request_timeout%00"])
def test_a_topic_that_is_not_there_is_not_found(client: FlaskClient, name: str) -> None:
    answer = client.get(f"/guide/{name}")
    assert answer.status_code == 404
    assert "<script>" not in answer.get_data(as_text=True).partition("<main")[2]


@pytest.mark.parametrize(
    "question",
    ["<script>alert(1)</script>", "x" * 50_000, "\x00\u202e", "' OR 1=1", "{{ 7*7 }}"],
    ids=["markup", "a long one", "control characters", "SQL", "a template"],
)
def test_a_hostile_question_stays_text(client: FlaskClient, question: str) -> None:
    answer = client.get("/guide", query_string={"q": question})
    page = answer.get_data(as_text=True)
    assert (answer.status_code, "<script>alert" in page) == (200, False)
    assert len(page) < FIRST_PAGE


def test_the_list_names_every_topic_but_the_help(client: FlaskClient, rules: RuleSet) -> None:
    page = shown(client, "/guide")
    linked = set(re.findall(r'href="/guide/(\w+)"', page))
    assert linked == {rule.id for rule in rules.rules} - {"help"}
    assert len(page.encode()) < FIRST_PAGE


def test_every_topic_shows_all_its_steps_with_what_they_cite(client: FlaskClient, rules: RuleSet) -> None:
    sources = load_sources()
    for rule in rules.rules:
        page = shown(client, f"/guide/{rule.id}")
        assert re.findall(r'<li id="step-(\w+)">', page) == [step.id for step in rule.steps]
        cited = [source for step in rule.steps for id_ in step.source if (source := sources.get(id_))]
        assert all(
            source.url is None or f'href="{source.url}"' in page.replace("&amp;", "&") for source in cited
        )
        assert "{{" not in page


def test_all_steps_are_on_one_page_for_printing(client: FlaskClient, rules: RuleSet) -> None:
    page = shown(client, "/guide?steps=all")
    ids = re.findall(r'<li id="([\w.]+)">', page)
    assert len(ids) == len(set(ids)) == sum(len(rule.steps) for rule in rules.rules if rule.id != "help")


@pytest.mark.parametrize(
    ("question", "topic", "words"),
    [
        ("请求超时", "request_timeout", ""),
        ("4", "request_timeout", ""),
        ("nginx 499", "nginx_status_499", ""),
        ("qingqiuchaoshi", "request_timeout", ""),
        ("45015", "customer_message_limits", "45015"),
    ],
    ids=["a name", "a number of the guide", "words", "pinyin", "a code"],
)
def test_it_is_searched_as_in_chat(client: FlaskClient, question: str, topic: str, words: str) -> None:
    found = client.get("/guide", query_string={"q": question}).get_data(as_text=True)
    first = found.partition('id="found"')[2].partition("</section>")[0]
    assert re.findall(r'href="/guide/(\w+)"', first)[0] == topic
    assert words in first


def test_a_cited_item_says_what_it_is_and_where_it_is_written(client: FlaskClient) -> None:
    source = load_sources().get("R4")
    assert source
    page = shown(client, "/guide?q=R4")
    assert source.sentence in page.replace("&#34;", '"')


def test_it_is_there_in_english(client: FlaskClient) -> None:
    assert "Topics to look up" in shown(client, "/guide?lang=en")
    assert "Healthy: " in shown(client, "/guide/request_timeout?lang=en")


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")
class TestInTheBrowser:
    @pytest.fixture(scope="class")
    @classmethod
    def host(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
        with serving(tmp_path_factory.mktemp("guide"), {}) as served:
            yield f"127.0.0.1:{served.port}"

    @pytest.fixture(scope="class")
    @classmethod
    def browser(cls) -> Iterator[Browser]:
        with a_browser() as browser:
            yield browser

    def test_a_deep_link_leads_to_its_step_and_a_search_needs_no_script(
        self, browser: Browser, host: str
    ) -> None:
        with a_window(browser, host, PHONE, java_script_enabled=False) as window:
            window.open("/guide/request_timeout#step-count_499")
            assert window.page.is_visible("#step-count_499:target")
            window.open("/guide")
            window.page.fill("#q", "45015")
            window.page.press("#q", "Enter")
            window.page.click("#found ~ ul a")
            assert window.page.url.endswith("/guide/customer_message_limits")
            assert (window.complaints, window.elsewhere) == ([], [])

    @pytest.mark.parametrize(
        "address", ["/guide?q=45015", "/guide?q=R4", "/guide?q=zzzz", "/guide?steps=all"]
    )
    def test_axe_finds_nothing_in_what_is_asked_for(self, browser: Browser, host: str, address: str) -> None:
        with a_window(browser, host, PHONE) as window:
            window.open(address)
            assert (window.findings(), window.is_too_wide()) == ([], False)
