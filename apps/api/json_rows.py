"""What a serializer shows of a row, made by PostgreSQL: a page of rows comes as JSON, and no object is made of any.

`tests/test_json_rows.py` holds it against what the serializer itself makes, field by field.
"""

from typing import Any

from django.db import connection, models
from orjson import Fragment
from rest_framework.serializers import ModelSerializer

# SQL for a moment's JSON, as Python writes it, and so Django REST Framework.
MOMENT = r"""replace(to_char({column} AT TIME ZONE 'UTC', '\"YYYY-MM-DD"T"HH24:MI:SS.US"Z"\"'), '.000000Z', 'Z')"""


def row_as_json(serializer: type[ModelSerializer[Any]], table: str, **computed: str) -> str:
    """SQL that makes the JSON text of a row of the model's table, as it is named in the statement.

    `computed`: SQL for fields that are no columns of it, JSON or whole numbers, and never null.
    """
    shown = serializer()
    model: type[models.Model] = shown.Meta.model
    values = {
        name: computed.get(name) or _column(model._meta.get_field(str(field.source)), table)
        for name, field in shown.fields.items()
    }
    # `json_build_object` looks up how to write each value's type for each row again, which takes longer than all else.
    pairs = ", ".join(
        f"'{',' if place else '{'}\"{name}\":', {value}" for place, (name, value) in enumerate(values.items())
    )
    return f"concat({pairs}, '}}')"


def _column(field: Any, table: str) -> str:
    """SQL for its JSON, of any type that `concat` takes."""
    column = f"{connection.ops.quote_name(table)}.{connection.ops.quote_name(field.column)}"
    kind = field.output_field if isinstance(field, models.GeneratedField) else field
    kind = kind.target_field if isinstance(kind, models.ForeignKey) else kind
    match kind:
        case models.DateTimeField():
            value = MOMENT.format(column=column)
        case models.UUIDField():
            value = f"'\"' || {column} || '\"'"
        case models.IntegerField():
            value = f"{column}::text"
        case models.JSONField():
            value = column
        case _:
            value = f"to_json({column})"
    return f"coalesce({value}, 'null')"


# SQL for what tells a text from others, beside the text.
DIGEST = "hashtextextended({text}, 0)"


class Listed:
    """A list of rows as PostgreSQL made them, for `apps.api.renderers`: JSON objects with commas between, and their
    `DIGEST`. None of both: there are no rows."""

    __slots__ = ("digest", "json")

    def __init__(self, rows: str | None, digest: int | None) -> None:
        self.json = Fragment(f"[{rows or ''}]")
        self.digest = digest or 0
