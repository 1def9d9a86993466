"""Between processes, through Redis: the frames of each running answer, and word of which are to stop.

An answer's frames are a Redis stream, numbered from 1, so that adding one twice is refused and a reader knows which it
has. Redis may go away, and forget: what was lost is added anew when it is back, from the memory of the process that
writes. Nothing is kept in Redis that the database does not hold by the end of the answer.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Any
from uuid import UUID

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from apps.chat.live import Live, Reader

log = logging.getLogger("dramatis.chat")

LOST = (RedisError, OSError)

# How long a stream stays: while it is written, and for readers that are late once it has ended.
RUNNING_SECONDS = 3600
ENDED_SECONDS = 60

RETRY_SECONDS = 0.5
# How long an ended answer is tried to be told while Redis is away.
LAST_TRIES_SECONDS = 30.0

# How long nothing may be said until it is looked again.
SILENCE_SECONDS = 60.0

BLOCK_SECONDS = 1.0
MOST_FRAMES = 500

STOPS = "dramatis:stop"


def stream_of(generation: UUID) -> str:
    return f"dramatis:live:{generation}"


class Relay:
    """One process's connection to the others. Made and used on the event loop."""

    def __init__(self, url: str) -> None:
        # A read blocks for BLOCK_SECONDS; whatever takes much longer is lost. Trying again is done here, not there.
        self._redis: Redis = Redis.from_url(
            url,
            protocol=2,
            socket_connect_timeout=1.0,
            socket_timeout=BLOCK_SECONDS + 2,
            retry=Retry(NoBackoff(), retries=0),
        )

    async def publish(self, generation: UUID, live: Live) -> None:
        """Tell the other processes what this one writes, to its end, in its order; later where Redis is away."""
        with closing(Reader(live, SILENCE_SECONDS)) as reader:
            await self._publish(generation, live, reader)

    async def _publish(self, generation: UUID, live: Live, reader: Reader) -> None:
        loop = asyncio.get_running_loop()
        give_up_at: float | None = None
        told: int | None = 0
        while True:
            try:
                if told is None:
                    told, ended = await self._told(generation)
                    if ended:
                        return
                reader.shown = told
                frames = await reader.more()
                ended = live.has_ended and reader.shown == len(live.frames)
                if frames or ended:
                    await self._add(generation, told, frames, ended)
                told = reader.shown
                if ended:
                    return
            except LOST as error:
                if told is not None:
                    log.warning("redis is away; trying again", extra={"reason": type(error).__name__})
                told = None
                if live.has_ended:
                    give_up_at = give_up_at or loop.time() + LAST_TRIES_SECONDS
                    if loop.time() > give_up_at:
                        return
                await asyncio.sleep(RETRY_SECONDS)

    async def _told(self, generation: UUID) -> tuple[int, bool]:
        """How many frames Redis has, and whether it has the end. What has a hole is thrown away, to be told anew."""
        key = stream_of(generation)
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.xlen(key)
            pipeline.xrevrange(key, count=1)
            length, newest = await pipeline.execute()
        number, end = map(int, newest[0][0].split(b"-")) if newest else (0, 0)
        if length == number + end:
            return number, bool(end)
        await self._redis.delete(key)
        return 0, False

    async def _add(self, generation: UUID, told: int, frames: list[bytes], ended: bool) -> None:
        """Raises `RedisError` where what was told before is not all there: Redis came back without it."""
        key = stream_of(generation)
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.xlen(key)
            for number, frame in enumerate(frames, told + 1):
                pipeline.xadd(key, {"frame": frame}, id=f"{number}-0")
            if ended:
                pipeline.xadd(key, {"end": b""}, id=f"{told + len(frames)}-1")
            pipeline.expire(key, ENDED_SECONDS if ended else RUNNING_SECONDS)
            there, *_ = await pipeline.execute()
        if there != told:
            raise RedisError("the stream was forgotten")

    async def read(self, generation: UUID, shown: int) -> tuple[list[bytes], bool]:
        """The frames behind the first `shown` as soon as there are some, and whether they are the last. None of them
        after a second's silence."""
        key = stream_of(generation)
        found: Any = await self._redis.xread({key: f"{shown}-0"}, count=MOST_FRAMES, block=int(BLOCK_SECONDS * 1000))
        entries: list[tuple[bytes, dict[bytes, bytes]]] = found[0][1] if found else []
        frames: list[bytes] = []
        for identity, fields in entries:
            number, end = map(int, identity.split(b"-"))
            if number != shown + len(frames) + 1 - end:
                break  # what is missing is about to be told anew
            if end:
                return frames, True
            frames.append(fields[b"frame"])
        if entries and not frames:
            await asyncio.sleep(RETRY_SECONDS)
        return frames, False

    async def ask_to_stop(self, generation: UUID) -> None:
        """Where Redis is away, the word left in the database is found a moment later."""
        try:
            async with asyncio.timeout(1.0):
                await self._redis.publish(STOPS, str(generation))
        except LOST as error:
            log.warning("stop not sent by redis", extra={"reason": type(error).__name__})

    async def hear_stops(self, stop: Callable[[UUID], object]) -> None:
        """Call `stop` for each that is asked for, for ever."""
        while True:
            try:
                async with self._redis.pubsub(ignore_subscribe_messages=True) as messages:
                    await messages.subscribe(STOPS)
                    while True:
                        message = await messages.get_message(timeout=BLOCK_SECONDS)
                        if message is not None:
                            with suppress(ValueError):  # somebody else's word on our channel
                                stop(UUID(message["data"].decode()))
            except LOST:
                await asyncio.sleep(RETRY_SECONDS)

    async def close(self) -> None:
        await self._redis.aclose()
