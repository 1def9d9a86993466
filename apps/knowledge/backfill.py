"""Giving passages their vectors: after they were saved, and later those that got none.

A text is saved and found by its words whatever becomes of its vectors; so nobody waits for them, and an endpoint that
is away delays nothing.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import connection

from apps.api.threads import spawn, with_rows
from apps.knowledge.embeddings import Embedder, EmbeddingsError, TextsRefused, Vector, embedder

log = logging.getLogger("dramatis.knowledge")

BATCH = 32
# Of a passage that the model does not take whole: these shares of its beginning are tried.
SHARES = (1 / 2, 1 / 4)

# The characters whose passages are given vectors here, just now.
_going: dict[UUID, asyncio.Task[Any]] = {}

Rows = list[tuple[UUID, str]]


async def begin(character: UUID) -> None:
    """On the server's loop: give this character's passages what they lack, beside whatever else goes on."""
    going, endpoint = _going.get(character), embedder()
    if endpoint and not endpoint.rests and (going is None or going.done()):
        task = _going[character] = spawn(embed(character))
        task.add_done_callback(lambda _: _going.pop(character, None))


async def stop() -> None:
    """Before the loop ends. What is not done by then is done when it is next wanted."""
    tasks = [task for task in _going.values() if task.get_loop() is asyncio.get_running_loop()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def embed(character: UUID) -> int:
    """How many passages were given a vector. Ends at the first failure: the rest is for another time."""
    endpoint = embedder()
    if endpoint is None:
        return 0
    done, last = 0, UUID(int=0)
    while rows := await with_rows(missing, character, endpoint.model, last):
        last = rows[-1][0]
        try:
            vectors = await vectors_of(endpoint, rows)
        except EmbeddingsError as error:
            log.warning("passages have no vectors yet", extra={"reason": error.reason, "character": str(character)})
            break
        await with_rows(keep, vectors, endpoint.model)
        done += sum(bool(vector) for _, vector in vectors)
    return done


async def vectors_of(endpoint: Embedder, rows: Rows) -> list[tuple[UUID, Vector]]:
    """Of each passage; an empty one where there is nothing in it, or the model takes no part of it."""
    said = [(key, text) for key, text in rows if text.strip()]
    blank: list[tuple[UUID, Vector]] = [(key, []) for key, text in rows if not text.strip()]
    if not said:
        return blank
    try:
        vectors = await endpoint.embed([text for _, text in said])
    except TextsRefused:
        vectors = [await _vector_of_part(endpoint, text) for _, text in said]
        if not any(vectors):
            # It is not the texts.
            endpoint.rest()
            raise
    return [*zip((key for key, _ in said), vectors, strict=True), *blank]


async def _vector_of_part(endpoint: Embedder, text: str) -> Vector:
    for share in (1, *SHARES):
        try:
            [vector] = await endpoint.embed([text[: max(1, int(len(text) * share))]])
        except TextsRefused:
            continue
        return vector
    return []


def missing(character: UUID, model: str, after: UUID) -> Rows:
    """The next passages without a vector of this model, with their headings."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, concat_ws(E'\\n', nullif(heading, ''), text) FROM knowledge_passage"
            " WHERE character_id = %s AND embedding_model IS DISTINCT FROM %s AND id > %s ORDER BY id LIMIT %s",
            [character, model, after, BATCH],
        )
        rows: Rows = cursor.fetchall()
    return rows


def keep(vectors: Sequence[tuple[UUID, Vector]], model: str) -> None:
    with connection.cursor() as cursor:
        for key, vector in vectors:
            # Each on its own: whoever deletes a document meanwhile takes its rows in another order.
            cursor.execute(
                "UPDATE knowledge_passage SET embedding = %s::real[], embedding_model = %s WHERE id = %s",
                [vector, model, key],
            )


def lacking(model: str) -> list[UUID]:
    """The characters of whose passages some have no vector of this model."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT character_id FROM knowledge_passage WHERE embedding_model IS DISTINCT FROM %s", [model]
        )
        return [key for (key,) in cursor.fetchall()]
