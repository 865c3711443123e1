"""A WeCom app, as its console knows it."""

from __future__ import annotations

from dataclasses import dataclass, field

from triage.channels.sealed import Seal


@dataclass(frozen=True, slots=True)
class Account:
    """The settings of an app (自建应用) of a corporation."""

    corpid: str
    agentid: int
    seal: Seal
    """For `corpid`."""
    secret: str | None = field(default=None, repr=False)
    """By which it may write first; without it it can only answer."""
