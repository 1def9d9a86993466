"""Running what a model calls within a turn."""

import asyncio
import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from io import StringIO
from math import ceil
from typing import Any

from django.conf import settings

from apps.chat.asking import Job
from apps.chat.generations import MOST_TOKENS, Written
from apps.chat.providers import Request, ToolCall, Usage
from apps.chat.scene import InConversation
from apps.chat.steps import JSON, Calls, as_messages, failure, in_words, not_among, shortened
from apps.tools import running
from apps.tools.results import Scene

# How often a model is asked in one turn.
MOST_STEPS = 8
# All tools of a turn may take this many times what one call may.
CALLS_LONG = 4
# Characters of what a tool said that the model is told in any case.
LEAST_RESULT = 500


class Steps:
    """The tools of one turn, and the requests that it takes: the model is asked, its calls are run, and it is asked
    again with what came of them, until it calls nothing more or has to answer without."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._may_call = bool(job.functions)
        self._scene: Scene = InConversation(job.user, job.character)
        self._request = job.request
        self._calls = Calls()
        # Of this step. Kept for a model that may call something: it keeps every piece.
        self._said = StringIO()
        self._usages: list[Usage | None] = []
        self._room = job.room
        self._seconds = settings.TOOL_SECONDS * CALLS_LONG
        self._ignored = False

    def heard(self, fragment: ToolCall) -> None:
        if self._request.only_text:
            self._ignored = True
        elif self._job.functions:
            self._calls.add(fragment)

    @property
    def is_deaf(self) -> bool:
        """Whether the model, told to call nothing more, did that and nothing else."""
        return self._ignored and not self._said.getvalue().strip()

    def parted(self, text: str, *, after: StringIO) -> str:
        """A text of this step, set apart from that of the one before. `after`: all that was said so far."""
        if not self._may_call:
            return text
        if len(self._usages) and not self._said.tell() and after.tell() and not after.getvalue().endswith("\n"):
            text = f"\n\n{text}"
        self._said.write(text)
        return text

    def called(self, *, at: int, taken: Collection[str]) -> list[JSON]:
        """What the model called in this step; `at` is how long the text is now, `taken` the ids that are not free."""
        calls, self._calls = self._calls.begun(at=at, taken=taken), Calls()
        return calls

    def summed(self, written: Written) -> Written:
        """With the tokens of all steps so far."""
        self._usages.append(written.usage)
        return replace(written, usage=_sum(self._usages))

    async def run(self, calls: Sequence[JSON], sources: list[Any], told: Callable[[JSON], None]) -> None:
        """All of these at the same time. Nothing is raised: what fails is the call's `error`. `told` is called with
        each as soon as it has an end; `sources` gathers where things are from."""
        began = asyncio.get_running_loop().time()

        async def one(call: JSON) -> None:
            await self._run(call, sources)
            told(call)

        async with asyncio.TaskGroup() as group:
            for call in calls:
                group.create_task(one(call))
        self._seconds -= asyncio.get_running_loop().time() - began

    async def _run(self, call: JSON, sources: list[Any]) -> None:
        function = self._job.functions.get(call["name"])
        if call["error"] is not None:
            return
        if function is None:
            call["error"] = failure("unknown_tool", f"There is no tool {call['name'][:64]!r}.")
        elif self._seconds <= 0:
            call["error"] = failure("timeout", "The tools of this turn have had all their time.")
        else:
            seconds = min(settings.TOOL_SECONDS, self._seconds)
            ran = await running.run(function, call["arguments"], self._scene, seconds=seconds)
            call["milliseconds"] = ran.milliseconds
            if ran.failure:
                call["error"] = failure(ran.failure.code, ran.failure.detail)
            elif ran.result:
                call["result"] = ran.result.text
                sources += not_among(sources, ran.result.sources)

    def next_request(self, calls: Sequence[JSON]) -> Request:
        """With what came of these. The last of a turn is for words alone."""
        # Half of what is left, so that later steps have some.
        share = int(max(self._room, 0) / 2 * self._job.bytes_per_token / len(calls))
        added = as_messages(self._said.getvalue().lstrip("\n"), calls, longest=max(share, LEAST_RESULT))
        self._said = StringIO()
        size = sum(len(json.dumps(message, ensure_ascii=False).encode()) for message in added)
        self._room -= ceil(size / self._job.bytes_per_token)
        used = _sum(self._usages)
        spent = used and (used.prompt_tokens or 0) + (used.completion_tokens or 0)
        is_last = (
            len(self._usages) + 1 >= MOST_STEPS
            or self._room <= 0
            or (spent or self._job.tokens * len(self._usages)) >= settings.AI_TURN_TOKENS
        )
        messages = [*self._request.messages, *added]
        self._request = replace(self._request, messages=messages, only_text=is_last)
        return self._request

    def with_less(self) -> Request:
        """The same once more, with little of what tools said."""
        messages = [shortened(message, LEAST_RESULT) for message in self._request.messages]
        self._request = replace(self._request, messages=messages, only_text=True)
        return self._request

    def in_words(self) -> Request:
        """The same for a model that takes no tools any more, or heeds no wish for words."""
        self._request = replace(self._request, messages=in_words(self._request.messages), tools=(), only_text=False)
        self._job = replace(self._job, functions={})
        return self._request


def _sum(usages: Sequence[Usage | None]) -> Usage | None:
    """Of what was counted; None where nothing was."""
    told = [usage for usage in usages if usage is not None]
    prompts = [usage.prompt_tokens for usage in told if usage.prompt_tokens is not None]
    answers = [usage.completion_tokens for usage in told if usage.completion_tokens is not None]
    counts = [min(sum(counted), MOST_TOKENS) if counted else None for counted in (prompts, answers)]
    return Usage(*counts) if told else None
