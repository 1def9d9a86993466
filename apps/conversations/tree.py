"""Reading the tree: paths up to the root, branches down to their leaf, whole subtrees.

Each is one recursive statement that touches the rows it returns and no others, so what it costs does not grow with
the conversation.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db import connection

from apps.conversations.models import Conversation, Message

Siblings = dict[Any, list[UUID]]

UPWARDS = """
WITH RECURSIVE path AS (
    SELECT id, parent_id, 1 AS steps, length(content) AS characters
    FROM conversations_message WHERE id = %(start)s AND conversation_id = %(conversation)s
  UNION ALL
    SELECT up.id, up.parent_id, path.steps + 1, path.characters + length(up.content)
    FROM conversations_message up JOIN path ON up.id = path.parent_id
    WHERE path.steps < %(limit)s AND path.characters < %(characters)s
)
SELECT id FROM path ORDER BY steps
"""

# From the leaf up to the row above which the page lies; only the last ones passed are wanted.
TOWARDS_LEAF = """
WITH RECURSIVE path AS (
    SELECT id, parent_id, depth FROM conversations_message
    WHERE id = %(leaf)s AND conversation_id = %(conversation)s
  UNION ALL
    SELECT up.id, up.parent_id, up.depth
    FROM conversations_message up JOIN path ON up.id = path.parent_id WHERE path.id <> %(end)s
)
SELECT id FROM path
WHERE EXISTS (SELECT 1 FROM path WHERE id = %(end)s) AND id <> %(end)s
ORDER BY depth LIMIT %(limit)s
"""

DOWNWARDS = """
WITH RECURSIVE branch AS (
    SELECT id, 0 AS steps FROM conversations_message WHERE id = %(start)s
  UNION ALL
    SELECT newest.id, branch.steps + 1 FROM branch, LATERAL (
        SELECT id FROM conversations_message WHERE parent_id = branch.id ORDER BY id DESC LIMIT 1
    ) newest
)
SELECT id FROM branch ORDER BY steps DESC LIMIT 1
"""

SUBTREE = """
WITH RECURSIVE subtree AS (
    SELECT id FROM conversations_message WHERE id = %(start)s
  UNION ALL
    SELECT child.id FROM conversations_message child JOIN subtree ON child.parent_id = subtree.id
)
SELECT id FROM subtree
"""

NO_LIMIT = 2**31 - 1


def path_to(
    leaf: Any, conversation: Conversation, *, limit: int = NO_LIMIT, characters: int = NO_LIMIT
) -> list[Message]:
    """The messages from `leaf` up, nearest first: at most `limit`, until their contents exceed `characters`."""
    ids = _ids(UPWARDS, start=leaf, conversation=conversation.pk, limit=limit, characters=min(characters, NO_LIMIT))
    return _in_order(ids)


def path_after(end: Any, leaf: Any, conversation: Conversation, *, limit: int) -> list[Message]:
    """At most `limit` messages of the path to `leaf` that follow `end`, farthest from `end` first.

    Walks from the leaf, so it costs what lies between the two. Empty where `end` is not on that path.
    """
    ids = _ids(TOWARDS_LEAF, leaf=leaf, end=end, conversation=conversation.pk, limit=limit)
    return _in_order(ids[::-1])


def newest_leaf(start: Any) -> UUID:
    """Down from `start` by the newest child at each step."""
    return _ids(DOWNWARDS, start=start)[0]


def subtree(start: Any) -> list[UUID]:
    """`start` and everything below it."""
    return _ids(SUBTREE, start=start)


def siblings_of(messages: Iterable[Message]) -> Siblings:
    """Parent id → its children's ids, oldest first, for all parents of `messages`; the roots under None."""
    messages = list(messages)
    found: Siblings = defaultdict(list)
    if not messages:
        return found
    parents = {message.parent_id for message in messages}
    rows = Message.objects.filter(parent__in=parents - {None})
    if None in parents:
        roots = Message.objects.filter(conversation=messages[0].conversation_id, parent__isnull=True)
        rows = rows.union(roots, all=True) if parents - {None} else roots
    for parent, child in rows.values_list("parent_id", "id"):
        found[parent].append(child)
    for children in found.values():
        children.sort()
    return found


def _ids(statement: str, **values: Any) -> list[UUID]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return [row[0] for row in cursor.fetchall()]


def _in_order(ids: list[UUID]) -> list[Message]:
    rows = Message.objects.in_bulk(ids)
    # Without those that were deleted between the two statements.
    return [rows[key] for key in ids if key in rows]
