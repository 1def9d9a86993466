"""The AI SDK's UI message stream, version 1, as server-sent events.

A chunk's object is checked strictly by the client: an unknown type or a null outside of `data` fails the whole stream.
"""

import json
from collections.abc import Iterable
from typing import Any, Self

import orjson
from rest_framework.renderers import JSONRenderer

from apps.chat.models import GenerationStatus
from apps.chat.outcomes import DELETED, DETAILS, Outcome
from apps.chat.steps import JSON, is_source, is_whole, leave_off

HEADERS = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-cache",
    "X-Accel-Buffering": "no",
    "x-vercel-ai-ui-message-stream": "v1",
}

KEEP_ALIVE = b": keep-alive\n\n"
DONE = b"data: [DONE]\n\n"

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def frame(chunk: dict[str, Any]) -> bytes:
    return f"data: {_encode(chunk)}\n\n".encode()


class Chunks:
    """Makes the frames of one answer, in order: parts are opened before their first delta and closed once."""

    def __init__(self, message_id: str) -> None:
        self.message_id = message_id
        # How much has been told, in characters; and of which calls, and which sources, by their ids.
        self.told = {"text": 0, "reasoning": 0}
        self._called: set[str] = set()
        self._answered: set[str] = set()
        self._sources: set[str] = set()
        self._started = False
        self._open: str | None = None
        self._parts = 0
        # How a delta of the open part begins.
        self._delta_of = b""

    @classmethod
    def after(cls, frames: Iterable[bytes], message_id: str) -> Self:
        """To go on where these frames of somebody else's stop."""
        chunks = cls(message_id)
        for each in frames:
            if each == DONE:
                continue
            match json.loads(each.removeprefix(b"data: ")):
                case {"type": "start"}:
                    chunks._started = True
                case {"type": "text-start" | "reasoning-start" as kind, "id": str(part)}:
                    chunks._begin(kind.removesuffix("-start"), int(part))
                case {"type": "text-delta" | "reasoning-delta" as kind, "delta": str(delta)}:
                    chunks.told[kind.removesuffix("-delta")] += len(delta)
                case {"type": "text-end" | "reasoning-end"}:
                    chunks._open = None
                case {"type": "tool-input-available", "toolCallId": str(call)}:
                    chunks._called.add(call)
                case {"type": "tool-output-available" | "tool-output-error", "toolCallId": str(call)}:
                    chunks._answered.add(call)
                case {"type": "source-document", "sourceId": str(source)}:
                    chunks._sources.add(source)
        return chunks

    def start(self) -> list[bytes]:
        self._started = True
        which = {"messageId": self.message_id} if self.message_id else {}
        return [frame({"type": "start", **which}), frame({"type": "start-step"})]

    def text(self, delta: str) -> list[bytes]:
        return self._delta("text", delta)

    def reasoning(self, delta: str) -> list[bytes]:
        return self._delta("reasoning", delta)

    def next_step(self) -> list[bytes]:
        """The model is asked again, with what its tools said."""
        return [*self._close(), frame({"type": "finish-step"}), frame({"type": "start-step"})]

    def call(self, call: JSON) -> list[bytes]:
        """A call as a message keeps it: what of it is still to be told."""
        frames, which = [], {"toolCallId": call["id"]}
        if call["id"] not in self._called:
            self._called.add(call["id"])
            # What was imported may be null, which no client takes.
            given = {"toolName": call["name"], "input": {} if call["arguments"] is None else call["arguments"]}
            ours = {"dynamic": True, "providerExecuted": True}
            frames = [*self._close(), frame({"type": "tool-input-available", **which, **given, **ours})]
        if call["id"] in self._answered or (call["result"] is None and call["error"] is None):
            return frames
        self._answered.add(call["id"])
        if call["error"] is None:
            said = {"type": "tool-output-available", **which, "output": call["result"]}
        else:
            said = {"type": "tool-output-error", **which, "errorText": call["error"]["detail"]}
        return [*frames, *self._close(), frame({**said, "dynamic": True, "providerExecuted": True})]

    def sources(self, sources: Iterable[JSON]) -> list[bytes]:
        """Those that are still to be told."""
        frames = []
        # What an import brought may have any form.
        for source in filter(is_source, sources):
            if source["id"] not in self._sources:
                self._sources.add(source["id"])
                passage = {"dramatis": {"text": source["text"]}}
                shown = {"sourceId": source["id"], "mediaType": "text/plain", "title": source["title"]}
                frames.append(frame({"type": "source-document", **shown, "providerMetadata": passage}))
        return [*self._close(), *frames] if frames else []

    def end(self, outcome: Outcome) -> list[bytes]:
        """`finish` closes a whole answer, `abort` one that was stopped, `error` any other."""
        closing = self._closing(outcome)
        step = [frame({"type": "finish-step"})] if closing["type"] == "finish" else []
        return [*self._close(), *step, *self._turn(outcome), frame(closing), DONE]

    def rest(self, outcome: Outcome) -> list[bytes]:
        """What is still to be told of an answer that has ended, from its rows."""
        if outcome.turn is None:
            return self.rest_of("", "") + self.end(outcome)
        message = outcome.turn["assistant_message"]
        # Of one whose process died, no more is to come.
        calls = [dict(call) for call in message["tool_calls"]]
        leave_off(calls)
        told = (message["reasoning"], message["content"], calls, message["sources"])
        return self.rest_of(*told) + self.end(outcome)

    def rest_of(
        self, reasoning: str, text: str, calls: Iterable[JSON] = (), sources: Iterable[JSON] = ()
    ) -> list[bytes]:
        """What is still to be told of these."""
        frames = [] if self._started else self.start()
        if untold := reasoning[self.told["reasoning"] :]:
            frames += self.reasoning(untold)
        for call in calls:
            # What an import brought may have any form.
            if not is_whole(call):
                continue
            if untold := text[self.told["text"] : call["at"]]:
                frames += self.text(untold)
            frames += self.call(call)
        frames += self.sources(sources)
        if untold := text[self.told["text"] :]:
            frames += self.text(untold)
        return frames

    @staticmethod
    def _closing(outcome: Outcome) -> dict[str, str]:
        if outcome.status == GenerationStatus.COMPLETE and outcome.turn is not None:
            return {"type": "finish", "finishReason": outcome.turn["assistant_message"]["finish_reason"] or "other"}
        if outcome.status == GenerationStatus.STOPPED and not outcome.error:
            return {"type": "abort"}
        return {"type": "error", "errorText": outcome.detail or DETAILS[DELETED]}

    def _delta(self, kind: str, delta: str) -> list[bytes]:
        frames = []
        self.told[kind] += len(delta)
        if self._open != kind:
            frames = self._close()
            self._begin(kind, self._parts + 1)
            frames.append(frame({"type": f"{kind}-start", "id": str(self._parts)}))
        # There are more of these than of all others together.
        frames.append(b"%b%b}\n\n" % (self._delta_of, orjson.dumps(delta)))
        return frames

    def _begin(self, kind: str, part: int) -> None:
        self._open, self._parts = kind, part
        self._delta_of = f'data: {{"type":"{kind}-delta","id":"{part}","delta":'.encode()

    def _close(self) -> list[bytes]:
        if self._open is None:
            return []
        kind, self._open = self._open, None
        return [frame({"type": f"{kind}-end", "id": str(self._parts)})]

    def _turn(self, outcome: Outcome) -> list[bytes]:
        if outcome.turn is None:
            return []
        # As the header `Retry-After` of the JSON form, which a stream has sent its headers too early for.
        wait = {} if outcome.retry_after is None else {"retry_after": outcome.retry_after}
        chunk = {"type": "data-turn", "data": {**outcome.turn, **wait}, "transient": True}
        return [b"data: " + JSONRenderer().render(chunk) + b"\n\n"]
