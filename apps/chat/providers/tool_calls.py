"""Fragments of tool calls, as servers send them: by index, in one piece, or with neither index nor order."""

import json
from collections.abc import Iterator

from .base import ToolCall
from .clean import Cleaner, clean
from .errors import ProviderFailed

_MOST_CALLS = 128


class Fragments:
    """Gives each fragment the index of its call and cleans its text."""

    __slots__ = ("_arguments", "_last")

    def __init__(self) -> None:
        self._arguments: dict[int, Cleaner] = {}
        self._last = -1

    def read(self, calls: object) -> Iterator[ToolCall]:
        """The fragments in one `tool_calls` list. Raises `ProviderFailed` for what is none."""
        if not isinstance(calls, list):
            raise ProviderFailed("broken frame")
        for call in calls:
            function = call.get("function") if isinstance(call, dict) else None
            if not isinstance(function, dict):
                raise ProviderFailed("broken frame")
            name = _text(function.get("name"))
            index = self._index(call.get("index"), starts=bool(name))
            arguments = self._arguments[index].feed(_text(function.get("arguments")))
            fragment = ToolCall(index, clean(_text(call.get("id"))), clean(name), arguments)
            if fragment.id or fragment.name or fragment.arguments:
                yield fragment

    def flush(self) -> Iterator[ToolCall]:
        """What the cleaning still held back."""
        for index, cleaner in self._arguments.items():
            if rest := cleaner.flush():
                yield ToolCall(index, "", "", rest)

    def _index(self, index: object, *, starts: bool) -> int:
        if not isinstance(index, int) or index < 0:
            # Without an index a name begins a new call; anything else goes on with the last one.
            index = max(self._arguments, default=-1) + 1 if starts or self._last < 0 else self._last
        if index not in self._arguments:
            if len(self._arguments) == _MOST_CALLS:
                raise ProviderFailed("too many tool calls")
            self._arguments[index] = Cleaner()
        self._last = index
        return index


def _text(value: object) -> str:
    """A string, or an object that should have been one (arguments come as either)."""
    if isinstance(value, str):
        return value
    try:
        return "" if value is None else json.dumps(value)
    except RecursionError:
        pass
    raise ProviderFailed("broken frame")
