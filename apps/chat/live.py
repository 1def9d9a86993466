"""Answers that are being written, as their readers see them.

What a process writes, or follows of another one's, is kept in its memory. Readers come and go; each is shown everything
from the start.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import closing

from apps.chat.chunks import KEEP_ALIVE
from apps.chat.frames import Frames
from apps.chat.outcomes import Outcome
from apps.chat.providers.deadline import Deadline

KEEP_ALIVE_SECONDS = 15.0


class Live:
    """One answer. Written on the event loop, by its producer or by the mirror of another process's, and by it alone."""

    def __init__(self) -> None:
        self.frames = Frames()
        self._waiting: set[Reader] = set()
        self._outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

    def publish(self, frames: list[bytes]) -> None:
        self.frames.add(frames)
        self._wake()

    def end(self, frames: list[bytes], outcome: Outcome) -> None:
        self.frames.add(frames)
        if not self.has_ended:
            self._outcome.set_result(outcome)
        self._wake()

    def wake_with_news(self, reader: "Reader") -> None:
        """Once."""
        self._waiting.add(reader)

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, set()
        for reader in waiting:
            reader.wake()

    @property
    def has_ended(self) -> bool:
        return self._outcome.done()

    async def outcome(self) -> Outcome:
        # Who gives up waiting ends nothing.
        return await asyncio.shield(self._outcome)


class Reader:
    """Somebody who reads an answer from its start, and waits for more at most `patience` seconds at a time."""

    def __init__(self, live: Live, patience: float) -> None:
        self.shown = 0
        self._live = live
        self._loop = asyncio.get_running_loop()
        self._patience = patience
        self._news: asyncio.Future[None] | None = None
        self._deadline = Deadline(self._loop, self.wake)

    async def more(self) -> list[bytes]:
        """The frames behind those that were shown, as soon as there are some. None of them when the patience is over,
        or at the end."""
        live = self._live
        if self.shown == len(live.frames) and not live.has_ended:
            self._news = self._loop.create_future()
            live.wake_with_news(self)
            self._deadline.wait_until(self._loop.time() + self._patience)
            await self._news
            self._deadline.rest()
        fresh = live.frames.after(self.shown)
        self.shown += len(fresh)
        return fresh

    def wake(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    def close(self) -> None:
        self._deadline.cancel()


async def frames_of(find: Callable[[], Live]) -> AsyncIterator[bytes]:
    """Everything from the start, then what comes, with comments to keep a quiet connection open. It is found when the
    first piece is asked for, on the event loop."""
    live = find()
    with closing(Reader(live, KEEP_ALIVE_SECONDS)) as reader:
        while True:
            if fresh := await reader.more():
                yield b"".join(fresh)
            elif live.has_ended:
                return
            else:
                yield KEEP_ALIVE
