"""What a chat channel is to the rest of the program."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from triage.channels.apis import Apis
from triage.channels.delivery import Sender
from triage.channels.pictures import Fetcher
from triage.message import Message, PageSize, Reply, Request, Response

AccountT = TypeVar("AccountT", contravariant=True)
OwnAccountT = TypeVar("OwnAccountT")


@dataclass(frozen=True, slots=True)
class Echo:
    """The answer to the platform's check of the callback address; `text` is sent back and nothing else."""

    text: str


class Outgoing(Protocol[AccountT]):
    """What notices go out by; `AccountT` is an account or a robot of ours on it, as its console knows it."""

    @property
    def name(self) -> str:
        """In paths (`/callback/<name>`), in settings, in `Message.channel`, `Person.channel` and `Group.channel`."""

    def sender(self, account: AccountT, apis: Apis, /) -> Sender | None:
        """What sends for an account; None where it can only answer."""


class Channel(Outgoing[AccountT], Protocol[AccountT]):
    """A chat channel, which receives messages and answers them."""

    @property
    def page_size(self) -> PageSize:
        """How much text one reply holds."""

    @property
    def max_body_bytes(self) -> int:
        """The largest body that the platform sends; a larger one is refused before it is read."""

    @property
    def silence(self) -> Response:
        """The legal answer to every push that there is nothing to say to."""

    def receive(self, request: Request, account: AccountT, now: datetime, /) -> Message | Echo:
        """Verify and decode a request.

        Raises RefusedError for one that the platform has not sent, BadMessageError for one that is no message of this
        channel, UnreadableMessageError for one that was signed and cannot be read.
        """

    def respond(
        self, reply: Reply, message: Message, account: AccountT, now: datetime, nonce: str, random16: bytes, /
    ) -> Response:
        """The answer to the push that brought `message`: cut to fit, encrypted if the push was. Never raises.

        `nonce` is that of the request, `random16` are 16 random bytes.
        """

    def written(self, text: str, /) -> str:
        """The text of a reply as it is sent: in Markdown where the platform's clients show that, with links to tap."""

    def seen(self, written: str, /) -> str:
        """What was sent as readers see it: without what a tap on its words would send."""

    def fetcher(self, account: AccountT, apis: Apis, /) -> Fetcher | None:
        """What fetches the pictures of its messages; None where they have none."""

    def answerer(self, account: AccountT, apis: Apis, /) -> Sender | None:
        """What answers a message later by its `answer_url`; None where its messages have none."""


def nothing(account: object, apis: Apis) -> None:
    """In place of the sender, fetcher or answerer that a channel is without."""


def as_it_is(text: str) -> str:
    """The text of a reply where clients show plain text."""
    return text


@dataclass(frozen=True, slots=True)
class CallbackChannel(Generic[OwnAccountT]):
    """A channel that is made of functions; see `Channel`."""

    name: str
    page_size: PageSize
    max_body_bytes: int
    silence: Response
    receive: Callable[[Request, OwnAccountT, datetime], Message | Echo]
    respond: Callable[[Reply, Message, OwnAccountT, datetime, str, bytes], Response]
    sender: Callable[[OwnAccountT, Apis], Sender | None] = nothing
    fetcher: Callable[[OwnAccountT, Apis], Fetcher | None] = nothing
    answerer: Callable[[OwnAccountT, Apis], Sender | None] = nothing
    written: Callable[[str], str] = as_it_is
    seen: Callable[[str], str] = as_it_is
