"""What is asked of a model, what it says, and the interface between the two."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from .errors import ProviderFailed

FinishReason = Literal["stop", "length", "content-filter", "tool-calls", "other"]


@dataclass(frozen=True, slots=True)
class ToolOffer:
    """A function that the model may call; `parameters` is a JSON Schema."""

    name: str
    description: str
    parameters: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """`model` is the provider's own id for it; `messages` are `{"role", "content"}`, oldest first, and within a turn
    with tools `tool_calls` and `tool_call_id` too, as OpenAI writes them.

    Without `stream` the provider is asked for its answer in one piece, which then comes as one delta. With `only_text`
    the model is to call no tool, though it is told of them: its messages may name them.
    """

    model: str
    messages: list[dict[str, Any]]
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    stream: bool = True
    tools: tuple[ToolOffer, ...] = ()
    only_text: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """What an answer may cost. Times are seconds, sizes are bytes as they come over the wire.

    `first_token` covers everything before the first word, other tries and the waits between them included.
    """

    connect: float = 10.0
    first_token: float = 60.0
    between_tokens: float = 30.0
    whole_turn: float = 600.0
    # How long the token counts may lag behind the finish_reason before the answer counts as whole without them.
    after_finish: float = 5.0
    max_bytes: int = 8_000_000
    max_line: int = 1_000_000
    tries: int = 3
    backoff: float = 0.5
    max_backoff: float = 8.0


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of the answer: never empty, no NUL, no surrogates."""

    text: str


@dataclass(frozen=True, slots=True)
class Reasoning:
    """A piece of what the model thought before it answered; as clean as `Text`."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A fragment of the call number `index`. Fragments of one index add up; what one does not carry is ""."""

    index: int
    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Usage:
    """Token counts as the provider gave them; None where it gave none that can be believed."""

    prompt_tokens: int | None
    completion_tokens: int | None


@dataclass(frozen=True, slots=True)
class Finish:
    """Why the model stopped; `model` is the name the provider answered under."""

    reason: FinishReason
    model: str | None
    usage: Usage | None


Delta = Text | Reasoning | ToolCall | Finish


class Provider(Protocol):
    """`stream` ends with exactly one `Finish` or raises `ProviderError`; closing it closes the connection."""

    @property
    def name(self) -> str: ...

    def stream(self, request: Request) -> AsyncGenerator[Delta, None]: ...

    async def windows(self) -> dict[str, int]:
        """Model id → the tokens of its context window, for those of which the provider tells."""
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Completed:
    """A whole answer."""

    text: str
    reasoning: str
    finish: Finish


async def complete(provider: Provider, request: Request) -> Completed:
    """Gather a stream. Raises `ProviderError`, then nothing of the answer is kept."""
    return await gathered(provider.stream(request))


async def gathered(stream: AsyncGenerator[Delta, None]) -> Completed:
    """A stream's answer in one piece; tool calls are left out."""
    text: list[str] = []
    reasoning: list[str] = []
    finish: Finish | None = None
    async with aclosing(stream) as deltas:
        async for delta in deltas:
            match delta:
                case Text():
                    text.append(delta.text)
                case Reasoning():
                    reasoning.append(delta.text)
                case Finish():
                    finish = delta
    if finish is None:
        raise ProviderFailed("ended without finish")
    return Completed("".join(text), "".join(reasoning), finish)
