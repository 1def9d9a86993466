"""Summaries of what prompts have no room for, and what lorebooks remember from turn to turn."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import apps.api.rows

KEY = """
ALTER TABLE conversations_summary ADD CONSTRAINT conversations_summary_{column}_fk
FOREIGN KEY ({column}_id) REFERENCES conversations_{column} (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED
"""


class Migration(migrations.Migration):
    dependencies = [("conversations", "0004_changes")]

    operations = [
        migrations.AddField("message", "lore", models.JSONField(editable=False, null=True)),
        migrations.CreateModel(
            name="Summary",
            fields=[
                (
                    "id",
                    models.UUIDField(default=apps.api.rows.new_id, editable=False, primary_key=True, serialize=False),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("depth", models.PositiveIntegerField()),
                ("text", models.TextField()),
                ("model", models.CharField(max_length=200)),
                (
                    "conversation",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="summaries",
                        to="conversations.conversation",
                    ),
                ),
                (
                    "message",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="summary",
                        to="conversations.message",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "summaries",
                "indexes": [models.Index(fields=["conversation", "depth"], name="summary_depth")],
            },
        ),
        *(
            migrations.RunSQL(
                KEY.format(column=column),
                f"ALTER TABLE conversations_summary DROP CONSTRAINT conversations_summary_{column}_fk",
            )
            for column in ("conversation", "message")
        ),
    ]
