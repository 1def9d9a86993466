"""Answers that are being written, as their readers see them.

What one process writes is kept here, in its memory. Readers come and go; each is shown everything from the start.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from apps.chat.chunks import KEEP_ALIVE

KEEP_ALIVE_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a generation ended, as saved. `turn` holds the rendered rows; None where the conversation is gone."""

    turn: dict[str, Any] | None
    error: str = ""
    detail: str = ""
    retry_after: int | None = None


class Live:
    """One answer. Written on the event loop by its producer alone."""

    def __init__(self) -> None:
        self._frames: list[bytes] = []
        self._news = asyncio.Event()
        self._ended = asyncio.Event()
        self._outcome: Outcome | None = None

    def publish(self, frames: list[bytes]) -> None:
        self._frames += frames
        self._wake()

    def end(self, frames: list[bytes], outcome: Outcome) -> None:
        self._frames += frames
        self._outcome = outcome
        self._ended.set()
        self._wake()

    def _wake(self) -> None:
        # Each event wakes its waiters once; late ones find the frames without waiting.
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def follow(self) -> AsyncIterator[bytes]:
        """Everything from the start, then what comes, with comments to keep a quiet connection open."""
        shown = 0
        while True:
            news, ended = self._news, self.has_ended
            if shown < len(self._frames):
                fresh = b"".join(self._frames[shown:])
                shown = len(self._frames)
                yield fresh
            elif ended:
                return
            else:
                try:
                    async with asyncio.timeout(KEEP_ALIVE_SECONDS):
                        await news.wait()
                except TimeoutError:
                    yield KEEP_ALIVE

    @property
    def has_ended(self) -> bool:
        return self._ended.is_set()

    async def outcome(self) -> Outcome:
        await self._ended.wait()
        assert self._outcome is not None
        return self._outcome
