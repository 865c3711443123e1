"""XML as WeChat's platforms write it, read and written so that neither side can break it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from xml.etree.ElementTree import TreeBuilder
from xml.parsers import expat

from triage.errors import UnreadableMessageError

_START = re.compile(r"(?:<\?xml[ \t\r\n][^>]{0,200}>)?[ \t\r\n]*+<xml[ \t\r\n/>]")
_ENCRYPTED = re.compile(
    r"<Encrypt>\s*+(?:<!\[CDATA\[)?+\s*+([A-Za-z0-9+/=]{40,}+)\s*+(?:\]\]>)?+\s*+</Encrypt>", re.ASCII
)
_NO_XML_CHARACTER = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_OUTER = "\ufeff \t\r\n"


def is_xml(text: str) -> bool:
    """Whether the text begins with the root WeChat sends; nothing, so no DOCTYPE, may stand before it."""
    return _START.match(text.lstrip(_OUTER)) is not None


def find_encrypted(text: str) -> Iterator[str]:
    """What stands in each `Encrypt` element, found without a parser: nothing is parsed before it is signed.

    The platform writes one; in compatible mode the text of a follower may hold another.
    """
    return iter(_ENCRYPTED.findall(text))


def strip_controls(text: str) -> str:
    """The text without what XML cannot carry: control characters, lone surrogates, U+FFFE and U+FFFF."""
    # XML can carry all that is printable; in a short text this is seen at once.
    return text if text.isprintable() else _NO_XML_CHARACTER.sub("", text)


def read_fields(text: str) -> Mapping[str, str]:
    """The fields below `<xml>` that hold text and stand there once; an empty one is "".

    A repeated or nested field is left out. Control characters are dropped if the parser stumbles.
    Raises UnreadableMessageError.
    """
    if not is_xml(text):
        raise UnreadableMessageError("the message is no XML with the root <xml>")
    try:
        return _parse(text.lstrip(_OUTER))
    except (expat.ExpatError, ValueError) as exc:
        raise UnreadableMessageError(f"the message is malformed XML: {exc}") from exc


def _parse(text: str) -> Mapping[str, str]:
    try:
        return _parse_strictly(text)
    except expat.ExpatError:
        if (stripped := strip_controls(text)) == text:
            raise
        return _parse_strictly(stripped)


def _parse_strictly(text: str) -> Mapping[str, str]:
    tree = TreeBuilder()
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = tree.start, tree.end
    parser.CharacterDataHandler = tree.data
    parser.Parse(text, True)
    root = tree.close()
    fields = {field.tag: field.text or "" for field in root if not len(field)}
    if len(fields) == len(root):
        return fields
    times = Counter(field.tag for field in root)
    return {name: text for name, text in fields.items() if times[name] == 1}


def write_fields(fields: Mapping[str, str | Mapping[str, str]]) -> str:
    """`<xml>` with these fields, as WeChat writes it: numbers bare, everything else in CDATA, one level of nesting."""
    return f"<xml>{_elements(fields)}</xml>"


def _elements(fields: Mapping[str, str | Mapping[str, str]]) -> str:
    return "".join([f"<{name}>{_value(text)}</{name}>" for name, text in fields.items()])


def _value(text: str | Mapping[str, str]) -> str:
    if not isinstance(text, str):
        return _elements(text)
    if text.isdecimal():
        return text
    return f"<![CDATA[{text.replace(']]>', ']]]]><![CDATA[>')}]]>"
