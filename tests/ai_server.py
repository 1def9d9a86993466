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
from collections.abc import Awaitable, Callable
from typing import Any, Self

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from tests.ai_reply import Call, Reply, Send
from tests.ai_script import Script, saying

Receive = Callable[[], Awaitable[dict[str, Any]]]


class AIServer(Script):
    """`url` includes `/v1`. `heard` (bodies), `headers` and `calls` leave out the calls for titles and for
    summaries: `title_calls`, `summary_calls`."""

    def __init__(self) -> None:
        super().__init__()
        # While it is not set, summaries wait.
        self.summaries_go = threading.Event()
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
            self.summary, self.summary_ends = "They talked of clocks.", "stop"
            self.summary_calls: list[dict[str, Any]] = []
            self.summaries_go.set()
            self.window = None
            # By path: what else this server has to show.
            self.pages: dict[str, Any] = {}
            self._script.clear()

    @property
    def calls(self) -> int:
        return len(self.heard)

    def start(self) -> Self:
        self._socket.listen(1024)
        self._thread.start()
        while not self._server.started:
            assert self._thread.is_alive()
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
        if self.window:
            reply.prompt_tokens = self.window.count(body.get("messages", []))
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
                models = self.pages.get("/v1/models") or self._models()
                return Call(self.loop, lambda reply: reply.json(models))
            case "GET", path if path in self.pages:
                return Call(self.loop, lambda reply: reply.json(self.pages[path]))
            case _:
                return Call(self.loop, lambda reply: reply.json({"error": {"message": "no such page"}}, 404))
        messages = body.get("messages", [])
        with self._lock:
            instruction = "".join(m["content"] for m in messages if m["role"] == "system").lower()
            if "write a short title" in instruction:
                self.title_calls.append(body)
                return Call(self.loop, saying(self.title))
            if "write one new summary" in instruction:
                self.summary_calls.append(body)
                return Call(self.loop, self._sums_up)
            self.heard.append(body)
            self.headers.append({name.decode(): value.decode() for name, value in scope["headers"]})
            if self.window and (refusal := self.window.refusal(body)):
                return Call(self.loop, refusal)
            if self._script:
                return self._script.popleft()
        return Call(self.loop, saying(f"You said: {messages[-1]['content'] if messages else ''}"))

    async def _sums_up(self, reply: Reply) -> None:
        while not self.summaries_go.is_set():
            await asyncio.sleep(0.01)
        await saying(self.summary, finish_reason=self.summary_ends)(reply)

    def _models(self) -> dict[str, Any]:
        told = {"max_model_len": self.window.tokens} if self.window else {}
        return {"object": "list", "data": [{"id": "test-model", "object": "model", "owned_by": "tests", **told}]}
