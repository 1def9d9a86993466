"""A conversation that goes on from a message of another one."""

from typing import Any

from django.db import connection, transaction

from apps.api.rows import columns, new_id
from apps.conversations import tree, turns
from apps.conversations.models import Conversation, Message

SAME = (
    *("character", "character_name", "title", "topic", "persona_name", "persona_description"),
    *("model", "temperature", "top_p", "max_tokens", "stop", "extra"),
)

# Of the copy's own. The rest is as it was.
PLACE = {"id", "conversation_id", "parent_id", "depth", "branch", "fork", "updated_at"}

# A path has no forks, so it is one branch, called by its first message.
COPY = """
INSERT INTO conversations_message
    ({said}, id, conversation_id, parent_id, depth, branch, fork, updated_at)
SELECT {said}, copy.id, %(conversation)s, lag(copy.id) OVER (ORDER BY place), place - 1, %(branch)s, NULL, now()
FROM unnest(%(originals)s::uuid[], %(copies)s::uuid[]) WITH ORDINALITY AS copy (original, id, place)
JOIN (SELECT id AS original, {said} FROM conversations_message) AS message USING (original)
"""

# Of what is copied, so that the copy's prompts need not do without until they are made anew.
COPY_SUMMARIES = """
INSERT INTO conversations_summary (id, conversation_id, message_id, depth, text, model, created_at, updated_at)
SELECT gen_random_uuid(), %(conversation)s, copy.id, depth, text, model, created_at, updated_at
FROM unnest(%(originals)s::uuid[], %(copies)s::uuid[]) AS copy (original, id)
JOIN conversations_summary ON message_id = original
"""


@transaction.atomic
def fork(conversation: Conversation, message: Message | None) -> Conversation:
    """A new conversation with the path down to `message`, an empty one where that is None.

    `conversation` is locked. However long the path is, its texts do not leave the database.
    """
    made = Conversation(user_id=conversation.user_id, **{name: getattr(conversation, name) for name in SAME})
    if message is not None:
        originals = tree.ids_to(message)[::-1]
        copies = [new_id() for _ in originals]
        said = columns(Message, but=PLACE)
        values: dict[str, Any] = {
            "originals": originals,
            "copies": copies,
            "conversation": made.pk,
            "branch": copies[0],
        }
        with connection.cursor() as cursor:
            cursor.execute(COPY.format(said=said), values)
            cursor.execute(COPY_SUMMARIES, values)
        made.active_leaf = Message.objects.select_related("parent").get(pk=copies[-1])
        made.message_count = len(copies)
        made.last_message_at = made.active_leaf.created_at
        made.last_message_preview = turns.preview(made.active_leaf)
    made.save(force_insert=True)
    return made
