"""What changed and what was deleted, so that clients who were away can be told. `docs/decisions/0012-sync.md` says why.

`changed` is the transaction that last wrote a row. It is no field of the models: the database alone writes it, by
whatever way a row is changed.
"""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import apps.api.rows

# What is there already counts as changed now.
COLUMN = "ALTER TABLE conversations_{table} ADD COLUMN changed xid8 NOT NULL DEFAULT pg_current_xact_id()"
NO_COLUMN = "ALTER TABLE conversations_{table} DROP COLUMN changed"

STAMP = """
CREATE FUNCTION conversations_stamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.changed := pg_current_xact_id();
    RETURN NEW;
END $$;

CREATE TRIGGER conversations_conversation_stamp BEFORE UPDATE ON conversations_conversation
FOR EACH ROW EXECUTE FUNCTION conversations_stamp();

-- Text that is still being written is saved each second, which is no change: who looks at it follows its stream.
CREATE TRIGGER conversations_message_stamp BEFORE UPDATE ON conversations_message
FOR EACH ROW
WHEN (NOT (
    OLD.status = 'generating' AND NEW.status = 'generating' AND OLD.rating IS NOT DISTINCT FROM NEW.rating
))
EXECUTE FUNCTION conversations_stamp();
"""

NO_STAMP = """
DROP TRIGGER conversations_message_stamp ON conversations_message;
DROP TRIGGER conversations_conversation_stamp ON conversations_conversation;
DROP FUNCTION conversations_stamp();
"""

BURY = """
CREATE FUNCTION conversations_bury() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO conversations_tombstone (id, user_id, deleted_at) SELECT id, user_id, clock_timestamp() FROM gone
    -- Somebody may have brought it back from a backup, to delete it again.
    ON CONFLICT (id) DO UPDATE SET changed = EXCLUDED.changed, deleted_at = EXCLUDED.deleted_at;
    -- Who learns that a conversation is gone need not learn it of its messages.
    DELETE FROM conversations_tombstone WHERE conversation_id IN (SELECT id FROM gone);
    RETURN NULL;
END $$;

CREATE TRIGGER conversations_conversation_bury AFTER DELETE ON conversations_conversation
REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION conversations_bury();

CREATE FUNCTION conversations_bury_messages() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO conversations_tombstone (id, user_id, conversation_id, deleted_at)
    SELECT id, user_id, conversation_id, clock_timestamp() FROM gone
    -- Messages that go with their conversation find it gone already.
    WHERE EXISTS (SELECT 1 FROM conversations_conversation WHERE id = gone.conversation_id)
    ON CONFLICT (id) DO UPDATE SET changed = EXCLUDED.changed, deleted_at = EXCLUDED.deleted_at;
    RETURN NULL;
END $$;

CREATE TRIGGER conversations_message_bury AFTER DELETE ON conversations_message
REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION conversations_bury_messages();

-- In place of a foreign key: its check would wait for the account that is being deleted, which waits for the
-- conversation that is being deleted here.
CREATE FUNCTION conversations_forget() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM conversations_tombstone WHERE user_id IN (SELECT id FROM gone);
    RETURN NULL;
END $$;

CREATE TRIGGER conversations_forget AFTER DELETE ON accounts_user
REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION conversations_forget();
"""

NO_BURY = """
DROP TRIGGER conversations_forget ON accounts_user;
DROP FUNCTION conversations_forget();
DROP TRIGGER conversations_message_bury ON conversations_message;
DROP FUNCTION conversations_bury_messages();
DROP TRIGGER conversations_conversation_bury ON conversations_conversation;
DROP FUNCTION conversations_bury();
"""

INDEX = {
    "conversation_changed": "conversations_conversation (user_id, changed)",
    "message_changed": "conversations_message (conversation_id, changed)",
    "tombstone_of_conversation": "conversations_tombstone (user_id, changed)",
    "tombstone_of_message": "conversations_tombstone (conversation_id, changed) WHERE conversation_id IS NOT NULL",
}


class Migration(migrations.Migration):
    dependencies = [
        ("conversations", "0003_search"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Tombstone",
            fields=[
                (
                    "id",
                    models.UUIDField(default=apps.api.rows.new_id, editable=False, primary_key=True, serialize=False),
                ),
                ("deleted_at", models.DateTimeField(default=django.utils.timezone.now)),
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
                (
                    "conversation",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="conversations.conversation",
                    ),
                ),
            ],
            options={"indexes": [models.Index(fields=["deleted_at"], name="tombstone_age")]},
        ),
        *(
            migrations.RunSQL(COLUMN.format(table=table), NO_COLUMN.format(table=table))
            for table in ("conversation", "message", "tombstone")
        ),
        *(migrations.RunSQL(f"CREATE INDEX {name} ON {what}", f"DROP INDEX {name}") for name, what in INDEX.items()),
        migrations.RunSQL(STAMP, NO_STAMP),
        migrations.RunSQL(BURY, NO_BURY),
    ]
