"""Attacks on the console, each of which fails."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.console import console
from tests.support.door import ACCOUNT, APPID, LEAD, PASSWORD, Door, page_of_members
from tests.support.stores import opened
from triage.message import Person
from triage.store import Member, OutgoingKind, OutgoingState, Removal
from triage.store.values import Outgoing, Settled
from triage.web.console.frame import FORM_FIELD

MEMBER = Person("wechat", APPID, "oMember000000000000000000001")
ATTACK = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{ 7*7 }}"


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    with console(tmp_path, page_of_members(), **ACCOUNT) as application:
        yield Door(application)


class TestForgedRequests:
    @pytest.mark.parametrize(
        ("token", "headers"),
        [
            pytest.param(None, {}, id="no token"),
            pytest.param("", {}, id="an empty token"),
            pytest.param("f" * 64, {}, id="a guessed token"),
            pytest.param("foreign", {}, id="the token of another session"),
            pytest.param("anonymous", {}, id="the token of a page before signing in"),
            pytest.param("ours", {"Origin": "https://evil.example"}, id="from another site"),
            pytest.param("ours", {"Origin": "http://localhost:1"}, id="from another port"),
            pytest.param("ours", {"Origin": "https://localhost"}, id="by another scheme"),
            pytest.param("ours", {"Origin": "http://localhost.evil.example"}, id="from a longer name"),
            pytest.param("ours", {"Origin": "null"}, id="from a sandboxed frame"),
            pytest.param("ours", {"Sec-Fetch-Site": "cross-site"}, id="as a cross-site request"),
            pytest.param("ours", {"Sec-Fetch-Site": "same-site"}, id="from a sibling host"),
            pytest.param("ours", {"Sec-Fetch-Site": "none"}, id="from nowhere"),
        ],
    )
    def test_a_write_that_another_site_causes_is_refused(
        self, door: Door, token: str | None, headers: dict[str, str]
    ) -> None:
        victim, attacker = door.signed_in(), door.signed_in(LEAD)
        tokens = {
            "ours": door.form_token(victim, "/members-only"),
            "foreign": door.form_token(attacker, "/members-only"),
            "anonymous": door.form_token(door.client(), "/login"),
        }
        data = {} if token is None else {FORM_FIELD: tokens.get(token, token)}
        assert victim.post("/members-only", data=data, headers=headers).status_code == 403
        assert victim.post("/logout", data=data, headers=headers).status_code == 403
        assert victim.get("/members-only").status_code == 200, "still signed in"

    def test_our_own_form_is_accepted_behind_a_proxy_of_another_name(self, door: Door) -> None:
        client = door.signed_in()
        headers = {"Origin": "http://localhost", "Host": "10.0.0.5:8080", "Sec-Fetch-Site": "same-origin"}
        client.set_cookie("triage_session", door.cookie(client), domain="10.0.0.5")
        data = {FORM_FIELD: door.form_token(client, "/members-only")}
        assert client.post("/members-only", data=data, headers=headers).status_code == 200

    @pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
    def test_no_other_method_writes(self, door: Door, method: str) -> None:
        assert door.signed_in().open("/logout", method=method).status_code in (403, 405)

    @pytest.mark.parametrize("path", ["/logout", "/incidents/1/links/void", "/demo/who?who=li"])
    def test_no_get_writes(self, door: Door, path: str) -> None:
        client = door.signed_in()
        assert client.get(path).status_code in (404, 405)
        assert client.get("/members-only").status_code == 200

    def test_nobody_is_signed_in_as_an_attacker(self, door: Door) -> None:
        """Another site cannot send its visitor through the door: the form needs a token of their own browser."""
        attacker, victim = door.client(), door.client()
        path = door.login_link()
        token = door.form_token(attacker, path)
        assert victim.post(path, data={FORM_FIELD: token}).status_code == 403


class TestLinks:
    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    def test_a_preview_by_the_chat_uses_no_link_up(self, door: Door, method: str) -> None:
        path = door.login_link()
        for _ in range(3):
            assert door.client().open(path, method=method).status_code == 200
        assert door.press(door.client(), path).status_code == 303

    def test_a_link_works_once(self, door: Door) -> None:
        path, first, second = door.login_link(), door.client(), door.client()
        token = door.form_token(second, path)
        assert door.press(first, path).status_code == 303
        assert second.post(path, data={FORM_FIELD: token}).status_code == 410
        assert second.get(path).status_code == 410
        assert second.get("/members-only").status_code == 303

    def test_a_link_that_has_expired_lets_nobody_in(self, door: Door) -> None:
        path, client = door.login_link(age=timedelta(minutes=10)), door.client()
        assert client.get(path).status_code == 410
        assert door.press(client, path, "/login").status_code == 410

    @pytest.mark.parametrize("token", ["x", "%00", "%F0%9F%9A%A8", "A" * 5000, "..%2f..", "'%20OR%201=1--"])
    @pytest.mark.parametrize("kind", ["l", "i"])
    def test_a_guessed_link_lets_nobody_in(self, door: Door, kind: str, token: str) -> None:
        client = door.client()
        assert client.get(f"/{kind}/{token}").status_code in (404, 410)
        assert client.get("/one-incident").status_code == 303

    def test_a_removed_member_is_out_at_once_by_every_way(self, door: Door) -> None:
        door.store.add_member(Member(MEMBER, "阿珍", None, (), datetime.now(UTC)))
        path, by_session, by_link = door.login_link(MEMBER), door.signed_in(MEMBER), door.client()
        by_link.get(door.incident_link(7, MEMBER))
        assert by_link.get("/one-incident").status_code == 200
        door.store.remove_member(Removal(MEMBER, LEAD), datetime.now(UTC))
        assert by_session.get("/members-only").status_code == 303
        assert by_link.get("/one-incident").status_code == 303
        assert door.client().get(path).status_code == 410

    @pytest.mark.parametrize(
        "forge",
        [
            pytest.param(lambda door: door.incident_link(7)[:-1], id="a cut one"),
            pytest.param(lambda door: door.incident_link(7, age=timedelta(hours=24)), id="an old one"),
            pytest.param(
                lambda door: door.incident_link(8).split(".")[0] + "." + door.incident_link(7).split(".")[1],
                id="one with the signature of another",
            ),
        ],
    )
    def test_a_forged_link_to_an_incident_opens_nothing(self, door: Door, forge: object) -> None:
        client = door.client()
        assert client.get(forge(door)).status_code == 410  # type: ignore[operator]
        assert client.get("/one-incident").status_code == 303

    def test_a_link_made_for_a_stranger_opens_nothing(self, door: Door) -> None:
        client = door.client()
        client.get(door.incident_link(7, Person("wechat", APPID, "oStranger")))
        assert client.get("/one-incident").status_code == 303

    def test_a_link_to_an_incident_writes_nothing(self, door: Door) -> None:
        client = door.client()
        client.get(door.incident_link(7))
        assert door.press(client, "/one-incident", "/one-incident").status_code == 403
        assert door.press(client, "/incidents/7/links/void", "/one-incident").status_code == 403

    def test_no_token_is_logged(self, door: Door, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level("DEBUG")
        path = door.login_link()
        client = door.client()
        door.press(client, path)
        client.get(door.incident_link(7))
        logged = str([record.__dict__ for record in caplog.records])
        assert path.rpartition("/")[2] not in logged
        assert door.cookie(client) not in logged


class TestSessions:
    def test_a_session_that_an_attacker_has_set_is_not_the_one_that_is_begun(self, door: Door) -> None:
        client = door.client()
        client.set_cookie("triage_session", "chosen by the attacker")
        door.enter_password(client, PASSWORD)
        assert door.cookie(client) != "chosen by the attacker"
        attacker = door.client()
        attacker.set_cookie("triage_session", "chosen by the attacker")
        assert attacker.get("/members-only").status_code == 303

    def test_signing_in_again_ends_the_session_from_before(self, door: Door) -> None:
        client = door.signed_in()
        before = door.cookie(client)
        assert door.press(client, door.login_link()).status_code == 303
        thief = door.client()
        thief.set_cookie("triage_session", before)
        assert thief.get("/members-only").status_code == 303

    @pytest.mark.parametrize(
        ("url", "name", "is_secure"),
        [("http://localhost", "triage_session", False), ("https://localhost", "__Host-triage_session", True)],
        ids=["without TLS", "behind TLS"],
    )
    def test_cookies_are_kept_from_scripts_and_other_sites(
        self, tmp_path: Path, url: str, name: str, is_secure: bool
    ) -> None:
        with console(tmp_path, page_of_members(), **{**ACCOUNT, "public_url": url}) as application:
            door = Door(application)
            client = door.client()
            headers = {"Origin": url}
            options = {"base_url": url}
            path = door.login_link()
            body = client.get(path, **options).get_data(as_text=True)
            token = re.search(f'name="{FORM_FIELD}" value="([^"]+)"', body)
            assert token
            answer = client.post(path, data={FORM_FIELD: token[1]}, headers=headers, **options)
            cookies = answer.headers.getlist("Set-Cookie")
            assert [cookie for cookie in cookies if cookie.startswith(f"{name}=")]
            for cookie in cookies:
                assert "HttpOnly" in cookie
                assert "SameSite=Lax" in cookie
                assert "Path=/" in cookie
                assert "Domain" not in cookie
                assert ("Secure" in cookie) is is_secure


class TestPasswords:
    def test_guessing_has_to_wait_and_is_told_how_long(self, door: Door) -> None:
        client = door.client()
        for _ in range(4):
            assert door.enter_password(client, "guess").status_code == 403
        fifth = door.enter_password(client, "guess")
        assert (fifth.status_code, fifth.headers["Retry-After"]) == (403, "30")
        assert "30 秒后再试" in fifth.get_data(as_text=True)
        sixth = door.enter_password(client, PASSWORD)
        assert sixth.status_code == 429, "the right one has to wait as well"
        assert client.get("/members-only").status_code == 303

    def test_another_cookie_or_a_made_up_header_does_not_shorten_the_wait(self, door: Door) -> None:
        for number in range(5):
            forged = {"X-Forwarded-For": f"10.0.0.{number}, 203.0.113.7", "X-Real-IP": f"10.0.0.{number}"}
            door.enter_password(door.client(), "guess", headers=forged)
        again = door.enter_password(door.client(), PASSWORD, headers={"X-Forwarded-For": "203.0.113.7"})
        assert again.status_code == 429

    def test_many_addresses_have_to_wait_together(self, door: Door) -> None:
        client = door.client()
        token = door.form_token(client, "/login")
        statuses = [
            client.post(
                "/login",
                data={FORM_FIELD: token, "password": "guess"},
                headers={"X-Forwarded-For": f"203.0.113.{number}"},
            ).status_code
            for number in range(51)
        ]
        assert statuses == [403] * 50 + [429]

    @pytest.mark.parametrize(
        "given", ["", " ", PASSWORD + " ", PASSWORD.upper(), PASSWORD + "x" * 600, "\ud800"]
    )
    def test_nothing_but_the_password_is_the_password(self, door: Door, given: str) -> None:
        client = door.client()
        data = {
            FORM_FIELD: door.form_token(client, "/login"),
            "password": given.encode("utf-8", "surrogatepass"),
        }
        assert client.post("/login", data=data).status_code == 403

    def test_without_a_password_any_more_its_sessions_end(self, door: Door) -> None:
        client = door.client()
        door.enter_password(client, PASSWORD)
        assert client.get("/members-only").status_code == 200
        service = door.application.service
        service.admins = {
            person: name for person, name in service.admins.items() if person.channel != "console"
        }
        assert client.get("/members-only").status_code == 303


class TestRedirects:
    @pytest.mark.parametrize(
        "next_",
        [
            "//evil.example", "/\\evil.example", "\\\\evil.example", "https:evil.example", "https://evil.example/",
            "/\t/evil.example", "\t//evil.example", " //evil.example", "javascript:alert(1)", "evil.example", "",
            "/\n/evil.example", "/%0d%0aSet-Cookie:x".replace("%0d%0a", "\r\n"), "///evil.example", "/" + "a" * 600,
        ],
    )  # fmt: skip
    def test_nobody_is_sent_to_another_site(self, door: Door, next_: str) -> None:
        entered = door.enter_password(door.client(), PASSWORD, next=next_)
        assert (entered.status_code, entered.headers["Location"]) == (303, "/now")
        asked = door.signed_in().get("/login", query_string={"next": next_})
        assert (asked.status_code, asked.headers["Location"]) == (303, "/now")
        assert "evil" not in str(entered.headers)


class TestMarkup:
    def test_no_text_of_an_alert_or_of_a_person_is_markup_on_any_page(self, door: Door) -> None:
        number = opened(
            door.store, f"{APPID}|cb", appid=APPID, nickname=ATTACK, title=ATTACK, callback=f"https://a.example/{ATTACK}",
            ip=ATTACK, event=ATTACK, causes=(ATTACK,),
        )  # fmt: skip
        now = datetime.now(UTC)
        door.store.add_note(number, LEAD, now, ATTACK)
        door.store.add_member(Member(MEMBER, ATTACK, ATTACK, (), now))
        stuck = Outgoing("k", OutgoingKind.NOTICE, f"wecom/{ATTACK}", now, payload={"mate": ATTACK})
        door.store.outbox.put([stuck], now)
        lane = door.store.outbox.lanes(now, 1)[0]
        (row,) = door.store.outbox.take(lane, "n", now, now + timedelta(minutes=1), 1)
        door.store.outbox.settle([Settled(row.id, OutgoingState.FAILED, ATTACK)], (), "n", now)
        client = door.signed_in(MEMBER)
        lead = door.signed_in()
        for rule in door.application.pages.url_map.iter_rules():
            if "GET" not in (rule.methods or ()) or rule.endpoint.startswith(
                ("api.", "pages.", "static", "home.")
            ):
                continue
            values: dict[str, object] = dict.fromkeys(rule.arguments, ATTACK)
            values |= {name: number for name in ("number", "incident") if name in rule.arguments}
            built = rule.build(values)
            assert built
            for browser in (client, lead):
                body = browser.get(built[1], query_string={"q": ATTACK, "next": ATTACK, "lang": ATTACK})
                shown = body.get_data(as_text=True)
                if body.mimetype == "text/markdown":  # where a backslash makes a sign of markup text
                    shown = re.sub(r"\\.", "", shown)
                assert "<script>alert" not in shown, built[1]
                assert "<img src=x" not in shown, built[1]
                assert "49" not in re.findall(r"&gt;(\d+)", shown), built[1]
        assert html.escape("<script>alert(1)</script>") in lead.get("/health").get_data(as_text=True)

    def test_no_page_can_be_framed_or_run_anything_inline(self, door: Door) -> None:
        for path in ("/login", "/health", door.login_link()):
            policy = door.signed_in().get(path).headers["Content-Security-Policy"]
            assert "frame-ancestors 'none'" in policy
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
