"""The base of every table of ours."""

import uuid
from collections.abc import Collection

from django.db import connection, models
from django.utils import timezone
from uuid_utils.compat import uuid7


def new_id() -> uuid.UUID:
    """A UUIDv7: sorts by time of making, within one process without a tie."""
    return uuid7()


class Row(models.Model):
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True


def columns(of: type[models.Model], *, but: Collection[str]) -> str:
    """The columns of a table for a statement that copies its rows: those that the database does not make, and that are
    not in `but`."""
    return ", ".join(
        connection.ops.quote_name(str(field.column))
        for field in of._meta.local_concrete_fields
        if field.column not in but and not field.generated
    )
