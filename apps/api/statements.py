"""What is asked with nearly every request: made once, of querysets, and kept prepared by each connection.

To make SQL of a queryset costs several times what PostgreSQL takes to answer it. A `Statement` does so once a process.
Whose rows they are is said by the same querysets as everywhere.
"""

import inspect
import re
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any, Generic, Self, TypeVar
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.utils import CursorDebugWrapper, CursorWrapper
from django.db.models import Model, QuerySet
from psycopg import Cursor
from uuid_utils.compat import uuid4

M = TypeVar("M", bound=Model)

Query = Callable[..., QuerySet[Any]]

PLACEHOLDER = re.compile(r"%%|%s")


class Prepared(Cursor[tuple[Any, ...]]):
    """Its statements are prepared at once, where the connection lets them be (`apps.api.postgres`)."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> Self:
        return super().execute(query, params, prepare=True, **options)


class Statement:
    """`sql` names values as `%(name)s`, and as `{name}` one of `queries`.

    Each of those is a function that is called once, with a UUID for each parameter; where the queryset compares with
    it, stands the value of that name.
    """

    def __init__(self, sql: str, **queries: Query) -> None:
        self._sql = sql
        self._queries = queries
        self._made: tuple[str, Mapping[str, Any]] | None = None

    def rows(self, **values: Any) -> list[tuple[Any, ...]]:
        sql, constants = self._made = self._made or self._make()
        # The thread's own, looked up once.
        database = connections[DEFAULT_DB_ALIAS]
        database.ensure_connection()
        with database.wrap_database_errors, Prepared(database.connection) as raw:
            cursor = CursorWrapper(raw, database)
            # psycopg does not remember what it sent; the log of Django's debugging gets it as it is written here.
            with CursorDebugWrapper(raw, database).debug_sql(sql) if database.queries_logged else nullcontext():
                cursor.execute(sql, {**values, **constants} if constants else values)
            return list(raw.fetchall())

    def _make(self) -> tuple[str, Mapping[str, Any]]:
        sql, constants = self._sql, dict[str, Any]()
        for name, query in self._queries.items():
            sql = sql.replace(f"{{{name}}}", compiled(query, name, constants))
        return sql, constants


def compiled(query: Query, name: str, constants: dict[str, Any]) -> str:
    """The query's SQL; what it compares with beside the values is put into `constants`."""
    markers: dict[UUID, str] = {uuid4(): parameter for parameter in inspect.signature(query).parameters}
    by_name = {parameter: marker for marker, parameter in markers.items()}
    sql, params = query(**by_name).query.sql_with_params()
    left = iter(params)

    def named(match: re.Match[str]) -> str:
        if match.group() == "%%":
            return "%%"
        value = next(left)
        if isinstance(value, UUID) and value in markers:
            return f"%({markers[value]})s"
        constant = f"{name}_{len(constants)}"
        constants[constant] = value
        return f"%({constant})s"

    return PLACEHOLDER.sub(named, sql)


class Lookup(Generic[M]):
    """A query of one row, by the same rules; it is found as the instance that the queryset itself would give."""

    def __init__(self, model: type[M], query: Callable[..., QuerySet[M]]) -> None:
        self._model = model
        self._statement = Statement("{row}", row=query)

    def first(self, **values: Any) -> M | None:
        rows = self._statement.rows(**values)
        fields = self._model._meta.concrete_fields
        return self._model.from_db(DEFAULT_DB_ALIAS, [field.attname for field in fields], rows[0]) if rows else None
