"""Writing one answer: from the provider's deltas to frames for readers and text in the database.

Runs as a task of the server, not of a request: it goes on when the client goes away.
"""

import asyncio
import logging
import time
from contextlib import aclosing, suppress
from dataclasses import replace
from io import StringIO

from django.conf import settings
from django.db import DataError
from django.db import Error as DatabaseError

from apps.api import metrics
from apps.api.threads import with_rows
from apps.chat import generations, known, outcomes
from apps.chat.asking import Job, note, shorter
from apps.chat.chunks import Chunks
from apps.chat.drafts import Draft, Keeper
from apps.chat.generations import Written
from apps.chat.live import Live
from apps.chat.outcomes import Outcome
from apps.chat.providers import (
    ContextTooLong,
    Finish,
    Provider,
    ProviderError,
    ProviderTimeout,
    Reasoning,
    Request,
    Text,
    ToolCall,
    ToolsUnsupported,
)
from apps.chat.steps import JSON, is_whole, leave_off
from apps.chat.tooling import Steps
from apps.conversations.models import MessageStatus

log = logging.getLogger("dramatis.chat")

# The waits between tries to save an end while the database is away.
PATIENCE = (0.2, 0.5, 1, 2, 4, 8, 15)

UNFORESEEN = Written("", status=MessageStatus.FAILED, error=outcomes.UNFORESEEN)
CANCELLED = {
    MessageStatus.STOPPED: Written("", status=MessageStatus.STOPPED),
    MessageStatus.INTERRUPTED: Written("", status=MessageStatus.INTERRUPTED, error=outcomes.INTERRUPTED),
}


class Producer:
    """One answer. Made on the event loop; `run` brings it to its end, whatever happens meanwhile."""

    def __init__(self, job: Job, provider: Provider, live: Live, keeper: Keeper) -> None:
        self.job = job
        self.provider = provider
        self.live = live
        self._chunks = Chunks(str(job.message))
        # Nobody is to see the rest of what is gone.
        self._draft = Draft(job, keeper, lost=lambda: self.cancel(MessageStatus.INTERRUPTED))
        self._steps = Steps(job)
        self._began = time.monotonic()
        self._first_token_ms: int | None = None
        self._cancelled_as: MessageStatus | None = None
        self._hurry = asyncio.get_running_loop().create_future()
        # What the row says already is told too: a stream always tells the whole of it.
        self.live.publish(self._chunks.rest_of(job.reasoning, job.text, job.calls, job.sources))
        self._listening = asyncio.create_task(self._listen())

    def cancel(self, status: MessageStatus, *, hurry: bool = False) -> None:
        """Hang up on the model. What was said is kept and saved under `status`, the first that is named; with `hurry`,
        in one try more."""
        self._cancelled_as = self._cancelled_as or status
        if hurry and not self._hurry.done():
            self._hurry.set_result(None)
        self._listening.cancel()

    async def run(self) -> Outcome:
        ended = UNFORESEEN
        try:
            ended = await self._listening
        except ProviderError as error:
            log.warning("provider", extra={"code": error.code, "reason": error.reason, "source": self.job.source})
            ended = Written("", status=MessageStatus.FAILED, error=error.code, retry_after=error.retry_after)
        except asyncio.CancelledError:
            ended = CANCELLED[self._cancelled_as or MessageStatus.INTERRUPTED]
        finally:
            # For what nobody foresaw, too: no answer is left without an end.
            self._tell(*leave_off(self._draft.calls))
            self.live.publish(self._chunks.sources(self._draft.sources))
            ended = self._so_far(ended)
            await self._draft.close()
            outcome = await self._end(ended)
        return outcome

    async def _listen(self) -> Written:
        """Follow the model to its end, within the time that a turn has."""
        try:
            async with asyncio.timeout(settings.AI_TURN_TIMEOUT):
                return await self._take_steps()
        except TimeoutError as error:
            raise ProviderTimeout("whole turn") from error

    async def _take_steps(self) -> Written:
        """One, where it calls no tools."""
        ended = self._steps.summed(await self._begin())
        while calls := self._steps.called(at=self._draft.text.tell(), taken=self._ids()):
            self._draft.calls += calls
            self._tell(*calls)
            await self._steps.run(calls, self._draft.sources, self._tell)
            self.live.publish(self._chunks.sources(self._draft.sources))
            self.live.publish(self._chunks.next_step())
            ended = self._steps.summed(await self._go_on(calls))
        if self._steps.is_deaf:
            ended = self._steps.summed(await self._hear(self._steps.in_words()))
        return ended

    def _ids(self) -> set[str]:
        return {call["id"] for call in self._draft.calls if is_whole(call)}

    async def _go_on(self, calls: list[JSON]) -> Written:
        """With what came of these. What is refused now is asked once more, with less, or in words alone."""
        try:
            return await self._hear(self._steps.next_request(calls))
        except ContextTooLong as refusal:
            with suppress(DatabaseError):
                await with_rows(note, self.job, refusal)
            return await self._hear(self._steps.with_less())
        except ToolsUnsupported:
            return await self._hear(self._steps.in_words())

    async def _begin(self) -> Written:
        """A prompt that is refused as too long is tried once more, shorter."""
        try:
            return await self._hear_with_tools()
        except ContextTooLong as refusal:
            if not await self._shorten(refusal):
                raise
        try:
            return await self._hear_with_tools()
        except ContextTooLong as refusal:
            await self._shorten(refusal)  # The next turn begins with less.
            raise

    async def _hear_with_tools(self) -> Written:
        """A model that takes none goes without."""
        try:
            return await self._hear(self.job.request)
        except ToolsUnsupported:
            log.info("a model without tools", extra={"model": self.job.request.model, "source": self.job.source})
            self.job = replace(self.job, request=replace(self.job.request, tools=()), functions={})
            self._steps = Steps(self.job)
            return await self._hear(self.job.request)

    def _tell(self, *calls: JSON) -> None:
        for call in calls:
            self.live.publish(self._chunks.call(call))
        if calls:
            self._draft.called(len(calls))

    async def _shorten(self, refusal: ContextTooLong) -> bool:
        try:
            job = await with_rows(shorter, self.job, refusal)
        except DatabaseError:
            job = None
        if job is not None:
            self.job, self._steps = job, Steps(job)
        return job is not None

    async def _hear(self, request: Request) -> Written:
        """What the provider says goes to readers at once."""
        ended = UNFORESEEN
        async with aclosing(self.provider.stream(request)) as deltas:
            async for delta in deltas:
                match delta:
                    case Text(text):
                        text = self._steps.parted(text, after=self._draft.text)
                        self._took(text, self._draft.text)
                        self.live.publish(self._chunks.text(text))
                    case Reasoning(text):
                        self._took(text, self._draft.reasoning)
                        self.live.publish(self._chunks.reasoning(text))
                    case ToolCall():
                        self._steps.heard(delta)
                    case Finish(reason, model, usage):
                        ended = Written(
                            "", status=MessageStatus.COMPLETE, finish_reason=reason, model=model or "", usage=usage
                        )
        return ended

    def _took(self, text: str, into: StringIO) -> None:
        if self._first_token_ms is None:
            self._first_token_ms = self._milliseconds()
        self._draft.took(text, into)

    def _so_far(self, written: Written) -> Written:
        draft = self._draft.so_far()
        return replace(
            written,
            text=draft.text,
            reasoning=draft.reasoning,
            calls=draft.calls,
            sources=draft.sources,
            first_token_ms=self._first_token_ms,
            latency_ms=self._milliseconds(),
        )

    def _milliseconds(self) -> int:
        return round((time.monotonic() - self._began) * 1000)

    async def _end(self, ended: Written) -> Outcome:
        """Save first, tell second."""
        try:
            outcome = await self._saved(ended)
        except DatabaseError as error:
            # The sweep ends it when the database is back; its text is as of the last checkpoint.
            what = {"generation": str(self.job.generation), "reason": type(error).__name__}
            log.error("end not saved", extra=what)
            self.give_up()
            return outcomes.UNSAVED
        metrics.GENERATIONS.labels(outcome.status).inc()
        metrics.GENERATION_SECONDS.observe((ended.latency_ms or 0) / 1000)
        self.live.end(self._chunks.end(outcome), outcome)
        await self._learn(ended)
        return outcome

    async def _learn(self, ended: Written) -> None:
        """What the provider counted tells how many bytes make a token of this model."""
        tokens = ended.usage.prompt_tokens if ended.usage else None
        request = self.job.request
        # What tools take is counted by models in ways of their own.
        if not tokens or request.tools or self._hurry.done():
            return
        size = sum(len(message["content"].encode()) for message in request.messages)
        counted = {"size": size, "messages": len(request.messages), "tokens": tokens}
        try:
            await with_rows(known.learn, self.job.source, request.model, **counted)
        except DatabaseError as error:
            log.info("nothing learned", extra={"reason": type(error).__name__})

    def give_up(self) -> None:
        """Tell readers that there is no more to come, though the end is not saved."""
        self.live.end(self._chunks.end(outcomes.UNSAVED), outcomes.UNSAVED)

    async def _saved(self, ended: Written) -> Outcome:
        tries = 0
        while True:
            try:
                return await with_rows(generations.end, self.job, ended)
            except DataError:
                # What no database holds costs no text.
                if ended.calls is None:
                    raise
                ended = replace(ended, calls=None, sources=None)
            except DatabaseError:
                if tries >= len(PATIENCE) or self._hurry.done():
                    raise
                await asyncio.wait([self._hurry], timeout=PATIENCE[tries])
                tries += 1
