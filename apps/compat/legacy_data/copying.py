"""New rows by COPY, which takes half of the time that statements do."""

import json
from collections.abc import Iterable
from typing import Any

from django.db import connection
from django.db.models import DateTimeField, JSONField, Model
from django.utils import timezone


def copy(rows: Iterable[Model], model: type[Model]) -> None:
    """Insert these, whose keys name rows that are there when the transaction ends."""
    fields = [field for field in model._meta.local_concrete_fields if not field.generated]
    names = ", ".join(connection.ops.quote_name(str(field.column)) for field in fields)
    table = connection.ops.quote_name(model._meta.db_table)
    attributes = [field.attname for field in fields]
    structured = [place for place, field in enumerate(fields) if isinstance(field, JSONField)]
    stamped = [place for place, field in enumerate(fields) if isinstance(field, DateTimeField) and field.auto_now]
    now = timezone.now()
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copying:
        for row in rows:
            values: list[Any] = [getattr(row, name) for name in attributes]
            for place in structured:
                if values[place] is not None:
                    values[place] = json.dumps(values[place])
            for place in stamped:
                values[place] = now
            copying.write_row(values)
