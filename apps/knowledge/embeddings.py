"""Vectors of texts, made by whatever speaks OpenAI's `/embeddings` where the operator says."""

import array
import asyncio
import json
import logging
import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError
from django.conf import settings
from yarl import URL

from apps.api.threads import in_pool

log = logging.getLogger("dramatis.knowledge")

Vector = list[float]

# Seconds that an answer may take: for many texts, and for a question, whose asker waits.
PATIENCE = 60.0
QUESTION_PATIENCE = 5.0
CONNECT = 5.0
# How long nothing more is asked after a failure, so that not every turn waits for a server that is away.
REST = 30.0

MOST_BYTES = 16 * 1024 * 1024
MOST_NUMBERS = 16_000  # of a vector, in pgvector


class EmbeddingsError(Exception):
    """No vectors came. `reason` is made of our own words and numbers: no key, no address, nothing that was sent."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class EmbeddingsFailed(EmbeddingsError):
    """Unreachable, late, refused or broken."""


class EmbeddingsBusy(EmbeddingsError):
    """408, 409, 429 or 5xx: another time."""


class TextsRefused(EmbeddingsError):
    """400, 413 or 422: one of these texts is too long for the model, for one. Others may be taken."""


class Embedder:
    """One endpoint and its model. `base_url` includes `/v1`; `clock` gives seconds."""

    def __init__(self, base_url: str, api_key: str, model: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.model = model
        base = URL(base_url)
        self._url = base.joinpath("embeddings").with_query(base.query)
        self._headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "Dramatis"}
        if api_key:
            self._headers["Authorization"] = f"Bearer {api_key}"
        self._clock = clock
        self._rests_until = -math.inf
        # A session belongs to the loop it was made on.
        self._sessions: dict[asyncio.AbstractEventLoop, aiohttp.ClientSession] = {}

    @property
    def rests(self) -> bool:
        """Whether it failed a moment ago."""
        return self._clock() < self._rests_until

    def rest(self) -> None:
        self._rests_until = self._clock() + REST

    async def embed(self, texts: Sequence[str], patience: float = PATIENCE) -> list[Vector]:
        """A vector for each text, in their order; none is all zeros. Raises EmbeddingsError."""
        try:
            body = await self._post({"model": self.model, "input": list(texts), "encoding_format": "float"}, patience)
            return await in_pool(vectors_in, body, len(texts))
        except TextsRefused:
            raise
        except EmbeddingsError:
            self.rest()
            raise

    async def of_question(self, question: str) -> Vector | None:
        """None where there is none to be had soon: the question's words will do."""
        if self.rests:
            return None
        try:
            [vector] = await self.embed([question], QUESTION_PATIENCE)
        except EmbeddingsError as error:
            log.warning("a question has no vector", extra={"reason": error.reason})
            return None
        return vector

    async def close(self) -> None:
        """Close this loop's connections, before the loop ends."""
        if session := self._sessions.pop(asyncio.get_running_loop(), None):
            await session.close()

    async def _post(self, asked: dict[str, Any], patience: float) -> bytes:
        """The answer's body. What aiohttp raises is not passed on, not even as a cause: it knows address and key."""
        try:
            async with asyncio.timeout(patience):
                async with self._session().post(self._url, json=asked, allow_redirects=False) as response:
                    if (error := _refusal(response)) is None:
                        return await _body(response)
        except TimeoutError:
            error = EmbeddingsFailed("no answer in time")
        except (aiohttp.ClientError, HttpProcessingError, OSError):
            error = EmbeddingsFailed("no connection")
        raise error

    def _session(self) -> aiohttp.ClientSession:
        loop = asyncio.get_running_loop()
        if loop not in self._sessions:
            self._sessions[loop] = aiohttp.ClientSession(
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT),
                headers=self._headers,
                auto_decompress=False,
                trust_env=False,
            )
        return self._sessions[loop]


def _refusal(response: aiohttp.ClientResponse) -> EmbeddingsError | None:
    status = response.status
    if status in (408, 409, 429) or status >= 500:
        return EmbeddingsBusy(f"status {status}")
    if status in (400, 413, 422):
        return TextsRefused(f"status {status}")
    return None if 200 <= status <= 299 else EmbeddingsFailed(f"status {status}")


async def _body(response: aiohttp.ClientResponse) -> bytes:
    pieces, size = [], 0
    while piece := await response.content.readany():
        pieces.append(piece)
        size += len(piece)
        if size > MOST_BYTES:
            raise EmbeddingsFailed("answer too long")
    return b"".join(pieces)


def vectors_in(body: bytes, count: int) -> list[Vector]:
    """The vectors of an answer, by their index. Raises EmbeddingsFailed where they are not `count` of one length."""
    try:
        data = json.loads(body)["data"]
        found = {each.get("index", place): _vector(each["embedding"]) for place, each in enumerate(data)}
        vectors = [found[place] for place in range(count)]
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise EmbeddingsFailed("broken answer") from error
    if len(found) != count or len({len(vector) for vector in vectors}) != 1:
        raise EmbeddingsFailed("broken answer")
    return vectors


def _vector(numbers: Any) -> Vector:
    if not isinstance(numbers, list) or not 1 <= len(numbers) <= MOST_NUMBERS:
        raise ValueError("no vector")
    # As PostgreSQL's real has them, which takes nothing that is too small for it either.
    vector = array.array("f", numbers).tolist()
    if not all(map(math.isfinite, vector)) or not any(vector):
        raise ValueError("no direction")
    return vector


_embedders: dict[Any, Embedder] = {}


def embedder() -> Embedder | None:
    """What is configured; None where nothing is."""
    source = settings.EMBEDDINGS
    if source is None:
        return None
    if source not in _embedders:
        _embedders[source] = Embedder(source.base_url, source.api_key, source.models[0])
    return _embedders[source]


async def close() -> None:
    for each in _embedders.values():
        await each.close()
