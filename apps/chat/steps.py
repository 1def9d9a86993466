"""A turn with tools: what the model calls, as a message keeps it and as the model hears of it again. Pure.

A call on a message is `{"id", "name", "arguments", "result", "error", "milliseconds", "at"}`: `result` is the text that
the model was told, `error` is `{"code", "detail"}`, one of the two is null, both while it runs; `at` is how much of the
message's text came before it, in characters.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from apps.api.fields import MAX_JSON_DEPTH, MAX_JSON_NUMBER
from apps.chat.providers import ToolCall, clean

JSON = dict[str, Any]

# Of one step of the model's.
MOST_CALLS = 16
LONGEST_ARGUMENTS = 100_000

KEYS = ("id", "name", "arguments", "result", "error", "milliseconds", "at")


def is_whole(call: JSON) -> bool:
    """Whether it has the form of one that was made here."""
    return (
        all(key in call for key in KEYS)
        and all(isinstance(call[key], str) for key in ("id", "name"))
        and isinstance(call["at"], int)
        and (call["result"] is None or isinstance(call["result"], str))
        and (
            call["error"] is None or (isinstance(call["error"], dict) and isinstance(call["error"].get("detail"), str))
        )
    )


def is_source(source: JSON) -> bool:
    return all(isinstance(source.get(key), str) for key in ("id", "title", "text"))


def not_among(sources: Iterable[JSON], found: Iterable[Mapping[str, Any]]) -> list[JSON]:
    """Of what was found, as a message keeps it, what is not among its sources yet."""
    known = {source["id"] for source in sources if is_source(source)}
    return [dict(source) for source in found if source["id"] not in known]


class Calls:
    """The calls of one step, put together from their fragments."""

    def __init__(self) -> None:
        self._fragments: dict[int, list[ToolCall]] = {}
        self._sizes: dict[int, int] = {}

    def add(self, fragment: ToolCall) -> None:
        self._sizes[fragment.index] = self._sizes.get(fragment.index, 0) + len(fragment.arguments)
        if self._sizes[fragment.index] <= LONGEST_ARGUMENTS:
            self._fragments.setdefault(fragment.index, []).append(fragment)

    def begun(self, *, at: int, taken: Collection[str]) -> list[JSON]:
        """As a message keeps them, not run yet; `taken` are the ids of earlier ones. What is no call that could be run
        has its error already."""
        made: list[JSON] = []
        ids = set(taken)
        for index in sorted(self._fragments)[:MOST_CALLS]:
            fragments = self._fragments[index]
            given = next((each.id for each in fragments if each.id), "")[:200]
            name = "".join(each.name for each in fragments)[:200]
            if not name:
                continue
            key = given if given and given not in ids else f"call_{len(ids) + 1}"
            while key in ids:
                key += "_"
            ids.add(key)
            arguments, error = self._arguments(index)
            call = {"id": key, "name": name, "arguments": arguments, "result": None, "error": error}
            made.append({**call, "milliseconds": 0, "at": at})
        return made

    def _arguments(self, index: int) -> tuple[Any, JSON | None]:
        if self._sizes[index] > LONGEST_ARGUMENTS:
            return {}, failure("bad_arguments", f"The arguments are longer than {LONGEST_ARGUMENTS:,} characters.")
        text = "".join(each.arguments for each in self._fragments[index])
        try:
            # Models leave out the object where there is nothing to say.
            found = json.loads(text, parse_constant=_refuse) if text.strip() else {}
            # Some send JSON within JSON.
            found = _storable(json.loads(found, parse_constant=_refuse) if isinstance(found, str) else found)
        except (ValueError, RecursionError):
            return text, failure("bad_arguments", "The arguments are no JSON that can be read.")
        # Clients take no null.
        return {} if found is None else found, None


def _storable(value: Any, depth: int = 0) -> Any:
    """As PostgreSQL's JSONB can hold it. Raises ValueError for what it cannot."""
    if depth > MAX_JSON_DEPTH:
        raise ValueError("too deep")
    match value:
        case str():
            return clean(value)
        case int() | float() if not abs(value) <= MAX_JSON_NUMBER:
            raise ValueError("too large")
        case list():
            return [_storable(item, depth + 1) for item in value]
        case dict():
            return {clean(name): _storable(item, depth + 1) for name, item in value.items()}
    return value


def _refuse(name: str) -> None:
    raise ValueError(name)


def failure(code: str, detail: str) -> JSON:
    return {"code": code, "detail": detail}


def leave_off(calls: Iterable[JSON]) -> list[JSON]:
    """Those that have no result yet, which now get none."""
    left = [call for call in calls if is_whole(call) and call["result"] is None and call["error"] is None]
    for call in left:
        call["error"] = failure("left_off", "The turn ended before the tool did.")
    return left


def as_messages(said: str, calls: Iterable[JSON], *, longest: int) -> list[JSON]:
    """The step as the model hears of it: what it said and called, and what came of it, each of at most so many
    characters."""
    calls = list(calls)
    made: list[JSON] = [
        {"role": "assistant", "content": said, "tool_calls": [_called(call, longest) for call in calls]}
    ]
    for call in calls:
        told = call["result"] if call["error"] is None else f"Error: {call['error']['detail']}"
        made.append({"role": "tool", "tool_call_id": call["id"], "content": cut(told, longest)})
    return made


def _called(call: JSON, longest: int) -> JSON:
    arguments = call["arguments"]
    # Some servers read them, and fail where they are none.
    told = json.dumps(arguments, ensure_ascii=False) if isinstance(arguments, dict) else "{}"
    told = told if len(told) <= longest else "{}"
    return {"id": call["id"], "type": "function", "function": {"name": call["name"], "arguments": told}}


def cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]}\n[The rest is left out.]"


def shortened(message: JSON, longest: int) -> JSON:
    """A message, with no more than so much of what a tool said."""
    return {**message, "content": cut(message["content"], longest)} if message["role"] == "tool" else message


def in_words(messages: Iterable[JSON]) -> list[JSON]:
    """For models that take no tools: what was called is left out, and what came of it said in the user's place."""
    names: dict[str, str] = {}
    told: list[JSON] = []
    for message in messages:
        for call in message.get("tool_calls", ()):
            names[call["id"]] = call["function"]["name"]
        if message["role"] == "tool":
            told.append({"role": "user", "content": f"[{names[message['tool_call_id']]}: {message['content']}]"})
        elif message["content"] or "tool_calls" not in message:
            told.append({"role": message["role"], "content": message["content"]})
    return told
