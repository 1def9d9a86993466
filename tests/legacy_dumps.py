"""An older application's dumps, and what an import makes of them."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

from django.core.management import CommandError, call_command

from apps.characters.models import Character
from apps.conversations import tree, turns
from apps.conversations.models import Conversation, Message

HELLO = {"role": "user", "content": "Hello.", "timestamp": "2024-01-02T03:04:05Z"}
EVENING = {"role": "assistant", "content": "Good evening.", "timestamp": "2024-01-02T03:04:09Z"}
ADA = {"id": 7, "name": "Ada", "description": "Repairs clocks.", "chat_history": [HELLO, EVENING]}


def run(origin: Any, **options: Any) -> tuple[str, str]:
    """What it says, and what it complains of."""
    said, complained = StringIO(), StringIO()
    options = {"user": "alice@example.com", **options}
    try:
        call_command("import_legacy", str(origin), stdout=said, stderr=complained, **options)
    except CommandError as error:
        complained.write(f"FAILED {error}")
    return said.getvalue(), complained.getvalue()


def dump(path: Path, *records: Any) -> Path:
    path.write_text(json.dumps(list(records)))
    return path


def said_in(conversation: Conversation) -> list[tuple[str, str]]:
    """The active path."""
    path = tree.path_to(conversation.active_leaf_id, conversation, limit=1000)
    return [(message.role, message.content) for message in reversed(path)]


def counts() -> tuple[int, int, int]:
    return Character.objects.count(), Conversation.objects.count(), Message.objects.count()


def check_heads() -> None:
    """What lists show of a conversation is what is in it."""
    for conversation in Conversation.objects.all():
        messages = list(Message.objects.filter(conversation=conversation).order_by("id"))
        assert conversation.message_count == len(messages)
        if messages:
            assert conversation.active_leaf_id == tree.newest_leaf(messages[0].pk)
            assert conversation.last_message_at == messages[-1].created_at
            assert conversation.last_message_preview == turns.preview(conversation.active_leaf)
            assert [message.depth for message in messages] == list(range(len(messages)))
            assert {message.branch for message in messages} == {messages[0].pk}
            assert {message.user_id for message in messages} == {conversation.user_id}  # type: ignore[attr-defined]
