"""Answers that are being written, as their readers see them.

What a process writes, or follows of another one's, is kept in its memory. Readers come and go; each is shown everything
from the start.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from apps.chat.chunks import KEEP_ALIVE
from apps.chat.outcomes import Outcome

KEEP_ALIVE_SECONDS = 15.0


class Live:
    """One answer. Written on the event loop, by its producer or by the mirror of another process's, and by it alone."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self._news = asyncio.Event()
        self._ended = asyncio.Event()
        self._outcome: Outcome | None = None

    def publish(self, frames: list[bytes]) -> None:
        self.frames += frames
        self._wake()

    def end(self, frames: list[bytes], outcome: Outcome) -> None:
        self.frames += frames
        self._outcome = outcome
        self._ended.set()
        self._wake()

    def _wake(self) -> None:
        # Each event wakes its waiters once; late ones find the frames without waiting.
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def after(self, shown: int, patience: float) -> list[bytes]:
        """The frames behind the first `shown`, as soon as there are some. None of them after `patience` seconds
        without, or at the end."""
        news = self._news
        if shown == len(self.frames) and not self.has_ended:
            with suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    await news.wait()
        return self.frames[shown:]

    async def follow(self) -> AsyncIterator[bytes]:
        """Everything from the start, then what comes, with comments to keep a quiet connection open."""
        shown = 0
        while True:
            fresh = await self.after(shown, KEEP_ALIVE_SECONDS)
            shown += len(fresh)
            if fresh:
                yield b"".join(fresh)
            elif self.has_ended:
                return
            else:
                yield KEEP_ALIVE

    @property
    def has_ended(self) -> bool:
        return self._ended.is_set()

    async def outcome(self) -> Outcome:
        await self._ended.wait()
        assert self._outcome is not None
        return self._outcome
