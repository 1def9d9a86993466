"""What the model that `ai_server` plays can be told to do with the calls to come."""

import asyncio
import json
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from tests.ai_reply import Behaviour, Call, Reply, cut

_TALE = "Once upon a time there was a"


def saying(
    text: str,
    pieces: int | Sequence[str] | None = None,
    delay: float = 0,
    reasoning: str = "",
    usage: dict[str, Any] | None = None,
    finish_reason: str = "stop",
    model: str | None = None,
) -> Behaviour:
    """Words, then the end, as a stream or as JSON, whichever was asked for."""

    async def behaviour(reply: Reply) -> None:
        reply.model = model or reply.model
        said = cut(text, pieces)
        counts = {"prompt_tokens": reply.prompt_tokens, "completion_tokens": len(said)} if usage is None else usage
        if not reply.streams:
            thought = {"reasoning_content": reasoning} if reasoning else {}
            await reply.message({"content": "".join(said), **thought}, finish_reason, counts)
            return
        await reply.begin()
        for field, words in (("reasoning_content", cut(reasoning, None)), ("content", said)):
            for word in words:
                await asyncio.sleep(delay)
                await reply.says([word], field)
        await reply.finish(finish_reason, counts)

    return behaviour


def _openai(window: int, prompt: int, answer: int) -> dict[str, Any]:
    said = (
        f"This model's maximum context length is {window} tokens. However, you requested {prompt + answer} tokens"
        f" ({prompt} in the messages, {answer} in the completion). Please reduce the length of the messages."
    )
    return {"message": said, "type": "invalid_request_error", "param": "messages", "code": "context_length_exceeded"}


def _llama_cpp(window: int, prompt: int, _: int) -> dict[str, Any]:
    counts = {"n_prompt_tokens": prompt, "n_ctx": window}
    return {"code": 400, "message": "the request is too big", "type": "exceed_context_size_error", **counts}


def _groq(*_: int) -> dict[str, Any]:
    return {"message": "Please reduce the length of the messages or completion.", "code": "context_length_exceeded"}


REFUSALS: dict[str, Callable[[int, int, int], dict[str, Any]]] = {
    "openai": _openai,
    "llama.cpp": _llama_cpp,
    "groq": _groq,
}


@dataclass(frozen=True)
class Window:
    """A model's window, and a tokenizer of the simplest kind."""

    tokens: int
    bytes_per_token: float
    refuses_as: str

    def count(self, messages: list[dict[str, str]]) -> int:
        return sum(4 + ceil(len(message["content"].encode()) / self.bytes_per_token) for message in messages)

    def refusal(self, body: dict[str, Any]) -> Behaviour | None:
        prompt = self.count(body.get("messages", []))
        answer = body.get("max_tokens") or body.get("max_completion_tokens") or 0
        if prompt + answer <= self.tokens:
            return None
        error = REFUSALS[self.refuses_as](self.tokens, prompt, answer)
        return lambda reply: reply.json({"error": error}, 400)


class Script:
    """The calls to come, in order. Every method that prepares one returns its `Call`."""

    def __init__(self) -> None:
        self.loop: asyncio.AbstractEventLoop
        self._lock = threading.Lock()
        self._script: deque[Call] = deque()
        self.window: Window | None = None

    def has_window(self, tokens: int, *, bytes_per_token: float = 4.0, refuses_as: str = "openai") -> None:
        """From now on prompts are counted, the counts told, and what exceeds the window with the answer it asks for
        is refused, in the words of one of `REFUSALS`; whatever was prepared stays prepared."""
        self.window = Window(tokens, bytes_per_token, refuses_as)

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
        return self._prepare(saying(text, pieces, delay, reasoning, usage, finish_reason, model))

    def answers_json(self, text: str, **message: Any) -> Call:
        """A JSON document, also where a stream was asked for."""
        return self._prepare(
            lambda reply: reply.message(
                {"content": text, **message}, "stop", {"prompt_tokens": 7, "completion_tokens": 3}
            )
        )

    def calls_tool(
        self, name: str, arguments: dict[str, Any] | str, *, fragments: int = 3, call_id: str = "call_1", text: str = ""
    ) -> Call:
        return self.calls_tools((name, arguments, call_id), fragments=fragments, text=text)

    def calls_tools(self, *calls: tuple[str, dict[str, Any] | str, str], fragments: int = 3, text: str = "") -> Call:
        """All of these at once, as (name, arguments, id), after some text where there is one."""
        written = [
            {
                "id": call_id,
                "type": "function",
                "function": {"name": name, "arguments": given if isinstance(given, str) else json.dumps(given)},
            }
            for name, given, call_id in calls
        ]

        async def behaviour(reply: Reply) -> None:
            usage = {"prompt_tokens": 7, "completion_tokens": 5}
            if not reply.streams:
                await reply.message({"content": text or None, "tool_calls": written}, "tool_calls", usage)
                return
            await reply.begin()
            await reply.says(cut(text, None) if text else [])
            for index, call in enumerate(written):
                function: Any = call["function"]
                await reply.frame({"tool_calls": [{**call, "index": index, "function": {**function, "arguments": ""}}]})
                for piece in cut(function["arguments"], fragments):
                    await reply.frame({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
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
