"""What an OpenAI-compatible server answers: bytes in, deltas out. No socket and no clock in here."""

import json
from collections.abc import Iterator
from enum import Enum, auto
from typing import Any

import orjson

from .base import Delta, Finish, FinishReason, Reasoning, Text, Usage
from .clean import Cleaner, clean
from .context import too_long
from .errors import ProviderBusy, ProviderError, ProviderFailed
from .retry import is_busy
from .sse import Events
from .tool_calls import Fragments

_FINISHES: dict[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "content_filter": "content-filter",
    "tool_calls": "tool-calls",
    "function_call": "tool-calls",
}
_BUSY_WORDS = ("rate_limit", "too_many_requests", "overloaded", "unavailable")
_MOST_TOKENS = 2**31 - 1
_LONGEST_NAME = 200


class Stage(Enum):
    """How far the model is. FINISHED: it has said why it stopped; DONE: it has said that no more comes."""

    SILENT = auto()
    SPEAKING = auto()
    FINISHED = auto()
    DONE = auto()


class Answer:
    """One answer, a stream of events or a JSON document: told apart by its first byte, since servers mislabel them.

    `feed` each piece of the body, tell its `end`, then `finish`. The first two raise `ProviderError`, after whatever
    came before the fault was yielded.
    """

    def __init__(self, max_bytes: int, max_line: int) -> None:
        self.stage = Stage.SILENT
        self._room = max_bytes
        self._events = Events(max_line)
        self._json: list[bytes] | None = None
        self._begun = False
        self._text = Cleaner()
        self._reasoning = Cleaner()
        self._calls = Fragments()
        self._finish: FinishReason | None = None
        self._model: str | None = None
        self._usage: Usage | None = None

    @property
    def finished(self) -> bool:
        """Whether the model has said why it stopped."""
        return self._finish is not None

    def feed(self, chunk: bytes) -> Iterator[Delta]:
        """The deltas in this piece of the body."""
        self._room -= len(chunk)
        if self._room < 0:
            raise ProviderFailed("answer too long")
        if not self._begun:
            start = chunk.removeprefix(b"\xef\xbb\xbf").lstrip()
            if start:
                self._begun = True
                if start.startswith(b"{"):
                    self._json = [start]
                    return
        if self._json is not None:
            self._json.append(chunk)
            return
        for data in self._events.feed(chunk):
            yield from self._heard(data)

    def end(self) -> Iterator[Delta]:
        """The body is over: what it still held. Raises `ProviderFailed` where the model had not finished."""
        if self._json is not None:
            yield from self._heard(b"".join(self._json), "message")
            if self._finish is None:
                # A document is whole by its nature; only its reason is unknown.
                self._finish = "other"
        else:
            for data in self._events.close():
                yield from self._heard(data)
        if self._finish is None:
            raise ProviderFailed("ended without finish_reason")

    def finish(self) -> Iterator[Delta]:
        """The last deltas and the `Finish` of an answer that is `finished`, whatever became of its body."""
        if rest := self._reasoning.flush():
            yield Reasoning(rest)
        if rest := self._text.flush():
            yield Text(rest)
        yield from self._calls.flush()
        yield Finish(self._finish or "other", self._model, self._usage)

    def _heard(self, data: bytes, part: str = "delta") -> Iterator[Delta]:
        """What an event says, or a document. `part` is where a choice keeps its words: "delta" in a stream, "message"
        in a document."""
        if self.stage is Stage.DONE or not data:
            return
        if data == b"[DONE]":
            if self._finish is None:
                raise ProviderFailed("ended without finish_reason")
            self.stage = Stage.DONE
            return
        said: list[Delta] = []
        try:
            self._read(self._object(data), part, said)
        finally:
            # What came before a fault, too.
            if said and self.stage is Stage.SILENT:
                self.stage = Stage.SPEAKING
            yield from said

    @staticmethod
    def _object(data: bytes) -> dict[str, Any]:
        try:
            frame = orjson.loads(data)
        except orjson.JSONDecodeError:
            frame = _leniently(data)
        if not isinstance(frame, dict):
            raise ProviderFailed("broken frame")
        return frame

    def _read(self, frame: dict[str, Any], part: str, into: list[Delta]) -> None:
        choices = frame.get("choices")
        error = frame.get("error") or (frame if frame.get("object") == "error" else None)
        if error:
            raise (self.stage is Stage.SILENT and too_long(0, error)) or _error(error)
        if usage := frame.get("usage"):
            self._usage = _usage(usage) or self._usage
        if self._model is None and isinstance(model := frame.get("model"), str):
            self._model = clean(model)[:_LONGEST_NAME] or None
        if not choices:
            if part == "message":
                raise ProviderFailed("broken frame")
            return
        choice = choices[0] if isinstance(choices, list) else None
        if not isinstance(choice, dict):
            raise ProviderFailed("broken frame")
        said = choice.get(part)
        if isinstance(said, dict):
            self._said(said, into)
        elif said is not None or part == "message":
            raise ProviderFailed("broken frame")
        if reason := choice.get("finish_reason"):
            if reason == "error":
                raise ProviderFailed("finish_reason error")
            self._finish = _FINISHES.get(reason, "other") if isinstance(reason, str) else "other"
            self.stage = Stage.FINISHED

    def _said(self, said: dict[str, Any], into: list[Delta]) -> None:
        if thought := said.get("reasoning_content") or said.get("reasoning"):
            self._thinks(thought, into)
        if content := said.get("content"):
            if isinstance(content, str):
                if text := self._text.feed(content):
                    into.append(Text(text))
            else:
                self._parts(content, into)
        if calls := said.get("tool_calls"):
            into.extend(self._calls.read(calls))

    def _thinks(self, thought: object, into: list[Delta]) -> None:
        if not isinstance(thought, str):
            raise ProviderFailed("broken frame")
        if thought := self._reasoning.feed(thought):
            into.append(Reasoning(thought))

    def _parts(self, parts: object, into: list[Delta]) -> None:
        """Content as a list, as Mistral sends it: `{"type": "text"}`, `{"type": "thinking"}`; others are left out."""
        if not isinstance(parts, list):
            raise ProviderFailed("broken frame")
        for part in parts:
            match part:
                case {"type": "text", "text": str(text)} if text := self._text.feed(text):
                    into.append(Text(text))
                case {"type": "thinking", "thinking": str(thought)}:
                    self._thinks(thought, into)
                case {"type": "thinking", "thinking": [*thoughts]}:
                    for thought in thoughts:
                        if isinstance(thought, dict):
                            self._thinks(thought.get("text", ""), into)


def _leniently(data: bytes) -> Any:
    """What orjson refuses: halves of characters, NaN, bytes that are no UTF-8."""
    try:
        return json.loads(data.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None


def _error(error: object) -> ProviderError:
    """An error that came inside an answer. Its words stay where they are; only a number is taken from it."""
    fields = error if isinstance(error, dict) else {}
    for key in ("code", "status", "status_code"):
        value = fields.get(key)
        status = (
            int(value) if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 4 else value
        )
        if isinstance(status, int) and 100 <= status <= 599:
            kind = ProviderBusy if is_busy(status) else ProviderFailed
            return kind(f"error in the answer, status {status}")
    words = " ".join(value for key in ("code", "type") if isinstance(value := fields.get(key), str)).lower()
    if any(word in words for word in _BUSY_WORDS):
        return ProviderBusy("error in the answer, busy")
    return ProviderFailed("error in the answer")


def _usage(usage: object) -> Usage | None:
    if not isinstance(usage, dict):
        return None
    counts = [
        count if type(count) is int and 0 <= count <= _MOST_TOKENS else None
        for count in (usage.get("prompt_tokens"), usage.get("completion_tokens"))
    ]
    return None if counts == [None, None] else Usage(*counts)
