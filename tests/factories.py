"""Rows for tests, with readable defaults."""

from hashlib import sha256
from io import BytesIO
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from PIL import Image

from apps.accounts.models import User
from apps.api.rows import columns, new_id
from apps.characters.models import Character, CharacterFile
from apps.conversations import turns
from apps.conversations.models import Conversation, Message, Role

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


def make_conversation(user: User, character: Character | None = None, **fields: Any) -> Conversation:
    return turns.begin(user, character or make_character(user), **fields)


def say(conversation: Conversation, content: str, role: str = Role.USER, **fields: Any) -> Message:
    """Append under the active leaf."""
    conversation.refresh_from_db()
    message = turns.append(conversation, conversation.active_leaf, role=role, content=content, **fields)
    turns.save_head(conversation)
    return message


def grow(conversation: Conversation, count: int) -> QuerySet[Message]:
    """A long straight path: `count` messages, user and assistant by turns, each a copy of the first. They are read
    from the database when they are asked for."""
    conversation.refresh_from_db()
    parent = conversation.active_leaf
    first = Message(conversation=conversation, user=conversation.user, role=Role.USER, content="Line 0.")
    first.follow(parent, goes_on=parent is not None)
    first.save(force_insert=True)
    ids = [first.pk, *(new_id() for _ in range(count - 1))]
    copied = columns(Message, but={"id", "parent_id", "depth", "created_at", "role", "content"})
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO conversations_message ({copied}, id, parent_id, depth, created_at, role, content)
            SELECT {copied}, it.id, it.parent_id, depth + number, created_at + number * interval '1 microsecond',
                   CASE mod(number, 2) WHEN 0 THEN 'user' ELSE 'assistant' END, 'Line ' || number || '.'
            FROM conversations_message AS first,
                 unnest(%s::uuid[], %s::uuid[]) WITH ORDINALITY AS it (id, parent_id, number)
            WHERE first.id = %s
            """,
            [ids[1:], ids[:-1], first.pk],
        )
    conversation.active_leaf = Message.objects.get(pk=ids[-1])
    conversation.message_count += count
    conversation.last_message_at = conversation.active_leaf.created_at
    turns.save_head(conversation)
    return Message.objects.filter(branch=first.branch, depth__gte=first.depth).order_by("depth")
