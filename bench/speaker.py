"""A model that says numbered words at a steady pace and remembers when it said them. Run as a process of its own:

    python -m bench.speaker SEED        # prints its base URL; ends with its standard input

Each call says words such as `c7w0 c7w1 c7w2`, so that a saved answer tells which call it came from and how much of it
is there. Times are of the machine's monotonic clock, the same in every process. `GET /record` tells all of it.
"""

import asyncio
import json
import random
import re
import sys
import time
from typing import Any

from aiohttp import web

PACE = 0.04  # seconds a word
WORDS = (5, 120)
TURN = re.compile(r"turn-[0-9a-z-]+")


class Speaker:
    def __init__(self, seed: str) -> None:
        self.seed = seed
        self.calls: list[dict[str, Any]] = []
        self.latest = 0.0

    async def speak(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        texts = [message["content"] for message in reversed(body["messages"]) if message["role"] == "user"]
        turn = next((found.group() for text in texts[:1] if (found := TURN.search(text))), "")
        tag = f"c{len(self.calls)}"
        call = {
            "tag": tag,
            "turn": turn,
            # Every server has a key of its own, which tells who calls.
            "caller": request.headers.get("Authorization", "").removeprefix("Bearer "),
            "began": time.monotonic(),
            "said": [],
            "gone": None,
            "whole": False,
        }
        self.calls.append(call)
        count = 3 if turn.startswith("turn-last") else random.Random(f"{self.seed} {tag}").randint(*WORDS)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        try:
            await response.prepare(request)
            for number in range(count):
                await self._at(call["began"] + number * PACE)
                call["said"].append(time.monotonic())
                await response.write(frame({"content": f"{tag}w{number} "}))
            await response.write(frame({}, "stop") + b"data: [DONE]\n\n")
            await response.write_eof()
            call["whole"] = True
        except OSError:
            pass  # who listened has died
        finally:
            call["gone"] = time.monotonic()
        return response

    async def _at(self, moment: float) -> None:
        await asyncio.sleep(moment - time.monotonic())

    async def watch(self) -> None:
        """How late this process is at worst, as a measure of what the machine adds to every other time."""
        while True:
            due = time.monotonic() + 0.02
            await self._at(due)
            self.latest = max(self.latest, time.monotonic() - due)

    async def record(self, request: web.Request) -> web.Response:
        return web.json_response({"calls": self.calls, "latest": self.latest})


def frame(delta: dict[str, str], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return f"data: {json.dumps({'model': 'speaker', 'choices': [choice]})}\n\n".encode()


async def main(seed: str) -> None:
    speaker = Speaker(seed)
    app = web.Application()
    app.router.add_post("/v1/chat/completions", speaker.speak)
    app.router.add_get("/record", speaker.record)
    runner = web.AppRunner(app, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    watching = asyncio.create_task(speaker.watch())
    print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    watching.cancel()
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
