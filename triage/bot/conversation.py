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
    """What was said last to one person."""

    text: str = ""
    """The message that was answered: alerts or a question."""
    page: int = 0
    """Index of the page that was shown last; -1 where none of the alerts was."""
    shown: int = 0
    """How many steps of one alert or topic have been shown; of several alerts, how many have been listed."""
    lead: str | None = None
    """The kind of the alert that led to this one, whose steps come first."""
    chosen: int = 0
    """Of several alerts the one that is spoken of, by its number in their list; 0 while only the list was shown."""
    step: int = 0
    """Number of the step that 下一步 showed last; 0 for none yet."""
    walked: tuple[int, ...] = ()
    """The numbers of all that it has shown: what a finding points to comes before the steps in between."""
    incident: str | None = None
    """The key of the incident that 认领, 备注 and 关闭 mean without a number."""
    choices: tuple[str, ...] = ()
    """The topics that were offered, in the order of their digits."""
    listed: tuple[int, ...] = ()
    """The incidents of the list that was shown last: what a number and 全部 mean, and what 更多 goes on with."""
    listed_shown: int = 0
    """How many of them have been shown."""
    groups: tuple[tuple[int, ...], ...] = ()
    """The groups of incidents that a storm was summed up in, in the order of their digits."""
    is_question: bool = False
    """Whether `text` was a question: then `incident` is one spoken of earlier."""
    reasons: int = 0
    """How many pages of reasons 为什么 and 更多 have shown, while there are further ones; else 0."""

    def turned(self, shown: int) -> Conversation:
        """After the next page; `shown` steps have been shown by now."""
        return replace(self, page=self.page + 1, shown=shown)

    def with_list(self, listed: tuple[int, ...]) -> Conversation:
        """After a list of incidents, of which nothing has been shown yet; digits mean nothing else then."""
        return replace(self, listed=listed, listed_shown=0, groups=(), choices=(), reasons=0)

    def as_json(self) -> dict[str, Any]:
        """For the store: the fields that differ from their defaults."""
        return {name: value for name in self.__slots__ if (value := getattr(self, name))}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Conversation:
        """From the store; a field that is missing has its default."""
        known = {name: value[name] for name in cls.__slots__ if name in value}
        lists = {name: tuple(known.get(name, ())) for name in ("choices", "listed", "walked")}
        return cls(**{**known, **lists, "groups": tuple(map(tuple, known.get("groups", ())))})
