"""Readers of an answer that is being written, on a loop that is busy."""

import asyncio
import time
from contextlib import closing

from apps.chat.live import Live, Reader
from apps.chat.outcomes import GONE


def test_an_end_that_comes_as_a_readers_patience_ends_is_seen() -> None:
    async def read(live: Live) -> list[bytes]:
        found: list[bytes] = []
        with closing(Reader(live, patience=0.05)) as reader:
            while (fresh := await reader.more()) or not live.has_ended:
                found += fresh
        return found

    async def work() -> list[bytes]:
        live, loop = Live(), asyncio.get_running_loop()
        live.publish([b"one"])
        reader = asyncio.create_task(read(live))
        await asyncio.sleep(0)

        def busy_past_the_deadline() -> None:
            time.sleep(0.08)
            # Behind the reader's own timer, in the same turn of the loop.
            loop.call_later(0, live.end, [b"two", b"[DONE]"], GONE)

        loop.call_soon(busy_past_the_deadline)
        return await reader

    assert asyncio.run(work()) == [b"one", b"two", b"[DONE]"]
