"""Tools within a turn: which ones a model is offered, and running what it calls."""

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from apps.characters.models import Character
from apps.chat.providers import ToolOffer
from apps.chat.steps import JSON, failure
from apps.conversations.models import Conversation
from apps.tools import running
from apps.tools.functions import Function, offered
from apps.tools.models import Tool
from apps.tools.results import Scene

# Of one call, and of all of a turn.
SECONDS = 30.0
SECONDS_TOGETHER = 120.0


def of(conversation: Conversation, character: Character) -> dict[str, Function]:
    """The functions of the character's tools that may be used here, by name: its owner's alone, and in conversations
    of others those alone that its owner lets them use. One query."""
    tools = Tool.objects.filter(characters=character, user=character.user_id).order_by("pk")
    if conversation.user_id != character.user_id:
        tools = tools.filter(usable_by_others=True)
    return offered(tools)


def offer(function: Function) -> ToolOffer:
    return ToolOffer(function.name, function.description, function.parameters)


def size(function: Function) -> str:
    """What a model is told of it, as far as its length goes."""
    return json.dumps([function.name, function.description, function.parameters], ensure_ascii=False)


@dataclass(slots=True)
class Toolbox:
    """Of one turn. `told` is called with each call as soon as it has its result; `sources` gathers where things are
    from."""

    functions: Mapping[str, Function]
    scene: Scene
    told: Callable[[JSON], None]
    left: float = SECONDS_TOGETHER

    async def run(self, calls: Iterable[JSON], sources: list[Any]) -> None:
        """All of these at the same time. Nothing is raised: what fails is the call's `error`."""
        began = asyncio.get_running_loop().time()
        async with asyncio.TaskGroup() as group:
            for call in calls:
                group.create_task(self._run(call, sources))
        self.left -= asyncio.get_running_loop().time() - began

    async def _run(self, call: JSON, sources: list[Any]) -> None:
        function = self.functions.get(call["name"])
        if call["error"] is None and function is None:
            call["error"] = failure("unknown_tool", f"There is no tool {call['name'][:64]!r}.")
        elif call["error"] is None and self.left <= 0:
            call["error"] = failure("timeout", "The tools of this turn have had all their time.")
        elif call["error"] is None and function is not None:
            ran = await running.run(function, call["arguments"], self.scene, seconds=min(SECONDS, self.left))
            call["milliseconds"] = ran.milliseconds
            if ran.failure:
                call["error"] = failure(ran.failure.code, ran.failure.detail)
            elif ran.result:
                call["result"] = ran.result.text
                known = {source["id"] for source in sources}
                sources += [source for source in ran.result.sources if source["id"] not in known]
        self.told(call)
