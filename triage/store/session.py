"""Statements that are compiled once and run on the driver's own cursor.

SQLAlchemy writes the SQL and converts the values; its way of executing takes five times as long as SQLite itself for
the small statements of the message path, of which a message has ten.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter, itemgetter, methodcaller
from typing import Any

from sqlalchemy import Connection, Delete, Dialect, Insert, Select, Update
from sqlalchemy.exc import DBAPIError

from triage.errors import StoreBusyError
from triage.store.engine import TRY_AGAIN, is_busy
from triage.store.patience import Budget, Watchdog
from triage.store.schema import ConvertedType, Text, storable

Statement = Select[Any] | Insert | Update | Delete
_Convert = Callable[[Any], Any]
_COUNT, _ROWS = attrgetter("rowcount"), methodcaller("fetchall")


class Prepared:
    """A statement in a dialect; it is always given values of these names."""

    __slots__ = ("_constants", "_names", "_readers", "_take", "_texts", "_writers", "sql")

    def __init__(self, statement: Statement, dialect: Dialect, names: Iterable[str]) -> None:
        given = tuple(names)
        compiled = statement.compile(dialect=dialect, column_keys=given)
        binds = {name: bind for bind, name in compiled.bind_names.items()}
        self.sql = compiled.string
        order = tuple(compiled.positiontup or ()) if compiled.positional else tuple(binds)
        self._names = None if compiled.positional else order
        self._take = _taker(order)
        types = {index: binds[name].type for index, name in enumerate(order)}
        self._texts = tuple(index for index, type_ in types.items() if isinstance(type_, Text))
        others = {index: type_ for index, type_ in types.items() if index not in self._texts}
        self._writers = _present((index, _to_database(type_, dialect)) for index, type_ in others.items())
        self._constants = {name: bind.value for name, bind in binds.items() if name not in given}
        columns = enumerate(statement.exported_columns)
        self._readers = _present((index, _from_database(column.type, dialect)) for index, column in columns)

    def bound(self, values: Mapping[str, Any]) -> Sequence[Any] | Mapping[str, Any]:
        """The values as the driver takes them; None is NULL whatever the type."""
        if self._constants:
            values = {**self._constants, **values}
        row = list(self._take(values))
        for index, convert in self._writers:
            value = row[index]
            if value is not None:
                row[index] = convert(value)
        self._make_storable(row)
        return row if self._names is None else dict(zip(self._names, row, strict=True))

    def _make_storable(self, row: list[Any]) -> None:
        """All texts are looked at together: one that cannot be stored is rare."""
        texts = "".join([text for index in self._texts if (text := row[index])])
        if storable(texts) is not texts:
            for index in self._texts:
                row[index] = row[index] and storable(row[index])

    def read(self, row: Sequence[Any]) -> Sequence[Any]:
        """A row as it was before it was stored."""
        if not self._readers:
            return row
        values = list(row)
        for index, convert in self._readers:
            values[index] = convert(values[index])
        return values


def _present(pairs: Iterable[tuple[int, _Convert | None]]) -> tuple[tuple[int, _Convert], ...]:
    return tuple((index, convert) for index, convert in pairs if convert)


def _taker(names: Sequence[str]) -> Callable[[Mapping[str, Any]], Iterable[Any]]:
    """What takes the values of these names out of a mapping, in their order."""
    if len(names) > 1:
        return itemgetter(*names)
    return lambda values: [values[name] for name in names]


def _to_database(type_: Any, dialect: Dialect) -> _Convert | None:
    """What converts a value; a type of ours is asked itself where SQLAlchemy would only pass the value on."""
    own = type_.dialect_impl(dialect)
    if isinstance(own, ConvertedType) and own.impl_instance.bind_processor(dialect) is None:
        return own.binder(dialect)
    return own.bind_processor(dialect)  # type: ignore[no-any-return]


def _from_database(type_: Any, dialect: Dialect) -> _Convert | None:
    return type_.dialect_impl(dialect).result_processor(dialect, None)  # type: ignore[no-any-return]


class Session:
    """A connection on loan for one piece of work.

    `run`, `run_all`, `first` and `all` take statements that are constants of the program, always with values of the
    same names; one that is made on the way goes to `connection`. Within the `budget` SQLite is asked again for a lock
    that somebody else holds.
    """

    __slots__ = ("_budget", "_error", "_prepared", "_watchdog", "connection", "raw", "until")

    def __init__(
        self,
        connection: Connection,
        prepared: dict[Statement, Prepared],
        budget: Budget,
        watchdog: Watchdog | None = None,
    ) -> None:
        self.connection = connection
        self.until: float | None = None  # no statement begins after this moment (time.monotonic)
        self._prepared = prepared
        self._budget = budget
        self._watchdog = watchdog
        self._error = connection.dialect.loaded_dbapi.Error
        self.raw: Any = connection.connection.dbapi_connection

    def discard(self) -> None:
        """Close the connection for good, without a word to the server that may be away."""
        self.connection.invalidate()
        self.connection.close()

    def run(self, statement: Statement, values: Mapping[str, Any]) -> int:
        """How many rows were written."""
        prepared = self._prepare(statement, values)
        count: int = self._on_cursor(prepared.sql, prepared.bound(values), _COUNT)
        return count

    def run_all(self, statement: Statement, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run it for each of the rows, of which there is at least one, in as few round trips as the driver knows."""
        prepared = self._prepare(statement, rows[0])
        bound = [prepared.bound(row) for row in rows]
        self._on_cursor(prepared.sql, bound, _COUNT, is_many=True)

    def first(self, statement: Statement, values: Mapping[str, Any]) -> Sequence[Any] | None:
        """The first row, None if there is none."""
        rows = self.all(statement, values)
        return rows[0] if rows else None

    def all(self, statement: Statement, values: Mapping[str, Any]) -> list[Sequence[Any]]:
        """Every row."""
        prepared = self._prepare(statement, values)
        rows = self._on_cursor(prepared.sql, prepared.bound(values), _ROWS)
        return [prepared.read(row) for row in rows] if rows else []

    def command(self, sql: str) -> None:
        """A statement without values, whose answer does not matter."""
        self._on_cursor(sql, (), _COUNT)

    def _prepare(self, statement: Statement, names: Iterable[str]) -> Prepared:
        if self.until is not None and time.monotonic() > self.until:
            raise StoreBusyError("the database takes longer than whoever asks may wait")
        if self._watchdog:
            self._watchdog.add(self.raw)
        prepared = self._prepared.get(statement)
        if prepared is None:
            prepared = self._prepared[statement] = Prepared(statement, self.connection.dialect, names)
        return prepared

    def _on_cursor(
        self,
        sql: str,
        bound: Sequence[Any] | Mapping[str, Any],
        answer: Callable[[Any], Any],
        *,
        is_many: bool = False,
    ) -> Any:
        while True:
            cursor = self.raw.cursor()
            try:
                if is_many:
                    cursor.executemany(sql, bound)
                else:
                    cursor.execute(sql, bound)
                return answer(cursor)
            except self._error as exc:
                if not is_busy(exc) or not self._budget.wait(TRY_AGAIN, self.until):
                    raise self._translated(sql, exc, cursor) from exc

    def _translated(self, sql: str, exc: Exception, cursor: Any) -> BaseException:
        """What SQLAlchemy itself would raise; a broken connection is not given back to the pool."""
        dialect = self.connection.dialect
        is_broken = dialect.is_disconnect(exc, self.raw, cursor)  # type: ignore[arg-type]  # a driver's own exception
        if is_broken:
            self.connection.invalidate(exc)
        return DBAPIError.instance(
            sql,
            None,
            exc,
            self._error,
            hide_parameters=True,
            connection_invalidated=is_broken,
            dialect=dialect,
        )
