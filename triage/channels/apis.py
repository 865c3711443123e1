"""How this process reaches the platforms' APIs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from triage.channels.tokens import MemoryTokens, TokenCache

if TYPE_CHECKING:
    import requests  # which takes long, and only senders need it


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Apis:
    """What the senders of all channels share."""

    session: requests.Session
    urls: Mapping[str, str] = field(default_factory=dict)
    """By channel; one that is not here is reached where the platform is."""
    tokens: TokenCache = field(default_factory=MemoryTokens)
    clock: Callable[[], datetime] = _now
