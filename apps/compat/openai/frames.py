"""Answers as OpenAI's clients read them: in one piece, or in chunks of a stream."""

import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from apps.chat.providers import Completed, Finish, FinishReason, ProviderError, Reasoning, Text, Usage
from apps.chat.unkept import Call
from apps.compat.openai.errors import as_openai, said_of, status_of

JSON = dict[str, Any]

HEADERS = {"Content-Type": "text/event-stream", "Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
DONE = b"data: [DONE]\n\n"

# No tools are offered: an answer that ends with a call of one has just ended.
REASONS: dict[FinishReason, str] = {"length": "length", "content-filter": "content_filter"}


@dataclass(frozen=True, slots=True)
class Head:
    """What every part of one answer says of it."""

    id: str
    created: int
    model: str

    def about(self, kind: str) -> JSON:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model}


def whole(head: Head, call: Call, completed: Completed) -> JSON:
    thought = {"reasoning_content": completed.reasoning} if completed.reasoning else {}
    message = {"role": "assistant", "content": completed.text, "refusal": None, **thought}
    reason = REASONS.get(completed.finish.reason, "stop")
    usage = _usage(call, completed.finish.usage, completed.reasoning + completed.text)
    return {
        **head.about("chat.completion"),
        "choices": [{"index": 0, "message": message, "finish_reason": reason, "logprobs": None}],
        "usage": usage,
    }


async def stream(head: Head, call: Call, *, include_usage: bool) -> AsyncIterator[bytes]:
    """Where the model fails midway, the last frame is the error, and the one that closes a stream is missing."""

    def chunk(choices: list[JSON], usage: JSON | None = None) -> bytes:
        told = {"usage": usage} if include_usage else {}
        return frame({**head.about("chat.completion.chunk"), "choices": choices, **told})

    def choice(delta: JSON, finish_reason: str | None = None) -> list[JSON]:
        return [{"index": 0, "delta": delta, "finish_reason": finish_reason, "logprobs": None}]

    said: list[str] = []
    yield chunk(choice({"role": "assistant", "content": ""}))
    try:
        async with aclosing(call.deltas()) as deltas:
            async for delta in deltas:
                match delta:
                    case Text(text):
                        said.append(text)
                        yield chunk(choice({"content": text}))
                    case Reasoning(text):
                        said.append(text)
                        yield chunk(choice({"reasoning_content": text}))
                    case Finish():
                        finish = delta
    except ProviderError as error:
        yield frame(as_openai(status_of(error), said_of(error)))
        return
    yield chunk(choice({}, REASONS.get(finish.reason, "stop")))
    if include_usage:
        yield chunk([], _usage(call, finish.usage, "".join(said)))
    yield DONE


def frame(told: JSON) -> bytes:
    return b"data: " + json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"


def _usage(call: Call, usage: Usage | None, said: str) -> JSON:
    """Clients reckon with numbers: what the provider does not tell is estimated."""
    prompt, completion = (usage.prompt_tokens, usage.completion_tokens) if usage else (None, None)
    if prompt is None:
        prompt = call.wanted.assembled.tokens
    if completion is None:
        completion = call.wanted.assembled.scale.tokens(said)
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
