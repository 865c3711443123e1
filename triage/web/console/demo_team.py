"""The team on call in the demo: two people by turns, the second called soon after the first, and their group."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from triage.alerts.parser import BEIJING
from triage.channels.sealed import Seal
from triage.channels.wecom_app.account import Account as WecomApp
from triage.channels.wecom_app.channel import WECOM_APP
from triage.channels.wecom_bot.account import BotAccount
from triage.channels.wecom_bot.channel import WECOM_BOT
from triage.channels.wecom_webhook.channel import WECOM_WEBHOOK
from triage.incidents.team import Team, Teammate
from triage.message import ANY_ACCOUNT, Person
from triage.simulator.on_call import two_by_turns
from triage.web.console.demo_people import CHANNEL, PEOPLE, random_key

SECOND_AFTER = timedelta(seconds=20)
"""Ten minutes in a real team; nobody who looks at a demo waits for so long."""
BOT_NAME = "排查助手"
ON_CALL: Mapping[str, str] = {"wang": "小王", "li": "小李"}
"""By their ids on WeCom; the first is on call."""
_CORPID = "wwdemo000000000000"
_AGENTID = 1000002


@dataclass(frozen=True, slots=True)
class DemoTeam:
    """The team, and what its messages go in and out by; all keys are random at each start."""

    app: WecomApp
    bot: BotAccount
    robot: str
    """The key of the robot in the group."""
    team: Team

    @property
    def accounts(self) -> Mapping[str, Mapping[str, object]]:
        """As in the settings."""
        return {WECOM_APP.name: {self.app.corpid: self.app}, WECOM_BOT.name: {"bot": self.bot}}


def make_team(now: datetime, window: timedelta, second_after: timedelta = SECOND_AFTER) -> DemoTeam:
    """A team whose first teammate is on call from now on; the second is called `second_after` the first."""
    robot = secrets.token_hex(16)
    app = Seal(secrets.token_hex(16), random_key(), _CORPID, window)
    bot = Seal(secrets.token_hex(16), random_key(), "", window)
    return DemoTeam(
        WecomApp(_CORPID, _AGENTID, app, secrets.token_hex(16)),
        BotAccount(bot, BOT_NAME),
        robot,
        two_by_turns(
            [_teammate(id_, name) for id_, name in ON_CALL.items()],
            now.astimezone(BEIJING).date(),
            robot,
            second_after,
        ),
    )


def _teammate(id_: str, name: str) -> Teammate:
    channels = (WECOM_APP.name, WECOM_BOT.name, WECOM_WEBHOOK.name)
    wecom = tuple(Person(channel, ANY_ACCOUNT, id_) for channel in channels)
    return Teammate(id_, name, (*wecom, Person(CHANNEL, ANY_ACCOUNT, PEOPLE[id_])))
