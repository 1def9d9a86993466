"""What stands in a document, by name, and how its messages hang together."""

from collections.abc import Iterable
from typing import Any

Document = dict[str, Any]

FORMAT = "dramatis.conversation"
VERSION = 1
MAX_MESSAGES = 100_000

CONVERSATION_TEXTS = ("character_name", "title", "topic", "persona_name", "persona_description")
CONVERSATION_FIELDS = (
    *CONVERSATION_TEXTS,
    *("model", "temperature", "top_p", "max_tokens", "stop", "pinned", "archived", "extra", "created_at"),
)
# Besides `id` and `parent`.
MESSAGE_FIELDS = (
    *("role", "content", "reasoning", "tool_calls", "sources", "extra", "client_id", "status", "error", "model"),
    *("finish_reason", "prompt_tokens", "completion_tokens", "rating", "created_at", "edited_at"),
)


def newest_leaf(start: int, parents: Iterable[tuple[int, int | None]]) -> int:
    """The last of the messages at or below `start`, in the document's order; nothing follows that one.

    `parents` are all messages, parents first, each with its own number and its parent's.
    """
    below = {start}
    last = start
    for number, parent in parents:
        if parent in below:
            below.add(number)
            last = number
    return last


def active_path(document: Document) -> list[Document]:
    """The messages from the root down to the active leaf."""
    messages = {message["id"]: message for message in document["messages"]}
    path = []
    number = document["active_leaf"]
    while number is not None:
        path.append(messages[number])
        number = messages[number]["parent"]
    return path[::-1]
