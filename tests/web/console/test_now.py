"""The page Now: what is open and for whom, what can be done there, and that it keeps itself up to date."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.support.browser import CHROMIUM, REFRESH, SECONDS, Browser, demo_page
from tests.support.console import console
from tests.support.stores import entry, opened, recorded_in, sighting
from triage.incidents.correlation import Incident, Reason, State
from triage.message import Person
from triage.store import Change, Member, Store
from triage.web.asgi import Application
from triage.web.console import now
from triage.web.console.demo_people import APPID, CHANNEL, COOKIE, MEMBERS, PEOPLE
from triage.web.console.frame import FORM_FIELD

WANG, LI = (Person(CHANNEL, APPID, PEOPLE[who]) for who in ("wang", "li"))
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Application]:
    with console(tmp_path, demo=True) as application:
        yield application


@pytest.fixture
def client(app: Application) -> FlaskClient:
    return app.pages.test_client()


@pytest.fixture
def store(app: Application) -> Store:
    assert app.service.store
    return app.service.store


def _opened(store: Store, number: int = 1, **values: Any) -> int:
    """An incident whose alert has just come."""
    moment = datetime.now(UTC)
    values = {"appid": f"wx{number:016}", "ip": None, "seen_at": moment, "first_seen": moment, **values}
    return opened(store, f"wx|{number}", digest=f"d{number}", **values)


def _shown(client: FlaskClient, path: str = "/now") -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def _numbers(body: str) -> list[int]:
    """The incidents in their order."""
    return [int(number) for number in re.findall(r'<li id="incident-(\d+)"', body)]


def _post(client: FlaskClient, **fields: Any) -> Any:
    found = re.search(f'name="{FORM_FIELD}" value="([^"]+)"', _shown(client))
    assert found
    return client.post("/now", data={FORM_FIELD: found[1], **fields})


def _did(client: FlaskClient, **fields: Any) -> str:
    """What the page says after a write."""
    answer = _post(client, **fields)
    assert answer.status_code == 303, answer.get_data(as_text=True)
    told = re.search(r'<p class="card told" role="status">(.*?)</p>', _shown(client, answer.location))
    return told[1] if told else ""


def _incident(store: Store, number: int) -> Incident:
    found = store.incident(number)
    assert found
    return found


class TestList:
    def test_nothing_is_open(self, client: FlaskClient) -> None:
        body = _shown(client)
        assert "现在没有事件" in body
        assert 'name="words"' not in body

    def test_what_stands_in_an_alert_is_text(self, client: FlaskClient, store: Store) -> None:
        _opened(store, nickname=HOSTILE, title=HOSTILE, kind=HOSTILE)
        body = _shown(client)
        assert "<script>alert" not in body
        assert "&lt;script&gt;alert(1)" in body

    def test_the_worst_come_first_and_closed_ones_not_at_all(self, client: FlaskClient, store: Store) -> None:
        _opened(store, 1, rank=2), _opened(store, 2, rank=0, kind="mark_fail", title="MarkFail")
        closed = _opened(store, 3)
        store.close_incident(closed, WANG, datetime.now(UTC))
        body = _shown(client)
        assert _numbers(body) == [2, 1]
        assert "平台暂停推送，还剩" in body
        assert "2 件没关闭，2 件没人认领" in body

    def test_a_line_says_what_is_known(self, client: FlaskClient, store: Store) -> None:
        moment = datetime.now(UTC) - timedelta(minutes=9)
        number = _opened(
            store, kind="connect_timeout", title="连接超时", count=86, seen_at=moment,
            first_seen=moment - timedelta(minutes=20),
        )  # fmt: skip
        joined = sighting("more", nickname="时令果蔬", seen_at=moment, first_seen=moment, count=4)
        recorded_in(store, entry("more", (joined, Change("wx|1", number, Reason.JOINED))))
        body = _shown(client)
        for said in (
            "时令果蔬",
            "连接超时 → ",
            "回应超时",
            "5 分钟 90 次",
            "2 条报警",
            "已经 29 分钟",
            "9 分钟前",
        ):
            assert said in body

    def test_accounts_on_one_machine_stand_together_with_the_reason(
        self, client: FlaskClient, store: Store
    ) -> None:
        for number in (1, 2, 3):
            _opened(store, number, ip="203.0.113.7")
        assert "3 个号都在机器 203.0.113.7 上" in _shown(client)

    def test_the_list_is_turned_page_by_page(
        self, client: FlaskClient, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(now, "ON_A_PAGE", 2)
        for number in range(5):
            _opened(store, number)
        pages = [_numbers(_shown(client, f"/now?page={number}")) for number in (1, 2, 3)]
        assert sorted(number for numbers in pages for number in numbers) == [1, 2, 3, 4, 5]
        assert list(map(len, pages)) == [2, 2, 1]

    @pytest.mark.parametrize("number", ["0", "-1", "99", "x", "9" * 40])
    def test_a_page_that_is_none_is_the_first_or_the_last(
        self, client: FlaskClient, store: Store, number: str
    ) -> None:
        _opened(store)
        assert _numbers(_shown(client, f"/now?page={number}")) == [1]

    def test_it_is_there_in_english(self, client: FlaskClient, store: Store) -> None:
        _opened(store, kind="connect_timeout", title="连接超时")
        body = _shown(client, "/now?lang=en")
        assert "1 open, 1 not claimed" in body
        assert "connect" in body.lower()

    def test_what_others_forwarded_is_counted_and_not_shown(self, client: FlaskClient, store: Store) -> None:
        moment = datetime.now(UTC)
        apart = Change("wx|9", None, Reason.OPENED, is_confirmed=False)
        recorded_in(store, entry("apart", (sighting(seen_at=moment), apart)))
        body = _shown(client)
        assert _numbers(body) == []
        assert "1 件外人转来的等确认" in body


class TestDeeds:
    def test_a_claim_is_recorded_as_by_the_visitor(self, client: FlaskClient, store: Store) -> None:
        number = _opened(store)
        assert _did(client, claim=str(number)) == "认领了 1 件"
        assert _incident(store, number).owner == WANG
        assert "你在处理" in _shown(client)
        client.set_cookie(COOKIE, "li")
        assert "小王在处理" in _shown(client)

    def test_a_claim_comes_too_late(self, client: FlaskClient, store: Store) -> None:
        number = _opened(store)
        store.claim_incident(number, LI, datetime.now(UTC))
        assert _did(client, claim=str(number)) == f"认领了 0 件。没有动：#{number} 小李在处理"
        assert _incident(store, number).owner == LI

    def test_several_are_closed_with_one_reason_but_for_those_of_others(
        self, client: FlaskClient, store: Store
    ) -> None:
        first, second, others = (_opened(store, number) for number in (1, 2, 3))
        store.claim_incident(others, LI, datetime.now(UTC))
        told = _did(client, deed="close", number=[first, second, others], words="换了证书")
        assert told == f"关闭了 2 件。没有动：#{others} 小李在处理"
        assert [_incident(store, number).state for number in (first, second, others)] == [
            State.CLOSED,
            State.CLOSED,
            State.OPEN,
        ]
        assert _incident(store, first).closed_note == "换了证书"

    def test_a_single_one_of_somebody_else_can_be_closed(self, client: FlaskClient, store: Store) -> None:
        number = _opened(store)
        store.claim_incident(number, LI, datetime.now(UTC))
        assert _did(client, deed="close", number=number, words="好了") == "关闭了 1 件"

    def test_notes_are_added_and_an_empty_one_is_not(self, client: FlaskClient, store: Store) -> None:
        number = _opened(store)
        assert _did(client, deed="note", number=number, words="  重启了 nginx ") == "给 1 件加了备注"
        assert store.timeline(number)[-1].detail == "重启了 nginx"
        assert "备注是空的" in _did(client, deed="note", number=number, words="  ")
        assert len(store.timeline(number)) == 2

    def test_a_long_note_is_cut_as_in_chat(self, client: FlaskClient, store: Store) -> None:
        number = _opened(store)
        _did(client, deed="note", number=number, words="长" * 5_000)
        assert len(store.timeline(number)[-1].detail or "") == 500

    def test_only_what_is_one_s_own_is_let_go(self, client: FlaskClient, store: Store) -> None:
        mine, others = _opened(store, 1), _opened(store, 2)
        store.claim_incident(mine, WANG, datetime.now(UTC))
        store.claim_incident(others, LI, datetime.now(UTC))
        assert "放手了 1 件" in _did(client, deed="release", number=[mine, others])
        assert (_incident(store, mine).owner, _incident(store, others).owner) == (None, LI)

    @pytest.mark.parametrize(
        "fields",
        [
            pytest.param({}, id="nothing"),
            pytest.param({"deed": "close", "words": "改了配置"}, id="no incident"),
            pytest.param({"deed": "delete", "number": "1", "words": "改了配置"}, id="no such deed"),
            pytest.param({"deed": "close", "number": "1e3", "words": "改了配置"}, id="no number"),
            pytest.param(
                {"deed": "close", "number": "９", "words": "改了配置"}, id="a digit of another script"
            ),
            pytest.param({"deed": "close", "number": "9" * 10, "words": "改了配置"}, id="too long a number"),
        ],
    )
    def test_nothing_is_done_and_what_was_typed_is_still_there(
        self, client: FlaskClient, store: Store, fields: dict[str, str]
    ) -> None:
        number = _opened(store)
        answer = _post(client, **fields)
        assert answer.status_code == 422
        assert "什么都没做" in answer.get_data(as_text=True)
        assert f'value="{fields.get("words", "")}"' in answer.get_data(as_text=True)
        assert _incident(store, number).state is State.OPEN

    def test_one_that_is_not_there_is_told(self, client: FlaskClient, store: Store) -> None:
        _opened(store)
        assert _did(client, claim="4711") == "认领了 0 件。没有动：#4711 没有这件事"

    @pytest.mark.parametrize(
        "query",
        [
            "did=claim&done=<b>",
            "did=nonsense&done=3",
            f"did=claim&done=1&left={HOSTILE}",
            "did=close&left=999999999",
        ],
    )
    def test_a_forged_address_shows_nothing_of_its_own(
        self, client: FlaskClient, store: Store, query: str
    ) -> None:
        _opened(store)
        body = _shown(client, f"/now?{query}")
        assert "<b>" not in body
        assert "<script>alert" not in body

    def test_a_write_without_the_token_of_the_page_is_refused(
        self, client: FlaskClient, store: Store
    ) -> None:
        number = _opened(store)
        assert client.post("/now", data={"claim": number}).status_code == 403
        assert _incident(store, number).owner is None


class TestAccess:
    @pytest.fixture
    def of_another_team(self, app: Application, store: Store) -> FlaskClient:
        """Li, who sees the account wx0 alone."""
        app.service.admins = {WANG: MEMBERS[WANG]}
        store.add_member(Member(LI, "小李", None, (f"wx{0:016}",), datetime.now(UTC)))
        client = app.pages.test_client()
        client.set_cookie(COOKIE, "li")
        return client

    def test_a_stranger_sees_nothing(self, client: FlaskClient, store: Store) -> None:
        number = _opened(store)
        client.set_cookie(COOKIE, "guest")
        assert client.get("/now").status_code == 403
        assert client.post("/now", data={"claim": number}).status_code == 403

    def test_a_member_of_another_team_sees_their_accounts_alone(
        self, of_another_team: FlaskClient, store: Store
    ) -> None:
        mine, _ = _opened(store, 0), _opened(store, 1)
        assert _numbers(_shown(of_another_team)) == [mine]

    def test_a_member_of_another_team_changes_nothing_of_other_accounts(
        self, of_another_team: FlaskClient, store: Store
    ) -> None:
        _opened(store, 0)
        others = _opened(store, 1)
        fields: dict[str, Any] = {"number": others, "words": "x"}
        for deed in ("claim", "note", "close"):
            assert f"#{others} 没有这件事" in _did(of_another_team, deed=deed, **fields)
        incident = _incident(store, others)
        assert (incident.owner, incident.state) == (None, State.OPEN)
        assert [event.what for event in store.timeline(others)] == ["open"]


@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium to look at the page with")
class TestInTheBrowser:
    @pytest.fixture(scope="class")
    @classmethod
    def folder(cls, tmp_path_factory: pytest.TempPathFactory) -> Path:
        return tmp_path_factory.mktemp("now")

    @pytest.fixture(scope="class")
    @classmethod
    def address(cls, folder: Path) -> Iterator[str]:
        with demo_page(folder) as address:
            yield address

    @pytest.fixture
    def kept(self, folder: Path, address: str) -> Iterator[Store]:
        """What the service keeps; nothing is left open for the next test."""
        with closing(Store.open(f"sqlite:///{folder / 'triage-demo.db'}")) as store:
            yield store
            for incident in store.following.open_incidents():
                store.close_incident(incident.id, WANG, datetime.now(UTC))

    @pytest.fixture
    def windows(self) -> Iterator[tuple[Browser, Browser]]:
        first, second = Browser(8 * SECONDS), Browser(8 * SECONDS)
        yield first, second
        first.close()
        second.close()

    def test_a_claim_in_one_window_is_seen_in_another_where_typing_goes_on(
        self, windows: tuple[Browser, Browser], address: str, kept: Store
    ) -> None:
        mine, theirs = windows
        number = _opened(kept)
        for window in windows:
            window.hold_back()
            window.visit(f"{address}now?lang=zh")
        mine.run("document.querySelector('#words').focus()")
        mine.call("Input.insertText", text="正在写的备注")
        mine.run(f"document.querySelector('#pick-{number}').click()")
        theirs.follow("document.querySelector('[name=claim]').click()")
        mine.let_pass(REFRESH)
        mine.until("document.querySelector('#now').textContent.includes('在处理')")
        assert mine.run("document.querySelector('#words').value") == "正在写的备注"
        assert (
            mine.run("document.activeElement.id") == f"pick-{number}"
            or mine.run("document.activeElement.id") == "words"
        )
        assert mine.run(f"document.querySelector('#pick-{number}').checked")
        assert _incident(kept, number).owner == WANG
        assert (mine.complaints, theirs.complaints) == ([], [])

    def test_enter_in_the_note_writes_it_to_what_is_ticked_and_claims_nothing(
        self, windows: tuple[Browser, Browser], address: str, kept: Store
    ) -> None:
        window, _ = windows
        _opened(kept, 1)
        number = _opened(kept, 2)
        window.visit(f"{address}now?lang=zh")
        window.run(
            f"document.querySelector('#pick-{number}').click(); document.querySelector('#words').focus()"
        )
        window.call("Input.insertText", text="看过日志")
        enter = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"}
        for kind in ("keyDown", "keyUp"):
            window.call("Input.dispatchKeyEvent", type=kind, **enter)
        window.until("document.querySelector('.told')")
        assert [event.what for event in kept.timeline(number)] == ["open", "note"]
        assert {incident.owner for incident in kept.following.open_incidents()} == {None}

    @pytest.mark.parametrize("width", [320, 390, 768, 1280])
    def test_nothing_is_cut_off_at_any_width(
        self, windows: tuple[Browser, Browser], address: str, kept: Store, width: int
    ) -> None:
        window, _ = windows
        for number in range(3):
            _opened(kept, number, ip="203.0.113.7", nickname="很长的名字" * 20)
        window.size(width, 700)
        window.visit(f"{address}now?lang=zh")
        assert window.run("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        heights = "[...document.querySelectorAll('main button, .pick')].map(each => each.offsetHeight)"
        assert min(window.run(heights)) >= 40
