"""Group robots that only send: an address with a key in it, perhaps a signature, perhaps a word that must stand in all.

What differs between WeCom, DingTalk and Feishu stands in their own folders.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from triage.channels.answers import Codes, judge_answer, judge_failure
from triage.channels.apis import Apis
from triage.channels.delivery import Delivery, Notice, RateLimit
from triage.channels.xml import strip_controls
from triage.errors import ApiError, SettingsError
from triage.message import PageSize
from triage.wording import Wording

_URL = re.compile(r"https?://[!-~]{1,2000}")
_KEY = re.compile(r"[A-Za-z0-9-]{8,200}")


@dataclass(frozen=True, slots=True)
class Robot:
    """A group robot as its settings in the group show it. Raises SettingsError for what can be none."""

    address: str = field(repr=False)
    """Its webhook URL, or the key in it."""
    secret: str | None = field(default=None, repr=False)
    """What messages are signed by, where that was chosen."""
    keyword: str | None = None
    """What must stand in every message, where that was chosen."""

    def __post_init__(self) -> None:
        if not _URL.fullmatch(self.address) and not _KEY.fullmatch(self.address):
            raise SettingsError(
                Wording("is neither the webhook URL of a robot nor its key; copy it from the group"),
                "address",
            )
        if self.secret is not None and (not self.secret.strip() or not self.secret.isascii()):
            raise SettingsError(
                Wording("the secret is empty or has foreign letters; copy it from the group"), "secret"
            )
        if self.keyword is not None and not self.keyword.strip():
            raise SettingsError(
                Wording("the keyword is empty; leave it out where the robot has none"), "keyword"
            )

    def url(self, official: str) -> str:
        """Where it is; `official` has `{}` where the key stands."""
        return self.address if _URL.fullmatch(self.address) else official.format(self.address)


@dataclass(frozen=True, slots=True)
class Letter:
    """The request that sends a notice: its body, and what is added to the query."""

    body: Mapping[str, object]
    params: Mapping[str, str] = field(default_factory=dict)


Compose = Callable[[Notice, Robot, datetime], Letter]


@dataclass(frozen=True, slots=True)
class RobotChannel:
    """One platform's group robots."""

    name: str
    official: str
    """The URL, with `{}` for the key."""
    page_size: PageSize
    limits: tuple[RateLimit, ...]
    codes: Codes
    compose: Compose
    """Makes the request; a text is whole, with its keyword, and fits."""

    def sender(self, account: Robot, apis: Apis) -> RobotSender:
        """As `Outgoing.sender`."""
        return RobotSender(self, account, apis)


class RobotSender:
    """Sends to one group."""

    def __init__(self, channel: RobotChannel, robot: Robot, apis: Apis) -> None:
        self.page_size = channel.page_size
        self.limits = channel.limits
        self._channel = channel
        self._robot = robot
        self._apis = apis

    def send(self, notice: Notice, timeout: float) -> Delivery:
        """As `Sender.send`."""
        # imported here: requests takes a tenth of a second, and most commands send nothing
        from triage.channels.json_http import exchange, within

        letter = self._channel.compose(notice, self._robot, self._apis.clock())
        url, name = self._robot.url(self._channel.official), self._channel.name
        try:
            answer = exchange(self._apis.session, url, name, letter.body, within(timeout), letter.params)
        except ApiError as exc:
            return judge_failure(exc, self._channel.codes)
        return judge_answer(answer.status, answer.body, self._channel.codes)


def with_keyword(text: str, robot: Robot) -> str:
    """The printable text with the robot's keyword in it; in front, where nothing is cut."""
    text = strip_controls(text)
    if robot.keyword is None or robot.keyword in text:
        return text
    return f"{robot.keyword} {text}"


def hmac_sha256(key: str, text: str) -> str:
    """HMAC-SHA256 in base64, as DingTalk and Feishu sign."""
    return base64.b64encode(hmac.digest(key.encode(), text.encode(), hashlib.sha256)).decode()
