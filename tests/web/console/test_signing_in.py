"""How people get in: by a link from the chat, by the password, by the link of a reply; and how they get out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from tests.support.console import console
from tests.support.door import ACCOUNT, LEAD, PASSWORD, Door, page_of_members
from triage.web.console.attempts import (
    FIRST_WAIT,
    FORGOTTEN_AFTER,
    FREE,
    FREE_IN_ALL,
    LONGEST_WAIT,
    Attempts,
)

NOW = datetime(2026, 5, 12, 10, 31, tzinfo=UTC)


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    with console(tmp_path, page_of_members(), **ACCOUNT) as application:
        yield Door(application)


def test_a_link_from_the_chat_signs_in_by_its_button(door: Door) -> None:
    client = door.client()
    path = door.login_link()
    assert "登录 12 小时" in client.get(path).get_data(as_text=True)
    answer = door.press(client, path)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/now")
    assert "看见 小赵" in client.get("/members-only").get_data(as_text=True)


def test_who_has_not_signed_in_is_sent_to_the_door_and_back(door: Door) -> None:
    client = door.client()
    answer = client.get("/members-only?page=2")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/login?next=/members-only?page%3D2")
    entered = door.enter_password(client, PASSWORD, next="/members-only?page=2")
    assert (entered.status_code, entered.headers["Location"]) == (303, "/members-only?page=2")


def test_the_password_lets_in_a_lead_who_is_called_the_console(door: Door) -> None:
    client = door.client()
    door.enter_password(client, PASSWORD)
    assert "看见 控制台" in client.get("/members-only").get_data(as_text=True)


def test_without_a_password_there_is_no_form_and_nothing_to_guess(tmp_path: Path) -> None:
    with console(tmp_path, **{**ACCOUNT, "console_password": None}) as application:
        door = Door(application)
        client = door.client()
        body = client.get("/login").get_data(as_text=True)
        assert "登录" in body
        assert "password" not in body
        assert door.enter_password(client, "", path=door.login_link()).status_code == 404


def test_signing_out_ends_the_session_and_not_that_of_another_device(door: Door) -> None:
    phone, laptop = door.signed_in(), door.signed_in()
    stolen = door.cookie(phone)
    assert door.press(phone, "/logout", "/members-only").headers["Location"] == "/login"
    assert phone.get("/members-only").status_code == 303
    phone.set_cookie("triage_session", stolen)
    assert phone.get("/members-only").status_code == 303, "the session has ended, not only its cookie"
    assert laptop.get("/members-only").status_code == 200


def test_signing_out_everywhere_ends_every_session_of_the_person(door: Door) -> None:
    phone, laptop = door.signed_in(), door.signed_in()
    door.press(phone, "/logout", "/members-only", everywhere="1")
    assert laptop.get("/members-only").status_code == 303


def test_a_session_ends_after_twelve_hours(door: Door) -> None:
    client = door.signed_in()
    (row,) = (row for row in door.store.export("sign_ins") if row["kind"] == "session")
    assert row["expires_at"] - row["created_at"] == timedelta(hours=12)
    assert door.store.sign_ins.session_holder(door.cookie(client), row["expires_at"]) is None


def test_every_way_in_and_out_is_in_the_audit_log(door: Door) -> None:
    client = door.signed_in()
    door.press(client, "/logout", "/members-only")
    door.enter_password(client, "wrong")
    lines = [(line.who, line.how, line.what, line.address) for line in door.store.sign_ins.audited(9)]
    assert lines == [
        (None, "nobody", "wrong_password", "127.0.0.1"),
        (LEAD, "session", "sign_out", "127.0.0.1"),
        (LEAD, "session", "sign_in", "127.0.0.1"),
    ]


def test_the_address_behind_our_proxy_is_the_last_that_it_names(door: Door) -> None:
    door.enter_password(door.client(), "wrong", headers={"X-Forwarded-For": "10.9.9.9, 203.0.113.7"})
    assert door.store.sign_ins.audited(1)[0].address == "203.0.113.7"


def test_while_the_database_is_away_a_session_is_known_from_before(door: Door) -> None:
    client, stranger = door.signed_in(), door.client()
    assert client.get("/members-only").status_code == 200
    store, door.application.service.store = door.application.service.store, None
    assert client.get("/members-only").status_code == 200
    assert stranger.get("/members-only").status_code == 303
    door.application.service.store = store


class TestIncidentLinks:
    def test_the_link_of_a_reply_opens_its_incident_for_a_day(self, door: Door) -> None:
        client = door.client()
        answer = client.get(door.incident_link(7))
        assert (answer.status_code, answer.headers["Location"]) == (303, "/incidents/7")
        assert "看见 小赵 7" in client.get("/one-incident").get_data(as_text=True)
        assert client.get("/members-only").status_code == 403

    def test_who_has_signed_in_keeps_their_own_rights(self, door: Door) -> None:
        client = door.signed_in()
        client.get(door.incident_link(7))
        assert client.get("/members-only").status_code == 200

    def test_links_are_taken_back_by_incident(self, door: Door) -> None:
        number = door.open_incident()
        holder, member = door.client(), door.signed_in()
        holder.get(door.incident_link(number))
        assert holder.get("/one-incident").status_code == 200
        answer = door.press(member, f"/incidents/{number}/links/void", "/members-only")
        assert answer.headers["Location"] == f"/incidents/{number}"
        assert holder.get("/one-incident").status_code == 303
        assert door.client().get(door.incident_link(number + 1)).status_code == 303

    @pytest.mark.parametrize("number", [99, 10**30])
    def test_links_of_an_incident_that_is_not_there_cannot_be_taken_back(
        self, door: Door, number: int
    ) -> None:
        answer = door.press(door.signed_in(), f"/incidents/{number}/links/void", "/members-only")
        assert answer.status_code == 404


class TestDemo:
    @pytest.fixture
    def client(self, tmp_path: Path) -> Iterator[FlaskClient]:
        with console(tmp_path, page_of_members(), demo=True) as application:
            yield application.pages.test_client()

    @pytest.mark.parametrize(("who", "name"), [("wang", "小王"), ("li", "小李")])
    def test_one_looks_at_the_pages_as_whom_one_chooses(
        self, client: FlaskClient, who: str, name: str
    ) -> None:
        answer = client.post("/demo/who", data={"who": who, "next": "/members-only"})
        assert (answer.status_code, answer.headers["Location"]) == (303, "/members-only")
        assert f"看见 {name}" in client.get("/members-only").get_data(as_text=True)
        assert re.search(f'value="{who}" checked', client.get("/").get_data(as_text=True))

    def test_the_guest_sees_what_a_follower_sees(self, client: FlaskClient) -> None:
        client.post("/demo/who", data={"who": "guest"})
        assert client.get("/members-only").status_code == 403
        assert "换成小王或小李" in client.get("/login").get_data(as_text=True)

    @pytest.mark.parametrize(
        ("who", "headers", "status"),
        [
            pytest.param("root", {}, 400, id="somebody unknown"),
            pytest.param("li", {"Origin": "https://evil.example"}, 403, id="from another site"),
            pytest.param("li", {"Sec-Fetch-Site": "cross-site"}, 403, id="as another site"),
            pytest.param("li", {"Host": "evil.example"}, 403, id="by a rebound name"),
            pytest.param("li", {"X-Forwarded-For": "203.0.113.7"}, 403, id="through a proxy"),
        ],
    )
    def test_nobody_else_chooses(
        self, client: FlaskClient, who: str, headers: dict[str, str], status: int
    ) -> None:
        assert client.post("/demo/who", data={"who": who}, headers=headers).status_code == status

    @pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"X-Forwarded-For": "203.0.113.7"}])
    def test_the_demo_knows_nobody_who_is_not_at_this_machine(
        self, client: FlaskClient, headers: dict[str, str]
    ) -> None:
        assert client.get("/members-only", headers=headers).status_code == 303


class TestAttempts:
    def test_the_wait_doubles_from_the_fifth_wrong_try_up_to_a_quarter_of_an_hour(self) -> None:
        attempts, now, waits = Attempts(), NOW, []
        for _ in range(FREE + 6):
            attempts.failed("a", now)
            waits.append(attempts.wait("a", now).total_seconds())
            now += attempts.wait("a", now)
        assert waits == [0, 0, 0, 0, 30, 60, 120, 240, 480, 900, 900]
        assert attempts.wait("a", now) == timedelta(0)
        assert attempts.wait("b", now) == timedelta(0)
        assert (timedelta(seconds=30), timedelta(minutes=15)) == (FIRST_WAIT, LONGEST_WAIT)

    def test_many_addresses_wait_together(self) -> None:
        attempts = Attempts()
        for number in range(FREE_IN_ALL):
            assert attempts.wait("new", NOW) == timedelta(0)
            attempts.failed(f"203.0.113.{number}", NOW)
        assert attempts.wait("new", NOW) == FIRST_WAIT

    def test_an_hour_without_a_wrong_try_begins_anew(self) -> None:
        attempts = Attempts()
        for _ in range(FREE + 3):
            attempts.failed("a", NOW)
        later = NOW + FORGOTTEN_AFTER + timedelta(seconds=1)
        attempts.failed("a", later)
        assert attempts.wait("a", later) == timedelta(0)

    def test_a_right_try_forgets_the_wrong_ones_of_its_address_alone(self) -> None:
        attempts = Attempts()
        for _ in range(FREE_IN_ALL):
            attempts.failed("a", NOW)
        attempts.succeeded("a")
        assert attempts.wait("a", NOW) == FIRST_WAIT
