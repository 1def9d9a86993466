"""A SillyTavern chat as a document. What has no place of its own here is kept for `sillytavern_export`.

A line becomes a message; its swipes become the siblings of that message, which the next line follows. In a message's
`extra["sillytavern"]` stands `line`, the line without its texts, where it is the swipe that was shown; another one has
`swipe_of`, what is the line's and not a swipe's. `swipe_info`, what was said of a swipe, is there where the line had
swipes. The file's first line is in the conversation's `extra["sillytavern"]`.
"""

from datetime import datetime
from typing import Any

from apps.conversations.documents import dates, lines
from apps.conversations.documents.shape import FORMAT, VERSION, Document
from apps.conversations.models import Role

KEPT = "sillytavern"
# What newer files write in the place of names.
UNUSED = "unused"

HEADER = {"chat_metadata", "user_name", "character_name", "create_date"}
# What belongs to a swipe: SillyTavern copies it to and fro between a line and its `swipe_info`.
OF_A_SWIPE = {"send_date", "gen_started", "gen_finished", "extra"}
TEXTS = {"mes", "swipes", "swipe_id", "swipe_info"}

MAX_MODEL = 200
MAX_TOKENS = 2**31 - 1


class NotAChat(ValueError):
    """Nothing in it is a line of a SillyTavern chat."""


def read(data: bytes, now: datetime) -> tuple[Document, list[str]]:
    """The document, and what a reader should know. `now` is the time of what tells none."""
    warnings = lines.Warnings()
    header: dict[str, Any] = {}
    messages: list[Document] = []
    parent: int | None = None
    when: datetime | None = None
    for number, line in lines.read(data, warnings):
        text = text_of(line.get("mes"))
        if text is None:
            if not header and not messages and HEADER & line.keys():
                header = line
                when = dates.read(line.get("create_date"))
            else:
                warnings.add(number, "it is no message, and was left out.")
            continue
        told = dates.read(line.get("send_date"))
        if told is None and line.get("send_date") not in (None, ""):
            warnings.add(number, "its date cannot be read; the one before it was taken.")
        when = told or when or now
        begin = len(messages)
        said, shown = swipes_of(line, text, when)
        messages += [{"id": begin + place, "parent": parent, **each} for place, each in enumerate(said)]
        parent = begin + shown
    if not header and not messages:
        raise NotAChat
    return _document(header, messages, parent, now), warnings.told()


def _document(header: dict[str, Any], messages: list[Document], leaf: int | None, now: datetime) -> Document:
    first = messages[0]["created_at"] if messages else now.isoformat()
    begun = dates.read(header.get("create_date"))
    return {
        "format": FORMAT,
        "version": VERSION,
        "character_name": _name(header.get("character_name"), messages, Role.ASSISTANT)[:200],
        "persona_name": _name(header.get("user_name"), messages, Role.USER)[:100],
        "extra": {KEPT: header} if header else {},
        "created_at": begun.isoformat() if begun else first,
        "active_leaf": leaf,
        "messages": messages,
    }


def _name(named: Any, messages: list[Document], role: Role) -> str:
    """As the first line has it, else the first message of that role."""
    if isinstance(named, str) and named not in ("", UNUSED):
        return named
    spoken = (speaker(message) for message in messages if message["role"] == role and "hidden" not in message["extra"])
    return next((name for name in spoken if name), "")


def speaker(message: Document) -> str:
    """Who said it, as the file had it; blank where it did not come from one."""
    kept = kept_of(message["extra"])
    name = object_of(kept.get("line", kept.get("swipe_of"))).get("name")
    return name if isinstance(name, str) else ""


def swipes_of(line: dict[str, Any], text: str, when: datetime) -> tuple[list[Document], int]:
    """The messages that a line makes, and which of them was shown. `text` is what it says: a swipe may be stale."""
    rest = {name: value for name, value in line.items() if name not in TEXTS}
    if not isinstance(line.get("swipes"), list) or not line["swipes"]:
        return [_message(line, text, when, rest.get("extra"), {"line": rest})], 0
    texts = [text_of(swipe) or "" for swipe in line["swipes"]]
    shown = _shown(texts, line.get("swipe_id"), text)
    if shown == len(texts):
        texts.append(text)
    texts[shown] = text
    infos = line["swipe_info"] if isinstance(line.get("swipe_info"), list) else []
    infos = [object_of(info) for info in infos[: len(texts)]] + [{}] * (len(texts) - len(infos))
    of_line = {name: value for name, value in rest.items() if name not in OF_A_SWIPE}
    said = []
    for place, (swipe, info) in enumerate(zip(texts, infos, strict=True)):
        if place == shown:
            kept = {"line": rest, "swipe_info": info}
            said.append(_message(line, swipe, when, rest.get("extra"), kept))
        else:
            kept = {"swipe_of": of_line, "swipe_info": info}
            said.append(_message(line, swipe, dates.read(info.get("send_date")) or when, info.get("extra"), kept))
    return said, shown


def _shown(texts: list[str], swipe_id: Any, text: str) -> int:
    if type(swipe_id) is int and 0 <= swipe_id < len(texts):
        return swipe_id
    return texts.index(text) if text in texts else len(texts)


def _message(line: dict[str, Any], text: str, when: datetime, about: Any, kept: dict[str, Any]) -> Document:
    role = _role(line)
    return {
        "role": role.value,
        "content": text,
        "extra": {KEPT: kept, **({"hidden": True} if line.get("is_system") is True else {})},
        "created_at": when.isoformat(),
        **columns_of(object_of(about), role),
    }


def _role(line: dict[str, Any]) -> Role:
    if line.get("is_user") is True:
        return Role.USER
    if object_of(line.get("extra")).get("type") == "narrator" or line.get("name") == "SillyTavern System":
        return Role.SYSTEM
    return Role.ASSISTANT


def columns_of(about: dict[str, Any], role: str) -> dict[str, Any]:
    """What a line's `extra` says that a message has a place for."""
    reasoning, model, tokens = about.get("reasoning"), about.get("model"), about.get("token_count")
    counted = type(tokens) is int and 0 <= tokens <= MAX_TOKENS and role == Role.ASSISTANT
    return {
        "reasoning": reasoning if isinstance(reasoning, str) else "",
        "model": model if isinstance(model, str) and len(model) <= MAX_MODEL else "",
        "completion_tokens": tokens if counted else None,
    }


def text_of(value: Any) -> str | None:
    """Some exporters put the text into an object."""
    if isinstance(value, dict):
        value = value.get("message")
    return value if isinstance(value, str) else None


def kept_of(extra: dict[str, Any]) -> dict[str, Any]:
    """What is in there may be anything: people can write `extra` themselves."""
    return object_of(extra.get(KEPT))


def object_of(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
