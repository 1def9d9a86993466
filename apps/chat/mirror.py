"""An answer that another process writes, or wrote, as a `Live` of this one."""

import asyncio
import logging
from collections.abc import Iterable
from uuid import UUID

from django.db import Error as DatabaseError

from apps.api.threads import with_rows
from apps.chat import outcomes
from apps.chat.chunks import DONE, Chunks
from apps.chat.live import Live
from apps.chat.outcomes import Outcome
from apps.chat.relay import LOST, RETRY_SECONDS, Relay

log = logging.getLogger("dramatis.chat")

POLL_SECONDS = 1.0


async def fill(live: Live, generation: UUID, relay: Relay | None) -> None:
    """Show what the relay brings, to its end. Where it brings nothing, the database tells how it ended, and what its
    readers have not seen yet: the process may have died, Redis be away, or all of it be long over."""
    outcome = await _outcome(generation)
    while outcome is None or len(live.frames):
        # Saved first, told second: what has just ended gets one more look.
        had_ended = outcome is not None
        frames, last = await _news(generation, len(live.frames), relay)
        if last or frames[-1:] == [DONE]:
            live.end(frames, await _end(generation))
            return
        if frames:
            live.publish(frames)
        elif outcome is not None and had_ended:
            break
        else:
            outcome = await _outcome(generation)
    assert outcome is not None
    live.end(_rest(live.frames, outcome), outcome)


def _rest(shown: Iterable[bytes], outcome: Outcome) -> list[bytes]:
    message_id = outcome.turn["assistant_message"]["id"] if outcome.turn else ""
    return Chunks.after(shown, message_id).rest(outcome)


async def _news(generation: UUID, shown: int, relay: Relay | None) -> tuple[list[bytes], bool]:
    if relay is None:
        await asyncio.sleep(POLL_SECONDS)
        return [], False
    try:
        return await relay.read(generation, shown)
    except LOST:
        await asyncio.sleep(RETRY_SECONDS)
        return [], False


async def _outcome(generation: UUID) -> Outcome | None:
    """None while it runs, or while nobody can say."""
    try:
        return await with_rows(outcomes.read, generation)
    except DatabaseError as error:
        log.warning("the database failed; trying again", extra={"reason": type(error).__name__})
        return None


async def _end(generation: UUID) -> Outcome:
    """Of one that was told to its end. Where the row still runs, its process gave up saving it."""
    while True:
        try:
            return await with_rows(outcomes.read, generation) or outcomes.UNSAVED
        except DatabaseError:
            await asyncio.sleep(POLL_SECONDS)
