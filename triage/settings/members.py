"""`TRIAGE_MEMBERS`: the members from the start."""

from __future__ import annotations

import re
from collections.abc import Mapping

from triage.channels.registry import CHANNELS
from triage.message import ANY_ACCOUNT, Person
from triage.names import person_name
from triage.wording import Wording

_PERSON = re.compile(
    r"(?:(?P<channel>[a-z_]{1,32})/(?P<account>[A-Za-z0-9_*-]{1,64})/)?(?P<id>[A-Za-z0-9_.@-]{1,64})"
)


def read_members(text: str) -> Mapping[Person, str]:
    """The names of the members of `OpenID=name,channel/account/id=name`, by person. Raises ValueError."""
    members: dict[Person, str] = {}
    for part in filter(None, (part.strip() for part in text.replace("\n", ",").split(","))):
        person, equals, name = (piece.strip() for piece in part.partition("="))
        match = _PERSON.fullmatch(person)
        if not equals or not person_name(name) or not match:
            raise ValueError(Wording("is not a list like OpenID=name,channel/account/id=name"))
        channel, account = match["channel"] or "wechat", match["account"] or ANY_ACCOUNT
        if channel not in CHANNELS:
            raise ValueError(
                Wording(
                    "names the channel '{channel}'; there are: {channels}",
                    channel=channel,
                    channels=", ".join(CHANNELS),
                )
            )
        members[Person(channel, account, match["id"])] = name
    return members
