"""Reading the tree: paths up to the root, branches down to their leaf, whole subtrees.

Each is one recursive statement that touches the rows it returns, or one row a branch, so what it costs does not grow
with the length of the conversation.
"""

import json
from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from apps.api.statements import Statement
from apps.conversations.models import Conversation, Message

Siblings = dict[Any, list[UUID]]

UPWARDS = """
WITH RECURSIVE path AS (
    SELECT id, parent_id, 1 AS steps FROM conversations_message
    WHERE id = %(start)s AND conversation_id = %(conversation)s
  UNION ALL
    SELECT up.id, up.parent_id, path.steps + 1 FROM conversations_message up JOIN path ON up.id = path.parent_id
    WHERE path.steps < %(limit)s
)
SELECT id FROM path ORDER BY steps
"""

# Tool results have a place of their own in a prompt; an imported chat has messages that are shown to people alone.
HISTORY = """
WITH RECURSIVE path AS (
    SELECT id, parent_id, role, content, depth, 1 AS steps, 0 AS after,
        role <> 'tool' AND NOT extra @> '{"hidden": true}' AS told
    FROM conversations_message WHERE id = %(start)s AND conversation_id = %(conversation)s
  UNION ALL
    SELECT up.id, up.parent_id, up.role, up.content, up.depth, path.steps + 1, path.after + size.characters,
        up.role <> 'tool' AND NOT up.extra @> '{"hidden": true}'
    FROM path JOIN conversations_message up ON up.id = path.parent_id,
    -- What is not told counts a little too, so that any number of it comes to an end.
    LATERAL (SELECT CASE WHEN path.told THEN length(path.content) ELSE 1 END AS characters) size
    WHERE path.after + size.characters < %(characters)s
)
SELECT role, content, depth, (SELECT bool_or(parent_id IS NULL) FROM path)
FROM path WHERE told AND content ~ '\\S' ORDER BY steps DESC
"""

# The branches that the path from `leaf` runs through, each with how far down. Those below begin with it.
PIECES = """
WITH RECURSIVE piece AS (
    SELECT branch, depth FROM conversations_message
    WHERE id = %(leaf)s AND conversation_id = %(conversation)s
  UNION ALL
    SELECT head.fork, head.depth - 1
    FROM piece JOIN conversations_message head ON head.id = piece.branch
    WHERE head.fork IS NOT NULL
)
"""

# What lies above the edge in them.
TOWARDS_LEAF = """
SELECT found.id FROM piece, LATERAL (
    SELECT id, depth FROM conversations_message message
    WHERE message.branch = piece.branch AND message.depth <= piece.depth AND message.depth > %(above)s
    ORDER BY message.depth LIMIT %(limit)s
) found
WHERE EXISTS (
    SELECT 1 FROM piece JOIN conversations_message edge ON edge.branch = piece.branch AND edge.depth <= piece.depth
    WHERE edge.id = %(end)s
)
ORDER BY found.depth LIMIT %(limit)s
"""

# The branches in the subtree under `start`; the last message of each is a leaf, and the youngest id is the newest.
NEWEST_LEAF = """
WITH RECURSIVE below AS (
    SELECT branch, depth FROM conversations_message WHERE id = %(start)s
  UNION ALL
    SELECT head.branch, head.depth
    FROM below JOIN conversations_message head ON head.fork = below.branch AND head.depth > below.depth
)
SELECT tip.id FROM below, LATERAL (
    SELECT id FROM conversations_message WHERE branch = below.branch ORDER BY depth DESC LIMIT 1
) tip
ORDER BY tip.id DESC LIMIT 1
"""

SUBTREE = """
WITH RECURSIVE subtree AS (
    SELECT id FROM conversations_message WHERE id = %(start)s
  UNION ALL
    SELECT child.id FROM conversations_message child JOIN subtree ON child.parent_id = subtree.id
)
SELECT id FROM subtree
"""

# Of the path, what a model may hear between two depths, from the top: no further than to the message that exceeds the
# characters.
STRETCH = """
, told AS (
    SELECT message.id, message.depth, message.role, message.content
    FROM piece JOIN conversations_message message ON message.branch = piece.branch AND message.depth <= piece.depth
    WHERE message.depth > %(above)s AND message.depth < %(below)s
        AND message.role <> 'tool' AND NOT message.extra @> '{"hidden": true}' AND message.content ~ '\\S'
    ORDER BY message.depth LIMIT %(limit)s
), measured AS (
    SELECT id, sum(length(content)) OVER (ORDER BY depth) - length(content) AS before FROM told
)
SELECT told.* FROM told JOIN measured USING (id) WHERE measured.before < %(characters)s ORDER BY told.depth
"""

SUMMARY = """
SELECT summary.text, summary.depth FROM conversations_summary summary
JOIN conversations_message message ON message.id = summary.message_id
JOIN piece ON piece.branch = message.branch AND piece.depth >= message.depth
WHERE summary.conversation_id = %(conversation)s
ORDER BY summary.depth DESC LIMIT 1
"""

REMEMBERED = """
SELECT message.lore FROM piece JOIN conversations_message message
ON message.branch = piece.branch AND message.depth <= piece.depth
WHERE message.lore IS NOT NULL ORDER BY message.depth DESC LIMIT 1
"""

ANSWERS = """
SELECT count(*) FROM piece JOIN conversations_message message
ON message.branch = piece.branch AND message.depth <= piece.depth
WHERE message.role = 'assistant'
"""

FIRST = """
SELECT first.id FROM piece JOIN conversations_message first ON first.branch = piece.branch AND first.depth = 0
"""

CHILDREN = """
SELECT parent_id, id FROM conversations_message WHERE parent_id = ANY(%(parents)s)
UNION ALL
SELECT NULL, id FROM conversations_message WHERE conversation_id = %(roots_of)s AND parent_id IS NULL
"""

MOST_CHARACTERS = 2**31 - 1  # that PostgreSQL adds up


def path_to(leaf: Any, conversation: Conversation, *, limit: int) -> list[Message]:
    """The messages from `leaf` up, nearest first: at most `limit`."""
    return _in_order(_ids(UPWARDS, start=leaf, conversation=conversation.pk, limit=limit))


def ids_to(leaf: Message) -> list[UUID]:
    """The ids of the whole path from `leaf` up, nearest first."""
    return _ids(UPWARDS, start=leaf.pk, conversation=leaf.conversation_id, limit=leaf.depth + 1)


def history(leaf: Any, conversation: Conversation, *, characters: int) -> tuple[list[tuple[str, str, int]], bool]:
    """Role, content and depth of what a model may hear of the path to `leaf`, oldest first, and whether that is all of
    it: of a long one it is the end, as soon as it exceeds `characters`."""
    rows = _rows(HISTORY, start=leaf, conversation=conversation.pk, characters=min(characters, MOST_CHARACTERS))
    return [(role, content, depth) for role, content, depth, _ in rows], rows[0][3] if rows else True


class Step(NamedTuple):
    """A message, as far as it is told on."""

    id: UUID
    depth: int
    role: str
    content: str


def stretch(
    leaf: Any, conversation: Conversation, *, above: int, below: int, limit: int, characters: int
) -> list[Step]:
    """What a model may hear of the path to `leaf` between two depths, both left out: the first `limit` messages, and no
    more of them once they exceed `characters`."""
    between = {"above": above, "below": below, "limit": limit, "characters": characters}
    rows = _rows(PIECES + STRETCH, leaf=leaf, conversation=conversation.pk, **between)
    return [Step(*row) for row in rows]


def summary(leaf: Any, conversation: Conversation) -> tuple[str, int] | None:
    """The summary that covers the most of the path to `leaf`, and the depth of the last message that it covers."""
    rows = _rows(PIECES + SUMMARY, leaf=leaf, conversation=conversation.pk)
    return rows[0] if rows else None


def remembered(leaf: Any, conversation: Conversation) -> Any:
    """What the lorebook noted last on the path to `leaf`; None where it never did."""
    rows = _rows(PIECES + REMEMBERED, leaf=leaf, conversation=conversation.pk)
    return json.loads(rows[0][0]) if rows else None


def answers(leaf: Any, conversation: Conversation) -> int:
    """How many messages of the path to `leaf` are the character's, its greeting among them."""
    count: int = _rows(PIECES + ANSWERS, leaf=leaf, conversation=conversation.pk)[0][0]
    return count


def first(leaf: Any, conversation: Conversation) -> Message:
    """Where the path to `leaf` begins."""
    return Message.objects.get(pk=_ids(PIECES + FIRST, leaf=leaf, conversation=conversation.pk)[0])


def path_after(end: Any, leaf: Any, conversation: Conversation, *, limit: int) -> list[Message]:
    """At most `limit` messages of the path to `leaf` that follow `end`, farthest from `end` first.

    Empty where `end` is not on that path.
    """
    edge = Message.objects.filter(pk=end, conversation=conversation).first()
    if edge is None:
        return []
    ids = _ids(PIECES + TOWARDS_LEAF, leaf=leaf, end=end, above=edge.depth, conversation=conversation.pk, limit=limit)
    return _in_order(ids[::-1])


def newest_leaf(start: Any) -> UUID:
    """The youngest of the leaves at or below `start`."""
    return _ids(NEWEST_LEAF, start=start)[0]


def ends_branch(message: Message) -> bool:
    """Whether nothing follows it in its own branch, so that the next one can."""
    return not Message.objects.filter(branch=message.branch, depth=message.depth + 1).exists()


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
    roots_of = messages[0].conversation_id if None in parents else None
    for parent, child in _rows(CHILDREN, parents=list(parents - {None}), roots_of=roots_of):
        found[parent].append(child)
    for children in found.values():
        children.sort()
    return found


def _ids(statement: str, **values: Any) -> list[UUID]:
    return [row[0] for row in _rows(statement, **values)]


def _rows(statement: str, **values: Any) -> list[Any]:
    return _made(statement).rows(**values)


@cache
def _made(statement: str) -> Statement:
    return Statement(statement)


def _in_order(ids: list[UUID]) -> list[Message]:
    rows = Message.objects.in_bulk(ids)
    # Without those that were deleted between the two statements.
    return [rows[key] for key in ids if key in rows]
