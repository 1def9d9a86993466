"""Messages in the AI SDK's form. Pure.

An answer's parts are made from the chunks that tell it, so that history shows what a stream would have.
"""

import json
from typing import Any

from apps.chat.chunks import Chunks
from apps.conversations.models import Message, Role

JSON = dict[str, Any]

# Tools' own rows, which imports bring, are none of the SDK's.
ROLES = (Role.SYSTEM, Role.USER, Role.ASSISTANT)


def ui_message(message: Message) -> JSON:
    """For `UIMessageSerializer`, which makes the metadata of the message itself."""
    parts = of_answer(message) if message.role == Role.ASSISTANT else [_done("text", message.content)]
    return {"id": str(message.pk), "role": message.role, "metadata": message, "parts": parts}


def of_answer(message: Message) -> list[JSON]:
    parts: list[JSON] = []
    calls: dict[str, JSON] = {}
    told = (message.reasoning, message.content, message.tool_calls, message.sources)
    for frame in Chunks("").rest_of(*told):
        chunk = json.loads(frame.removeprefix(b"data: "))
        match chunk["type"]:
            case "start-step":
                parts.append({"type": "step-start"})
            case "text-delta":
                if calls and parts[-1]["type"] != "step-start":
                    # What tools said the model heard in a step of its own.
                    parts.append({"type": "step-start"})
                parts.append(_done("text", chunk["delta"]))
            case "reasoning-delta":
                parts.append(_done("reasoning", chunk["delta"]))
            case "source-document":
                parts.append(chunk)
            case "tool-input-available":
                call = {"type": "dynamic-tool", "state": "input-available", "providerExecuted": True}
                calls[chunk["toolCallId"]] = call | {name: chunk[name] for name in ("toolCallId", "toolName", "input")}
                parts.append(calls[chunk["toolCallId"]])
            case "tool-output-available":
                calls[chunk["toolCallId"]] |= {"state": "output-available", "output": chunk["output"]}
            case "tool-output-error":
                calls[chunk["toolCallId"]] |= {"state": "output-error", "errorText": chunk["errorText"]}
    return parts


def _done(kind: str, text: str) -> JSON:
    return {"type": kind, "text": text, "state": "done"}
