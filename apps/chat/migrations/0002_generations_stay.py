"""A generation belongs to a user, and outlives its message and its conversation: what it cost stays spent."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

KEY = """
ALTER TABLE chat_generation ADD CONSTRAINT chat_generation_{column}_fk
FOREIGN KEY ({column}_id) REFERENCES conversations_{column} (id) ON DELETE {action} DEFERRABLE INITIALLY DEFERRED
"""
NO_KEY = "ALTER TABLE chat_generation DROP CONSTRAINT IF EXISTS chat_generation_{column}_fk"


def pointing(model, **options):
    return models.ForeignKey(
        null=True,
        db_constraint=False,
        on_delete=django.db.models.deletion.DO_NOTHING,
        related_name="generations",
        to=model,
        **options,
    )


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0001_initial"),
        ("conversations", "0002_branches"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint("generation", "one_running_generation"),
        migrations.AddField(
            "generation",
            "user",
            models.ForeignKey(
                null=True,
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.RunSQL(
            """
            UPDATE chat_generation SET user_id = conversation.user_id FROM conversations_conversation conversation
            WHERE conversation.id = chat_generation.conversation_id
            """,
            migrations.RunSQL.noop,
        ),
        migrations.RunSQL("SET CONSTRAINTS ALL IMMEDIATE", migrations.RunSQL.noop),
        migrations.AlterField(
            "generation",
            "user",
            models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            "generation",
            "conversation",
            pointing("conversations.conversation", db_index=False),
        ),
        migrations.AlterField("generation", "message", pointing("conversations.message")),
        *(
            migrations.RunSQL(
                [NO_KEY.format(column=column), KEY.format(column=column, action="SET NULL")],
                [NO_KEY.format(column=column)],
            )
            for column in ("conversation", "message")
        ),
        migrations.AddField(
            "generation",
            "purpose",
            models.CharField(choices=[("turn", "Turn"), ("title", "Title")], default="turn", max_length=10),
        ),
        migrations.AddField("generation", "stop_requested", models.BooleanField(default=False)),
        migrations.AddField("generation", "superseded", models.BooleanField(default=False)),
        migrations.AddField(
            "generation", "fingerprint", models.CharField(blank=True, default="", max_length=64), preserve_default=False
        ),
        migrations.AddField("generation", "retry_after", models.PositiveIntegerField(null=True)),
        migrations.AddConstraint(
            "generation",
            models.UniqueConstraint(
                condition=models.Q(("message__isnull", False), ("status", "running")),
                fields=("conversation",),
                name="one_running_generation",
            ),
        ),
        migrations.AddIndex("generation", models.Index(fields=["user", "created_at"], name="generation_usage")),
    ]
