"""What the ids that rules and findings cite stand for: the rows of docs/sources.md."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from triage.alerts.cleaning import fold
from triage.wording import Wording


@dataclass(frozen=True, slots=True)
class Source:
    """An item of the guide, of the reply law or of what was learnt in the field.

    `name` is a few words, `sentence` what the item says, `page` where it is written or what it was seen on, and `url`
    the address of that page, None where there is none.
    """

    id: str
    name: str
    sentence: str
    page: str
    url: str | None

    @property
    def label(self) -> str:
        """The id with its name: `〔R4〕success 不加修饰`."""
        return self.name if self.id == _NO_ITEM else Wording("〔{id}〕{name}", id=self.id, name=self.name)


class Sources:
    """All sources, by id and by what people type for one."""

    def __init__(self, sources: Iterable[Source] = ()) -> None:
        self._by_id = {source.id: source for source in sources}
        self._by_typed = {_squash(id_): source for id_, source in self._by_id.items()}

    def __iter__(self) -> Iterator[Source]:
        return iter(self._by_id.values())

    @property
    def ids(self) -> Collection[str]:
        """The ids that a step or a code may cite."""
        return self._by_id.keys()

    def get(self, id_: str) -> Source | None:
        """The source of exactly this id."""
        return self._by_id.get(id_)

    def label(self, id_: str | None) -> str:
        """What is shown of a cited id: its label, the id where the page has no such row, `-` for None."""
        source = self._by_id.get(id_ or "")
        return source.label if source else id_ or "-"

    def named(self, cited: Iterable[Iterable[str]]) -> Iterator[str]:
        """For each step what it cites, in words; an item that an earlier step has named is its id alone."""
        seen: set[str] = set()
        for ids in cited:
            yield " ".join(self._mention(id_, seen) for id_ in ids)

    def _mention(self, id_: str, seen: set[str]) -> str:
        source = self._by_id.get(id_)
        if source is None or (id_ in seen and id_ != _NO_ITEM):
            return f"〔{id_}〕"
        seen.add(id_)
        return source.label

    def typed(self, text: str) -> Source | None:
        """The source that typed words name and nothing else: `r4`, `4b`, `〔4.b〕`, `什么是FAQ3.1`."""
        if len(text) > _MAX_TYPED:
            return None
        return self._by_typed.get(_ASKING.sub("", _squash(text)))


def parse_sources(text: str) -> Sources:
    """The sources of a Markdown page: table rows that begin with an id in backticks, links defined at its end."""
    links = dict(_LINK.findall(text))
    return Sources(
        Source(id_, name, sentence.replace("`", ""), linked or page, links[target] if target else None)
        for id_, name, sentence, linked, target, page in _ROW.findall(text)
    )


_NO_ITEM = "field"
_MAX_TYPED = 24
"""Characters; a longer text is about more than an id."""
_CELL = r" ([^|\n]+?) \|"
_ROW = re.compile(rf"(?m)^\| `([^`]+)` \|{_CELL}{_CELL} (?:\[([^]\n]+)\]\[([\w-]+)\]|([^|\n]+?)) \|$")
_LINK = re.compile(r"(?m)^\[([\w-]+)\]: (\S+)$")
_ASKING = re.compile(r"^(?:什么是|出处)|(?:是什么|是啥|是?什么意思|是啥意思)$")
_DROPPED = re.compile(r"[\W_]+")


def _squash(text: str) -> str:
    """Letters and digits alone, in one case and width."""
    return _DROPPED.sub("", fold(text))
