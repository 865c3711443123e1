"""Ways into the console, as people and attackers take them."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from flask import Blueprint
from flask.testing import FlaskClient
from werkzeug.test import TestResponse
from werkzeug.wrappers import Response

from tests.support.stores import entry, opened
from triage.message import Person
from triage.store import SignInLink, Store
from triage.store.signing import digest_of
from triage.web.asgi import Application
from triage.web.console.frame import FORM_FIELD, csrf_field, page
from triage.web.console.visitors import Sight, seen_by, the_visitor

APPID = "wx5f3a09c27be1d846"
LEAD = Person("wechat", APPID, "oZhao000000000000000000000001")
PASSWORD = "满仓商城 correct horse"  # noqa: S105 - of no one
ACCOUNT: Mapping[str, object] = {
    "wechat_token": "hush",
    "wechat_appid": APPID,
    "members": {Person("wechat", "*", LEAD.id): "小赵"},
    "public_url": "http://localhost",
    "console_password": PASSWORD,
}


def page_of_members() -> Blueprint:
    """Pages that say who looks at them."""
    blueprint = Blueprint("sample", __name__)

    def shown() -> Response:
        visitor = the_visitor()
        return page(
            "problem.html", title=f"看见 {visitor.name} {visitor.incident or ''}", advice=csrf_field()
        )

    blueprint.get("/members-only", endpoint="members")(seen_by(Sight.MEMBER)(shown))
    blueprint.post("/members-only", endpoint="write")(seen_by(Sight.MEMBER)(shown))
    blueprint.get("/one-incident", endpoint="incident")(seen_by(Sight.INCIDENT)(shown))
    blueprint.post("/one-incident", endpoint="act")(seen_by(Sight.INCIDENT)(shown))
    return blueprint


class Door:
    """The console of an application, and the ways into it."""

    def __init__(self, application: Application) -> None:
        self.application = application

    @property
    def store(self) -> Store:
        assert self.application.service.store
        return self.application.service.store

    def client(self) -> FlaskClient:
        """A browser without cookies."""
        return self.application.pages.test_client()

    def login_link(self, person: Person = LEAD, age: timedelta = timedelta(0)) -> str:
        """The path of a link as 登录 sends it, so long ago."""
        token, now = uuid.uuid4().hex, datetime.now(UTC)
        link = SignInLink(digest_of(token), person, now - age + timedelta(minutes=10))
        self.store.record(entry(token, actions=(link,)))
        return f"/l/{token}"

    def incident_link(self, number: int, person: Person = LEAD, age: timedelta = timedelta(0)) -> str:
        """The path of a link as a reply ends with it, so long ago."""
        links = self.application.service.links
        assert links
        return links.to_incident(number, person, datetime.now(UTC) - age).removeprefix(links.console)

    def open_incident(self, appid: str = APPID) -> int:
        """The number of a new incident of an account."""
        return opened(self.store, f"{appid}|{uuid.uuid4().hex}", appid=appid)

    def press(
        self, client: FlaskClient, path: str, shown_at: str | None = None, **fields: str
    ) -> TestResponse:
        """Send a form to a path with the token that a page shows."""
        return client.post(path, data={FORM_FIELD: self.form_token(client, shown_at or path), **fields})

    def form_token(self, client: FlaskClient, path: str) -> str:
        """The token in the forms of a page."""
        body = client.get(path).get_data(as_text=True)
        found = re.search(f'name="{FORM_FIELD}" value="([^"]+)"', body)
        return found[1] if found else ""

    def enter_password(
        self,
        client: FlaskClient,
        password: str,
        path: str = "/login",
        headers: Mapping[str, str] | None = None,
        **fields: str,
    ) -> TestResponse:
        data = {FORM_FIELD: self.form_token(client, path), "password": password, **fields}
        return client.post("/login", data=data, headers=dict(headers or {}))

    def signed_in(self, person: Person = LEAD) -> FlaskClient:
        """A browser in which somebody has signed in by a link."""
        client = self.client()
        assert self.press(client, self.login_link(person)).status_code == 303
        return client

    def cookie(self, client: FlaskClient, name: str = "triage_session") -> str:
        """The value of a browser's cookie."""
        found = client.get_cookie(name)
        assert found
        return found.value
