"""The AI SDK's UI message stream, version 1, as server-sent events.

A chunk's object is checked strictly by the client: an unknown type or a null outside of `data` fails the whole stream.
"""

import json
from typing import Any

from rest_framework.renderers import JSONRenderer

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
        self._open: str | None = None
        self._parts = 0

    def start(self) -> list[bytes]:
        return [frame({"type": "start", "messageId": self.message_id}), frame({"type": "start-step"})]

    def text(self, delta: str) -> list[bytes]:
        return self._delta("text", delta)

    def reasoning(self, delta: str) -> list[bytes]:
        return self._delta("reasoning", delta)

    def finish(self, turn: dict[str, Any], reason: str) -> list[bytes]:
        return [
            *self._close(),
            frame({"type": "finish-step"}),
            *self._turn(turn),
            frame({"type": "finish", "finishReason": reason}),
            DONE,
        ]

    def abort(self, turn: dict[str, Any]) -> list[bytes]:
        return [*self._close(), *self._turn(turn), frame({"type": "abort"}), DONE]

    def error(self, turn: dict[str, Any] | None, text: str) -> list[bytes]:
        return [*self._close(), *self._turn(turn), frame({"type": "error", "errorText": text}), DONE]

    def _delta(self, kind: str, delta: str) -> list[bytes]:
        frames = []
        if self._open != kind:
            frames = self._close()
            self._parts += 1
            self._open = kind
            frames.append(frame({"type": f"{kind}-start", "id": str(self._parts)}))
        frames.append(frame({"type": f"{kind}-delta", "id": str(self._parts), "delta": delta}))
        return frames

    def _close(self) -> list[bytes]:
        if self._open is None:
            return []
        kind, self._open = self._open, None
        return [frame({"type": f"{kind}-end", "id": str(self._parts)})]

    def _turn(self, turn: dict[str, Any] | None) -> list[bytes]:
        if turn is None:
            return []
        chunk = {"type": "data-turn", "data": turn, "transient": True}
        return [b"data: " + JSONRenderer().render(chunk) + b"\n\n"]
