"""The answers as statements, for those who write SQL. Values are named `:so`."""

# OFFSET 0: computed once for a row, and not once for each place that it is used in.
FAMILY = """
LATERAL (
    SELECT CASE WHEN message.parent_id IS NULL THEN (
        SELECT array_agg(id ORDER BY id) FROM conversations_message sibling
        WHERE sibling.conversation_id = message.conversation_id AND sibling.parent_id IS NULL
    ) ELSE (
        SELECT array_agg(id ORDER BY id) FROM conversations_message sibling
        WHERE sibling.parent_id = message.parent_id
    ) END AS family OFFSET 0
) kin
"""

# A hundred around the message; of a hundred or fewer, all.
SIBLINGS = f"""
{FAMILY},
LATERAL (
    SELECT array_position(family, message.id) - 1 AS sibling_index, cardinality(family) AS sibling_count OFFSET 0
) place,
LATERAL (
    SELECT CASE WHEN sibling_count <= 100 THEN family ELSE family[
        1 + greatest(0, least(sibling_index - 50, sibling_count - 100)) :
        100 + greatest(0, least(sibling_index - 50, sibling_count - 100))
    ] END AS siblings OFFSET 0
) around
"""

KEPT = (
    *("role", "content", "reasoning", "tool_calls", "sources", "extra", "client_id", "depth", "status", "error"),
    *("model", "finish_reason", "prompt_tokens", "completion_tokens", "rating", "created_at", "updated_at"),
    "edited_at",
)
MESSAGE = f"""
    message.id, message.conversation_id AS conversation, message.parent_id AS parent,
    {", ".join(f"message.{name}" for name in KEPT)}
"""

KEYS = {"id", "conversation_id", "parent_id", "character_id", "active_leaf_id", "generating_id"}
JSON_COLUMNS = {"tool_calls", "sources", "extra", "error"}


def as_text(columns: str) -> str:
    """Ids and JSON as text: PostgreSQL writes them faster than Python reads them."""
    named = (column.strip().partition(" AS ") for column in columns.split(","))
    return ", ".join(
        f"{column}::text AS {name or bare}"
        if (bare := column.rpartition(".")[2]) in KEYS | JSON_COLUMNS
        else f"{column} AS {name or bare}"
        for column, _, name in named
    )


def path(start: str, conversation: str) -> str:
    """The messages from `start` up, `:limit` of them, as the table `message` with `steps`; all that is told of them
    is carried along."""
    return f"""
    WITH RECURSIVE message AS (
        SELECT id, conversation_id, parent_id, {", ".join(KEPT)}, 1 AS steps FROM conversations_message
        WHERE id = {start} AND conversation_id = {conversation}
      UNION ALL
        SELECT up.id, up.conversation_id, up.parent_id, {", ".join(f"up.{name}" for name in KEPT)}, message.steps + 1
        FROM conversations_message up JOIN message ON up.id = message.parent_id WHERE message.steps < :limit
    )
    """


def page(start: str, conversation: str) -> str:
    """One row: JSON of all but the last of the messages, the first one's id, and the id of the one that is too many."""
    return f"""
    {path(start, conversation)}
    SELECT coalesce(json_agg(told ORDER BY steps) FILTER (WHERE steps < :limit), '[]')::text AS results,
        (array_agg(told.id) FILTER (WHERE steps = 1))[1] AS first,
        (array_agg(told.id) FILTER (WHERE steps = :limit))[1] AS beyond
    FROM message, {SIBLINGS}, LATERAL (SELECT {MESSAGE}, siblings, sibling_index, sibling_count) told
    """


CONVERSATION = """
    id, character_id AS character, character_name, title, topic, persona_name, persona_description, model, temperature,
    top_p, max_tokens, stop, active_leaf_id AS active_leaf, generating_id AS generating, message_count, last_message_at,
    last_message_preview, pinned, archived, extra, created_at, updated_at
"""


def conversations(columns: str, user: str, *, beyond: bool) -> str:
    return f"""
    SELECT {columns} FROM conversations_conversation WHERE user_id = {user}
    {"AND (sort_at, id) < (:moment, :key)" if beyond else ""}
    ORDER BY sort_at DESC, id DESC LIMIT :limit
    """


def conversation_page(user: str, *, beyond: bool) -> str:
    """One row, as `page`: time and id of the last row shown and of the first, and how many were found."""
    numbered = f"{CONVERSATION}, sort_at, row_number() OVER (ORDER BY sort_at DESC, id DESC) AS steps"
    return f"""
    SELECT coalesce(json_agg(told ORDER BY steps) FILTER (WHERE steps < :limit), '[]')::text AS results,
        count(*) AS found,
        (array_agg(found.sort_at) FILTER (WHERE steps = :limit - 1))[1] AS moment,
        (array_agg(found.id) FILTER (WHERE steps = :limit - 1))[1] AS key,
        (array_agg(found.sort_at) FILTER (WHERE steps = 1))[1] AS first_moment,
        (array_agg(found.id) FILTER (WHERE steps = 1))[1] AS first_key
    FROM ({conversations(numbered, user, beyond=beyond)}) found,
    LATERAL (SELECT {", ".join(f"found.{column.split()[-1]}" for column in CONVERSATION.split(","))}) told
    """


# Before the message is looked for: what was waited for is then seen.
HOLD = """
SELECT active_leaf_id, generating_id FROM conversations_conversation WHERE id = :conversation AND user_id = :user
FOR UPDATE
"""

KNOWN = "SELECT 1 FROM conversations_message WHERE conversation_id = :conversation AND client_id = :client_id"


def append(columns: str) -> str:
    """A message under the leaf of a conversation that is held; in its branch, unless something has followed already."""
    return f"""
WITH place AS (
    SELECT coalesce(leaf.depth + 1, 0) AS depth, leaf.branch AS above, leaf.id IS NOT NULL AND NOT EXISTS (
        SELECT FROM conversations_message next WHERE next.branch = leaf.branch AND next.depth = leaf.depth + 1
    ) AS goes_on
    FROM (VALUES (1)) one LEFT JOIN conversations_message leaf ON leaf.id = :parent
), message AS (
    INSERT INTO conversations_message (
        id, conversation_id, user_id, parent_id, role, content, reasoning, tool_calls, sources, extra, client_id, depth,
        branch, fork, status, model, finish_reason, created_at, updated_at
    )
    SELECT :id, :conversation, :user, :parent, :role, :content, '', '[]', '[]', CAST(:extra AS jsonb), :client_id,
        depth, CASE WHEN goes_on THEN above ELSE :id END, CASE WHEN goes_on THEN NULL ELSE above END,
        'complete', '', '', :now, :now
    FROM place RETURNING *
), head AS (
    UPDATE conversations_conversation SET active_leaf_id = :id, message_count = message_count + 1,
        last_message_at = :now, last_message_preview = :preview, updated_at = :now
    WHERE id = :conversation
)
SELECT {columns}, array_append(
    (SELECT array_agg(sibling.id ORDER BY sibling.id) FROM conversations_message sibling
    WHERE sibling.parent_id = :parent
        OR (:parent IS NULL AND sibling.parent_id IS NULL AND sibling.conversation_id = :conversation)), :id
) AS family FROM message
"""
