"""What `manage.py check --database default`, and `migrate`, tell operators."""

from typing import Any

from django.conf import settings
from django.core import checks
from django.db import connection

from apps.knowledge import search

NO_VECTORS = checks.Warning(
    "Embeddings are configured, and this database has no extension `vector`: passages are found by their words alone.",
    hint="Install pgvector and have its owner run CREATE EXTENSION vector, or unset EMBEDDINGS_BASE_URL.",
    id="knowledge.W001",
)


@checks.register(checks.Tags.database)
def vectors_can_be_compared(databases: Any = None, **_: Any) -> list[checks.CheckMessage]:
    if not databases or not settings.EMBEDDINGS:
        return []
    with connection.cursor() as cursor:
        return [] if search.has_vectors(cursor) else [NO_VECTORS]
