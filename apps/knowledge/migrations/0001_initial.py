"""Documents and passages, and what PostgreSQL itself keeps of them."""

from typing import Any

import apps.api.rows
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import DatabaseError, migrations, models, transaction

from apps.api.words import words_of

KEY = """
ALTER TABLE knowledge_{table} ADD CONSTRAINT knowledge_{table}_{column}_fk
FOREIGN KEY ({column}_id) REFERENCES {to} (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED
"""
NO_KEY = "ALTER TABLE knowledge_{table} DROP CONSTRAINT knowledge_{table}_{column}_fk"
KEYS = [
    {"table": "document", "column": "character", "to": "characters_character"},
    {"table": "passage", "column": "document", "to": "knowledge_document"},
]

WORDS = words_of(r"heading || E'\n' || text")
SEARCHED = f"""
ALTER TABLE knowledge_passage
ADD COLUMN search tsvector GENERATED ALWAYS AS ({WORDS}) STORED,
ADD COLUMN embedding real[],
ADD COLUMN embedding_model text
"""
NOT_SEARCHED = """
ALTER TABLE knowledge_passage DROP COLUMN search, DROP COLUMN embedding, DROP COLUMN embedding_model
"""


def compare_vectors(_: Any, schema_editor: Any) -> None:
    """pgvector, where there is one and this user may have it. Without it words alone are compared."""
    try:
        with transaction.atomic(schema_editor.connection.alias):
            schema_editor.execute("CREATE EXTENSION IF NOT EXISTS vector")
    except DatabaseError:
        return


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("characters", "0002_files_and_reports"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Document",
            fields=[
                (
                    "id",
                    models.UUIDField(default=apps.api.rows.new_id, editable=False, primary_key=True, serialize=False),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("title", models.CharField(max_length=200)),
                (
                    "kind",
                    models.CharField(
                        choices=[("text", "Text"), ("markdown", "Markdown"), ("pdf", "Pdf")], max_length=10
                    ),
                ),
                ("size", models.PositiveIntegerField()),
                ("characters", models.PositiveIntegerField()),
                ("passage_count", models.PositiveIntegerField()),
                (
                    "character",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="documents",
                        to="characters.character",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="documents",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Passage",
            fields=[
                (
                    "id",
                    models.UUIDField(default=apps.api.rows.new_id, editable=False, primary_key=True, serialize=False),
                ),
                ("place", models.PositiveIntegerField()),
                ("heading", models.CharField(blank=True, max_length=300)),
                ("text", models.TextField()),
                (
                    "character",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="characters.character",
                    ),
                ),
                (
                    "document",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="passages",
                        to="knowledge.document",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="document",
            index=models.Index(fields=["character", "-id"], name="document_newest"),
        ),
        migrations.AddConstraint(
            model_name="passage",
            constraint=models.UniqueConstraint(fields=("document", "place"), name="passage_place"),
        ),
        *(migrations.RunSQL(KEY.format(**key), NO_KEY.format(**key)) for key in KEYS),
        migrations.RunSQL("CREATE EXTENSION IF NOT EXISTS btree_gin", migrations.RunSQL.noop),
        migrations.RunSQL(SEARCHED, NOT_SEARCHED),
        # With the character in it: what others know costs nothing.
        migrations.RunSQL(
            "CREATE INDEX passage_search ON knowledge_passage USING gin (character_id, search)",
            "DROP INDEX passage_search",
        ),
        migrations.RunPython(compare_vectors, migrations.RunPython.noop),
    ]
