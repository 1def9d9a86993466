"""A real HTTP server that plays the model, for tests: OpenAI's chat completions, as JSON and as a stream.

    with AIServer() as ai:
        ai.says("Good evening.")          # what the next call is answered with; calls are answered in order
        ...                               # point a provider at ai.url
        assert ai.heard[0]["messages"][-1]["content"] == "Hello"

Every scripting method returns the `Call` it prepared: `call.arrived`, `call.client_gone` and `call.ended` are events.
With nothing prepared the server says "You said: …". Safe to use from any thread.
"""

import asyncio
import json
import socket
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Self

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from tests.ai_reply import Behaviour, Call, Reply, Send, cut

Receive = Callable[[], Awaitable[dict[str, Any]]]
_TALE = "Once upon a time there was a"


class AIServer:
    """`url` includes `/v1`. `heard` (bodies), `headers` and `calls` leave out the calls for titles: `title_calls`."""

    def __init__(self) -> None:
        self.title = "A quiet evening"
        self.loop: asyncio.AbstractEventLoop
        self._lock = threading.Lock()
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/v1"
        self._transports = transports = set[asyncio.Transport]()

        class Protocol(H11Protocol):
            """uvicorn's own, but a call can reach its connection in order to cut it."""

            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
                super().connection_made(transport)
                self.app_state = {"transport": transport}
                transports.add(transport)

            def connection_lost(self, exc: Exception | None) -> None:
                transports.discard(self.transport)
                super().connection_lost(exc)

        config = uvicorn.Config(
            self._app,
            interface="asgi3",
            http=Protocol,
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_config=None,
            log_level="error",
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="ai-server", daemon=True)
        self.reset()

    def reset(self) -> None:
        """Forget what was prepared and what was heard."""
        with self._lock:
            self.title = "A quiet evening"
            self.heard: list[dict[str, Any]] = []
            self.headers: list[dict[str, str]] = []
            self.title_calls: list[dict[str, Any]] = []
            self._script: deque[Call] = deque()

    @property
    def calls(self) -> int:
        return len(self.heard)

    def start(self) -> Self:
        self._socket.listen(1024)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.005)
        return self

    def stop(self) -> None:
        """Ends at once, whatever calls are still hanging."""

        def stop() -> None:
            self._server.should_exit = self._server.force_exit = True
            for transport in list(self._transports):
                transport.abort()

        if self._thread.is_alive():
            self.loop.call_soon_threadsafe(stop)
            self._thread.join(10)
        self._socket.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    # What the next call meets.

    def says(
        self,
        text: str,
        *,
        pieces: int | Sequence[str] | None = None,
        delay: float = 0,
        reasoning: str = "",
        usage: dict[str, Any] | None = None,
        finish_reason: str = "stop",
        model: str | None = None,
    ) -> Call:
        """`pieces`: how many deltas, or the deltas themselves; words otherwise. `usage={}`: none is sent."""

        return self._prepare(self._saying(text, pieces, delay, reasoning, usage, finish_reason, model))

    @staticmethod
    def _saying(
        text: str,
        pieces: int | Sequence[str] | None = None,
        delay: float = 0,
        reasoning: str = "",
        usage: dict[str, Any] | None = None,
        finish_reason: str = "stop",
        model: str | None = None,
    ) -> Behaviour:
        async def behaviour(reply: Reply) -> None:
            reply.model = model or reply.model
            said = cut(text, pieces)
            counts = {"prompt_tokens": 7, "completion_tokens": len(said)} if usage is None else usage
            if not reply.streams:
                thought = {"reasoning_content": reasoning} if reasoning else {}
                return await reply.message({"content": "".join(said), **thought}, finish_reason, counts)
            await reply.begin()
            for field, words in (("reasoning_content", cut(reasoning, None)), ("content", said)):
                for word in words:
                    await asyncio.sleep(delay)
                    await reply.says([word], field)
            await reply.finish(finish_reason, counts)

        return behaviour

    def answers_json(self, text: str, **message: Any) -> Call:
        """A JSON document, also where a stream was asked for."""
        return self._prepare(
            lambda reply: reply.message(
                {"content": text, **message}, "stop", {"prompt_tokens": 7, "completion_tokens": 3}
            )
        )

    def calls_tool(self, name: str, arguments: dict[str, Any] | str, *, fragments: int = 3, id: str = "call_1") -> Call:
        written = arguments if isinstance(arguments, str) else json.dumps(arguments)

        async def behaviour(reply: Reply) -> None:
            usage = {"prompt_tokens": 7, "completion_tokens": 5}
            if not reply.streams:
                call = {"id": id, "type": "function", "function": {"name": name, "arguments": written}}
                return await reply.message({"content": None, "tool_calls": [call]}, "tool_calls", usage)
            await reply.begin()
            first = {"index": 0, "id": id, "type": "function", "function": {"name": name, "arguments": ""}}
            await reply.frame({"content": None, "tool_calls": [first]})
            for piece in cut(written, fragments):
                await reply.frame({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]})
            await reply.finish("tool_calls", usage)

        return self._prepare(behaviour)

    def fails(
        self, status: int, *, retry_after: int | str | None = None, body: str | None = None, times: int = 1
    ) -> Call:
        """An error status, so many times in a row. The last `Call` is returned."""
        headers = {} if retry_after is None else {"retry-after": str(retry_after)}

        async def behaviour(reply: Reply) -> None:
            await reply.start(status, "application/json", headers)
            await reply.raw((body or json.dumps({"error": {"message": "no", "code": status}})).encode())
            await reply.end()

        return [self._prepare(behaviour) for _ in range(times)][-1]

    def redirects(self, to: str, status: int = 307) -> Call:
        return self._prepare(lambda reply: reply.json({}, status, {"location": to}))

    def drops_after(self, deltas: int, text: str = _TALE) -> Call:
        """Cuts the connection after so many deltas; 0: before any answer."""

        async def behaviour(reply: Reply) -> None:
            if deltas:
                await reply.begin()
                await reply.says(cut(text, None)[:deltas])
            reply.cut()

        return self._prepare(behaviour)

    def hangs(self, after: int | None = None, *, pings: bool = False, text: str = _TALE) -> Call:
        """Never answers; `after` n deltas (0: after the headers) never goes on, with keep-alive comments or without."""

        async def behaviour(reply: Reply) -> None:
            if after is not None:
                await reply.start()
                await reply.says(cut(text, None)[:after])
            await reply.forever(0.02 if pings else None)

        return self._prepare(behaviour)

    def pings_forever(self) -> Call:
        """Headers, and then nothing but keep-alive comments."""
        return self.hangs(after=0, pings=True)

    def ends_without_finish(self, text: str = "Once upon", *, done: bool = False) -> Call:
        """A clean end of the stream without a finish_reason; `done`: with `[DONE]` all the same."""

        async def behaviour(reply: Reply) -> None:
            await reply.begin()
            await reply.says([text])
            if done:
                await reply.raw(b"data: [DONE]\n\n")
            await reply.end()

        return self._prepare(behaviour)

    def sends(
        self,
        chunks: Iterable[bytes],
        *,
        content_type: str = "text/event-stream",
        status: int = 200,
        headers: dict[str, str] | None = None,
        delay: float = 0,
    ) -> Call:
        """These bytes, as they are; an endless iterable is sent until the client is gone."""

        async def behaviour(reply: Reply) -> None:
            await reply.start(status, content_type, headers)
            for chunk in chunks:
                await reply.raw(chunk)
                await asyncio.sleep(delay)
            await reply.end()

        return self._prepare(behaviour)

    def waits(self, text: str = "Once ", *, pieces: int | Sequence[str] | None = 1) -> Call:
        """Says the text, then waits: for `says` (one more delta), `release` (the end) or `drops`."""

        async def behaviour(reply: Reply) -> None:
            said = cut(text, pieces)
            await reply.begin()
            await reply.says(said)
            reply.call.waiting.set()
            while True:
                command, more = await reply.call.commands.get()
                if command == "drops":
                    return reply.cut()
                if more:
                    said.append(more)
                    await reply.frame({"content": more})
                if command == "release":
                    return await reply.finish("stop", {"prompt_tokens": 7, "completion_tokens": len(said)})

        return self._prepare(behaviour)

    def _prepare(self, behaviour: Behaviour) -> Call:
        call = Call(self.loop, behaviour)
        with self._lock:
            self._script.append(call)
        return call

    # The server.

    def _run(self) -> None:
        with asyncio.Runner() as runner:
            self.loop = runner.get_loop()
            runner.run(self._server.serve([self._socket]))

    async def _app(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        raw = b""
        while (message := await receive())["type"] == "http.request":
            raw += message["body"]
            if not message["more_body"]:
                break
        body = json.loads(raw) if raw else {}
        call = self._next(scope, body)
        reply = Reply(call, body, send, scope["state"]["transport"])
        call.arrived.set()
        speaking = asyncio.ensure_future(call.behaviour(reply))
        leaving = asyncio.ensure_future(receive())  # nothing is left to receive but the client's leaving
        try:
            await asyncio.wait((speaking, leaving), return_when=asyncio.FIRST_COMPLETED)
            if not speaking.done():
                call.client_gone.set()
            elif reply.was_cut:
                await leaving
            else:
                await speaking
        finally:
            speaking.cancel()
            leaving.cancel()
            call.ended.set()

    def _next(self, scope: dict[str, Any], body: dict[str, Any]) -> Call:
        match scope["method"], scope["path"]:
            case "POST", "/v1/chat/completions":
                pass
            case "GET", "/v1/models":
                models = {"object": "list", "data": [{"id": "test-model", "object": "model", "owned_by": "tests"}]}
                return Call(self.loop, lambda reply: reply.json(models))
            case _:
                return Call(self.loop, lambda reply: reply.json({"error": {"message": "no such page"}}, 404))
        messages = body.get("messages", [])
        with self._lock:
            if any(m["role"] == "system" and "title" in m["content"].lower() for m in messages):
                self.title_calls.append(body)
                return Call(self.loop, self._saying(self.title))
            self.heard.append(body)
            self.headers.append({name.decode(): value.decode() for name, value in scope["headers"]})
            if self._script:
                return self._script.popleft()
        return Call(self.loop, self._saying(f"You said: {messages[-1]['content'] if messages else ''}"))
