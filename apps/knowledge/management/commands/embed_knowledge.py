"""Give every passage the vector that it lacks: after embeddings were configured, or another model was."""

import asyncio
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.api.threads import with_rows
from apps.knowledge import backfill, embeddings


class Command(BaseCommand):
    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        endpoint = embeddings.embedder()
        if endpoint is None:
            raise CommandError("EMBEDDINGS_BASE_URL is not set: there is nothing to make vectors with.")
        done, failed = asyncio.run(everybodys(endpoint.model))
        self.stdout.write(f"Passages with a new vector: {done}.")
        if failed:
            raise CommandError("The endpoint failed, and others still have none. The log says why; run it again.")


async def everybodys(model: str) -> tuple[int, bool]:
    """How many there were, and whether the endpoint failed before the end."""
    done = 0
    try:
        for character in await with_rows(backfill.lacking, model):
            done += await backfill.embed(character)
    finally:
        await embeddings.close()
    return done, bool(await with_rows(backfill.lacking, model))
