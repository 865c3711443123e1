"""The types that make the databases agree, and how a value is stored as each of them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy import BigInteger, DateTime, Dialect, Integer, String, UnicodeText
from sqlalchemy.dialects import mysql
from sqlalchemy.types import TypeDecorator, TypeEngine, UserDefinedType

from triage.message import Person

T = TypeVar("T")
KEY_LENGTH = 190
"""What every database indexes, in characters of four bytes."""
_LARGEST = 2**63 - 1
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def storable(text: str) -> str:
    """A text as every database stores it: without NUL, which PostgreSQL refuses, and with � for half a character."""
    if "\0" not in text and (text.isascii() or _is_unicode(text)):
        return text
    return _UNSTORABLE.sub(lambda match: "" if match[0] == "\0" else "\ufffd", text)


def _is_unicode(text: str) -> bool:
    """Whether there is no half character in it; encoding finds out faster than searching."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def index_key(text: str) -> str:
    """A text short enough for an index: itself, hashed if longer."""
    return text if len(text) <= KEY_LENGTH else hashlib.sha256(text.encode(errors="replace")).hexdigest()


def person_key(person: Person) -> str:
    """Somebody, short enough for an index."""
    return index_key(person_text(person))


def conversation_key(person: Person, chat: str | None) -> str:
    """A talk with somebody, alone or in a group, short enough for an index; no id on a channel has a blank in it."""
    return person_key(person) if chat is None else index_key(f"{person_text(person)} {storable(chat)}")


def guest_lookup(key: str, guest: str) -> str:
    """The key of an incident that is kept apart: another one for each guest, and none that members' alerts have."""
    return "guest:" + hashlib.sha256(f"{guest}\0{key}".encode(errors="replace")).hexdigest()


def bounded(number: int) -> int:
    """A number as every database stores it: in 64 bits; one beyond, as only a hostile text has it, is the largest."""
    return number if -_LARGEST <= number <= _LARGEST else max(-_LARGEST, min(number, _LARGEST))


def stored_instant(dialect: str) -> Callable[[datetime], datetime | str]:
    """What stores an instant: in UTC, without its zone; on SQLite as text. Raises ValueError for one without a zone."""
    return _instant_text if dialect == "sqlite" else _utc


def _utc(value: datetime) -> datetime:
    if value.tzinfo is UTC:
        return value.replace(tzinfo=None)
    if value.tzinfo is None:
        raise ValueError("an instant needs its time zone")
    return value.astimezone(UTC).replace(tzinfo=None)


@lru_cache(100)
def _instant_text(value: datetime) -> str:
    """Nearly all instants of a message are one: the moment it came in."""
    return _utc(value).isoformat(" ", "microseconds")


def json_text(value: object) -> str:
    """A value as JSON text, in ASCII so that everything can be stored."""
    return _names_text(value) if isinstance(value, tuple) else json.dumps(value)


def person_text(person: Person) -> str:
    """Somebody as every database stores them."""
    return storable(str(person))


# Few people and names are ever different, and each of an incident's fifty alerts has some.


@lru_cache(1000)
def _person(text: str) -> Person:
    return Person.parse(text)


@lru_cache(1000)
def _names_text(names: tuple[str, ...]) -> str:
    return json.dumps(names)


@lru_cache(1000)
def _names(text: str) -> tuple[str, ...]:
    return tuple(json.loads(text))


class _AnyText(TypeDecorator[T]):
    """A column of texts of any length; with a length, one that has an index."""

    impl = String

    def __init__(self, length: int | None = None) -> None:
        super().__init__(length)
        self.length = length

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if self.length:
            return dialect.type_descriptor(String(self.length))
        return dialect.type_descriptor(mysql.MEDIUMTEXT() if dialect.name in MYSQL else UnicodeText())


class Text(_AnyText[str]):
    """A text, exactly as it was, as far as it is storable."""

    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else storable(value)


class PersonText(_AnyText[Person]):
    """Somebody as `wechat/wx0123/oAbc`."""

    cache_ok = True

    def process_bind_param(self, value: Person | None, dialect: Dialect) -> str | None:
        return None if value is None else person_text(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Person | None:
        return None if value is None else _person(value)


class UtcDateTime(TypeDecorator[datetime]):
    """An instant to the microsecond: a UTC column without a zone, aware on both sides."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(_SqliteInstant())
        return dialect.type_descriptor(mysql.DATETIME(fsp=6) if dialect.name in MYSQL else DateTime())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | str | None:
        return None if value is None else stored_instant(dialect.name)(value)

    def process_result_value(self, value: datetime | str | None, dialect: Dialect) -> datetime | None:
        if isinstance(value, str):
            value = datetime.fromisoformat(value)
        return None if value is None else value.replace(tzinfo=UTC)


class _SqliteInstant(UserDefinedType[str]):
    """SQLite's text of an instant, which `UtcDateTime` writes and reads many times faster than SQLAlchemy's type."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "DATETIME"


class Number(TypeDecorator[int]):
    """A whole number of 64 bits."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Integer() if dialect.name == "sqlite" else BigInteger())

    def process_bind_param(self, value: int | None, dialect: Dialect) -> int | None:
        return None if value is None else bounded(value)


class Json(TypeDecorator[Any]):
    """A value as JSON text."""

    impl = UnicodeText
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(mysql.MEDIUMTEXT() if dialect.name in MYSQL else UnicodeText())

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else json_text(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)


class TextTuple(Json):
    """A tuple of texts."""

    cache_ok = True

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[str, ...]:
        return () if value is None else _names(value)


MYSQL = frozenset({"mysql", "mariadb"})
