"""What the bot keeps in mind between two messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

EXPIRES = timedelta(minutes=30)
"""How long 更多, 下一步 and a digit refer to what was said before."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """What was said last: the text, the page of several alerts, how many steps were shown, the kind whose steps led,
    the step somebody is at, the key of the incident, the topics offered, whether the text was a question."""

    text: str = ""
    page: int = 0
    shown: int = 0
    lead: str | None = None
    step: int = 0
    incident: str | None = None
    choices: tuple[str, ...] = ()
    is_question: bool = False

    def turned(self, shown: int) -> Conversation:
        """After the next page, with so many steps shown."""
        return replace(self, page=self.page + 1, shown=shown)

    def as_json(self) -> dict[str, Any]:
        """For the store: what is not at its default."""
        return {name: value for name in self.__slots__ if (value := getattr(self, name))}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Conversation:
        """From the store; what was not written is at its default."""
        known = {name: value[name] for name in cls.__slots__ if name in value}
        return cls(**{**known, "choices": tuple(known.get("choices", ()))})
