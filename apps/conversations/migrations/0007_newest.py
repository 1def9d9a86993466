"""Somebody's rows in the order of their ids, for searches: `apps.conversations.search.newest` says what for.

By `uuid_send(id)`, so that no query takes them for an index of ids. They are made while others read and write; one that
an earlier try left unfinished is made anew.
"""

from django.db import migrations

INDEX = {"message_newest": "conversations_message", "conversation_newest": "conversations_conversation"}


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("conversations", "0006_refusals")]

    operations = [
        migrations.RunSQL(sql, undo)
        for name, table in INDEX.items()
        for sql, undo in (
            (f"DROP INDEX CONCURRENTLY IF EXISTS {name}", f"DROP INDEX CONCURRENTLY IF EXISTS {name}"),
            (f"CREATE INDEX CONCURRENTLY {name} ON {table} (user_id, uuid_send(id))", migrations.RunSQL.noop),
        )
    ]
