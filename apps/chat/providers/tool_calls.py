"""Fragments of tool calls, as servers send them: by index, in one piece, or with neither index nor order."""

import json
from collections.abc import Iterator

from .base import ToolCall
from .clean import Cleaner, clean
from .errors import ProviderFailed

_MOST_CALLS = 128


class _Call:
    """What is known of one call so far."""

    __slots__ = ("arguments", "cleaner", "id", "name")

    def __init__(self) -> None:
        self.id = self.name = self.arguments = ""
        self.cleaner = Cleaner()

    @property
    def is_whole(self) -> bool:
        try:
            json.loads(self.arguments)
        except (ValueError, RecursionError):
            return False
        return True


class Fragments:
    """Gives each fragment the index of its call and cleans its text."""

    __slots__ = ("_calls", "_last", "_places")

    def __init__(self) -> None:
        self._calls: dict[int, _Call] = {}
        # Servers that say 0 of every call: where the one that is meant now is.
        self._places: dict[int, int] = {}
        self._last = -1

    def read(self, calls: object) -> Iterator[ToolCall]:
        """The fragments in one `tool_calls` list. Raises `ProviderFailed` for what is none."""
        if not isinstance(calls, list):
            raise ProviderFailed("broken frame")
        for each in calls:
            function = (each.get("function") or {}) if isinstance(each, dict) else None
            if not isinstance(function, dict):
                raise ProviderFailed("broken frame")
            key, name = clean(_text(each.get("id"))), clean(_text(function.get("name")))
            index = self._index(each.get("index"), key, name)
            call = self._calls[index]
            arguments = call.cleaner.feed(_text(function.get("arguments")))
            call.arguments += arguments
            # Some say both again with every fragment.
            key = "" if key == call.id else key
            name = "" if name == call.name else name
            call.id, call.name = call.id or key, call.name + name
            if key or name or arguments:
                yield ToolCall(index, key, name, arguments)

    def flush(self) -> Iterator[ToolCall]:
        """What the cleaning still held back."""
        for index, call in self._calls.items():
            if rest := call.cleaner.flush():
                yield ToolCall(index, "", "", rest)

    def _index(self, said: object, key: str, name: str) -> int:
        if isinstance(said, int) and said >= 0:
            index = self._places.get(said, said)
            if index in self._calls and key and self._calls[index].id not in ("", key):
                # Another call under the same number.
                index = self._places[said] = max(self._calls) + 1
        elif known := [index for index, call in self._calls.items() if key and call.id == key]:
            index = known[0]
        elif self._last < 0 or key or (name and not self._goes_on(name)):
            index = max(self._calls, default=-1) + 1
        else:
            index = self._last
        if index not in self._calls:
            if len(self._calls) == _MOST_CALLS:
                raise ProviderFailed("too many tool calls")
            self._calls[index] = _Call()
        self._last = index
        return index

    def _goes_on(self, name: str) -> bool:
        """Without number and id: whether this name is said once more of the last call, and begins no new one."""
        last = self._calls[self._last]
        return name == last.name and bool(last.arguments) and not last.is_whole


def _text(value: object) -> str:
    """A string, or an object that should have been one (arguments come as either)."""
    if isinstance(value, str):
        return value
    try:
        return "" if value is None else json.dumps(value)
    except RecursionError:
        pass
    raise ProviderFailed("broken frame")
