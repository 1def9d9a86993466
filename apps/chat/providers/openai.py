"""OpenAI's chat completions, as OpenAI, vLLM, llama.cpp, Ollama, OpenRouter and many others speak them."""

import asyncio
import json
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, NamedTuple

import aiohttp
from yarl import URL

from . import context, windows
from .answer import Answer, Stage
from .base import Delta, Limits, Request, ToolOffer
from .body import LOST, Body, why_lost
from .errors import ProviderBusy, ProviderError, ProviderFailed, ProviderTimeout, ToolsUnsupported
from .retry import backoff, is_busy, retry_after

# How long a connection may take to end after [DONE] and still be used again, in seconds.
_AFTER_DONE = 0.1
# How long the list of models, or the words of a refusal, may take.
_LIST_TIME = 20.0
_REFUSAL_TIME = 5.0


class _Miss(NamedTuple):
    error: ProviderError
    again: bool


_Answered = aiohttp.ClientResponse | _Miss


class _Renamed(ProviderFailed):
    """`max_tokens` is called `max_completion_tokens` there."""


class OpenAIProvider:
    """`base_url` includes `/v1`; an empty `api_key` sends none. Raises ValueError where either cannot be used.

    `jitter` gives 0 to 1, `sleep` waits so many seconds, `clock` is the Unix time (for `Retry-After` dates).
    """

    def __init__(
        self,
        name: str,
        base_url: str,
        api_key: str = "",
        limits: Limits | None = None,
        *,
        jitter: Callable[[], float] = random.random,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.name = name
        self.limits = limits or Limits()
        base = _base(base_url)
        self._url = _below(base, "chat", "completions")
        self._models_url = _below(base, "models")
        # llama.cpp's own routes are beside /v1.
        self._props_url = _below(base.parent, "props") if base.name == "v1" else None
        # Models that want `max_completion_tokens` where others take `max_tokens`.
        self._newer: set[str] = set()
        self._headers = _headers(api_key)
        self._jitter = jitter
        self._sleep = sleep
        self._clock = clock
        # A session belongs to the loop it was made on.
        self._sessions: dict[asyncio.AbstractEventLoop, aiohttp.ClientSession] = {}

    def __repr__(self) -> str:
        return f"<OpenAIProvider {self.name}>"

    async def stream(self, request: Request) -> AsyncGenerator[Delta, None]:
        """The answer as it comes, `Finish` last. Raises `ProviderError`; what was yielded before stays good."""
        loop = asyncio.get_running_loop()
        limits = self.limits
        last = loop.time()
        ends = last + limits.whole_turn
        response = await self._open(request, min(last + limits.first_token, ends))
        body = Body(response, ends)
        answer = Answer(limits.max_bytes, limits.max_line)
        patience = {
            Stage.SILENT: (limits.first_token, "no first token"),
            Stage.SPEAKING: (limits.between_tokens, "silent between tokens"),
            Stage.FINISHED: (limits.after_finish, "no end"),
            Stage.DONE: (_AFTER_DONE, "no end"),
        }
        try:
            try:
                stage = answer.stage
                allowed = patience[stage]
                while chunk := await body.read(last, *allowed):
                    spoke = False
                    for delta in answer.feed(chunk):
                        spoke = True
                        yield delta
                    if answer.stage is not stage:
                        spoke, stage = True, answer.stage
                        allowed = patience[stage]
                    # Only what the model says moves the deadline: keep-alive comments and empty frames do not.
                    if spoke:
                        last = loop.time()
                for delta in answer.end():
                    yield delta
            except ProviderError:
                # Once the model has said why it stopped, nothing after that spoils its answer.
                if not answer.finished:
                    raise
            for delta in answer.finish():
                yield delta
        finally:
            body.close()

    async def windows(self) -> dict[str, int]:
        """Model id → the tokens of its context window, for those that are told. Raises `ProviderError`."""
        due = asyncio.get_running_loop().time() + _LIST_TIME
        document = windows.read(await self._get(self._models_url, due))
        found = windows.listed(document)
        if (ours := windows.by_llama_cpp(document)) and self._props_url is not None:
            try:
                served = windows.served(windows.read(await self._get(self._props_url, due)))
            except ProviderError:
                served = None
            if served is not None:
                found |= dict.fromkeys(ours, served)
        return found

    async def close(self) -> None:
        """Close this loop's connections, before the loop ends. The next stream opens new ones."""
        session = self._sessions.pop(asyncio.get_running_loop(), None)
        if session is not None:
            await session.close()

    async def _open(self, request: Request, due: float) -> aiohttp.ClientResponse:
        """The first answer that is none of "not now"; `due` is the loop's time by which it must be there."""
        loop = asyncio.get_running_loop()
        limits = self.limits
        tries = 0
        while True:
            tries += 1
            newer = request.model in self._newer
            payload = _payload(request, newer)
            answered = await self._try("POST", self._url, due, payload, with_tools=bool(request.tools))
            if isinstance(answered, aiohttp.ClientResponse):
                return answered
            error, again = answered
            if isinstance(error, _Renamed) and not newer and request.max_tokens is not None:
                # No second try of the same: the first was not understood.
                self._newer.add(request.model)
                tries -= 1
                continue
            wait = max(backoff(tries, limits.backoff, limits.max_backoff, self._jitter), error.retry_after or 0)
            if not again or tries >= limits.tries or loop.time() + wait >= due:
                raise error
            await self._sleep(wait)

    async def _get(self, url: URL, due: float) -> bytes:
        answered = await self._try("GET", url, due)
        if isinstance(answered, _Miss):
            raise answered.error
        try:
            return await _read(answered, windows.MOST_BYTES, due)
        finally:
            answered.close()

    async def _try(
        self, method: str, url: URL, due: float, payload: bytes | None = None, *, with_tools: bool = False
    ) -> _Answered:
        """One request: a response whose body is still to come, or why there is none.

        Errors are handed back, not raised, so that none carries aiohttp's own exception: that one knows the key.
        """
        session = self._session()
        try:
            async with asyncio.timeout_at(due):
                response = await session.request(method, url, data=payload, allow_redirects=False)
        except aiohttp.ConnectionTimeoutError:
            return _Miss(ProviderTimeout("no connection"), again=True)
        except TimeoutError:
            return _Miss(ProviderTimeout("no first token"), again=False)
        except aiohttp.ClientConnectorCertificateError:
            return _Miss(ProviderFailed("certificate refused"), again=False)
        except LOST as lost:
            # Whoever answered, however badly, has been asked.
            return _Miss(
                ProviderFailed(why_lost(lost)), again=isinstance(lost, (aiohttp.ClientConnectionError, OSError))
            )
        error = self._refusal(response)
        if error is None:
            return response
        if response.status in (context.STATUSES_OF_TOOLS if with_tools else context.STATUSES):
            error = await _meaning(response, error, due, with_tools=with_tools)
        response.close()
        return _Miss(error, again=isinstance(error, ProviderBusy))

    def _refusal(self, response: aiohttp.ClientResponse) -> ProviderError | None:
        headers = response.headers
        if is_busy(response.status):
            return ProviderBusy(f"status {response.status}", retry_after(headers.get("Retry-After"), self._clock()))
        if not 200 <= response.status <= 299:
            return ProviderFailed(f"status {response.status}")
        if headers.get("Content-Encoding", "identity").lower() != "identity":
            return ProviderFailed("compressed answer")
        if headers.get("Content-Type", "").lower().startswith("text/html"):
            return ProviderFailed("a page, not an answer")
        return None

    def _session(self) -> aiohttp.ClientSession:
        loop = asyncio.get_running_loop()
        session = self._sessions.get(loop)
        if session is None:
            # No limit on connections: how many answers may run at once is decided elsewhere.
            session = self._sessions[loop] = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None, connect=self.limits.connect),
                headers=self._headers,
                auto_decompress=False,
                trust_env=False,
            )
        return session


async def _meaning(
    response: aiohttp.ClientResponse, error: ProviderError, due: float, *, with_tools: bool
) -> ProviderError:
    """What a refusal says, as far as it concerns us."""
    try:
        due = min(due, asyncio.get_running_loop().time() + _REFUSAL_TIME)
        said = context.read(await _read(response, context.MOST_BYTES, due))
    except ProviderError:
        said = None
    if context.wants_max_completion_tokens(said):
        return _Renamed(error.reason)
    if with_tools and context.no_tools(said):
        return ToolsUnsupported(error.reason)
    return context.too_long(response.status, said) or error


async def _read(response: aiohttp.ClientResponse, most: int, due: float) -> bytes:
    """A whole body. Raises `ProviderFailed` where it is longer, `ProviderTimeout` where it is late."""
    pieces: list[bytes] = []
    try:
        async with asyncio.timeout_at(due):
            while piece := await response.content.readany():
                pieces.append(piece)
                most -= len(piece)
                if most < 0:
                    break
            else:
                return b"".join(pieces)
        reason: ProviderError = ProviderFailed("answer too long")
    except TimeoutError:
        reason = ProviderTimeout("no end")
    except LOST as lost:
        reason = ProviderFailed(why_lost(lost))
    # Not where aiohttp's own exception would go along.
    raise reason


def _base(base_url: str) -> URL:
    url = URL(base_url)
    if url.scheme not in ("http", "https") or not url.host or url.user or url.password:
        raise ValueError("A provider's base URL is http(s)://host/v1, without a user or a password.")
    return url


def _below(base: URL, *parts: str) -> URL:
    return base.joinpath(*parts).with_query(base.query)


def _headers(api_key: str) -> dict[str, str]:
    headers = {
        "Accept": "text/event-stream, application/json",
        "Accept-Encoding": "identity",
        "Content-Type": "application/json",
        "User-Agent": "Dramatis",
    }
    if api_key:
        if not (api_key.isascii() and api_key.isprintable()):
            raise ValueError("A provider's key has a character that no header can carry.")
        headers["Authorization"] = f"Bearer {api_key}"
    return headers


def _payload(request: Request, newer: bool) -> bytes:
    payload: dict[str, Any] = {"model": request.model, "messages": request.messages, "stream": request.stream}
    if request.stream:
        payload["stream_options"] = {"include_usage": True}
    for key in ("temperature", "top_p", "max_tokens"):
        if (value := getattr(request, key)) is not None:
            payload["max_completion_tokens" if newer and key == "max_tokens" else key] = value
    if request.tools:
        payload["tools"] = [_tool(tool) for tool in request.tools]
        if request.only_text:
            payload["tool_choice"] = "none"
    if request.stop:
        payload["stop"] = list(request.stop)
    return json.dumps(payload).encode()


def _tool(tool: ToolOffer) -> dict[str, Any]:
    function = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return {"type": "function", "function": function}
