"""Rows for tests, with readable defaults."""

from hashlib import sha256
from io import BytesIO
from typing import Any

from PIL import Image

from apps.accounts.models import User
from apps.characters.models import Character, CharacterFile
from apps.conversations import turns
from apps.conversations.models import Conversation, Message, Role
from apps.knowledge import library
from apps.knowledge.models import Document
from apps.knowledge.reading import Read
from apps.tools.models import Tool

PASSWORD = "correct horse battery"


def make_user(email: str = "carol@example.com", **fields: Any) -> User:
    return User.objects.create_user(email, PASSWORD, **fields)


def make_character(user: User, **fields: Any) -> Character:
    return Character.objects.create(
        **{
            "user": user,
            "name": "Ada",
            "description": "{{char}} repairs clocks.",
            "first_message": "Hello, {{user}}.",
            **fields,
        }
    )


def make_picture(colour: str = "red", form: str = "PNG", size: tuple[int, int] = (6, 4), **options: Any) -> bytes:
    file = BytesIO()
    Image.new("RGB", size, colour).save(file, form, **options)
    return file.getvalue()


def make_file(character: Character, kind: str, path: str, content: bytes, media_type: str) -> CharacterFile:
    return CharacterFile.objects.create(
        character=character,
        kind=kind,
        path=path,
        content=content,
        media_type=media_type,
        size=len(content),
        sha256=sha256(content).hexdigest(),
    )


def make_tool(user: User, name: str = "", builtin: str = "time", **fields: Any) -> Tool:
    """One that needs no server, or of another `kind` with its `config`."""
    name = name or f"clock{user.tools.count() or ''}"
    return Tool.objects.create(
        **{"user": user, "name": name, "kind": "builtin", "config": {"builtin": builtin}, **fields}
    )


def make_document(character: Character, title: str, text: str, kind: str = "text") -> Document:
    return library.keep(character.user, character.pk, title, Read(kind, text), len(text.encode()))


def make_conversation(user: User, character: Character | None = None, **fields: Any) -> Conversation:
    return turns.begin(user, character or make_character(user), **fields)


def say(conversation: Conversation, content: str, role: str = Role.USER, **fields: Any) -> Message:
    """Append under the active leaf."""
    conversation.refresh_from_db()
    message = turns.append(conversation, conversation.active_leaf, role=role, content=content, **fields)
    turns.save_head(conversation)
    return message


def grow(conversation: Conversation, count: int) -> list[Message]:
    """A long straight path, made in one statement: `count` messages, user and assistant by turns."""
    conversation.refresh_from_db()
    parent = conversation.active_leaf
    messages: list[Message] = []
    for number in range(count):
        message = Message(
            conversation=conversation,
            user=conversation.user,
            role=Role.ASSISTANT if number % 2 else Role.USER,
            content=f"Line {number}.",
        )
        message.follow(parent, goes_on=parent is not None)
        messages.append(message)
        parent = message
    Message.objects.bulk_create(messages, batch_size=1000)
    conversation.active_leaf = parent
    conversation.message_count += count
    conversation.last_message_at = messages[-1].created_at
    turns.save_head(conversation)
    return messages
