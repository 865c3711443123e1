"""Words of a reply that a tap sends, so that nobody types 更多 at night.

A text message shows `<a href="weixin://bizmsgmenu?msgmenucontent=更多&msgmenuid=1">更多</a>` as a link; a tap on it
sends the text message 更多. Replies are kept without links: they are put in on the way out, so a retry gets the same.
https://developers.weixin.qq.com/doc/service/guide/product/message/Passive_user_reply_message.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from triage.message import PageSize

TAPPABLE = ("更多", "下一步", "为什么", "没用", "认领", "状态", "待确认", "帮助")
"""The words that become links where a reply has them in 「」; where not all links fit, the first of them do."""
_LINK = '<a href="weixin://bizmsgmenu?msgmenucontent={0}&msgmenuid=1">{0}</a>'
_LINKED = re.compile(
    r'<a href="weixin://bizmsgmenu\?msgmenucontent=([^"&<>]*)&msgmenuid=[^"&<>]*">([^<>]*)</a>'
)
_TAG = re.compile(r"<(?=\s*/?\s*a(?![\w:.-]))", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text as a phone shows it."""

    text: str
    says: str | None = None
    """What a tap on it sends; None where it is no link."""


def without_links(text: str) -> str:
    """The text with every `<a` and `</a` made visible: an alert that quotes one puts no link into our reply."""
    return _TAG.sub("＜", text) if "<" in text else text


def with_taps(text: str, size: PageSize) -> str:
    """The text with its last mention of each tappable word as a link, as long as one message still holds it."""
    for word in TAPPABLE:
        before, quoted, after = text.rpartition(f"「{word}」")
        if quoted and size.holds(linked := f"{before}「{_LINK.format(word)}」{after}"):
            text = linked
    return text


def as_seen(content: str) -> str:
    """What a phone shows of a text message, without what a tap would send."""
    return "".join(piece.text for piece in read_pieces(content))


def read_pieces(content: str) -> Iterator[Piece]:
    """What a phone shows of a text message, in order: the platform's half."""
    end = 0
    for link in _LINKED.finditer(content):
        if link.start() > end:
            yield Piece(content[end : link.start()])
        yield Piece(link[2], link[1])
        end = link.end()
    if end < len(content):
        yield Piece(content[end:])
