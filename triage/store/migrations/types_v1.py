"""The column types and table options of the versions up to 0009, which a later `store.schema` must not change."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, Integer, String, UnicodeText
from sqlalchemy.dialects import mysql
from sqlalchemy.types import TypeEngine

KEY_LENGTH = 190
"""Longest text with an index, in characters of four bytes: what every database can index."""


def long_text() -> TypeEngine[str]:
    """A text of any length; also a value stored as JSON text."""
    return (
        UnicodeText()
        .with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")
        .with_variant(String(), "postgresql")
    )


def key_text() -> TypeEngine[str]:
    """A text that has an index."""
    return String(KEY_LENGTH)


def number() -> TypeEngine[int]:
    """A whole number of 64 bits; SQLite needs INTEGER for a key that counts up by itself."""
    return BigInteger().with_variant(Integer(), "sqlite")


def instant() -> TypeEngine[Any]:
    """An instant in UTC, to the microsecond, without a zone."""
    return DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")


def id_column() -> Column[int]:
    """A primary key that counts up."""
    return Column("id", number(), primary_key=True, autoincrement=True)


TABLE_OPTIONS: dict[str, Any] = {
    "sqlite_autoincrement": True,  # an id is never given twice, even after a purge
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
    "mariadb_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_bin",
}
"""On MySQL texts compare by their bytes, as they do everywhere else."""
