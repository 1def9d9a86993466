"""What is asked with nearly every request: made once, of querysets, and kept prepared by each connection.

To make SQL of a queryset costs several times what PostgreSQL takes to answer it. A `Statement` does so once a process.
Whose rows they are is said by the same querysets as everywhere.

It is sent, waited for and read by one call of libpq, where a cursor makes several: each lets another thread take the
interpreter, and under load has to wait for its turn to go on.
"""

import inspect
import re
from collections.abc import Callable
from contextlib import nullcontext
from itertools import count
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.utils import CursorDebugWrapper
from django.db.models import QuerySet
from django.db.models.sql.compiler import SQLCompiler
from psycopg import Connection, OperationalError, errors, pq
from psycopg.adapt import PyFormat, Transformer
from uuid_utils.compat import uuid4

Query = Callable[..., QuerySet[Any]]

# A value in our own SQL, and one in Django's.
NAMED = re.compile(r"%\((\w+)\)s|%%")
PLACEHOLDER = re.compile(r"%%|%s")

# A table has been changed since, or the session was cleaned.
FORGOTTEN = (errors.FeatureNotSupported, errors.InvalidSqlStatementName)

_numbers = count()

# By connection: the names under which it has statements, by their SQL and the types of their values.
_prepared: WeakKeyDictionary[Connection[Any], dict[tuple[bytes, tuple[int, ...]], bytes]] = WeakKeyDictionary()


class Statement:
    """`sql` names values as `%(name)s`, and as `{name}` one of `parts`: more SQL, or a query.

    A query is a function that is called once, with a UUID for each parameter; where the queryset compares with it,
    stands the value of that name.
    """

    def __init__(self, sql: str, **parts: str | Query) -> None:
        self._sql = sql
        self._parts = parts
        # For PostgreSQL, with $1, $2 …, what of that are constants, and the names in that order.
        self._made: tuple[bytes, dict[str, Any], list[str]] | None = None

    def rows(self, **values: Any) -> list[tuple[Any, ...]]:
        sql, constants, names = self._made = self._made or self._make()
        values |= constants
        return ask(sql, [values[name] for name in names])

    def _make(self) -> tuple[bytes, dict[str, Any], list[str]]:
        sql, constants = self._sql, dict[str, Any]()
        for name, part in self._parts.items():
            sql = sql.replace(f"{{{name}}}", part if isinstance(part, str) else self._compiled(part, name, constants))
        names = list(dict.fromkeys(name for name in NAMED.findall(sql) if name))
        numbered = NAMED.sub(lambda match: f"${names.index(match[1]) + 1}" if match[1] else "%", sql)
        return numbered.encode(), constants, names

    def _compiled(self, query: Query, name: str, constants: dict[str, Any]) -> str:
        return compiled(query, name, constants)[0]


def ask(sql: bytes, values: list[Any], *, types_by_sql: bool = False) -> list[tuple[Any, ...]]:
    """The rows of a statement with $1, $2 …, asked for in the thread's own connection.

    `types_by_sql`: each value has the type of what it is compared with or saved in, whatever Python has it as.
    """
    # Looked up once.
    database = connections[DEFAULT_DB_ALIAS]
    database.ensure_connection()
    log = CursorDebugWrapper(None, database).debug_sql(sql.decode()) if database.queries_logged else nullcontext()
    with database.wrap_database_errors, log:
        return execute(database.connection, sql, values, types_by_sql)


def execute(
    connection: Connection[Any], sql: bytes, values: list[Any], types_by_sql: bool = False
) -> list[tuple[Any, ...]]:
    """Prepared where the connection lets it be (`apps.api.postgres`)."""
    postgres = connection.pgconn
    # A transaction that nothing has been asked in: psycopg begins it with the first that is asked through it.
    is_first = not connection.autocommit and postgres.transaction_status == pq.TransactionStatus.IDLE
    if is_first:
        begin(connection)
    adapt = Transformer(connection)
    sent = adapt.dump_sequence(values, [PyFormat.TEXT if types_by_sql else PyFormat.AUTO] * len(values))
    types, formats = () if types_by_sql else adapt.types or (), adapt.formats
    try:
        result = send(connection, sql, sent, types, formats)
    except FORGOTTEN:
        _prepared.pop(connection, None)
        if is_first:
            sound(postgres, postgres.exec_(b"ROLLBACK"))
            begin(connection)
        elif postgres.transaction_status != pq.TransactionStatus.IDLE:
            raise
        result = send(connection, sql, sent, types, formats)
    adapt.set_pgresult(result)
    return adapt.load_rows(0, result.ntuples, tuple)


def begin(connection: Connection[Any]) -> None:
    if connection.isolation_level is None:
        sound(connection.pgconn, connection.pgconn.exec_(b"BEGIN"))
    else:
        connection.execute("SELECT")


def send(connection: Connection[Any], sql: bytes, sent: Any, types: tuple[int, ...], formats: Any) -> pq.abc.PGresult:
    postgres = connection.pgconn
    if connection.prepare_threshold is None:
        return sound(postgres, postgres.exec_params(sql, sent, types or None, formats))
    names = _prepared.setdefault(connection, {})
    if (name := names.get((sql, types))) is None:
        name = b"_dramatis_%d" % next(_numbers)
        sound(postgres, postgres.prepare(name, sql, types))
        names[sql, types] = name
    return sound(postgres, postgres.exec_prepared(name, sent, formats))


def sound(postgres: pq.abc.PGconn, result: pq.abc.PGresult) -> pq.abc.PGresult:
    if result.status in (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK):
        return result
    error = errors.error_from_result(result)
    if postgres.status == pq.ConnStatus.BAD:
        # A server that goes away says nothing of why in its last result.
        raise OperationalError(str(error))
    raise error


def compiled(query: Query, name: str, constants: dict[str, Any]) -> tuple[str, SQLCompiler]:
    """The query's SQL, and what it was made by; what it compares with beside the values is put into `constants`."""
    by_name = {parameter: uuid4() for parameter in inspect.signature(query).parameters}
    markers = {str(marker): parameter for parameter, marker in by_name.items()}
    compiler = query(**by_name).query.get_compiler(DEFAULT_DB_ALIAS)
    sql, params = compiler.as_sql()
    left = iter(params)

    def named(match: re.Match[str]) -> str:
        if match.group() == "%%":
            return "%%"
        value = next(left)
        # As a text where it is compared with one.
        if isinstance(value, (UUID, str)) and str(value) in markers:
            return f"%({markers[str(value)]})s"
        constant = f"{name}_{len(constants)}"
        constants[constant] = value
        return f"%({constant})s"

    return PLACEHOLDER.sub(named, sql), compiler
