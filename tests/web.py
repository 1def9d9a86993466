"""A web server in a thread, which answers as it is told and remembers what it heard."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Self

from tests.outbound_server import body_of
from tests.sentinel import Handler, serving


@dataclass(frozen=True)
class Heard:
    line: str
    headers: dict[str, str]
    body: bytes


class Web:
    """`http://127.0.0.1:port`. What is asked for, it answers with `answer`; a handler may do anything else."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.answers(b"")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)
        self._open = threading.Event()
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answers(self, payload: bytes, *headers: bytes) -> None:
        self.replies(body_of(payload, *headers))

    def replies(self, raw: bytes | Callable[[Heard], bytes]) -> None:
        async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
            heard = Heard(head[0], headers, await reader.readexactly(int(headers.get("content-length", 0))))
            self.heard.append(heard)
            writer.write(raw(heard) if callable(raw) else raw)
            await writer.drain()

        self.does(handler)

    def does(self, handler: Handler) -> None:
        self._handler = handler

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._open.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(10)
        self._loop.close()

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        self._over = asyncio.Event()

        async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._handler(reader, writer)

        async with AsyncExitStack() as stack:
            self.port = await stack.enter_async_context(serving(handler))
            self._open.set()
            await self._over.wait()
