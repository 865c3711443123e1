"""The page of the week: its numbers, its files, who sees what of them, and its chart in a real browser."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from tests.support.browser import CHROMIUM, Browser
from tests.support.console import console
from tests.support.full_store import Size, fill
from tests.support.service import serving
from tests.support.stores import entry, opening, person, recorded_in
from tests.support.upgraded import new_file
from triage.incidents.weeks import Week
from triage.store import Action, Store
from triage.web.asgi import Application
from triage.web.console.figures import as_csv, figures

NOW = datetime.now(UTC)
WEEK = Week.of(NOW)
"""Asked for by its name: another one may begin while the tests run."""
THIS = f"week={WEEK}"


@pytest.fixture
def application(tmp_path: Path) -> Iterator[Application]:
    with console(tmp_path, demo=True) as application:
        yield application


@pytest.fixture
def client(application: Application) -> FlaskClient:
    return application.pages.test_client()


@pytest.fixture
def store(application: Application) -> Store:
    assert application.service.store
    return application.service.store


def _shown(client: FlaskClient, address: str = f"/week?{THIS}", lang: str = "zh") -> str:
    answer = client.get(address, headers={"Accept-Language": lang})
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def _open(store: Store, key: str = "a", **values: object) -> int:
    (incident,) = recorded_in(store, entry(key, opening(key, digest=key, **{"seen_at": NOW} | values)))
    return incident


@pytest.mark.parametrize(
    "name",
    ["2026-W00", "2025-W53", "x", "<script>", "9999-W01", "../W01", str(WEEK.after.after)],
    ids=["no week", "none of that year", "a word", "markup", "beyond", "a path", "one that has not begun"],
)
@pytest.mark.parametrize("page", ["/week", "/week.json", "/week.csv"])
def test_what_names_no_week_is_not_found(client: FlaskClient, page: str, name: str) -> None:
    answer = client.get(page, query_string={"week": name})
    assert answer.status_code == 404
    assert "<script>alert" not in answer.get_data(as_text=True)


@pytest.mark.parametrize("page", ["/week", "/week.json", "/week.csv"])
def test_who_has_not_signed_in_sees_none_of_it(tmp_path: Path, page: str) -> None:
    settings = {"wechat_token": "hush", "wechat_appid": "wx5f3a09c27be1d846"}
    with console(tmp_path, **settings) as application:
        answer = application.pages.test_client().get(page)
        assert answer.status_code in (302, 303, 403)
        assert "报警" not in answer.get_data(as_text=True).replace("报警排查", "")


def test_an_empty_week_says_so_in_words(client: FlaskClient) -> None:
    shown = _shown(client)
    assert "这一周没有报警。" in shown
    assert 'class="chart"' not in shown
    assert "这一周的报警和问题都有规则认得。" in shown
    assert "No alert in this week." in _shown(client, lang="en")


def test_an_earlier_week_leads_back(client: FlaskClient) -> None:
    shown = _shown(client, f"/week?week={WEEK.before}")
    assert f'rel="next" href="?week={WEEK}"' in shown
    assert f'rel="prev" href="?week={WEEK.before.before}"' in shown
    assert 'rel="next"' not in _shown(client, "/week")


def test_what_stands_in_an_alert_is_text_and_its_secrets_are_masked(
    client: FlaskClient, store: Store
) -> None:
    evil = "<script>alert(1)</script>"
    _open(store, nickname=evil, callback=f"https://a.example/{evil}/x?y", ip=evil, kind=evil)
    store.record(entry("gap", gap=f"{evil} oxMZqMlYcE8sWb_ur3eWEntpEXDM 怎么办", received_at=NOW))
    shown = _shown(client)
    assert "<script>alert" not in shown
    assert "oxMZqMlYcE8sWb_ur3eWEntpEXDM" not in shown
    assert "oxMZqMlYcE8sWb_ur3eWEntpEXDM" not in client.get(f"/week.csv?{THIS}").get_data(as_text=True)


def test_the_page_says_how_long_people_took(client: FlaskClient, store: Store) -> None:
    incident = _open(store)
    for minutes, kind in ((12, "claim"), (95, "close")):
        at = NOW + timedelta(minutes=minutes)
        done = Action(kind, incident, person("oBob"))  # type: ignore[arg-type]
        store.record(entry(kind, actions=(done,), received_at=at))
    _open(store, "b")
    shown = _shown(client)
    assert "12 分钟" in shown
    assert "1 小时 35 分" in shown
    assert "1 / 2 件" in shown
    assert "1 h 35 min" in _shown(client, lang="en")


def test_the_json_has_the_numbers_of_the_page(client: FlaskClient, store: Store) -> None:
    incident = _open(store)
    _open(store, "b", kind="dns_failure", appid="wx2", ip=None)
    store.record(entry("gap", gap="小程序码怎么办", received_at=NOW))
    store.claim_incident(incident, person("oBob"), NOW + timedelta(minutes=3))
    answer = client.get(f"/week.json?{THIS}")
    assert f'filename="triage-{WEEK}.json"' in answer.headers["Content-Disposition"]
    assert answer.headers["Cache-Control"] == "no-store"
    told = json.loads(answer.get_data(as_text=True))
    day = [0] * 7
    day[(NOW - WEEK.begins).days] = 1
    assert told["kinds"] == [
        {"kind": "dns_failure", "days": day, "alerts": 1},
        {"kind": "request_timeout", "days": day, "alerts": 1},
    ]
    assert told["callbacks"] == [{"name": "a.example/cb", "alerts": 2, "accounts": 2}]
    assert told["addresses"] == [{"name": "1.2.3.4", "alerts": 1, "accounts": 1}]
    assert told["claim"] == {"done": 1, "never": 1, "median": 180, "slowest_tenth": 180}
    assert told["close"] == {"done": 0, "never": 2, "median": None, "slowest_tenth": None}
    assert [(gap["text"], gap["times"]) for gap in told["gaps"]] == [("小程序码怎么办", 1)]


def test_the_csv_is_for_spreadsheets_and_holds_no_formula(client: FlaskClient, store: Store) -> None:
    _open(store, nickname="=HYPERLINK(1)", callback="+cmd", ip="@sum")
    store.record(entry("gap", gap="-1+1", received_at=NOW))
    body = client.get(f"/week.csv?{THIS}").get_data()
    assert body.startswith("\ufeff".encode())
    head, *rows = csv.reader(io.StringIO(body.decode("utf-8-sig")))
    assert head == ["week", "what", "name", "detail", "value"]
    assert all(len(row) == len(head) for row in rows)
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@"))]
    assert [str(WEEK), "callback", "'+cmd", "alerts", "1"] in rows


def test_a_member_of_some_accounts_sees_those_alone(tmp_path: Path) -> None:
    """What the page asks is asked by account; questions that no rule knew say nothing of theirs."""
    with console(tmp_path, demo=True) as application:
        store = application.service.store
        assert store
        for number in (1, 2):
            _open(
                store,
                f"{number}",
                appid=f"wx{number}",
                ip=f"192.0.2.{number}",
                callback=f"https://{number}.example/",
            )
        store.record(entry("gap", gap="别人的话", received_at=NOW))
        seen = figures(store, WEEK, ("wx2",), NOW, _no_topic)
        assert (seen.alerts, seen.opened, seen.gaps) == (1, 1, None)
        assert [place.name for place in (*seen.callbacks, *seen.addresses)] == ["2.example/", "192.0.2.2"]
        told = as_csv(seen)
        assert "192.0.2.1" not in told
        assert "别人的话" not in told


def _no_topic(_text: str) -> tuple[str, ...]:
    return ()


def test_figures_are_counted_anew_after_a_while(store: Store) -> None:
    _open(store, "a")
    assert figures(store, WEEK, (), NOW, _no_topic).alerts == 1
    _open(store, "b")
    soon, late = NOW + timedelta(seconds=29), NOW + timedelta(seconds=31)
    assert figures(store, WEEK, (), soon, _no_topic).alerts == 1
    assert figures(store, WEEK, ("wx1",), soon, _no_topic).alerts == 2
    assert figures(store, WEEK, (), late, _no_topic).alerts == 2


def test_no_more_weeks_are_kept_than_people_look_at(store: Store) -> None:
    week = WEEK
    for _ in range(70):
        figures(store, week, (), NOW, _no_topic)
        week = week.before
    _open(store, "a")
    assert figures(store, WEEK, (), NOW, _no_topic).alerts == 1, "the oldest were forgotten"


def test_a_full_week_names_what_solved_it_and_stays_small(
    application: Application, client: FlaskClient
) -> None:
    url = application.service.settings.database_url
    fill(url, NOW, Size(incidents=800, alerts=4_000, days=7))
    answer = _shown(client, f"/week?week={WEEK.before}") + _shown(client)
    assert "哪一步解决了问题" in answer
    assert "第 1 步" in answer
    assert "逐字核对域名：拼写" in answer, "a step reads as in the guide, where no alert fills it"
    assert len(_shown(client).encode()) < 60_000


@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium to look at the page with")
class TestInBrowser:
    @pytest.fixture(scope="class")
    @classmethod
    def address(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
        folder = tmp_path_factory.mktemp("week")
        url = new_file(folder / "triage.db")
        fill(url, NOW, Size(incidents=200, alerts=1_000, days=7))
        with serving(folder, {"TRIAGE_DATABASE_URL": url}) as served:
            yield f"http://127.0.0.1:{served.port}/week?week={Week.of(NOW - timedelta(days=2))}"

    @pytest.fixture
    def browser(self) -> Iterator[Browser]:
        browser = Browser()
        yield browser
        browser.close()

    @staticmethod
    def _look(browser: Browser, address: str, width: int = 1280) -> None:
        browser.size(width, 900)
        browser.call("Page.navigate", url=address)
        browser.until("document.readyState === 'complete' && document.querySelector('.plot canvas')")

    def test_the_chart_is_drawn_above_its_table_and_nothing_complains(
        self, browser: Browser, address: str
    ) -> None:
        self._look(browser, address)
        assert browser.run("document.querySelector('.plot').nextElementSibling.tagName") == "DETAILS"
        assert browser.run("document.querySelector('.plot').getAttribute('aria-hidden')") == "true"
        assert browser.run("document.querySelectorAll('table.chart tbody tr').length") == 7
        legend = browser.run("document.querySelectorAll('.plot .u-series').length")
        assert legend == browser.run("document.querySelectorAll('table.chart thead th').length - 1")
        assert browser.complaints == []

    @pytest.mark.parametrize("width", [320, 390, 768, 1280])
    def test_nothing_is_cut_off_at_any_width(self, browser: Browser, address: str, width: int) -> None:
        self._look(browser, address, width)
        assert browser.run("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        assert browser.run(
            "document.querySelector('.plot canvas').getBoundingClientRect().right <= innerWidth"
        )

    def test_the_chart_follows_the_width_and_the_theme(self, browser: Browser, address: str) -> None:
        self._look(browser, address)
        width = "document.querySelector('.plot canvas').getBoundingClientRect().width"
        before, light = browser.run(width), browser.run("document.querySelector('.plot canvas').toDataURL()")
        browser.size(390, 844)
        browser.until(f"{width} < {before}")
        browser.size(1280, 900)
        browser.until(f"{width} === {before}")
        dark = {"name": "prefers-color-scheme", "value": "dark"}
        browser.call("Emulation.setEmulatedMedia", features=[dark])
        browser.until(f"document.querySelector('.plot canvas').toDataURL() !== {json.dumps(light)}")

    def test_a_table_that_changes_is_drawn_again_and_one_that_goes_takes_its_chart_along(
        self, browser: Browser, address: str
    ) -> None:
        self._look(browser, address)
        browser.run("window.before = document.querySelector('.plot canvas')")
        browser.run("document.querySelector('table.chart td').textContent = '5000'")
        browser.until("document.querySelector('.plot canvas') !== window.before")
        browser.run("document.querySelector('table.chart').closest('details').remove()")
        browser.until("!document.querySelector('.plot')")

    def test_rows_with_times_stand_on_an_axis_of_time(self, browser: Browser, address: str) -> None:
        self._look(browser, address)
        times = [f"2026-11-29T10:{minute:02}:00+08:00" for minute in (0, 5, 30)]
        rows = "".join(f"<tr><th><time datetime='{time}'>{time}</time></th><td>3</td></tr>" for time in times)
        table = f"<table class=chart><thead><tr><th>t<th>n</thead><tbody>{rows}</tbody></table>"
        browser.run(f"document.querySelector('main').insertAdjacentHTML('beforeend', {json.dumps(table)})")
        browser.until("document.querySelectorAll('.plot').length === 2")
        assert browser.complaints == []
