"""How people and groups of the team are reached: which of our accounts can write to whom, in which order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from triage.channels.apis import Apis
from triage.channels.delivery import Sender
from triage.channels.registry import CHANNELS, ROBOTS
from triage.channels.robot import Robot
from triage.incidents.team import PAGING_CHANNELS, Team, TeamGroup, Teammate
from triage.message import ANY_ACCOUNT, Person


class Reaching:
    """The senders of our accounts, and of the robots of the team's groups."""

    def __init__(self, accounts: Mapping[str, Mapping[str, Any]], team: Team, apis: Apis) -> None:
        self._of_account = {
            (channel, id_): sender
            for channel, ours in accounts.items()
            for id_, account in ours.items()
            if (sender := CHANNELS[channel].sender(account, apis)) is not None
        }
        self._of_group = {group.id: _robot(group, apis) for group in team.groups}

    @property
    def can_send(self) -> bool:
        """Whether anything can go out by itself."""
        return bool(self._of_account or self._of_group)

    def sender_for(self, to: Person) -> Sender | None:
        """What sends to somebody; None where their channel or account can only answer."""
        return self._of_account.get((to.channel, to.account))

    def sender_of(self, group: str) -> Sender | None:
        """What sends to a group of the team."""
        return self._of_group.get(group)

    def ways(self, to: Teammate | Person) -> tuple[Person, ...]:
        """Somebody at each of our accounts that can write to them, those first that need not be spoken to before."""
        addresses = to.addresses if isinstance(to, Teammate) else (to,)
        found = [
            Person(channel, account, address.id)
            for address in addresses
            for channel, account in self._of_account
            if channel == address.channel and address.account in (account, ANY_ACCOUNT)
        ]
        return tuple(sorted(found, key=lambda person: person.channel not in PAGING_CHANNELS))


def _robot(group: TeamGroup, apis: Apis) -> Sender:
    return ROBOTS[group.channel].sender(Robot(group.address, group.secret, group.keyword), apis)
