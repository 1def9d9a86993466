"""Answers that nobody keeps: to messages that somebody brought along. Of them stays what they cost.

Such an answer belongs to its request: when the client goes away, the model is hung up on.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Collection
from contextlib import aclosing
from dataclasses import dataclass, replace

from django.conf import settings
from django.db import Error as DatabaseError

from apps.accounts.models import User
from apps.api import metrics
from apps.api.threads import with_rows
from apps.characters.models import Character
from apps.chat import generations, known, outcomes
from apps.chat.asking import less_than
from apps.chat.assembly import Assembled, assemble
from apps.chat.generations import Written
from apps.chat.past import Given
from apps.chat.providers import (
    ContextTooLong,
    Delta,
    Finish,
    Provider,
    ProviderError,
    ProviderFailed,
    ProviderTimeout,
    Reasoning,
    Text,
)
from apps.conversations.models import Conversation, MessageStatus

log = logging.getLogger("dramatis.chat")


@dataclass(frozen=True, slots=True)
class Wanted:
    """An answer of a character to messages. `conversation` is no row and becomes none: it says whose the prompt is,
    and what else than the character's own settings is wished for."""

    user: User
    conversation: Conversation
    character: Character
    given: Given
    assembled: Assembled


def want(user: User, character: Character, given: Given, **wishes: object) -> Wanted:
    conversation = Conversation(user=user, character=character, **wishes)
    return Wanted(user, conversation, character, given, assemble(conversation, character, given))


def shorter(wanted: Wanted, refusal: ContextTooLong) -> Wanted | None:
    """The same once more, with less, for a model that refused it as too long; None where there is no less."""
    before = wanted.assembled
    known.refused(before.source, before.request.model, window=refusal.window)
    most = less_than(before.tokens, before.request, refusal)
    assembled = assemble(wanted.conversation, wanted.character, wanted.given, most=most)
    return replace(wanted, assembled=assembled) if assembled.tokens < before.tokens else None


def without_user(calls: Collection["Call"]) -> list["Call"]:
    """Those whose account was deleted since they began."""
    there = set(User.objects.filter(pk__in={call.wanted.user.pk for call in calls}).values_list("pk", flat=True))
    return [call for call in calls if call.wanted.user.pk not in there]


class Interrupted(ProviderError):
    """The server stops, or the user is no more."""

    code = outcomes.INTERRUPTED
    detail = "The answer was broken off. Please try again."


class Unforeseen(ProviderError):
    code = outcomes.UNFORESEEN
    detail = outcomes.DETAILS[outcomes.UNFORESEEN]


class Call:
    """One answer on its way: `runtime.begin` starts it, `deltas` has what comes, and `hang_up` ends it."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        # Not bounded: a provider's answer is.
        self._news: asyncio.Queue[Delta | ProviderError] = asyncio.Queue()
        self._first: Delta | ProviderError | None = None
        self._began = 0.0
        self._first_token_ms: int | None = None
        # Set by who starts it.
        self.task: asyncio.Task[None] | None = None
        self._is_interrupted = False

    @property
    def source(self) -> str:
        return self.wanted.assembled.source

    def hang_up(self) -> None:
        """From any thread, and whether it is over or not."""
        if self.task is not None and not self.task.done():
            self.task.get_loop().call_soon_threadsafe(self.task.cancel)

    def interrupt(self) -> None:
        """End it, as the server does that stops; on the loop."""
        self._is_interrupted = True
        if self.task is not None:
            self.task.cancel()

    def give_up(self) -> None:
        """For who waits on one that was ended before it could begin."""
        if not self._began:
            self._news.put_nowait(Interrupted("interrupted"))

    async def begun(self) -> ProviderError | None:
        """Wait for the first that comes; the error, where that is one."""
        if self._first is None:
            self._first = await self._news.get()
        return self._first if isinstance(self._first, ProviderError) else None

    async def deltas(self) -> AsyncGenerator[Delta, None]:
        """What comes, `Finish` last. Raises `ProviderError`; what came before stays good."""
        await self.begun()
        news = self._first
        while news is not None:
            if isinstance(news, ProviderError):
                raise news
            yield news
            news = None if isinstance(news, Finish) else await self._news.get()

    async def run(self, provider: Provider) -> None:
        """The work of it: a task of the server, so that its cost is noted also where nobody waits any more."""
        self._began = time.monotonic()
        end: Delta | ProviderError = Unforeseen("unforeseen")
        written = Written("", status=MessageStatus.FAILED, error=outcomes.UNFORESEEN)
        metrics.LIVE.inc()
        try:
            async with asyncio.timeout(settings.AI_TURN_TIMEOUT):
                end = finish = await self._follow(provider)
            written = Written("", status=MessageStatus.COMPLETE, model=finish.model or "", usage=finish.usage)
        except asyncio.CancelledError:
            end, written = Interrupted("interrupted"), Written("", status=MessageStatus.STOPPED)
            if self._is_interrupted:
                written = replace(written, status=MessageStatus.INTERRUPTED, error=outcomes.INTERRUPTED)
        except (ProviderError, TimeoutError) as error:
            end = error if isinstance(error, ProviderError) else ProviderTimeout("whole turn")
            log.warning("provider", extra={"code": end.code, "reason": end.reason, "source": self.source})
            written = Written("", status=MessageStatus.FAILED, error=end.code, retry_after=end.retry_after)
        finally:
            metrics.LIVE.dec()
            try:
                await self._note(written)
            finally:
                self._news.put_nowait(end)

    async def _follow(self, provider: Provider) -> Finish:
        """A prompt that is refused as too long is tried once more, shorter."""
        try:
            return await self._hear(provider)
        except ContextTooLong as refusal:
            if not await self._shorten(refusal):
                raise
        return await self._hear(provider)

    async def _hear(self, provider: Provider) -> Finish:
        async with aclosing(provider.stream(self.wanted.assembled.request)) as deltas:
            async for delta in deltas:
                if isinstance(delta, Finish):
                    return delta
                if isinstance(delta, Text | Reasoning):
                    if self._first_token_ms is None:
                        self._first_token_ms = self._milliseconds()
                    self._news.put_nowait(delta)
        raise ProviderFailed("ended without finish")

    async def _shorten(self, refusal: ContextTooLong) -> bool:
        try:
            wanted = await with_rows(shorter, self.wanted, refusal)
        except DatabaseError:
            wanted = None
        if wanted is not None:
            self.wanted = wanted
        return wanted is not None

    async def _note(self, written: Written) -> None:
        metrics.GENERATIONS.labels(written.status).inc()
        metrics.GENERATION_SECONDS.observe(self._milliseconds() / 1000)
        written = replace(written, first_token_ms=self._first_token_ms, latency_ms=self._milliseconds())
        model = self.wanted.assembled.request.model
        try:
            await with_rows(generations.record_unkept, self.wanted.user, self.source, model, written)
        except DatabaseError as error:
            log.error("usage not saved", extra={"reason": type(error).__name__})

    def _milliseconds(self) -> int:
        return round((time.monotonic() - self._began) * 1000)
