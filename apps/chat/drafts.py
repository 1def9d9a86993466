"""Answers while they are written, and the keeper that saves those of a process meanwhile.

All at once: a checkpoint of each answer by itself costs as much as all else that is done for its words.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from io import StringIO

from django.db import Error as DatabaseError

from apps.api.threads import with_rows
from apps.chat import checkpoints
from apps.chat.asking import Job
from apps.chat.generations import Written

log = logging.getLogger("dramatis.chat")

# What a killed process may lose: with the time that saving takes a second's worth, or this many bytes.
CHECKPOINT_SECONDS = 0.8
CHECKPOINT_BYTES = 2048

# How much goes into one statement.
MOST_DRAFTS = 100
MOST_BYTES = 1_000_000


class Draft:
    """What has been written of one answer. `lost` is called where its message turns out to be gone."""

    def __init__(self, job: Job, keeper: "Keeper", lost: Callable[[], object]) -> None:
        self.job = job
        self.lost = lost
        self._keeper = keeper
        # Not lists: a piece is a word, and its object larger than that. Each look at the whole makes it one.
        self.text, self.reasoning = StringIO(), StringIO()
        self.text.write(job.text)
        self.reasoning.write(job.reasoning)
        self.calls = list(job.calls)
        self.sources = list(job.sources)
        # Bytes of text; and of calls and sources, how many there were. Of both, how much is saved.
        self.size = self._saved_size = len(job.text.encode()) + len(job.reasoning.encode())
        self._changes = self._saved_changes = self._told_changes = 0

    def took(self, text: str, into: StringIO) -> None:
        """`into` is its `text` or its `reasoning`."""
        into.write(text)
        self.size += len(text.encode())
        if self.size - self._saved_size < CHECKPOINT_BYTES:
            self._keeper.save_soon(self)
        else:
            self._keeper.save_now(self)

    def called(self, count: int) -> None:
        """So many of its calls are new or have new results. What a tool did is not to be forgotten."""
        self._changes += count
        self._keeper.save_now(self)

    def so_far(self) -> Written:
        calls, sources = list(self.calls), list(self.sources)
        return Written(self.text.getvalue(), self.reasoning.getvalue(), calls=calls, sources=sources)

    def news(self) -> Written:
        """To be saved now. What tools said may be long, and is left out where it is saved already."""
        self._saved_size, self._told_changes = self.size, self._changes
        written = self.so_far()
        if self._changes == self._saved_changes:
            return replace(written, calls=None, sources=None)
        return written

    def is_saved(self) -> None:
        """As `news` told it."""
        self._saved_changes = self._told_changes

    async def close(self) -> None:
        """Before its end is saved: no checkpoint comes after that."""
        await self._keeper.forget(self)


class Keeper:
    """Saves drafts beside their streams, and never in their way. Made and used on the event loop."""

    def __init__(self) -> None:
        self._waiting: set[Draft] = set()
        self._urgent: set[Draft] = set()
        self._hurry = asyncio.Event()
        self._saving: set[Draft] = set()
        self._rests = asyncio.Event()

    def save_soon(self, draft: Draft) -> None:
        self._waiting.add(draft)

    def save_now(self, draft: Draft) -> None:
        self._waiting.add(draft)
        self._urgent.add(draft)
        self._hurry.set()

    async def forget(self, draft: Draft) -> None:
        """Nothing of it is saved any more, when this returns."""
        self._drop(draft)
        while draft in self._saving:
            await self._rests.wait()
        # It may have been put back, to be tried again.
        self._drop(draft)

    def _drop(self, draft: Draft) -> None:
        self._waiting.discard(draft)
        self._urgent.discard(draft)

    async def keep(self) -> None:
        """For ever."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + CHECKPOINT_SECONDS
            while loop.time() < due and await self._is_hurried(due):
                await self._save(self._urgent)
            await self._save(self._waiting)

    async def _is_hurried(self, due: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout_at(due):
                await self._hurry.wait()
            self._hurry.clear()
            return True
        return False

    async def _save(self, drafts: set[Draft]) -> None:
        for piece in _pieces(list(drafts)):
            # Meanwhile some may have come to their ends.
            self._saving = drafts.intersection(piece)
            self._waiting -= self._saving
            self._urgent -= self._saving
            self._rests.clear()
            try:
                await self._save_piece(self._saving)
            finally:
                self._saving = set()
                self._rests.set()

    async def _save_piece(self, drafts: set[Draft]) -> None:
        if not drafts:
            return
        told = {draft.job.message: (draft.job, draft.news()) for draft in drafts}
        try:
            saved, locked = await with_rows(checkpoints.save, told)
        except Exception as error:  # whatever it is, there are other answers, and they go on
            if len(drafts) > 1 and not _is_away(error):
                # What no database holds is not to be the others' loss.
                for draft in drafts:
                    await self._save_piece({draft})
            elif isinstance(error, DatabaseError):
                log.warning("checkpoints not saved; the next ones follow", extra={"reason": type(error).__name__})
                self._waiting |= drafts
            else:
                # Its end is saved by another statement; until then it goes without.
                log.error("a checkpoint cannot be made", exc_info=error)
            return
        for draft in drafts:
            if draft.job.message in saved:
                draft.is_saved()
            elif draft.job.message in locked:
                self._waiting.add(draft)
            else:
                draft.lost()  # Nobody is to see the rest.


def _is_away(error: Exception) -> bool:
    """Whether it is the database that cannot be reached, or shuts down, and not what it was given."""
    state = getattr(error.__cause__, "sqlstate", None)
    return isinstance(error, DatabaseError) and (state is None or state.startswith(("08", "57P")))


def _pieces(drafts: Iterable[Draft]) -> Iterator[list[Draft]]:
    piece: list[Draft] = []
    size = 0
    for draft in drafts:
        # What tools said may be long: it goes by itself.
        weight = MOST_BYTES if draft.calls else draft.size
        if piece and (len(piece) == MOST_DRAFTS or size + weight > MOST_BYTES):
            yield piece
            piece, size = [], 0
        piece.append(draft)
        size += weight
    if piece:
        yield piece
