"""What holds in a place of a configuration: inheritance, the places that answer the callback, and units."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain, islice

from triage.evidence.nginx.tree import Block, Directive

PASSES = ("proxy_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass", "grpc_pass")
MAX_ALIKE = 100
"""Directives of one name in a block that are judged, and names of a server."""
_CALLBACK = re.compile(r"(?i)wx|wechat|weixin|callback|notify")
_INSIDE = ("location", "if", "limit_except")
_TIME = re.compile(r"(\d+)(ms|[smhdwMy]?)")
_SECONDS = {
    "ms": 0.001,
    "": 1,
    "s": 1,
    "m": 60,
    "h": 3600,
    "d": 86_400,
    "w": 604_800,
    "M": 2_592_000,
    "y": 31_536_000,
}
_SIZES = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


@dataclass(frozen=True, slots=True)
class Scope:
    """A block within those around it, the innermost last: main, http, server, location."""

    blocks: tuple[Block, ...]
    owners: tuple[Directive, ...] = ()
    """The directives of the blocks but the first."""

    def within(self, directive: Directive) -> Scope:
        """The scope of a block that stands in this one."""
        assert directive.block is not None  # noqa: S101 - who calls has looked
        return Scope((*self.blocks, directive.block), (*self.owners, directive))

    @property
    def inner(self) -> Block:
        """The innermost block."""
        return self.blocks[-1]

    @property
    def is_whole(self) -> bool:
        """Whether what is not written here is not set: nothing is cut, and no included file is missing."""
        return all(block.is_whole for block in self.blocks)

    def holder(self, *names: str) -> Block | None:
        """The innermost block that has a directive of these names: what stands there holds here."""
        return next(
            (block for block in reversed(self.blocks) if not block.named.keys().isdisjoint(names)), None
        )

    def effective(self, *names: str) -> tuple[Directive, ...]:
        """The directives that hold here, at most MAX_ALIKE."""
        block = self.holder(*names)
        return alike(block, *names) if block else ()

    def value(self, name: str) -> Directive | None:
        """The one directive that holds here, with an argument."""
        return next((directive for directive in self.effective(name) if directive.args), None)

    @property
    def passed(self) -> Directive | None:
        """The directive that hands a request of this very block to a backend."""
        named = self.blocks[-1].named
        return (
            None
            if named.keys().isdisjoint(PASSES)
            else next(named[name][0] for name in PASSES if name in named)
        )

    @property
    def server(self) -> Directive | None:
        """The `server` around it."""
        return next((owner for owner in self.owners if owner.name == "server"), None)

    @property
    def location(self) -> Directive | None:
        """The innermost `location` around it."""
        return next((owner for owner in reversed(self.owners) if owner.name == "location"), None)


def alike(block: Block, *names: str) -> tuple[Directive, ...]:
    """The directives of some names in a block, at most MAX_ALIKE."""
    return tuple(islice(chain.from_iterable(block.named.get(name, ()) for name in names), MAX_ALIKE))


def http_scope(root: Block) -> Scope:
    """The block `http`, or the whole text where it is a part of one."""
    scope = Scope((root,))
    http = next((each for each in root.named.get("http", ()) if each.block), None)
    return scope.within(http) if http else scope


def scopes(scope: Scope) -> Iterator[Scope]:
    """The servers and locations in a scope, and what stands inside them, each after the block around it."""
    pending = [
        scope.within(each)
        for name in ("server", *_INSIDE)
        for each in scope.inner.named.get(name, ())
        if each.block
    ]
    pending.reverse()
    while pending:
        place = pending.pop()
        yield place
        inner = [d for name in _INSIDE for d in place.inner.named.get(name, ()) if d.block]
        pending.extend(place.within(directive) for directive in reversed(inner))


def callbacks(http: Scope, places: tuple[Scope, ...]) -> tuple[Scope, ...]:
    """The places that answer the callback.

    They are the locations whose path sounds like one; where none of these has a backend, also the locations that have,
    of the servers whose name sounds like it, or of all.
    """
    passing = [place for place in (*places, http) if place.passed]
    hinted = [place for place in places if _sounds(place, "location") and place.owners[-1] is place.location]
    hinted += [
        place for place in passing if _sounds(place, "location") and place.owners[-1] is not place.location
    ]
    if any(place.passed for place in hinted):
        return tuple(hinted)
    named = [place for place in passing if _sounds(place, "server")]
    return tuple(hinted + (named or passing))


def sounds_like_callback(place: Scope) -> bool:
    """Whether the path of a location around a place sounds like a callback's."""
    return _sounds(place, "location")


def _sounds(place: Scope, kind: str) -> bool:
    """Whether the path of a location around a place, or the name of its server, sounds like a callback's."""
    owners = [owner for owner in place.owners if owner.name == kind]
    if kind == "location":
        return any(owner.args and _CALLBACK.search(owner.args[-1]) for owner in owners)
    return any(_CALLBACK.search(name) for name in server_names(owners[0])) if owners else False


def server_names(server: Directive) -> tuple[str, ...]:
    """The names of a server."""
    named = alike(server.block, "server_name") if server.block else ()
    return tuple(name for directive in named for name in directive.args[:MAX_ALIKE])


def seconds(text: str) -> timedelta | None:
    """A time as nginx writes it: `60`, `4s`, `1m30s`, `500ms`; None for anything else, such as a variable.

    https://nginx.org/en/docs/syntax.html
    """
    parts = _TIME.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text or len(text) > 12:
        return None
    return timedelta(seconds=sum(int(number) * _SECONDS[unit] for number, unit in parts))


def size(text: str) -> int | None:
    """A size in bytes: `512`, `8k`, `1m`; None for anything else."""
    match = re.fullmatch(r"(\d{1,12})([kmgKMG]?)", text)
    return int(match[1]) * _SIZES[match[2].lower()] if match else None


def whole_number(text: str) -> int | None:
    """A count; None for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 12 else None
