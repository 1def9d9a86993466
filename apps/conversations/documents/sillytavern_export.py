"""The active path of a document as a SillyTavern chat. What was read from such a file is written back."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from apps.conversations.documents.shape import Document, active_path
from apps.conversations.documents.sillytavern import OF_A_SWIPE, columns_of, kept_of, object_of
from apps.conversations.models import Role

# Where a column is called otherwise there.
NAMES = {"reasoning": "reasoning", "model": "model", "completion_tokens": "token_count"}


def to_lines(document: Document, persona: str) -> Iterator[dict[str, Any]]:
    """The first line, then one a message. `persona` is what the user is called here."""
    yield kept_of(document["extra"]) or {
        "chat_metadata": {},
        "user_name": persona,
        "character_name": document["character_name"],
        "create_date": document["created_at"],
    }
    names = {
        Role.USER.value: persona,
        Role.ASSISTANT.value: document["character_name"],
        Role.SYSTEM.value: "System",
        Role.TOOL.value: "Tool",
    }
    siblings: dict[tuple[int | None, str], list[Document]] = defaultdict(list)
    for message in document["messages"]:
        siblings[message["parent"], message["role"]].append(message)
    for message in active_path(document):
        name = names[message["role"]]
        yield _with_swipes(message, siblings[message["parent"], message["role"]], name)


def _with_swipes(message: Document, siblings: list[Document], name: str) -> dict[str, Any]:
    line = _line(message, name)
    had_swipes = "swipe_info" in kept_of(message["extra"])
    if not had_swipes and (len(siblings) == 1 or message["role"] != Role.ASSISTANT):
        return line
    return {
        **line,
        "swipes": [sibling["content"] for sibling in siblings],
        "swipe_id": next(place for place, sibling in enumerate(siblings) if sibling["id"] == message["id"]),
        "swipe_info": [_swipe_info(sibling, name) for sibling in siblings],
    }


def _line(message: Document, name: str) -> dict[str, Any]:
    kept = kept_of(message["extra"])
    if "line" in kept:
        line = object_of(kept["line"])
    elif "swipe_of" in kept:
        line = {**object_of(kept["swipe_of"]), **object_of(kept.get("swipe_info"))}
    else:
        line = _own_line(message, name)
    return {**_with_columns(line, message), "mes": message["content"]}


def _own_line(message: Document, name: str) -> dict[str, Any]:
    """Of a message that did not come from such a file."""
    role = message["role"]
    hidden = message["extra"].get("hidden") is True or role == Role.TOOL
    return {
        "name": name,
        "is_user": role == Role.USER,
        "is_system": hidden,
        "send_date": message["created_at"],
        "extra": {"type": "narrator"} if role == Role.SYSTEM else {},
    }


def _swipe_info(message: Document, name: str) -> dict[str, Any]:
    kept = kept_of(message["extra"])
    if "swipe_info" not in kept:
        line = _line(message, name)
        return {key: line[key] for key in OF_A_SWIPE if key in line}
    info = object_of(kept["swipe_info"])
    # Of the swipe that was shown, the line told.
    return info if "line" in kept else _with_columns(info, message)


def _with_columns(line: dict[str, Any], message: Document) -> dict[str, Any]:
    """With what the message's columns say by now, where that is not what the file said."""
    about = object_of(line.get("extra"))
    said = columns_of(about, message["role"])
    news = {NAMES[name]: message[name] for name in said if message[name] and message[name] != said[name]}
    return {**line, "extra": {**about, **news}} if news else line
