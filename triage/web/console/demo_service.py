"""The service of the demo: an account of WeChat's, and, where no team is set, a team of its own that is on call."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from flask import Blueprint

from triage.pictures.reading import read_picture
from triage.settings.model import Settings
from triage.simulator.wecom import PlayedWecom
from triage.web.callback import Callback
from triage.web.console import demo, demo_duty, demo_people, demo_pictures
from triage.web.console.demo_pictures import DemoPlatform
from triage.web.console.demo_team import ON_CALL, SECOND_AFTER, make_team
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
    platform = DemoPlatform()
    played, read = {(demo_people.CHANNEL, account.appid): platform}, platform.watched(read_picture)
    if settings.team is not None:
        own = settings.team.at_accounts(accounts)
        service = Service(settings, accounts, members, now, own, played, read)
        callback = Callback(service)
        return service, callback, demo_pictures.make_blueprints(callback, account, platform)
    team = make_team(now, settings.window, second_after)
    wecom = PlayedWecom(team.app, team.robot, ON_CALL, lambda: datetime.now(UTC))
    ours = {**accounts, **team.accounts}
    known = {**team.team.members, **members}
    turns = team.team.at_accounts(ours)
    service = Service(settings, ours, known, now, turns, played, read, _session_of(wecom))
    callback = Callback(service)
    pages = demo_pictures.make_blueprints(callback, account, platform)
    return service, callback, (*pages, demo_duty.make_blueprint(callback, team, wecom))


def _session_of(wecom: PlayedWecom) -> OpenSession:
    def session() -> requests.Session:
        # imported here: requests takes a tenth of a second, which no start of the service should wait for
        from triage.simulator.transport import open_session

        return open_session(wecom)

    return session
