"""Saving rows of which many are saved: the SQL is made once of a model's own fields, and kept prepared (`statements`).

As with `bulk_create` and `QuerySet.update`, no signal is sent.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Field, Model

from apps.api.statements import ask


def insert(*instances: Model) -> None:
    """New rows of one model, in one statement. A column whose default is the database's own is left to it."""
    model = type(instances[0])
    names, sql = _insertion(model, len(instances))
    ask(sql, _values(model, names, instances, add=True), types_by_sql=True)
    for instance in instances:
        instance._state.adding = False
        instance._state.db = DEFAULT_DB_ALIAS


def update(instance: Model, *names: str, **expressions: str) -> None:
    """Save these fields of a row that is there. `expressions` are SQL, by the fields that they are for."""
    model = type(instance)
    sql = _change(model, names, tuple(expressions.items()))
    ask(sql, _values(model, (*names, "pk"), [instance], add=False), types_by_sql=True)


def _values(model: type[Model], names: Sequence[str], instances: Sequence[Model], *, add: bool) -> list[Any]:
    connection = connections[DEFAULT_DB_ALIAS]
    fields = [_field(model, name) for name in names]
    return [
        field.get_db_prep_save(field.pre_save(instance, add), connection) for instance in instances for field in fields
    ]


@cache
def _field(model: type[Model], name: str) -> Field[Any, Any]:
    return model._meta.pk if name == "pk" else model._meta.get_field(name)  # type: ignore[return-value]


@cache
def _insertion(model: type[Model], count: int) -> tuple[tuple[str, ...], bytes]:
    fields = [field for field in model._meta.concrete_fields if not (field.has_db_default() or field.generated)]
    columns = ", ".join(f'"{field.column}"' for field in fields)
    numbers = iter(range(1, count * len(fields) + 1))
    rows = ", ".join("(" + ", ".join(f"${next(numbers)}" for _ in fields) + ")" for _ in range(count))
    sql = f'INSERT INTO "{model._meta.db_table}" ({columns}) VALUES {rows}'  # noqa: S608
    return tuple(field.name for field in fields), sql.encode()


@cache
def _change(model: type[Model], names: tuple[str, ...], expressions: tuple[tuple[str, str], ...]) -> bytes:
    changes = [f'"{_field(model, name).column}" = ${number}' for number, name in enumerate(names, 1)]
    changes += [f'"{_field(model, name).column}" = {sql}' for name, sql in expressions]
    which = f'"{_field(model, "pk").column}" = ${len(names) + 1}'
    return f'UPDATE "{model._meta.db_table}" SET {", ".join(changes)} WHERE {which}'.encode()  # noqa: S608
