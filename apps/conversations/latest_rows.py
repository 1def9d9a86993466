"""A page of somebody's conversations, latest first, as JSON, in one statement."""

import json
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from apps.accounts.claims import STANDING, Claim, prove, values_of
from apps.accounts.models import User
from apps.accounts.ownership import OwnedQuerySet
from apps.api.json_rows import DIGEST, MOMENT, Listed, row_as_json
from apps.api.statements import Statement
from apps.conversations.models import Conversation
from apps.conversations.serializers import ConversationSerializer

# From the edge on, or from the beginning: the rows as they are met.
PAGE = """
WITH page AS (
    SELECT {json} AS json, concat('[', {moment}, ',"', conversation.id, '"]') AS position,
        row_number() OVER (ORDER BY conversation.sort_at {on}, conversation.id {on}) AS place
    FROM ({mine}) conversation WHERE {beyond}
    ORDER BY conversation.sort_at {on}, conversation.id {on} LIMIT %(size)s + 1
)
SELECT pg_current_snapshot()::text, count(*) > %(size)s,
    {rows}, {digest},
    array_agg(position ORDER BY place {as_shown}) FILTER (WHERE place <= %(size)s), ({standing})
FROM page
"""


# Stands for a character in the shape of a wish: one statement serves them all.
ANY = UUID(int=1)


class Wish(NamedTuple):
    """Which conversations: with this character, archived or not, pinned or not; None: whatever they are."""

    character: UUID | None = None
    archived: bool | None = None
    pinned: bool | None = None

    def among(self, rows: OwnedQuerySet[Conversation]) -> OwnedQuerySet[Conversation]:
        wanted = {name: value for name, value in self._asdict().items() if value is not None}
        return rows.filter(**wanted) if wanted else rows


class LatestPage(NamedTuple):
    snapshot: str  # PostgreSQL's, of when it was read
    more: bool  # further on in the direction that was asked for
    shown: Listed  # latest first
    positions: list[list[str]]  # the times by which they are sorted, and the ids


def page_of(user: User | Claim, wish: Wish, edge: Sequence[Any] | None, *, later: bool, size: int) -> LatestPage:
    """`size` conversations: the latest, or those before the edge, a time and an id, or, `later`, those after it.
    `InvalidToken` where a claim proves wrong."""
    moment, pk = edge or (None, None)
    shape = wish._replace(character=wish.character and ANY)
    statement = _statement(shape, later, edge is not None)
    values = {"character": wish.character, "size": size, "moment": moment, "id": pk}
    snapshot, more, rows, digest, positions, password = statement.rows(**values_of(user), **values)[0]
    prove(user, password)
    return LatestPage(snapshot, more, Listed(rows, digest), [json.loads(position) for position in positions or []])


@cache
def _statement(shape: Wish, later: bool, with_edge: bool) -> Statement:
    def mine(user: UUID, character: UUID) -> OwnedQuerySet[Conversation]:
        wish = shape._replace(character=shape.character and character)
        return wish.among(Conversation.objects.owned_by(User(pk=user)))

    beyond = f"(conversation.sort_at, conversation.id) {'>' if later else '<'} (%(moment)s, %(id)s)"
    as_shown = "DESC" if later else "ASC"
    rows = f"string_agg(json, ',' ORDER BY place {as_shown}) FILTER (WHERE place <= %(size)s)"
    return Statement(
        PAGE,
        json=row_as_json(ConversationSerializer, "conversation"),
        moment=MOMENT.format(column="conversation.sort_at"),
        on="ASC" if later else "DESC",
        beyond=beyond if with_edge else "true",
        as_shown=as_shown,
        rows=rows,
        digest=DIGEST.format(text=rows),
        mine=mine,
        **STANDING,
    )
