"""Messages know their branch; conversations take their messages along in the database itself."""

import django.db.models.deletion
from django.db import migrations, models

FILL = """
WITH RECURSIVE walk AS (
    SELECT id, id AS branch, NULL::uuid AS fork FROM conversations_message WHERE parent_id IS NULL
  UNION ALL
    SELECT child.id,
        CASE WHEN child.id = first.id THEN walk.branch ELSE child.id END,
        CASE WHEN child.id = first.id THEN NULL ELSE walk.branch END
    FROM walk
    JOIN conversations_message child ON child.parent_id = walk.id,
    LATERAL (SELECT id FROM conversations_message WHERE parent_id = walk.id ORDER BY id LIMIT 1) first
)
UPDATE conversations_message message SET branch = walk.branch, fork = walk.fork FROM walk WHERE walk.id = message.id
"""


class Migration(migrations.Migration):
    dependencies = [("conversations", "0001_initial")]

    operations = [
        migrations.AddField("conversation", "extra", models.JSONField(blank=True, default=dict)),
        migrations.AlterField(
            "message",
            "conversation",
            models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="messages",
                to="conversations.conversation",
            ),
        ),
        migrations.AddField("message", "branch", models.UUIDField(editable=False, null=True), preserve_default=False),
        migrations.AddField("message", "fork", models.UUIDField(editable=False, null=True)),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        # PostgreSQL changes no table that has checks of keys pending.
        migrations.RunSQL("SET CONSTRAINTS ALL IMMEDIATE", migrations.RunSQL.noop),
        migrations.RunSQL(
            """
            ALTER TABLE conversations_message ADD CONSTRAINT conversations_message_conversation_fk
            FOREIGN KEY (conversation_id) REFERENCES conversations_conversation (id)
            ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED
            """,
            "ALTER TABLE conversations_message DROP CONSTRAINT conversations_message_conversation_fk",
        ),
        migrations.AlterField("message", "branch", models.UUIDField(editable=False)),
        migrations.AddIndex(
            "message",
            models.Index(condition=models.Q(("fork__isnull", False)), fields=["fork", "depth"], name="message_forks"),
        ),
        migrations.AddConstraint(
            "message", models.UniqueConstraint(fields=("branch", "depth"), name="message_branch_step")
        ),
    ]
