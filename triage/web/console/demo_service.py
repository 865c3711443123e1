"""The service of the demo: an account of WeChat's, and, where no team is set, a team of its own that is on call."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from flask import Blueprint

from triage.settings.model import Settings
from triage.web.callback import Callback
from triage.web.console import demo, demo_duty, demo_people
from triage.web.console.demo_team import SECOND_AFTER, make_team
from triage.web.console.demo_wecom import DemoWecom
from triage.web.outgoing import OpenSession
from triage.web.service import Service

if TYPE_CHECKING:
    import requests


def make(
    settings: Settings, now: datetime, second_after: timedelta = SECOND_AFTER
) -> tuple[Service, Callback, tuple[Blueprint, ...]]:
    """The service, its callback and its pages; `second_after` as for `make_team`."""
    account = demo.make_account(settings.window)
    accounts = {**settings.accounts, demo_people.CHANNEL: {account.appid: account}}
    members = {**demo_people.MEMBERS, **settings.admins}
    if settings.team is not None:
        service = Service(settings, accounts, members, now, settings.team.at_accounts(accounts))
        callback = Callback(service)
        return service, callback, (demo.make_blueprint(callback, account),)
    team = make_team(now, settings.window, second_after)
    wecom = DemoWecom(team, lambda: datetime.now(UTC))
    service = Service(
        settings,
        {**accounts, **team.accounts},
        {**team.team.members, **members},
        now,
        team.team,
        _session_of(wecom),
    )
    callback = Callback(service)
    pages = demo.make_blueprint(callback, account), demo_duty.make_blueprint(callback, team, wecom)
    return service, callback, pages


def _session_of(wecom: DemoWecom) -> OpenSession:
    def session() -> requests.Session:
        # imported here: requests takes a tenth of a second, which no start of the service should wait for
        from triage.web.console.demo_transport import open_session

        return open_session(wecom)

    return session
