"""Parses a callback's XML reply: the elements that the reply law checks, each with its bytes, or why it is malformed.

expat parses in time linear in the reply, and is stopped at a DOCTYPE, so that no entity expands.
https://docs.python.org/3/library/pyexpat.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from xml.parsers import expat

from triage.errors import MalformedReplyError, Mistake
from triage.platform.pushes import REPLY_TYPES
from triage.wording import Wording

Span = tuple[int, int]
"""A half-open range of the reply's bytes."""

_GZIP = b"\x1f\x8b"
COMMON = ("ToUserName", "FromUserName", "CreateTime", "MsgType")
ITEM = "Articles/item"
ITEM_FIELDS = tuple(f"{ITEM}/{name}" for name in ("Title", "Description", "PicUrl", "Url"))
ENVELOPE = ("Encrypt", "MsgSignature", "TimeStamp", "Nonce")


@dataclass(frozen=True, slots=True)
class Element:
    """An element of the reply."""

    text: str
    """Its text, with that of the elements inside it."""
    span: Span
    """Its bytes, tags included."""


@dataclass(frozen=True, slots=True)
class Document:
    """A reply's elements by their path below the root, which is `""`; only those that the law checks."""

    root: str
    elements: Mapping[str, Sequence[Element]]

    def all(self, path: str) -> Sequence[Element]:
        """The elements of a path, in order."""
        return self.elements.get(path, ())

    def text(self, path: str) -> str:
        """The stripped text of the first element of this path; `""` where there is none."""
        return self.elements[path][0].text.strip() if path in self.elements else ""

    def span(self, path: str = "") -> Span:
        """The bytes of the first element of this path, which must be there."""
        return self.elements[path][0].span

    @property
    def is_success(self) -> bool:
        """Whether the word success stands in XML instead of alone."""
        return self.text("") == "success"

    @property
    def is_echo(self) -> bool:
        """Whether the reply is the pushed message itself."""
        is_unswapped = self.text("ToUserName").startswith("gh_") and self.text("FromUserName").startswith("o")
        return is_unswapped or self.text("MsgType") == "event"


_CHECKED_PATHS = frozenset(
    {"", "return_code", *COMMON, *ENVELOPE, *ITEM_FIELDS, *chain(*REPLY_TYPES.values())}
)
_MAX_DEPTH = 4
"""Elements inside a news item; nothing deeper is checked."""
_CDATA = b"<![CDATA["
_CDATA_SLIP = re.compile(rb"(?<!\])(?:\]\]?\s*</|\]\s*>\s*</|\]\]\s+>)")
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_EXPAT_REASONS = {
    expat.errors.XML_ERROR_INVALID_TOKEN: Wording("这里有 XML 不认的字符（& 和 < 要转义，]]> 不能写进正文）"),
    expat.errors.XML_ERROR_UNDEFINED_ENTITY: Wording("这个实体没有定义（& 要写成 &amp;）"),
    expat.errors.XML_ERROR_JUNK_AFTER_DOC_ELEMENT: Wording("根元素之后还有别的内容"),
    expat.errors.XML_ERROR_UNCLOSED_TOKEN: Wording("这里的标签或注释没有写完"),
}


def undecodable(reply: bytes) -> Mistake | None:
    """The first bytes that are not UTF-8; None if all are."""
    try:
        reply.decode()
    except UnicodeDecodeError as error:
        message = Wording(
            "从第 {place} 个字节 0x{byte:02X} 起不是 UTF-8", place=error.start + 1, byte=reply[error.start]
        )
        if reply.startswith(_GZIP):
            message = Wording("回应是 gzip 压缩过的 {size} 字节，请求里没有要求压缩", size=len(reply))
        return Mistake("bad_encoding", message, (error.start, error.end))
    return None


def parse_document(reply: bytes, start: int) -> Document:
    """The document that begins at byte `start`. Raises MalformedReplyError."""
    if mistake := undecodable(reply):
        raise MalformedReplyError(mistake)
    reader = _Reader(reply, start)
    try:
        reader.parser.Parse(reply[start:], True)
    except expat.ExpatError as error:
        raise MalformedReplyError(*_malformed(reader, expat.ErrorString(error.code))) from error
    return Document(reader.root, reader.elements)


class _Reader:
    """Collects the checked elements while expat parses; raises MalformedReplyError at a DOCTYPE."""

    def __init__(self, reply: bytes, start: int) -> None:
        self.reply, self.start = reply, start
        self.root = ""
        self.elements: dict[str, list[Element]] = {}
        self.names: list[str] = []
        self.cdata: int | None = None
        self._open: list[tuple[int, int]] = []
        self._texts: list[str] = []
        self.parser = expat.ParserCreate("utf-8")
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._refuse_doctype
        self.parser.StartElementHandler = self._begin
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._texts.append
        self.parser.StartCdataSectionHandler = self._begin_cdata

    def _here(self) -> int:
        return self.start + self.parser.CurrentByteIndex

    def _refuse_doctype(self, *_: object) -> None:
        first = max(self.reply.rfind(b"<!DOCTYPE", self.start, self._here()), self.start)
        raise MalformedReplyError(
            Mistake("doctype_refused", Wording("XML 里有 DOCTYPE；回应里不允许"), (first, first + 9))
        )

    def _begin_cdata(self) -> None:
        self.cdata = self._here()

    def _begin(self, name: str, _: object) -> None:
        self.root = self.root or name
        self.names.append(name)
        if len(self.names) <= _MAX_DEPTH:
            self._open.append((self._here(), len(self._texts)))

    def _end(self, name: str) -> None:
        if len(self.names) <= _MAX_DEPTH:
            path, (first, text) = "/".join(self.names[1:]), self._open.pop()
            if path in _CHECKED_PATHS:
                element = Element("".join(self._texts[text:]), (first, self._end_of(name)))
                self.elements.setdefault(path, []).append(element)
        self.names.pop()

    def _end_of(self, name: str) -> int:
        """The end of the element: expat is before its end tag, or already behind it for `<name/>`."""
        here = self._here()
        has_end_tag = self.reply.startswith(f"</{name}".encode(), here)
        return self.reply.find(b">", here) + 1 if has_end_tag else here


def _malformed(reader: _Reader, reason: str) -> Iterator[Mistake]:
    reply = reader.reply
    what, span = _diagnose(reader, reason)
    line_start = reply.rfind(b"\n", 0, span[0]) + 1
    line = reply.count(b"\n", 0, line_start) + 1
    column = len(reply[line_start : span[0]].decode("utf-8", "replace")) + 1
    yield Mistake(
        "malformed_xml",
        Wording("XML 在 {line}:{column}（行:列）写坏了：{what}", line=line, column=column, what=what),
        span,
    )
    if control := _CONTROL.search(reply, reader.start):
        message = Wording("XML 里有控制字符 0x{byte:02X}", byte=reply[control.start()])
        yield Mistake("control_character", message, control.span())


def _diagnose(reader: _Reader, reason: str) -> tuple[str, Span]:
    reply, at = reader.reply, max(reader.parser.ErrorByteIndex, 0) + reader.start
    if reader.cdata is not None and _is_unclosed(reply, reader.cdata, at, reason):
        slip = _CDATA_SLIP.search(reply, reader.cdata, at)
        return Wording("CDATA 没有以 ]]> 结束"), slip.span() if slip else (
            reader.cdata,
            reader.cdata + len(_CDATA),
        )
    if reason == expat.errors.XML_ERROR_TAG_MISMATCH:
        return Wording("<{name}> 没有闭合", name=reader.names[-1][:40]), (
            at - len("</"),
            reply.index(b">", at) + 1,
        )
    at = min(at, len(reply) - 1)
    if reason == expat.errors.XML_ERROR_NO_ELEMENTS and reader.names:
        return Wording("到结尾 <{name}> 还没有闭合", name=reader.names[-1][:40]), (at, at + 1)
    return _EXPAT_REASONS.get(reason, Wording("解析器报 {reason}", reason=reason)), (at, at + 1)


def _is_unclosed(reply: bytes, cdata: int, at: int, reason: str) -> bool:
    """Whether a CDATA section is not closed where it should be: it runs to the end, or swallows the next one."""
    swallowed = reply.find(_CDATA, cdata + len(_CDATA), at) >= 0
    return swallowed or reason == expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION
