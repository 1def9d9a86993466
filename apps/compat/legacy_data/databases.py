"""SQLite files and PostgreSQL, read row by row: nothing is written there."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

import psycopg
from psycopg.rows import tuple_row
from psycopg.types.string import TextLoader

from apps.compat.legacy_data.names import TABLES, Names, plain
from apps.compat.legacy_data.shapes import Row

BATCH = 1000
# Read as text: Python's own types cannot hold all that stands in these.
AS_TEXT = ("json", "jsonb", "timestamp", "timestamptz", "date", "time", "timetz", "interval")
# Longer ones are pictures, not text in the wrong column.
MAX_BLOB = 2**22


class NothingKnown(Exception):
    """There is no table here that is known; says which there are."""


class Database(Protocol):
    @property
    def tables(self) -> Mapping[str, Mapping[str, str]]:
        """Table → column → its type."""

    def rows(self, statement: str) -> Iterator[Row]:
        """Of a statement whose result may be larger than memory."""

    def find(self, statement: str, key: str) -> Row | None:
        """The first row of a statement that the key ends; None also where it cannot be an id there."""

    def quoted(self, table: str) -> str: ...

    def close(self) -> None: ...


class SQLite:
    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(f"file:{quote(str(path.resolve()))}?mode=ro", uri=True)
        self._connection.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
        names = self._connection.execute("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') ORDER BY name")
        self.tables: Mapping[str, Mapping[str, str]] = {
            name: {column[1]: column[2] for column in self._connection.execute(f"PRAGMA table_info({quoted(name)})")}
            for (name,) in names.fetchall()
        }

    def rows(self, statement: str) -> Iterator[Row]:
        with closing(self._connection.execute(statement)) as cursor:
            names = [column[0] for column in cursor.description]
            for row in cursor:
                yield dict(zip(names, map(as_json, row), strict=True))

    def find(self, statement: str, key: str) -> Row | None:
        with closing(self._connection.execute(statement + "?", (key,))) as cursor:
            names = [column[0] for column in cursor.description]
            row = cursor.fetchone()
        return None if row is None else dict(zip(names, map(as_json, row), strict=True))

    def quoted(self, table: str) -> str:
        return quoted(table)

    def close(self) -> None:
        self._connection.close()


class PostgreSQL:
    def __init__(self, url: str) -> None:
        # The one that a large result is open on is in a transaction; a key of the wrong type fails on the other alone.
        self._connection = psycopg.connect(url, row_factory=tuple_row, connect_timeout=10)
        self._connection.read_only = True
        self._connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        self._other = psycopg.connect(url, row_factory=tuple_row, connect_timeout=10, autocommit=True)
        for connection in (self._connection, self._other):
            connection.execute("SET TIME ZONE 'UTC'")
            connection.execute("SET DateStyle = 'ISO'")
            for name in AS_TEXT:
                connection.adapters.register_loader(name, TextLoader)
        columns = self._connection.execute(
            "SELECT table_schema = current_schema(), table_schema, table_name, column_name, data_type"
            " FROM information_schema.columns WHERE table_schema NOT IN ('pg_catalog', 'information_schema')"
            " ORDER BY 1 DESC, 2, 3, ordinal_position"
        )
        self.tables: dict[str, dict[str, str]] = {}
        self._quoted: dict[str, str] = {}
        for here, schema, table, column, kind in columns:
            name = table if here else f"{schema}.{table}"
            self._quoted[name] = f"{quoted(schema)}.{quoted(table)}"
            self.tables.setdefault(name, {})[column] = kind

    @property
    def name(self) -> str:
        return self._connection.info.dbname

    def rows(self, statement: str) -> Iterator[Row]:
        with self._connection.cursor(name="import_legacy") as cursor:
            cursor.itersize = BATCH
            cursor.execute(statement)
            names = [column.name for column in cursor.description or ()]
            for row in cursor:
                yield dict(zip(names, map(as_json, row), strict=True))

    def find(self, statement: str, key: str) -> Row | None:
        with self._other.cursor() as cursor, suppress(psycopg.DataError):
            cursor.execute(statement.replace("%", "%%") + "%s", (key,))
            names = [column.name for column in cursor.description or ()]
            row = cursor.fetchone()
            return None if row is None else dict(zip(names, map(as_json, row), strict=True))
        return None

    def quoted(self, table: str) -> str:
        return self._quoted[table]

    def close(self) -> None:
        self._connection.close()
        self._other.close()


class SqlTables:
    """The tables of a database that are known by their names, or were named. See `tables.Tables`."""

    def __init__(self, database: Database, names: Names) -> None:
        self._database = database
        self._names = names
        self.read = 0
        self._people, self._talks, self._messages = self._choose()
        self.has_talks = self._talks is not None
        self.unique = self._messages is not None and self._column("message", "id", self._messages) is not None
        used = [table for table in (self._people, self._talks, self._messages) if table]
        self.total = sum(self._count(table) for table in used)

    def people(self) -> Iterator[tuple[str, Row]]:
        if self._people:
            yield from self._rows("character", self._people, self._order("character", self._people))

    def person(self, key: str) -> Row | None:
        return self._by_id("character", self._people, key)

    def talk(self, key: str) -> Row | None:
        return self._by_id("conversation", self._talks, key)

    def silent_talks(self) -> Iterator[tuple[str, Row]]:
        if self._talks is None:
            return
        but = ""
        own, reference = self._column("conversation", "id", self._talks), self._reference()
        if self._messages and own and reference:
            here, there = f"talk.{quoted(own)}", quoted(reference)
            kinds = self._database.tables
            if kinds[self._talks][own] != kinds[self._messages][reference]:
                here, there = f"CAST({here} AS text)", f"CAST({there} AS text)"
            messages = self._database.quoted(self._messages)
            # Where no index helps, SQLite would look through all messages for each conversation in NOT EXISTS.
            named = f"SELECT DISTINCT {there} AS import_legacy_named FROM {messages}"  # noqa: S608
            but = f"LEFT JOIN ({named}) AS named ON import_legacy_named = {here} WHERE import_legacy_named IS NULL"
        rest = f"AS talk {but} {self._order('conversation', self._talks)}"
        yield from self._rows("conversation", self._talks, rest)

    def messages(self) -> Iterator[tuple[str, Row]]:
        if self._messages and (reference := self._reference()):
            yield from self._rows("message", self._messages, self._order("message", self._messages, reference))

    def how_far(self) -> float:
        return self.read / self.total if self.total else 1.0

    def _count(self, table: str) -> int:
        statement = f"SELECT count(*) AS count FROM {self._database.quoted(table)}"  # noqa: S608
        return sum(row["count"] for row in self._database.rows(statement))

    def _choose(self) -> tuple[str | None, str | None, str | None]:
        people = self._table("characters")
        talks, messages = self._table("conversations"), self._table("messages")
        if messages and not self._column("message", "conversation", messages):
            messages = None
        if talks and not messages and not self._column("conversation", "history", talks):
            talks = None
        if not (people or talks or messages):
            there = ", ".join(sorted(self._database.tables)) or "none"
            raise NothingKnown(f"No table is known for characters or messages. There are: {there}.")
        return people, talks, messages

    def _table(self, kind: str) -> str | None:
        if name := self._names.tables.get(kind):
            if name not in self._database.tables:
                raise NothingKnown(f"There is no table {name}. There are: {', '.join(sorted(self._database.tables))}.")
            return name
        found: dict[str, str] = {}
        for table in self._database.tables:
            found.setdefault(plain(table), table)
        return next((found[plain(name)] for name in TABLES[kind] if plain(name) in found), None)

    def _column(self, kind: str, field: str, table: str) -> str | None:
        return next(iter(self._names.places(kind, self._database.tables[table]).get(field, ())), None)

    def _reference(self) -> str | None:
        return self._column("message", "conversation", self._messages) if self._messages else None

    def _order(self, kind: str, table: str, *first: str) -> str:
        """By what says so, else by whole numbers that ids are, else by time."""
        own, order, time = (self._column(kind, name, table) for name in ("id", "order", "created_at"))
        if kind != "message":
            order = None
        numbered = own is not None and "int" in self._database.tables[table][own].lower()
        by = [*first, *(name for name in (order, None if numbered else time, own) if name)]
        return f"ORDER BY {', '.join(map(quoted, by))}" if by else ""

    def _rows(self, kind: str, table: str, rest: str) -> Iterator[tuple[str, Row]]:
        own = self._column(kind, "id", table)
        statement = f"SELECT * FROM {self._database.quoted(table)} {rest}"  # noqa: S608  # names are quoted
        for number, row in enumerate(self._database.rows(statement), 1):
            self.read += 1
            place = f"row {number}" if own is None or row[own] is None else f"{own} {row[own]}"
            yield f"{table}, {place}", row

    def _by_id(self, kind: str, table: str | None, key: str) -> Row | None:
        own = self._column(kind, "id", table) if table else None
        if table is None or own is None:
            return None
        statement = f"SELECT * FROM {self._database.quoted(table)} WHERE {quoted(own)} = "  # noqa: S608
        return self._database.find(statement, key)


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def as_json(value: Any) -> Any:
    match value:
        case None | bool() | int() | float() | str():
            return value
        case memoryview() | bytes():
            data = bytes(value)
            with suppress(UnicodeDecodeError):
                return data.decode() if len(data) <= MAX_BLOB else data
            return data
        case list() | tuple():
            return [as_json(item) for item in value]
        case dict():
            return {str(key): as_json(item) for key, item in value.items()}
        case datetime() | date() | time():
            return value.isoformat()
        case Decimal() if value.is_finite() and value == value.to_integral_value() and abs(value) < 10**30:
            return int(value)
    return str(value)
