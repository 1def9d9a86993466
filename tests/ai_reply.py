"""One call of the model that `ai_server` plays: what is prepared for it, and the wire side of it."""

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

Send = Callable[[dict[str, Any]], Awaitable[None]]
Behaviour = Callable[["Reply"], Awaitable[None]]


def cut(text: str, pieces: int | Sequence[str] | None) -> list[str]:
    """The deltas of a text: so many, or those given, or its words."""
    if pieces is None:
        return [word for word in text.replace(" ", " \0").split("\0") if word]
    if isinstance(pieces, int):
        size = max(1, -(-len(text) // pieces))
        return [text[start : start + size] for start in range(0, len(text), size)]
    return list(pieces)


class Call:
    """One prepared call. A call from `waits` is a gate: it goes on by `says` and ends by `release` or `drops`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.arrived = threading.Event()
        self.waiting = threading.Event()  # all that was to be said before the wait has been sent
        self.client_gone = threading.Event()
        self.ended = threading.Event()
        self.commands: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        self._loop = loop

    def says(self, more: str) -> None:
        """One more delta; the call waits on."""
        self._command("says", more)

    def release(self, more: str = "") -> None:
        """The last delta, if any, and the end."""
        self._command("release", more)

    def drops(self) -> None:
        """The connection is cut."""
        self._command("drops", "")

    def _command(self, name: str, text: str) -> None:
        self._loop.call_soon_threadsafe(self.commands.put_nowait, (name, text))


class Reply:
    """The wire side of one call, for behaviours to write to."""

    def __init__(self, call: Call, body: dict[str, Any], send: Send, transport: asyncio.Transport) -> None:
        self.call = call
        self.body = body
        self.streams = body.get("stream") is True
        self.model = str(body.get("model", "test-model"))
        self._send = send
        self._transport = transport
        self.was_cut = False
        self.prompt_tokens = 7  # unless the model has a window, and counts

    async def start(
        self, status: int = 200, content_type: str = "text/event-stream", headers: dict[str, str] | None = None
    ) -> None:
        pairs = {"content-type": content_type, **(headers or {})}
        raw = [(name.encode(), value.encode()) for name, value in pairs.items()]
        await self._send({"type": "http.response.start", "status": status, "headers": raw})

    async def raw(self, data: bytes) -> None:
        await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def frame(self, delta: dict[str, Any] | None, finish: str | None = None, **more: Any) -> None:
        choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
        frame = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": self.model}
        data = json.dumps({**frame, "choices": choices, **more}, ensure_ascii=False)
        # Halves of surrogate pairs cannot be encoded, so they travel as escapes, as they do from real servers.
        data = "".join(f"\\u{ord(c):04x}" if "\ud800" <= c <= "\udfff" else c for c in data)
        await self.raw(f"data: {data}\n\n".encode())

    async def begin(self) -> None:
        await self.start()
        await self.frame({"role": "assistant", "content": ""})

    async def says(self, words: Sequence[str], field: str = "content") -> None:
        for word in words:
            await self.frame({field: word})

    async def finish(self, reason: str = "stop", usage: dict[str, Any] | None = None) -> None:
        await self.frame({}, reason)
        if usage and (self.body.get("stream_options") or {}).get("include_usage"):
            await self.frame(None, usage=usage)
        await self.raw(b"data: [DONE]\n\n")
        await self.end()

    async def json(self, document: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> None:
        await self.start(status, "application/json", headers)
        await self.raw(json.dumps(document).encode())
        await self.end()

    async def message(self, message: dict[str, Any], finish: str | None, usage: dict[str, Any] | None) -> None:
        choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
        document = {"id": "chatcmpl-1", "object": "chat.completion", "model": self.model, "choices": [choice]}
        await self.json({**document, **({"usage": usage} if usage else {})})

    async def end(self) -> None:
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def forever(self, ping: float | None = None) -> None:
        """Say nothing more until the client is gone, but keep-alive comments every `ping` seconds."""
        self.call.waiting.set()
        while True:
            await asyncio.sleep(3600 if ping is None else ping)
            await self.raw(b": ping\n\n")

    def cut(self) -> None:
        self.was_cut = True
        self._transport.abort()
