"""An answer that one process writes, read by another through a real Redis, which comes and goes."""

import asyncio
from collections.abc import Coroutine
from typing import Any
from uuid import UUID

import pytest

from apps.api.rows import new_id
from apps.chat.live import Live, frames_of
from apps.chat.outcomes import GONE
from apps.chat.relay import LOST, Relay, stream_of
from tests.redis_server import RedisServer

SECONDS = 20


@pytest.fixture(autouse=True)
def _nothing_is_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.chat.relay.RETRY_SECONDS", 0.1)
    monkeypatch.setattr("apps.chat.relay.BLOCK_SECONDS", 0.2)


async def read_all(relay: Relay, generation: UUID) -> list[bytes]:
    """As a mirror does: from what it has, again and again, until the end."""
    frames: list[bytes] = []
    while True:
        try:
            fresh, last = await relay.read(generation, len(frames))
        except LOST:
            await asyncio.sleep(0.05)
            continue
        frames += fresh
        if last:
            return frames


def within_time(work: Coroutine[Any, Any, Any]) -> Any:
    async def limited() -> Any:
        async with asyncio.timeout(SECONDS):
            return await work

    return asyncio.run(limited())


class Two:
    """A process that writes and one that reads."""

    def __init__(self, url: str) -> None:
        self.writer, self.reader = Relay(url), Relay(url)
        self.live, self.generation = Live(), new_id()
        self.telling = asyncio.create_task(self.writer.publish(self.generation, self.live))
        self.reading = asyncio.create_task(read_all(self.reader, self.generation))

    def say(self, number: int) -> None:
        self.live.publish([f"data: {number}\n\n".encode()])

    async def end(self, *others: "asyncio.Task[list[bytes]]") -> list[bytes]:
        """What was read, once all was said; other readers have the same."""
        self.live.end([b"data: [DONE]\n\n"], GONE)
        await self.telling
        found = await self.reading
        assert all([await other == found for other in others])
        for relay in (self.writer, self.reader):
            await relay.close()
        return found

    async def read(self, count: int) -> None:
        """Wait until so many frames have arrived in Redis."""
        while len((await self.reader.read(self.generation, 0))[0]) < count:
            await asyncio.sleep(0.01)


def test_frames_arrive_whole_and_in_order_for_early_and_late_readers(redis_server: RedisServer) -> None:
    async def work() -> None:
        two = Two(redis_server.url)
        for number in range(1200):
            two.say(number)
            if number % 100 == 0:
                await asyncio.sleep(0)
        late = asyncio.create_task(read_all(two.reader, two.generation))
        assert await two.end(late) == list(two.live.frames)

    within_time(work())


def test_a_stream_does_not_stay_for_ever(redis_server: RedisServer) -> None:
    async def work() -> Two:
        two = Two(redis_server.url)
        two.say(1)
        await two.read(1)
        with redis_server.client() as client:
            assert 0 < client.ttl(stream_of(two.generation)) <= 3600
        await two.end()
        return two

    two = within_time(work())
    with redis_server.client() as client:
        assert 0 < client.ttl(stream_of(two.generation)) <= 60


@pytest.mark.parametrize("fate", ["forgets", "dies", "hangs"])
def test_what_redis_lost_is_told_again_without_a_gap_or_a_repeat(redis_server: RedisServer, fate: str) -> None:
    async def work() -> None:
        two = Two(redis_server.url)
        for number in range(3):
            two.say(number)
        await two.read(3)
        if fate == "forgets":
            with redis_server.client() as client:
                client.flushall()
        else:
            await asyncio.to_thread(redis_server.kill if fate == "dies" else redis_server.hang)
        two.say(3)
        await asyncio.sleep(0.2)
        if fate != "forgets":
            await asyncio.to_thread(redis_server.restart)
        two.say(4)
        found = await two.end()
        assert found == list(two.live.frames)
        assert len(found) == 6

    within_time(work())


def test_a_redis_that_comes_back_older_leaves_no_gap(redis_server: RedisServer) -> None:
    """After a failover to a replica, or with a log that was a second behind."""

    async def work() -> None:
        two = Two(redis_server.url)
        for number in range(5):
            two.say(number)
        await two.read(5)
        with redis_server.client() as client:
            key = stream_of(two.generation)
            first, *_ = client.xrange(key)
            client.delete(key)
            client.xadd(key, first[1], id=first[0])
        late = asyncio.create_task(read_all(two.reader, two.generation))
        await asyncio.sleep(0.1)
        two.say(5)
        assert await two.end(late) == list(two.live.frames)

    within_time(work())


def test_what_was_told_to_its_end_is_not_told_twice(redis_server: RedisServer) -> None:
    async def work() -> None:
        two = Two(redis_server.url)
        two.say(1)
        two.live.end([], GONE)
        await two.telling
        # As where the answer to the last command was lost.
        await two.writer.publish(two.generation, two.live)
        assert await two.end() == list(two.live.frames)[:1]

    within_time(work())


def test_an_end_is_not_waited_for_while_redis_is_away(redis_server: RedisServer) -> None:
    async def work() -> None:
        redis_server.kill()
        two = Two(redis_server.url)
        two.say(1)
        two.live.end([], GONE)
        assert await two.live.outcome() is GONE
        assert [frames async for frames in frames_of(lambda: two.live)] == [b"data: 1\n\n"]
        for task in (two.telling, two.reading):
            task.cancel()
        await asyncio.gather(two.telling, two.reading, return_exceptions=True)

    within_time(work())


def test_a_stop_is_heard_by_the_others_also_after_redis_was_away(redis_server: RedisServer) -> None:
    async def work() -> None:
        one, other = Relay(redis_server.url), Relay(redis_server.url)
        heard: asyncio.Queue[UUID] = asyncio.Queue()
        hearing = asyncio.create_task(other.hear_stops(heard.put_nowait))

        async def ask_until_heard() -> None:
            generation = new_id()
            while heard.empty():  # a listener that is not there yet hears nothing
                await one.ask_to_stop(generation)
                await asyncio.sleep(0.05)
            assert await heard.get() == generation
            while not heard.empty():
                heard.get_nowait()

        await ask_until_heard()
        await asyncio.to_thread(redis_server.restart)
        await ask_until_heard()
        hearing.cancel()
        await asyncio.gather(hearing, return_exceptions=True)
        for relay in (one, other):
            await relay.close()

    within_time(work())
