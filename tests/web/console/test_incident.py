"""The page of an incident: what it tells and to whom, ticks that all share, pasted evidence, the post-mortem."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.support.browser import CHROMIUM, REFRESH, REPLIES, SECONDS, Browser, demo_page
from tests.support.console import console
from tests.support.stores import message, sighting
from tests.support.talk import CONNECT
from triage.incidents.correlation import Incident, Reason, State, key_of, sighting_of
from triage.message import Person
from triage.store import Action, Change, Entry, Member, Outgoing, OutgoingKind, OutgoingState, Settled, Store
from triage.web.asgi import Application
from triage.web.console import visitors
from triage.web.console.demo_people import APPID, CHANNEL, COOKIE, MEMBERS, PEOPLE
from triage.web.console.frame import FORM_FIELD
from triage.web.console.visitors import How, Visitor, viewer_of

WANG, LI = (Person(CHANNEL, APPID, PEOPLE[who]) for who in ("wang", "li"))
HOSTILE = "<script>alert(1)</script>"
VMSTAT = """\
procs -----------memory---------- ---swap-- -----io---- -system-- ------cpu-----
 r  b   swpd   free   buff  cache   si   so    bi    bo   in   cs us sy id wa st
 2  1 812340  91232   2100  80332   12   40   210   340  900 1200 20 10 60 10  0
 3  2 812900  90111   2090  80100  220  310   900  1400 1500 2100 22 14 44 20  0
 2  2 813400  90020   2080  80050  240  290   880  1300 1480 2050 21 15 45 19  0"""
FREE = """\
              total        used        free      shared  buff/cache   available
Mem:           3788        3601          61          14         125          98
Swap:             0           0           0"""
UPTIME = """\
$ free -m
              total        used        free      shared  buff/cache   available
Mem:           3790        3500          90          10         200         110
Swap:          2047        1900         147
"""
ALERT = CONNECT.replace("2026-04-21", f"{datetime.now(UTC):%Y-%m-%d}")


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


@pytest.fixture
def number(app: Application, store: Store) -> int:
    """The incident of an alert that was forwarded as it is."""
    return _forwarded(app, store, ALERT)


def _forwarded(app: Application, store: Store, text: str, id_: str = "1") -> int:
    moment = datetime.now(UTC)
    _, (diagnosis,) = app.service.rules.adviser.diagnose(text)
    alert = sighting_of(diagnosis, WANG, moment)
    change = Change(key_of(alert), None, Reason.OPENED)
    store.record(Entry(message(id_, text=text), moment, "回复", ((alert, change),)))
    return max(int(row["id"]) for row in store.export("incidents"))


def _shown(client: FlaskClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def _post(client: FlaskClient, number: int, what: str = "", **fields: Any) -> Any:
    found = re.search(f'name="{FORM_FIELD}" value="([^"]+)"', _shown(client, f"/incidents/{number}"))
    assert found
    return client.post(f"/incidents/{number}{what}", data={FORM_FIELD: found[1], **fields})


def _steps(body: str) -> list[str]:
    return re.findall(r'<li id="step-([a-z0-9_]+)"', body)


def _incident(store: Store, number: int) -> Incident:
    found = store.incident(number)
    assert found
    return found


class TestPage:
    def test_it_tells_what_is_known(self, client: FlaskClient, number: int) -> None:
        body = _shown(client, f"/incidents/{number}")
        for said in (
            "时令果蔬",
            "连接超时",
            "5 分钟 86 次",
            "没人认领",
            "转来报警：连接超时（86 次）",
            "没有见过这样的",
        ):
            assert said in body
        assert len(_steps(body)) > 3
        assert "secret1" not in body

    def test_what_people_and_alerts_say_is_text(self, client: FlaskClient, store: Store) -> None:
        moment = datetime.now(UTC)
        alert = sighting(nickname=HOSTILE, title=HOSTILE, kind=HOSTILE, callback=HOSTILE, seen_at=moment)
        store.record(
            Entry(message("1", text=HOSTILE), moment, "", ((alert, Change("k", None, Reason.OPENED)),))
        )
        store.add_note(1, WANG, moment, HOSTILE)
        store.add_evidence(1, WANG, moment, f"✗ {HOSTILE}")
        body = _shown(client, "/incidents/1")
        assert "<script>alert" not in body
        assert "&lt;script&gt;" in body

    def test_who_was_given_it_and_until_when_it_is_muted(self, client: FlaskClient, store: Store) -> None:
        moment = datetime.now(UTC)
        alert = sighting(seen_at=moment)
        store.record(Entry(message("1"), moment, "", ((alert, Change("k", None, Reason.OPENED)),)))
        did = (Action("give", 1, WANG, "小李", to=LI), Action("mute", 1, WANG, "03:58", until=moment))
        store.record(Entry(message("2"), moment, "", actions=did))
        body = _shown(client, "/incidents/1")
        assert "转给 小李" in body
        assert "静音到 03:58" in body

    def test_the_newest_comes_first(self, client: FlaskClient, store: Store, number: int) -> None:
        store.claim_incident(number, LI, datetime.now(UTC))
        store.add_note(number, LI, datetime.now(UTC), "重启了 nginx")
        body = _shown(client, f"/incidents/{number}")
        line = body[body.index('class="timeline"') :]
        assert line.index("重启了 nginx") < line.index("认领") < line.index("转来报警")

    def test_what_went_out_is_told_with_what_became_of_it(
        self, client: FlaskClient, store: Store, number: int
    ) -> None:
        moment = datetime.now(UTC)
        rows = [
            Outgoing(key, OutgoingKind.GROUP, key, moment, None, number, {"group": key, "news": "called"})
            for key in ("gone", "failed", "due", "cancelled")
        ]
        store.outbox.put(rows, moment)
        ours = [lane for lane in store.outbox.lanes(moment, 9) if not lane[0].startswith("incident/")]
        for lane, state in zip(ours, ("sent", "failed", "due", "cancelled"), strict=True):
            (row,) = store.outbox.take(lane, "node", moment, moment, 1)
            reason = None if state == "sent" else "robot removed"
            store.outbox.settle([Settled(row.id, OutgoingState(state), reason)], (), "node", moment)
        body = _shown(client, f"/incidents/{number}")
        assert "告诉了群 gone<" in body
        assert "告诉了群 failed（没有发出：robot removed）" in body
        assert "告诉了群 due（还没发出）" in body
        assert "cancelled" not in body

    def test_one_whose_text_is_gone_still_has_the_steps_of_its_kind(
        self, client: FlaskClient, store: Store
    ) -> None:
        moment = datetime.now(UTC)
        alert = sighting(kind="connect_timeout", title="连接超时", seen_at=moment)
        store.record(Entry(message("1", text="号"), moment, "", ((alert, Change("k", None, Reason.OPENED)),)))
        assert len(_steps(_shown(client, "/incidents/1"))) > 3

    def test_one_that_no_rule_knows_says_so(self, client: FlaskClient, store: Store) -> None:
        moment = datetime.now(UTC)
        alert = sighting(kind="no_such_kind", title="没见过的报警", seen_at=moment)
        store.record(Entry(message("1", text="号"), moment, "", ((alert, Change("k", None, Reason.OPENED)),)))
        assert "没有步骤" in _shown(client, "/incidents/1")

    def test_what_was_like_it_comes_with_what_closed_it(
        self, app: Application, client: FlaskClient, store: Store, number: int
    ) -> None:
        store.close_incident(number, LI, datetime.now(UTC), "换了证书")
        again = _forwarded(app, store, ALERT.replace("wx.example.org/cb", "wx.example.org/other"), "2")
        body = _shown(client, f"/incidents/{again}")
        assert f'href="/incidents/{number}"' in body
        assert "怎么好的：换了证书" in body
        assert "同一个号、同一个回调域名" in body

    def test_the_failures_stand_in_a_table(self, client: FlaskClient, number: int) -> None:
        body = _shown(client, f"/incidents/{number}")
        assert 'class="chart"' in body
        assert '<td class="number">86</td>' in body

    def test_it_is_there_in_english(self, client: FlaskClient, number: int) -> None:
        body = _shown(client, f"/incidents/{number}?lang=en")
        assert "forwarded an alert" in body
        assert "Checklist" in body


class TestDeeds:
    def test_a_claim_a_note_and_a_reason_are_recorded(
        self, client: FlaskClient, store: Store, number: int
    ) -> None:
        assert _post(client, number, deed="claim").status_code == 303
        assert _incident(store, number).owner == WANG
        assert _post(client, number, deed="note", words="看过日志").status_code == 303
        assert _post(client, number, deed="close", words="换了证书").status_code == 303
        incident = _incident(store, number)
        assert (incident.state, incident.closed_note) == (State.CLOSED, "换了证书")
        assert [event.what for event in store.timeline(number)] == ["open", "claim", "note", "close"]

    def test_what_comes_too_late_is_told_and_what_was_typed_stays(
        self, client: FlaskClient, store: Store, number: int
    ) -> None:
        store.claim_incident(number, LI, datetime.now(UTC))
        answer = _post(client, number, deed="claim", words="我来")
        assert answer.status_code == 409
        assert "没有动它" in answer.get_data(as_text=True)
        assert 'value="我来"' in answer.get_data(as_text=True)

    def test_a_reason_can_be_added_later(self, client: FlaskClient, store: Store, number: int) -> None:
        store.close_incident(number, LI, datetime.now(UTC))
        assert _post(client, number, deed="close", words="换了证书").status_code == 303
        assert _incident(store, number).closed_note == "换了证书"

    @pytest.mark.parametrize("deed", ["", "delete", "step"])
    def test_nothing_else_can_be_done(
        self, client: FlaskClient, store: Store, number: int, deed: str
    ) -> None:
        assert _post(client, number, deed=deed).status_code == 400
        assert [event.what for event in store.timeline(number)] == ["open"]


class TestTicks:
    def test_a_tick_is_seen_by_everybody_and_taken_back(
        self, client: FlaskClient, store: Store, number: int
    ) -> None:
        step = _steps(_shown(client, f"/incidents/{number}"))[1]
        assert _post(client, number, "/steps", step=step, done="1").status_code == 303
        client.set_cookie(COOKIE, "li")
        body = _shown(client, f"/incidents/{number}")
        assert re.search(r"小王 \d\d:\d\d 勾的", body)
        assert "勾上第 2 步" in body
        _post(client, number, "/steps", step=step, done="0")
        assert store.following.ticks(number) == ()
        assert "取消第 2 步的勾" in _shown(client, f"/incidents/{number}")

    @pytest.mark.parametrize("step", ["", "no_such_step", HOSTILE])
    def test_a_step_that_is_not_there_is_not_ticked(
        self, client: FlaskClient, store: Store, number: int, step: str
    ) -> None:
        assert _post(client, number, "/steps", step=step, done="1").status_code == 404
        assert store.following.ticks(number) == ()


class TestEvidence:
    def test_pasted_output_is_judged_kept_and_ticks_the_steps(
        self, client: FlaskClient, store: Store, number: int
    ) -> None:
        assert _post(client, number, "/evidence", text=UPTIME).status_code == 303
        body = _shown(client, f"/incidents/{number}")
        assert "<strong>free</strong>：有问题" in body
        assert "贴了证据：free：有问题" in body
        assert store.timeline(number)[-1].what == "evidence"

    def test_secrets_of_the_output_are_kept_nowhere(
        self, client: FlaskClient, store: Store, number: int
    ) -> None:
        secret = "password=0123456789abcdef0123"  # noqa: S105
        _post(client, number, "/evidence", text=f"{UPTIME}{secret}")
        assert not [event for event in store.timeline(number) if secret in (event.detail or "")]

    @pytest.mark.parametrize("text", ["", "你好", HOSTILE])
    def test_what_is_no_output_is_told_and_stays_in_the_field(
        self, client: FlaskClient, store: Store, number: int, text: str
    ) -> None:
        answer = _post(client, number, "/evidence", text=text)
        body = answer.get_data(as_text=True)
        assert (answer.status_code, "看不出这是哪个工具的输出" in body) == (422, True)
        assert "<script>alert" not in body
        assert [event.what for event in store.timeline(number)] == ["open"]


class TestPostMortem:
    def test_it_is_a_file_with_names_and_without_secrets(
        self, client: FlaskClient, store: Store, number: int
    ) -> None:
        store.claim_incident(number, LI, datetime.now(UTC))
        answer = client.get(f"/incidents/{number}/post-mortem.md")
        assert answer.content_type == "text/markdown; charset=utf-8"
        assert f"incident-{number}.md" in answer.headers["Content-Disposition"]
        text = answer.get_data(as_text=True)
        assert "小李" in text
        assert "secret1" not in text
        assert PEOPLE["li"] not in text

    def test_it_is_in_the_language_of_the_pages_but_for_what_people_and_rules_say(
        self, client: FlaskClient, store: Store, number: int
    ) -> None:
        store.add_note(number, LI, datetime.now(UTC), "重启了 nginx")
        store.close_incident(number, LI, datetime.now(UTC), "换了证书")
        text = client.get(f"/incidents/{number}/post-mortem.md?lang=en").get_data(as_text=True)
        lines = text.splitlines()
        named = [line for line in lines if line.startswith("## ")]
        named += [line.split("|")[1] for line in lines[4:] if line.startswith("| ")]
        assert {"## Why", "## Time line", " Newest alert ", " What helped "} <= set(named)
        assert "all point to" not in text
        assert "| Note: 重启了 nginx |" in text
        assert [name for name in named if any("\u4e00" <= letter <= "\u9fff" for letter in name)] == []

    def test_in_english_it_says_what_several_tools_agree_on(self, client: FlaskClient, number: int) -> None:
        for text in (VMSTAT, FREE):
            assert _post(client, number, "/evidence", text=text).status_code == 303
        body = client.get(f"/incidents/{number}/post-mortem.md?lang=en").get_data(as_text=True)
        assert "all point to" in body


class TestAccess:
    PATHS = ("", "/post-mortem.md")
    WRITES = (
        ("", {"deed": "claim"}),
        ("", {"deed": "note", "words": "x"}),
        ("/steps", {"step": "x", "done": "1"}),
        ("/evidence", {"text": UPTIME}),
    )

    @staticmethod
    def _token(client: FlaskClient, number: int) -> str:
        found = re.search(f'name="{FORM_FIELD}" value="([^"]+)"', _shown(client, f"/incidents/{number}"))
        assert found
        return found[1]

    @pytest.mark.parametrize("path", PATHS)
    @pytest.mark.parametrize("number_", ["999", "0", "99999999999999999999999"])
    def test_one_that_is_not_there_is_404(self, client: FlaskClient, path: str, number_: str) -> None:
        assert client.get(f"/incidents/{number_}{path}").status_code == 404

    @pytest.mark.parametrize(("path", "fields"), WRITES)
    def test_a_stranger_sees_and_does_nothing(
        self, client: FlaskClient, store: Store, number: int, path: str, fields: dict[str, str]
    ) -> None:
        token = self._token(client, number)
        client.set_cookie(COOKIE, "guest")
        assert (
            client.post(f"/incidents/{number}{path}", data={FORM_FIELD: token, **fields}).status_code == 403
        )
        assert {client.get(f"/incidents/{number}{each}").status_code for each in self.PATHS} == {403}
        assert [event.what for event in store.timeline(number)] == ["open"]

    @pytest.mark.parametrize(("path", "fields"), WRITES)
    def test_a_member_of_another_team_sees_and_does_nothing(
        self,
        app: Application,
        client: FlaskClient,
        store: Store,
        number: int,
        path: str,
        fields: dict[str, str],
    ) -> None:
        token = self._token(client, number)
        app.service.admins = {WANG: MEMBERS[WANG]}
        store.add_member(Member(LI, "小李", None, ("wxOther",), datetime.now(UTC)))
        client.set_cookie(COOKIE, "li")
        assert {client.get(f"/incidents/{number}{each}").status_code for each in self.PATHS} == {404}
        assert (
            client.post(f"/incidents/{number}{path}", data={FORM_FIELD: token, **fields}).status_code == 404
        )
        assert [event.what for event in store.timeline(number)] == ["open"]

    @pytest.mark.parametrize(("path", "fields"), WRITES)
    def test_the_link_of_one_incident_shows_it_alone_and_changes_nothing(
        self,
        app: Application,
        client: FlaskClient,
        store: Store,
        number: int,
        path: str,
        fields: dict[str, str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        other = _forwarded(app, store, ALERT.replace("wx014d339f79c92781", "wx014d339f79c92782"), "2")
        token = self._token(client, number)

        def by_link(service: Any) -> Visitor:
            return Visitor(viewer_of(WANG, service), How.LINK, number)

        monkeypatch.setattr(visitors, "_recognise", by_link)
        body = _shown(client, f"/incidents/{number}")
        assert "<form" not in body[body.index("<main") :]
        assert "以前类似的" not in body
        assert client.get(f"/incidents/{other}").status_code == 404
        assert (
            client.post(f"/incidents/{number}{path}", data={FORM_FIELD: token, **fields}).status_code == 403
        )

    def test_a_write_without_the_token_of_the_page_is_refused(
        self, client: FlaskClient, store: Store, number: int
    ) -> None:
        for path, fields in self.WRITES:
            assert client.post(f"/incidents/{number}{path}", data=fields).status_code == 403
        assert [event.what for event in store.timeline(number)] == ["open"]


@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium to look at the page with")
class TestInTheBrowser:
    @pytest.fixture(scope="class")
    @classmethod
    def folder(cls, tmp_path_factory: pytest.TempPathFactory) -> Path:
        return tmp_path_factory.mktemp("incident")

    @pytest.fixture(scope="class")
    @classmethod
    def address(cls, folder: Path) -> Iterator[str]:
        """Of the demo after an alert was forwarded in its chat."""
        with demo_page(folder) as address:
            browser = Browser()
            browser.open(address)
            browser.until(f"{REPLIES} === 1")
            browser.act("document.querySelector('.sample').click()")
            browser.close()
            yield address

    @pytest.fixture
    def page(self, address: str) -> Iterator[Browser]:
        """The page of the incident."""
        browser = Browser(8 * SECONDS)
        browser.hold_back()
        browser.visit(f"{address}incidents/1?lang=zh")
        yield browser
        browser.close()

    @pytest.fixture
    def kept(self, folder: Path, page: Browser) -> Iterator[Store]:
        with closing(Store.open(f"sqlite:///{folder / 'triage-demo.db'}")) as store:
            yield store

    def test_what_others_do_is_seen_and_typing_goes_on(self, page: Browser, kept: Store) -> None:
        page.run("document.querySelector('#text').focus()")
        page.call("Input.insertText", text="正在贴的输出")
        page.run("document.querySelector('#words').value = '正在写的备注'")
        kept.claim_incident(1, LI, datetime.now(UTC))
        page.let_pass(REFRESH)
        page.until("document.querySelector('#facts').textContent.includes('小李在处理')")
        page.until("document.querySelector('#timeline').textContent.includes('认领')")
        assert page.run("document.querySelector('#text').value") == "正在贴的输出"
        assert page.run("document.querySelector('#words').value") == "正在写的备注"
        assert page.run("document.activeElement.id") == "text"
        assert page.complaints == []

    def test_a_command_is_copied_and_a_step_is_ticked(self, page: Browser, kept: Store) -> None:
        page.run(
            "navigator.clipboard.writeText = (text) => { window.copied = text; return Promise.resolve(); }"
        )
        page.run("document.querySelector('.copy').click()")
        page.until("window.copied")
        assert page.run("window.copied") == page.run("document.querySelector('.command pre').textContent")
        page.run("document.querySelector('[id^=tick-]').click()")
        page.until("document.querySelector('.ticked')")
        assert len(kept.following.ticks(1)) == 1
        assert page.complaints == []

    @pytest.mark.parametrize("width", [320, 390, 1280])
    def test_nothing_is_cut_off_at_any_width(self, page: Browser, width: int) -> None:
        page.size(width, 700)
        assert page.run("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        heights = "[...document.querySelectorAll('main button, main .button')].map(each => each.offsetHeight)"
        assert min(page.run(heights)) >= 40
