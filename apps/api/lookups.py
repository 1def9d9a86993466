"""Queries whose rows are wanted as instances, made once (`statements`)."""

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Model, QuerySet
from django.db.models.sql.compiler import SQLCompiler

from apps.api.statements import Query, Statement, compiled

M = TypeVar("M", bound=Model)


class Lookup(Statement, Generic[M]):
    """A queryset of instances, those that `select_related` names along with them; as `Statement` has it, a function
    that is called once, with a UUID for each value that it compares with."""

    def __init__(self, query: Callable[..., QuerySet[M]]) -> None:
        super().__init__("{query}", query=query)
        self._compiler: SQLCompiler | None = None

    def all(self, **values: Any) -> list[M]:
        """What the queryset itself would give."""
        rows = self.rows(**values)
        return [self._kind.made_of(row) for row in self._converted(rows)] if rows else []

    def first(self, **values: Any) -> M | None:
        found = self.all(**values)
        return found[0] if found else None

    def _compiled(self, query: Query, name: str, constants: dict[str, Any]) -> str:
        sql, compiler = compiled(query, name, constants)
        select: Any = compiler.select
        self._kind = _Kind(compiler.klass_info, select)
        self._converters = compiler.get_converters([each[0] for each in select])
        self._compiler = compiler
        return sql

    def _converted(self, rows: list[tuple[Any, ...]]) -> Any:
        assert self._compiler is not None
        return self._compiler.apply_converters(rows, self._converters) if self._converters else rows


class _Kind:
    """How an instance is made of a row's columns, with those that it refers to."""

    def __init__(self, info: Any, select: Sequence[Any]) -> None:
        columns: list[int] = info["select_fields"]
        self._model: type[Model] = info["model"]
        self._columns = slice(columns[0], columns[-1] + 1)
        self._names = [select[each][0].target.attname for each in columns]
        self._key = columns[0] + self._names.index(self._model._meta.pk.attname)
        self._along = [
            (_Kind(each, select), each["local_setter"], each["remote_setter"])
            for each in info.get("related_klass_infos", ())
        ]

    def made_of(self, row: Sequence[Any]) -> Any:
        made = self._model.from_db(DEFAULT_DB_ALIAS, self._names, row[self._columns])
        for kind, set_here, set_there in self._along:
            other = kind.made_of(row) if row[kind._key] is not None else None
            set_here(made, other)
            if other is not None:
                set_there(other, made)
        return made
