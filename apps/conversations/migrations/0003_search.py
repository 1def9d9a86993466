"""What a search looks through: the words of a message, and of a conversation's title, kept by PostgreSQL itself.

The two columns are not fields of the models, so no SELECT of Django's drags them along and no save returns them;
`apps/conversations/search.py` names them. On a large database this migration rewrites both tables, and nobody can write
meanwhile.
"""

from django.contrib.postgres.operations import BtreeGinExtension
from django.db import migrations

# Set apart by spaces: letters of languages that write no spaces between words, so that such a word is found as a
# phrase of letters; and marks, with which PostgreSQL's parser would see an address, a path or a tag in place of words.
# The same in `apps/conversations/search.py`, which sets a query apart likewise.
APART = (
    r"([!-/:-@\[-`{-~\u00a1\u00ab\u00b7\u00bb\u00bf\u2010-\u2027\u2030-\u205e"  # marks
    r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Burmese, Khmer
    r"\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff01-\uffef\U00020000-\U000323af])"  # Chinese, Japanese, Korean
)


def words_of(column: str) -> str:
    # A tsvector holds 1 MB. Of text in which spaces stand between all words, a word of n letters takes n + 1
    # characters, and there at most 4n + 4 bytes: so 262,000 characters fit, whatever they are.
    apart = f"regexp_replace(left({column}, 200000), '{APART}', ' \\1 ', 'g')"
    return f"to_tsvector('pg_catalog.simple', left({apart}, 262000))"


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
