"""Tools that need no server: what they are called, what they take, and what they do."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from secrets import randbelow
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone

from apps.tools.builtins.calculator import BadExpression, calculate
from apps.tools.builtins.dice import BadDice, roll
from apps.tools.results import Result, Scene, ToolFailed

PASSAGES = 5


@dataclass(frozen=True, slots=True)
class Builtin:
    description: str
    parameters: dict[str, Any]
    run: Callable[[dict[str, Any], Scene], Awaitable[Result]]


def _text_argument(name: str, description: str, longest: int, *, needed: bool = True) -> dict[str, Any]:
    argument = {"type": "string", "description": description, "maxLength": longest}
    return {
        "type": "object",
        "properties": {name: argument},
        "required": [name] if needed else [],
        "additionalProperties": False,
    }


def _told(value: Any, **more: Any) -> Result:
    return Result(json.dumps(value, ensure_ascii=False), value, **more)


async def _time(arguments: dict[str, Any], scene: Scene) -> Result:
    name = arguments.get("zone") or "UTC"
    try:
        zone = ZoneInfo(name)
    except (ValueError, OSError, KeyError) as error:
        raise ToolFailed("bad_arguments", f"{name[:50]!r} is no time zone; write it as Europe/Berlin.") from error
    now: datetime = timezone.now().astimezone(zone)
    return _told({"zone": name, "time": now.isoformat(timespec="seconds"), "weekday": f"{now:%A}"})


async def _dice(arguments: dict[str, Any], scene: Scene) -> Result:
    try:
        total, rolls = roll(arguments["dice"], randbelow)
    except BadDice as error:
        raise ToolFailed("bad_arguments", str(error)) from error
    return _told({"dice": arguments["dice"], "total": total, "rolls": rolls})


async def _calculator(arguments: dict[str, Any], scene: Scene) -> Result:
    try:
        value = calculate(arguments["expression"])
    except BadExpression as error:
        raise ToolFailed("bad_arguments", str(error)) from error
    return _told({"expression": arguments["expression"], "value": value})


async def _knowledge(arguments: dict[str, Any], scene: Scene) -> Result:
    found = await scene.search(arguments["query"], PASSAGES)
    if not found:
        return Result("Nothing was found.", [])
    shown = [{"title": source["title"], "text": source["text"]} for source in found]
    return _told(shown, sources=found)


async def _remember(arguments: dict[str, Any], scene: Scene) -> Result:
    said = await scene.remember(arguments["fact"])
    return Result(said, {"remembered": arguments["fact"]})


async def _recall(arguments: dict[str, Any], scene: Scene) -> Result:
    facts = list(await scene.recall(arguments.get("query", "")))
    return _told(facts) if facts else Result("Nothing is known yet.", [])


BUILTINS: dict[str, Builtin] = {
    "time": Builtin(
        "Tells the current date and time in a time zone.",
        _text_argument("zone", "A name of the IANA's, as Europe/Berlin; UTC where it is left out.", 100, needed=False),
        _time,
    ),
    "dice": Builtin(
        "Rolls dice, as 3d6+2, d20 or 2d20kh1, and tells how they fell.",
        _text_argument("dice", "The dice to roll.", 200),
        _dice,
    ),
    "calculator": Builtin(
        "Works out an arithmetic expression, as (3 + 4) * 2 or sqrt(2).",
        _text_argument("expression", "What to work out.", 500),
        _calculator,
    ),
    "knowledge": Builtin(
        "Searches the texts that this character knows, and gives the passages that answer best.",
        _text_argument("query", "What to look for, in words.", 500),
        _knowledge,
    ),
    "remember": Builtin(
        "Keeps a fact about the user for later conversations.",
        _text_argument("fact", "One fact, as a sentence.", 1_000),
        _remember,
    ),
    "recall": Builtin(
        "Tells what is known about the user from earlier conversations.",
        _text_argument("query", "Words that the facts should have; all facts where it is left out.", 200, needed=False),
        _recall,
    ),
}
