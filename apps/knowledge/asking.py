"""What a character knows about a question: the way in for whoever builds a prompt."""

from uuid import UUID

from django.db import connection

from apps.accounts.models import User
from apps.api.threads import with_rows
from apps.characters.models import Character
from apps.knowledge import backfill, search
from apps.knowledge.embeddings import embedder
from apps.knowledge.search import Found

# Passages of a turn.
PASSAGES = 6


async def ask(character: Character, question: str, *, user: User, limit: int = PASSAGES) -> list[Found]:
    """As `search.find`, which uses the database, with the question's vector where one can be had: on the loop, holding
    neither a thread nor a connection while it is made. Passages without a vector are given theirs meanwhile."""
    vector = None
    if (endpoint := embedder()) and character.user_id == user.pk:
        some, every = await with_rows(_have_vectors, character.pk, endpoint.model)
        if not every:
            await backfill.begin(character.pk)
        if some:
            vector = await endpoint.of_question(question)
    return await with_rows(search.find, character, question, user=user, limit=limit, vector=vector)


def _have_vectors(character: UUID, model: str) -> tuple[bool, bool]:
    """Whether some of its passages have a vector of this model, and whether all have. Of none, all have."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(bool_or(has), false), coalesce(bool_and(has), true) FROM ("
            "SELECT embedding_model IS NOT DISTINCT FROM %s AS has FROM knowledge_passage WHERE character_id = %s"
            ") AS each",
            [model, character],
        )
        found: tuple[bool, bool] = cursor.fetchone()
    return found
