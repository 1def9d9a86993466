"""The base of every table of ours."""

import uuid

from django.db import models
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
