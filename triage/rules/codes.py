"""Tables of the codes that people type and logs print: errcode, HTTP status, cURL error, TCP state, crypto code."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from triage.findings import Finding, Location, Severity
from triage.rules.strict_yaml import (
    CITATIONS,
    IDENTIFIER,
    TEXT,
    TEXTS,
    Key,
    Pair,
    Reader,
    Shape,
    ref,
    similar,
    word_of,
)
from triage.wording import Wording

CODE_TABLE_KEY = "family"
"""The key by which a file is a table of codes."""
FAMILIES = ("errcode", "crypto_code", "http_code", "curl_error", "tcp_state")
"""The kinds of codes; each is a fact, so that conditions of steps see what was typed."""
_CODE = re.compile(r"-?\d{1,9}|[A-Z][A-Z0-9_]{2,30}")


@dataclass(frozen=True, slots=True)
class Code:
    """What one code says, and who does what about it first."""

    family: str
    """One of FAMILIES."""
    code: str
    """As it is printed, with its minus sign."""
    message: str | None
    """The official text beside it, without what changes from case to case."""
    meaning: str
    check: str | None
    """What to look at first."""
    cure: str | None
    who: str | None
    """Whose turn it is: 开发, 公众号管理员, 第三方平台, 微信 …"""
    topic: str
    """The id of the rule whose steps follow."""
    source: tuple[str, ...]
    location: Location


@dataclass(frozen=True, slots=True)
class CodeTable:
    """The codes of one file."""

    family: str
    title: str
    """What such a code is called: 接口错误码."""
    topic: str
    """The rule for a code of this family that no table explains."""
    near: tuple[str, ...]
    """Words beside a number that make it a code of this family: errcode, 状态码."""
    harmless: tuple[str, ...]
    """Codes that are no fault (200): they decide only where nothing else does."""
    codes: tuple[Code, ...]
    location: Location


def parse_code_table(reader: Reader, node: yaml.Node, pairs: list[Pair]) -> CodeTable | None:
    """The table of a file; None, with findings, where its head has mistakes. Codes with mistakes are left out."""
    before = len(reader.findings)
    head = reader.parse(node, pairs, _TABLE, Wording("a table of codes"))
    if len(reader.findings) > before:
        return None
    codes = (_code(reader, pair, head) for pair in reader.mapping(head.pop("codes"), "codes"))
    found = tuple(code for code in codes if code is not None)
    head.pop("source")
    return CodeTable(**head, codes=found, location=reader.location(node))


def code_conflicts(tables: Iterable[CodeTable], ids: Collection[str]) -> Iterator[Finding]:
    """The mistakes between tables: a code that two of them explain, and topics that are none of the ids."""
    taken: dict[tuple[str, str], Location] = {}
    for table in tables:
        for code in table.codes:
            key = (code.family, code.code)
            if key in taken:
                message = Wording(
                    "{family} {code} is explained already at {place}",
                    family=code.family,
                    code=code.code,
                    place=taken[key],
                )
                yield Finding("duplicate-code", Severity.HIGH, message, code.location)
            taken.setdefault(key, code.location)
            if code.topic not in ids:
                message = Wording("'topic' names no rule: '{topic}'", topic=code.topic)
                yield Finding("unknown-rule", Severity.HIGH, message, code.location, similar(code.topic, ids))


def _code(reader: Reader, pair: Pair, head: dict[str, Any]) -> Code | None:
    name, key, value = pair
    before = len(reader.findings)
    if not _CODE.fullmatch(name):
        reader.report(
            key,
            "bad-code",
            Wording(
                "'{name}' is no code: digits, with a minus sign where it has one, or CAPITALS", name=name
            ),
        )
    row = reader.parse(value, reader.mapping(value, Wording("a code")), _ROW, Wording("a code"))
    row["topic"] = row["topic"] or head["topic"]
    row["source"] = row["source"] or head["source"]
    if not row["source"]:
        reader.report(key, "missing-key", Wording("a code without 'source', and none for the whole table"))
    if len(reader.findings) > before:
        return None
    return Code(family=head["family"], code=name, **row, location=reader.location(key))


def _family(reader: Reader, node: yaml.Node) -> str:
    value = reader.text(node)
    if value and value not in FAMILIES:
        message = Wording(
            "'{value}' is no family of codes: {families}", value=value, families=", ".join(FAMILIES)
        )
        reader.report(node, "bad-family", message, similar(value, FAMILIES))
    return value


_CODES = {
    "type": "object",
    "propertyNames": {"pattern": f"^(?:{_CODE.pattern})$"},
    "additionalProperties": ref("code"),
}
_TABLE = {
    "family": Key(Shape(_family, word_of(FAMILIES)), needed=True),
    "title": Key(TEXT, needed=True),
    "topic": Key(IDENTIFIER, needed=True),
    "near": Key(TEXTS, default=()),
    "harmless": Key(TEXTS, default=()),
    "source": Key(CITATIONS, default=()),
    "codes": Key(Shape(lambda _, node: node, _CODES), needed=True),
}
_ROW = {
    "message": Key(TEXT),
    "meaning": Key(TEXT, needed=True),
    "check": Key(TEXT),
    "cure": Key(TEXT),
    "who": Key(TEXT),
    "topic": Key(IDENTIFIER),
    "source": Key(CITATIONS, default=()),
}
CODE_KEYS: Mapping[str, Mapping[str, Key]] = {"table of codes": _TABLE, "code": _ROW}
"""Every key of the format, by where it stands."""
