"""A conversation as a document."""

from typing import Any

from apps.conversations.models import Conversation, Message


def to_document(conversation: Conversation) -> dict[str, Any]:
    """The whole tree, with numbers of its own for ids."""
    numbers: dict[Any, int] = {}
    messages = []
    for message in Message.objects.filter(conversation=conversation).order_by("id"):
        numbers[message.pk] = len(numbers) + 1
        messages.append(
            {
                "id": numbers[message.pk],
                "parent": numbers.get(message.parent_id),
                "role": message.role,
                "content": message.content,
            }
        )
    return {"title": conversation.title, "character_name": conversation.character_name, "messages": messages}
