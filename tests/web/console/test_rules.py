"""The page of rules: what is in use, what is wrong with the files, and what they would change."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from tests.support.browser import CHROMIUM
from tests.support.console import console
from tests.support.service import ALERT, serving
from tests.support.stores import message, opening
from tests.support.upgraded import new_file
from tests.support.windows import PHONE, a_browser, a_window
from triage.rules.model import RuleSet
from triage.store import Entry, Member, Store
from triage.web.asgi import Application
from triage.web.console import demo_people
from triage.web.console.rules import REPLAYED

NOW = datetime(2026, 5, 12, 10, 31, tzinfo=UTC)
BROKEN = "id: mine\nsevrity: high\n"
MINE = """\
id: mine
title: 我的
severity: high
meaning: 一句话
aliases: [我的那条规则]
steps: [{id: a, do: 看, source: field}]
examples: {match: [{query: 我的那条规则}], ignore: [{query: 今天中午吃什么}]}
"""
OFF = "off: [bad_response]\n"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A directory of the team, with one change in it."""
    directory = tmp_path / "own"
    directory.mkdir()
    (directory / "changes.yml").write_text("override: {bad_response: {owner: 后端二组}}\n", encoding="utf-8")
    return directory


@pytest.fixture
def application(tmp_path: Path, own: Path) -> Iterator[Application]:
    with console(tmp_path, demo=True, rules_dirs=str(own)) as application:
        yield application


@pytest.fixture
def client(application: Application) -> FlaskClient:
    return application.pages.test_client()


def shown(client: FlaskClient, address: str = "/rules") -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def change(application: Application, own: Path, **files: str) -> None:
    """Write files, and let the service look."""
    for name, text in files.items():
        (own / f"{name}.yml").write_text(text, encoding="utf-8")
    application.service.rules.look()


def keep(application: Application, number: int, appid: str, text: str = ALERT) -> None:
    assert application.service.store
    remember(application.service.store, number, appid, text)


def remember(store: Store, number: int, appid: str, text: str = ALERT, at: datetime = NOW) -> None:
    placed = opening(str(number), digest=str(number), appid=appid, seen_at=at)
    store.record(Entry(message(str(number), text=text), at, "回复", (placed,)))


@pytest.mark.parametrize("address", ["/rules", "/rules?replay=1", "/rules/bad_response"])
def test_who_has_not_come_in_sees_no_rule(address: str, tmp_path: Path) -> None:
    with console(tmp_path, wechat_token="hush", wechat_appid="wx5f3a09c27be1d846") as application:  # noqa: S106
        assert application.pages.test_client().get(address).status_code == 303


@pytest.mark.parametrize("name", ["nothing", "..", "%2e%2e%2fetc%2fpasswd", "%3Cscript%3E"])
def test_a_rule_that_is_not_there_is_not_found(client: FlaskClient, name: str) -> None:
    assert client.get(f"/rules/{name}").status_code == 404


@pytest.mark.parametrize("number", ["0", "-1", "x", "9" * 99, "٣"])
def test_a_page_that_is_not_there_is_the_nearest(client: FlaskClient, number: str) -> None:
    answer = client.get("/rules", query_string={"page": number})
    assert answer.status_code == 200


def test_every_rule_is_listed_with_its_file(client: FlaskClient, rules: RuleSet) -> None:
    page = shown(client)
    assert set(re.findall(r'href="/rules/(\w+)"', page)) == {rule.id for rule in rules.rules}
    assert "bad_response.yml:1" in page


def test_version_and_what_the_team_has_changed_are_told(
    application: Application, client: FlaskClient
) -> None:
    page = shown(client)
    assert application.service.rules.state.version in page
    assert "和磁盘上的文件一样" in page
    assert re.search(r"<code>bad_response</code> owner", page)


def test_a_mistake_in_a_changed_file_is_told_with_its_place_and_the_rules_stay(
    application: Application, client: FlaskClient, own: Path
) -> None:
    version = application.service.rules.state.version
    change(application, own, broken=BROKEN)
    page = shown(client)
    assert "还在用之前的" in page
    assert version in page
    assert f"{own}/broken.yml:2:1" in page
    assert "没有“sevrity”这个键" in page
    assert "是不是“severity”？" in page
    english = shown(client, "/rules?lang=en")
    assert "unknown key &#39;sevrity&#39;" in english
    assert "did you mean &#39;severity&#39;?" in english


def test_a_mistake_is_no_markup(application: Application, client: FlaskClient, own: Path) -> None:
    change(application, own, broken="<script>alert(1)</script>: \x1b[2J")
    assert "<script>alert" not in shown(client)


def test_mistakes_at_the_start_are_told_and_wait_for_nothing(tmp_path: Path, own: Path) -> None:
    (own / "broken.yml").write_text(BROKEN)
    with console(tmp_path, demo=True, rules_dirs=str(own)) as application:
        page = shown(application.pages.test_client())
        assert "有错的没有启用" in page
        assert "磁盘上没有等着换上的改动" in page


def test_mended_files_are_in_use_again(application: Application, client: FlaskClient, own: Path) -> None:
    before = application.service.rules.since
    change(application, own, broken=BROKEN)
    assert application.service.rules.since == before
    (own / "broken.yml").unlink()
    change(application, own)
    assert "和磁盘上的文件一样" in shown(client)
    assert application.service.rules.since > before


def test_replay_counts_what_the_files_would_change(
    application: Application, client: FlaskClient, own: Path
) -> None:
    for number in range(3):
        keep(application, number, "wx1")
    change(application, own, broken=BROKEN)
    (own / "changes.yml").unlink()
    change(application, own, off=OFF)
    assert "试一遍" in shown(client)
    page = shown(client, "/rules?replay=1")
    assert "3 条报警，3 条答得不一样" in page
    assert "bad_response · bad_response" in page
    assert "unknown · " in page


def test_replay_is_of_the_newest_alerts_alone(
    application: Application, client: FlaskClient, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert REPLAYED == 500
    monkeypatch.setattr("triage.web.console.rules.REPLAYED", 2)
    for number in range(3):
        keep(application, number, "wx1")
    change(application, own, broken=BROKEN)
    assert "2 条报警，0 条答得不一样" in shown(client, "/rules?replay=1")


def test_a_member_of_some_accounts_tries_rules_on_their_alerts_alone(tmp_path: Path, own: Path) -> None:
    appid = re.findall(r"(?i)appid: (\w+)", ALERT)[0]
    other = ALERT.replace(appid, "wx0000000000000000")
    with console(tmp_path, demo=True, rules_dirs=str(own)) as application:
        application.service.admins = {}
        person = demo_people.chosen({})
        store: Store | None = application.service.store
        assert store
        store.add_member(Member(person, "小王", None, (appid,), NOW))
        keep(application, 1, appid, f"{ALERT}\n{other}")
        keep(application, 2, "wx0000000000000000", other)
        change(application, own, broken=BROKEN)
        page = shown(application.pages.test_client(), "/rules?replay=1")
        assert "1 条报警，0 条答得不一样" in page


def test_a_page_without_a_database_still_lists_the_rules(
    application: Application, client: FlaskClient, own: Path
) -> None:
    change(application, own, broken=BROKEN)
    store, application.service.store = application.service.store, None
    try:
        assert "request_timeout" in shown(client)
        assert client.get("/rules?replay=1").status_code == 503
    finally:
        application.service.store = store


def test_a_rule_shows_its_file_with_numbered_lines_and_its_examples(
    client: FlaskClient, rules: RuleSet
) -> None:
    rule = rules.get("bad_response")
    assert rule
    page = shown(client, "/rules/bad_response")
    lines = Path(rule.location.file).read_text(encoding="utf-8").split("\n")
    assert re.findall(r'id="L(\d+)"', page) == [str(number) for number in range(1, len(lines) + 1)]
    assert f"{len(rule.match) + len(rule.ignore)} 个例子都对" in page


def test_a_mistake_stands_beside_its_line(application: Application, client: FlaskClient, own: Path) -> None:
    change(application, own, mine=MINE)
    change(application, own, mine=MINE.replace("meaning", "meanin"))
    page = shown(client, "/rules/mine")
    assert re.search(r'class="line bad" id="L4"', page)
    assert "meanin" in page.partition('class="finding bad"')[2][:120]


def test_an_example_that_fails_is_told(application: Application, client: FlaskClient, own: Path) -> None:
    step = "{id: b, do: 再看, when: {http_code: 404}, source: field}]"
    wrong = MINE.replace("field}]", f"field}}, {step}").replace(
        "match: [{query: 我的那条规则", "match: [{query: 请求超时"
    )
    change(application, own, mine=wrong)
    page = shown(client, "/rules/mine")
    assert "却是“request_timeout”胜出" in page
    assert "没有例子出现的步骤" in page


def test_a_file_that_has_gone_leaves_the_rest_of_the_page(
    application: Application, client: FlaskClient, own: Path
) -> None:
    change(application, own, mine=MINE)
    (own / "mine.yml").unlink()
    assert "cannot be read" in shown(client, "/rules/mine")


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")
def test_in_a_browser_what_waits_is_readable_on_a_phone(tmp_path: Path, own: Path) -> None:
    url = new_file(tmp_path / "triage.db")
    with closing(Store.open(url)) as store:
        remember(store, 1, "wx1", at=datetime.now(UTC))  # older ones are purged
    with (
        serving(tmp_path, {"TRIAGE_RULES_DIRS": str(own), "TRIAGE_DATABASE_URL": url}) as served,
        a_browser() as browser,
        a_window(browser, f"127.0.0.1:{served.port}", PHONE) as window,
    ):
        (own / "off.yml").write_text(OFF, encoding="utf-8")
        (own / "changes.yml").write_text(BROKEN, encoding="utf-8")
        for _ in range(100):  # until the service has looked at its files
            window.open("/rules")
            if window.page.query_selector("#replay a.button"):
                break
        assert (window.findings(), window.is_too_wide()) == ([], False)
        window.page.click("#replay a.button")
        assert "1 条报警，1 条答得不一样" in window.page.inner_text("#replay")
        assert (window.findings(), window.is_too_wide()) == ([], False)
        assert (window.complaints, window.elsewhere) == ([], [])
