"""/health says in words what works and what does not, and what to try."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.browser import CHROMIUM, Browser, demo_page
from tests.support.console import console
from tests.support.door import ACCOUNT, APPID, LEAD, Door
from tests.support.service import ENVIRONMENT, serving
from tests.support.talk import message_of
from triage.errors import ReplacedFileError, SchemaError, StoreDownError, StoreError
from triage.message import Person
from triage.store import Audited, Member, Outgoing, OutgoingKind, OutgoingState
from triage.store.values import Settled

NOW = datetime.now(UTC)
MEMBER = Person("wechat", APPID, "oMember000000000000000000001")


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    with console(tmp_path, **ACCOUNT) as application:
        yield Door(application)


def health(door: Door, person: Person = LEAD) -> str:
    return door.signed_in(person).get("/health").get_data(as_text=True)


def _outgoing(door: Door, reason: str | None) -> None:
    """Something that has been due for an hour, and was given up where there is a reason."""
    at = NOW - timedelta(hours=1)
    row = Outgoing("k", OutgoingKind.PAGE, "wecom/ww1", at, payload={"mate": "li", "text": "秘密"})
    door.store.outbox.put([row], at)
    if reason is not None:
        lane = door.store.outbox.lanes(at, 1)[0]
        (taken,) = door.store.outbox.take(lane, "n", at, at + timedelta(minutes=1), 1)
        door.store.outbox.settle([Settled(taken.id, OutgoingState.FAILED, reason)], (), "n", at)


SICK: dict[str, tuple[Callable[[Door], object], str, str]] = {
    "a reply template is broken": (
        lambda door: door.application.service.metrics.template_broke("alert", ValueError()),
        "回复模板出错 1 次",
        "template_broken",
    ),
    "a callback failed": (
        lambda door: door.application.service.metrics.callback_errors.inc(),
        "有 1 次回调出错",
        "callback_failed",
    ),
    "alerts wait for the database": (
        lambda door: door.application.service.unrecorded.keep(message_of("报警"), NOW),
        "1 条报警给了步骤，还没记下来",
        "补记",
    ),
    "something has been due for an hour": (
        lambda door: _outgoing(door, None),
        "1 条该发没发",
        "triage outbox",
    ),
    "something did not go out": (lambda door: _outgoing(door, "45009"), "有 1 条没发出去", "triage outbox"),
}


@pytest.mark.parametrize(("make_sick", "said", "advice"), SICK.values(), ids=SICK)
def test_what_is_wrong_is_said_first_with_what_to_try(
    door: Door, make_sick: Callable[[Door], object], said: str, advice: str
) -> None:
    assert "都正常" in health(door)
    make_sick(door)
    body = health(door)
    assert "1 处有问题" in body
    first = body[body.index('class="checks"') :].split("</li>")[0]
    assert said in first
    assert "试试：" in first
    assert advice in first


AWAY: dict[str, tuple[StoreError, str, str]] = {
    "no answer": (StoreDownError("gone"), "没有回应", "TRIAGE_DATABASE_URL"),
    "an old schema": (SchemaError("it has schema 0005"), "schema 0005", "triage db upgrade"),
    "another file": (ReplacedFileError("gone"), "被删或被换", "重启"),
    "another log": (ReplacedFileError("gone", is_log=True), "日志（-wal）被删或被换", "正常停下服务"),
}


@pytest.mark.parametrize(("failure", "said", "advice"), AWAY.values(), ids=AWAY)
def test_who_has_looked_before_sees_that_the_database_is_away(
    door: Door, monkeypatch: pytest.MonkeyPatch, failure: StoreError, said: str, advice: str
) -> None:
    def fail(question: object) -> None:
        raise failure

    client = door.signed_in()
    client.get("/health")
    monkeypatch.setattr(door.application.service, "ask", fail)
    answer = client.get("/health")
    body = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert said in body
    assert advice in body


def test_rules_that_cannot_be_read_are_named_with_their_line(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own/x.yml").write_text("rules:\n  - sevrity: high\n", encoding="utf-8")
    with console(tmp_path, **{**ACCOUNT, "rules_dirs": (tmp_path / "own",)}) as application:
        body = health(Door(application))
    assert "x.yml:" in body
    assert "triage rules check" in body


def test_leads_see_what_did_not_go_out_and_why_without_what_was_written(door: Door) -> None:
    _outgoing(door, "errcode 45009 token=abcdefgh12345678")
    body = health(door)
    assert "45009" in body
    assert "abcdefgh12345678" not in body
    assert "秘密" not in body
    assert "<td>li</td>" in body


def test_leads_see_who_did_what(door: Door) -> None:
    door.store.sign_ins.note(Audited(NOW, LEAD, "session", "claim", 3, "", "192.0.2.7"))
    body = health(door)
    row = body[: body.index("192.0.2.7")].rpartition("<tr>")[2]
    assert "小赵" in row
    assert "认领" in row
    assert "用聊天里的链接进来" in row
    assert '/incidents/3"' in row


def test_members_who_are_no_leads_see_what_works_alone(door: Door) -> None:
    door.store.add_member(Member(MEMBER, "阿珍", None, (), NOW))
    _outgoing(door, "45009")
    body = health(door, MEMBER)
    assert "有 1 条没发出去" in body
    assert "45009" not in body
    assert "谁在控制台" not in body


def test_it_speaks_english(door: Door) -> None:
    body = door.signed_in().get("/health?lang=en").get_data(as_text=True)
    assert "Everything works" in body


@pytest.fixture
def browser() -> Iterator[Browser]:
    browser = Browser()
    yield browser
    browser.close()


@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium to look at the page with")
def test_in_the_demo_one_changes_who_looks_at_the_page_in_a_browser(browser: Browser, tmp_path: Path) -> None:
    with demo_page(tmp_path) as address:
        browser.call("Page.navigate", url=f"{address}health")
        browser.until("document.readyState === 'complete' && document.querySelector('#checks')")
        browser.follow("document.querySelector('button[value=li]').click()")
        assert browser.run("document.querySelector('button[value=li]').ariaPressed") == "true"
        assert browser.run("document.querySelectorAll('#checks li').length") > 3
        browser.size(390, 800)
        assert browser.run("document.documentElement.scrollWidth <= 390")
        assert browser.complaints == []


@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium to look at the page with")
def test_one_signs_in_and_out_by_the_password_in_a_browser(browser: Browser, tmp_path: Path) -> None:
    settings = {"TRIAGE_CONSOLE_PASSWORD": "correct horse", **ENVIRONMENT}
    enter = "document.querySelector('#password').value = '{}'; document.querySelector('main form').submit()"
    with serving(tmp_path, settings) as served:
        browser.call("Page.navigate", url=f"http://127.0.0.1:{served.port}/health?lang=zh")
        browser.until("document.readyState === 'complete' && document.querySelector('#password')")
        browser.follow(enter.format("wrong"))
        assert "Wrong password" in browser.run("document.body.textContent")
        browser.follow(enter.format("correct horse"))
        assert browser.run("location.pathname") == "/health"
        assert browser.run("document.querySelector('.who span').textContent") == "控制台"
        browser.follow("document.querySelector('.who form button').click()")
        assert browser.run("location.pathname") == "/login"
