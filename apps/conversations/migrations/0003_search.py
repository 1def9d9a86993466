"""What a search looks through: the words of a message, and of a conversation's title, kept by PostgreSQL itself.

The two columns are not fields of the models, so no SELECT of Django's drags them along and no save returns them;
`apps/conversations/search.py` names them. On a large database this migration rewrites both tables, and nobody can write
meanwhile.
"""

from django.contrib.postgres.operations import BtreeGinExtension
from django.db import migrations

from apps.api.words import words_of


class Migration(migrations.Migration):
    dependencies = [("conversations", "0002_branches")]

    operations = [
        BtreeGinExtension(),
        # Null while an answer is being written: each of its checkpoints would otherwise be cut into words.
        migrations.RunSQL(
            f"""
            ALTER TABLE conversations_message ADD COLUMN search tsvector
            GENERATED ALWAYS AS (CASE WHEN status <> 'generating' THEN {words_of("content")} END) STORED
            """,
            "ALTER TABLE conversations_message DROP COLUMN search",
        ),
        migrations.RunSQL(
            f"""
            ALTER TABLE conversations_conversation ADD COLUMN search tsvector
            GENERATED ALWAYS AS ({words_of("title")}) STORED
            """,
            "ALTER TABLE conversations_conversation DROP COLUMN search",
        ),
        # With the user in it: what other people's messages say costs nothing.
        migrations.RunSQL(
            "CREATE INDEX message_search ON conversations_message USING gin (user_id, search)",
            "DROP INDEX message_search",
        ),
        migrations.RunSQL(
            "CREATE INDEX conversation_search ON conversations_conversation USING gin (user_id, search)",
            "DROP INDEX conversation_search",
        ),
    ]
