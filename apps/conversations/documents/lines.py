"""Lines of JSON from strangers, as far as they can be read, made fit to be stored."""

import io
import json
import math
from collections.abc import Iterator
from typing import Any

from apps.api.fields import MAX_JSON_DEPTH, MAX_JSON_NUMBER

# What is kept of a line stands two levels down in a message's `extra`.
MAX_DEPTH = MAX_JSON_DEPTH - 3
MAX_WARNINGS = 100


class Warnings:
    """What a reader should know of a file, each with its line; of very many, the first."""

    def __init__(self) -> None:
        self._told: list[str] = []
        self._count = 0

    def add(self, line: int, what: str) -> None:
        self._count += 1
        if self._count <= MAX_WARNINGS:
            self._told.append(f"Line {line}: {what}")

    def told(self) -> list[str]:
        more = self._count - len(self._told)
        return [*self._told, f"And {more} more."] if more else self._told


def read(data: bytes, warnings: Warnings) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each line that holds an object, with its number from 1. Blank lines are passed over without a word."""
    for number, raw in enumerate(io.BytesIO(data.removeprefix(b"\xef\xbb\xbf")), 1):
        if not raw.strip():
            continue
        try:
            value = json.loads(raw.decode("utf-8", "replace"))
        except (ValueError, RecursionError):
            warnings.add(number, "it cannot be read, and was left out; perhaps it was cut off.")
            continue
        if not isinstance(value, dict):
            warnings.add(number, "it holds no object, and was left out.")
            continue
        fit = storable(value)
        # Invalid UTF-8 was replaced above.
        if fit != value or not _is_utf8(raw):
            warnings.add(number, "characters, numbers or depths that cannot be stored were replaced.")
        yield number, fit


def storable(value: Any, depth: int = 1) -> Any:
    """The same without NUL, lone surrogates, endless numbers, and what is nested too deeply."""
    match value:
        case str():
            return _storable_text(value)
        case float() if not math.isfinite(value):
            return None
        case int() | float() if abs(value) > MAX_JSON_NUMBER:
            return str(value)
        case list() | dict() if depth > MAX_DEPTH:
            return None
        case list():
            return [storable(item, depth + 1) for item in value]
        case dict():
            return {_storable_text(key): storable(item, depth + 1) for key, item in value.items()}
    return value


def _storable_text(text: str) -> str:
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True
