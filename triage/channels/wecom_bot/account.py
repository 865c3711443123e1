"""A bot of WeCom, as its page in the console knows it."""

from __future__ import annotations

from dataclasses import dataclass

from triage.channels.sealed import Seal


@dataclass(frozen=True, slots=True)
class BotAccount:
    """The settings of a bot (智能机器人) in URL mode."""

    seal: Seal
    """For nobody: a bot's messages name no receiver."""
    name: str | None = None
    """What people call it with an @; by this a name with blanks in it is told from what follows."""
