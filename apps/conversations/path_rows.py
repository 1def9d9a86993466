"""A page of a path towards its root, as JSON, in one statement: whose it is, which path is active, the messages with
their siblings, and the moment that all of it is from."""

from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from apps.accounts.claims import STANDING, Claim, prove, values_of
from apps.accounts.models import User
from apps.api.json_rows import DIGEST, Listed, row_as_json
from apps.api.statements import Statement
from apps.conversations.models import Conversation
from apps.conversations.serializers import MAX_SIBLINGS, MessageSerializer

# The branches that the path runs through from its start up, until they hold enough; a branch's first message has its
# id. Then their messages, and who follows the same parent as each of these.
PAGE = """
WITH RECURSIVE conversation AS ({mine}),
piece AS (
    SELECT message.branch, message.depth, head.depth AS top, head.fork, message.depth - head.depth + 1 AS messages,
        message.depth AS bottom
    FROM conversation
    JOIN conversations_message message ON message.id = coalesce(%(start)s::uuid, conversation.active_leaf_id)
        AND message.conversation_id = conversation.id
    JOIN conversations_message head ON head.id = message.branch
  UNION ALL
    SELECT head.id, piece.top - 1, head.depth, head.fork, piece.messages + piece.top - head.depth, piece.bottom
    FROM piece JOIN conversations_message head ON head.id = piece.fork
    WHERE piece.messages <= %(size)s
), path AS (
    SELECT found.*, piece.bottom - found.depth AS steps FROM piece CROSS JOIN LATERAL (
        SELECT message.* FROM conversations_message message
        WHERE message.branch = piece.branch AND message.depth <= piece.depth
        ORDER BY message.depth DESC LIMIT %(size)s + 1
    ) found
    ORDER BY found.depth DESC LIMIT %(size)s + 1
), page AS (
    SELECT path.id, path.steps, {json} AS json
    FROM path CROSS JOIN LATERAL (
        -- OFFSET keeps PostgreSQL from looking for them each time that they are named.
        SELECT CASE WHEN path.parent_id IS NULL THEN ARRAY(
            SELECT id FROM conversations_message
            WHERE conversation_id = path.conversation_id AND parent_id IS NULL ORDER BY id
        ) ELSE ARRAY(
            SELECT id FROM conversations_message WHERE parent_id = path.parent_id ORDER BY id
        ) END AS ids OFFSET 0
    ) siblings CROSS JOIN LATERAL (
        SELECT array_position(siblings.ids, path.id) - 1 AS place
    ) own
)
SELECT conversation.active_leaf_id, pg_current_snapshot()::text,
    array_agg(page.id ORDER BY page.steps) FILTER (WHERE page.id IS NOT NULL),
    {rows}, {digest}, ({standing})
FROM conversation LEFT JOIN page ON true GROUP BY conversation.active_leaf_id
"""


class PathPage(NamedTuple):
    active_leaf: UUID | None
    snapshot: str  # PostgreSQL's, of when it was read
    ids: list[UUID]  # nearest first, of one message more than are shown
    shown: Listed


def page_to(start: UUID | None, conversation: Any, user: User | Claim, *, size: int) -> PathPage | None:
    """`size` messages from `start`, by default the active leaf, up; none where it is not in this conversation. None
    where the conversation is not this user's. `InvalidToken` where a claim proves wrong."""
    rows = _statement().rows(**values_of(user), conversation=conversation, start=start, size=size)
    if not rows:
        return None
    leaf, snapshot, ids, shown, digest, password = rows[0]
    prove(user, password)
    return PathPage(leaf, snapshot, ids or [], Listed(shown, digest))


@cache
def _statement() -> Statement:
    # Of very many, those around it.
    first = f"greatest(0, least(own.place - {MAX_SIBLINGS} / 2, cardinality(siblings.ids) - {MAX_SIBLINGS}))"
    near = f"siblings.ids[1 + {first} : {MAX_SIBLINGS} + {first}]"
    siblings = {
        "siblings": f"to_json(CASE WHEN cardinality(siblings.ids) <= {MAX_SIBLINGS} THEN siblings.ids ELSE {near} END)",
        "sibling_index": "own.place",
        "sibling_count": "cardinality(siblings.ids)",
    }
    rows = "string_agg(page.json, ',' ORDER BY page.steps) FILTER (WHERE page.steps < %(size)s)"
    return Statement(
        PAGE,
        json=row_as_json(MessageSerializer, "path", **siblings),
        rows=rows,
        digest=DIGEST.format(text=rows),
        **STANDING,
        mine=lambda user, conversation: (
            Conversation.objects.owned_by(User(pk=user)).filter(pk=conversation).values("id", "active_leaf_id")
        ),
    )
