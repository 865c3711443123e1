"""How people and groups of the team are reached: which of our accounts can write to whom, in which order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, TypeVar

from triage.channels.apis import Apis
from triage.channels.delivery import Sender
from triage.channels.pictures import Fetcher
from triage.channels.registry import CHANNELS, ROBOTS
from triage.channels.robot import Robot
from triage.incidents.team import PAGING_CHANNELS, Team, TeamGroup, Teammate
from triage.message import ANY_ACCOUNT, Message, Person

T = TypeVar("T")


class Played(Sender, Fetcher, Protocol):
    """A platform that is played in this process, as the demo does: in place of the real one of an account."""


_NONE_PLAYED: Mapping[tuple[str, str], Played] = {}


class Reaching:
    """The senders, answerers and fetchers of our accounts, and the senders of the robots of the team's groups."""

    def __init__(
        self,
        accounts: Mapping[str, Mapping[str, Any]],
        team: Team,
        apis: Apis,
        played: Mapping[tuple[str, str], Played] = _NONE_PLAYED,
    ) -> None:
        self._of_account: dict[tuple[str, str], Sender] = {}
        self._answerers: dict[tuple[str, str], Sender] = {}
        self._fetchers: dict[tuple[str, str], Fetcher] = {}
        for channel, ours in accounts.items():
            for id_, account in ours.items():
                _keep(self._of_account, (channel, id_), CHANNELS[channel].sender(account, apis))
                _keep(self._answerers, (channel, id_), CHANNELS[channel].answerer(account, apis))
                _keep(self._fetchers, (channel, id_), CHANNELS[channel].fetcher(account, apis))
        self._of_account.update(played)
        self._fetchers.update(played)
        self._of_group = {group.id: _robot(group, apis) for group in team.groups}

    @property
    def can_send(self) -> bool:
        """Whether anything can go out by itself."""
        return bool(self._of_account or self._of_group or self._answerers)

    @property
    def can_fetch(self) -> bool:
        """Whether any of our accounts gets pictures."""
        return bool(self._fetchers)

    def sender_for(self, to: Person) -> Sender | None:
        """What sends to somebody; None where their channel or account can only answer."""
        return self._of_account.get((to.channel, to.account))

    def answerer_for(self, to: Person) -> Sender | None:
        """What answers a message of somebody at its `answer_url`; None where their channel has none."""
        return _found(self._answerers, to)

    def fetcher_for(self, sender: Person) -> Fetcher | None:
        """What fetches the pictures that somebody sends; None where their channel has none."""
        return _found(self._fetchers, sender)

    def reaches(self, message: Message) -> bool:
        """Whether an answer to a message can go out by itself."""
        if message.answer_url is not None and self.answerer_for(message.person) is not None:
            return True
        return message.chat is None and self.sender_for(message.person) is not None

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


def _keep(known: dict[tuple[str, str], T], key: tuple[str, str], made: T | None) -> None:
    if made is not None:
        known[key] = made


def _found(known: Mapping[tuple[str, str], T], who: Person) -> T | None:
    """Of the account that somebody writes to, or of the only one of the channel: the settings give a bot no id."""
    ours = [made for (channel, _), made in known.items() if channel == who.channel]
    return known.get((who.channel, who.account)) or (ours[0] if len(ours) == 1 else None)
