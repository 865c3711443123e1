"""Every address of the service, asked for by everybody who may come: who is let in, and who is turned away."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from tests.support.console import console
from tests.support.door import ACCOUNT, APPID, LEAD, Door, page_of_members
from triage.message import Person
from triage.settings.model import Settings
from triage.store import Member
from triage.web import app as web_app
from triage.web.console.visitors import Sight, sight_of

FOLLOWER = Person("wechat", APPID, "oFollower0000000000000000001")
MEMBER = Person("wechat", APPID, "oMember000000000000000000001")
OTHER = Person("wechat", APPID, "oOther0000000000000000000001")
VISITORS = ("nobody", "follower", "other team", "member", "lead", "link", "link to another")
LET_IN: Mapping[Sight, frozenset[str]] = {
    Sight.ANYBODY: frozenset(VISITORS),
    Sight.INCIDENT: frozenset({"other team", "member", "lead", "link", "link to another"}),
    Sight.MEMBER: frozenset({"other team", "member", "lead"}),
}
"""Whom a page of each sight is open to."""
STRANGERS_TO_IT = frozenset({"other team", "link to another"})
"""Who is told that an incident is not there which others see."""
OWN_CHECKS = frozenset(
    {
        "static",  # for everybody
        "pages.healthz", "pages.readyz", "pages.metrics",  # for monitoring: no incident, no name
        "home.to_console",  # counts alone
        # by their key, tests/web/test_web.py
        "api.claim", "api.close", "api.incident", "api.incidents", "api.note", "api.openapi", "api.triage",
    }
)  # fmt: skip
"""Addresses beside the console. A new one belongs here only if it shows nothing of incidents, or checks who asks."""
VALUES = {"token": "x", "topic": "connect_timeout", "id": "connect_timeout"}
"""What stands in a path beside `number`, which is an incident's."""


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    with console(tmp_path_factory.mktemp("console"), page_of_members(), **ACCOUNT) as application:
        door = Door(application)
        now = datetime.now(UTC)
        door.store.add_member(Member(MEMBER, "阿珍", None, (), now))
        door.store.add_member(Member(OTHER, "别组", None, ("wx9999999999999999",), now))
        yield door


def visitor(door: Door, who: str, incident: int) -> FlaskClient:
    """The browser of somebody."""
    client = door.client()
    if who.startswith("link"):
        client.get(door.incident_link(incident + (who != "link"), MEMBER))
    elif who == "follower":  # somebody who is no member any more, with a session that is left
        token, now = uuid.uuid4().hex, datetime.now(UTC)
        door.store.sign_ins.begin(token, FOLLOWER, now, now + timedelta(hours=1))
        client.set_cookie("triage_session", token)
    elif who != "nobody":
        return door.signed_in({"other team": OTHER, "member": MEMBER, "lead": LEAD}[who])
    return client


def rules() -> list[Rule]:
    """The addresses of the service, without the demo's."""
    settings = Settings.model_validate({"database_url": "sqlite://", **ACCOUNT})
    pages = web_app.make_app(settings, pages=(page_of_members(),)).pages
    found = [rule for rule in pages.url_map.iter_rules() if sight_of(pages.view_functions[rule.endpoint])]
    assert {rule.endpoint for rule in pages.url_map.iter_rules()} == {
        *(rule.endpoint for rule in found),
        *OWN_CHECKS,
    }, "a new address says by @seen_by whom it is for, or stands in OWN_CHECKS"
    return found


ASKED = [(rule, method) for rule in rules() for method in sorted((rule.methods or set()) & {"GET", "POST"})]


def path_of(rule: Rule, incident: int) -> tuple[str, bool]:
    """A path of a rule, and whether it is one incident's."""
    values = {name: incident if name == "number" else VALUES.get(name, "x") for name in rule.arguments}
    built = rule.build(values)
    assert built
    return built[1], incident in values.values()


def is_turned_away(answer: TestResponse) -> bool:
    return answer.status_code == 403 or answer.headers.get("Location", "").startswith("/login")


@pytest.mark.parametrize("who", VISITORS)
@pytest.mark.parametrize(("rule", "method"), ASKED, ids=[f"{method} {rule.rule}" for rule, method in ASKED])
def test_each_page_is_open_to_whom_it_is_for(door: Door, rule: Rule, method: str, who: str) -> None:
    if rule.endpoint in ("signing_in.logout", "signing_in.sign_in_by_password"):
        return  # forms of everybody; test_signing_in and test_security
    incident = door.open_incident()
    path, is_of_incident = path_of(rule, incident)
    sight = sight_of(door.application.pages.view_functions[rule.endpoint])
    assert sight
    client = visitor(door, who, incident)
    if method == "GET":
        answer = client.get(path)
    else:
        answer = door.press(client, path, "/one-incident" if who not in ("nobody", "follower") else "/login")
    is_for_them = who in LET_IN[sight] and not (
        method == "POST" and who.startswith("link") and sight is not Sight.ANYBODY
    )
    assert answer.status_code < 500
    assert is_turned_away(answer) is not is_for_them, (answer.status_code, answer.headers.get("Location"))
    if is_for_them and is_of_incident and who in STRANGERS_TO_IT:
        assert answer.status_code == 404


def test_in_the_demo_the_guest_is_turned_away_where_a_follower_is(tmp_path: Path) -> None:
    with console(tmp_path, demo=True) as application:
        client = application.pages.test_client()
        client.post("/demo/who", data={"who": "guest"})
        for rule in application.pages.url_map.iter_rules():
            if sight_of(application.pages.view_functions[rule.endpoint]) in (Sight.MEMBER, Sight.INCIDENT):
                path, _ = path_of(rule, 1)
                asked = client.get(path) if "GET" in (rule.methods or ()) else client.post(path)
                assert asked.status_code == 403, path
