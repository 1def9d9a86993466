"""The active path of a document, for people to read."""

import re
from collections.abc import Iterator
from datetime import datetime

from apps.conversations.documents.shape import Document, active_path
from apps.conversations.documents.sillytavern import speaker
from apps.conversations.models import MessageStatus, Role

MEANS_SOMETHING = re.compile(r"([\\`*_\[\]<>#])")


def to_markdown(document: Document, persona: str) -> Iterator[str]:
    """Piece by piece. `persona` is what the user is called here. Texts are Markdown already, and stay as they are."""
    character = document["character_name"] or "Character"
    yield f"# {plain(document['title'] or f'Conversation with {character}')}\n\n"
    yield f"With {plain(character)}, as {plain(persona)}. Begun {_time(document['created_at'])}.\n"
    names = {
        Role.USER.value: persona,
        Role.ASSISTANT.value: character,
        Role.SYSTEM.value: "System",
        Role.TOOL.value: "Tool",
    }
    for message in active_path(document):
        name = speaker(message) or names[message["role"]]
        status = "" if message["status"] == MessageStatus.COMPLETE else f", {message['status']}"
        yield f"\n---\n\n**{plain(name)}**, {_time(message['created_at'])}{status}\n\n{message['content']}\n"


def plain(text: str) -> str:
    """On one line, without a meaning for Markdown."""
    return MEANS_SOMETHING.sub(r"\\\1", " ".join(text.split()))


def _time(text: str) -> str:
    when = datetime.fromisoformat(text)
    # Not by strftime, which writes early years in its own way.
    return f"{when.isoformat(' ', 'minutes')[:16]} UTC"
