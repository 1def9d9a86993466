"""Documents from rows, and rows from documents."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.ownership import hold
from apps.characters.models import Character
from apps.conversations import turns
from apps.conversations.documents.shape import (
    CONVERSATION_FIELDS,
    FORMAT,
    MESSAGE_FIELDS,
    VERSION,
    Document,
    newest_leaf,
)
from apps.conversations.models import Conversation, Message, MessageStatus

BATCH = 1000


def to_document(conversation: Conversation) -> Document:
    """The whole tree, with numbers of its own for ids: the place of each message, the oldest first."""
    numbers: dict[Any, int] = {}
    messages = []
    columns = ("id", "parent_id", *MESSAGE_FIELDS)
    rows: Iterable[Any] = Message.objects.filter(conversation=conversation).order_by("id").values(*columns)
    for row in _parents_first(rows):
        numbers[row["id"]] = number = len(numbers)
        said = {name: _plain(row[name]) for name in MESSAGE_FIELDS}
        if said["status"] == MessageStatus.GENERATING:
            # Nobody goes on writing in a document.
            said["status"] = MessageStatus.INTERRUPTED.value
        messages.append({"id": number, "parent": numbers.get(row["parent_id"]), **said})
    leaf = numbers.get(conversation.active_leaf_id)
    if leaf is not None:
        # Something may have been added since the conversation was read.
        leaf = newest_leaf(leaf, _parents(messages))
    return {
        "format": FORMAT,
        "version": VERSION,
        **{name: _plain(getattr(conversation, name)) for name in CONVERSATION_FIELDS},
        "active_leaf": leaf,
        "messages": messages,
    }


@transaction.atomic
def from_document(user: User, document: Document, character: Character | None = None) -> Conversation:
    """A new conversation of `user` with everything that a document says, which `ConversationDocument` validated."""
    now = timezone.now()
    said = {name: document[name] for name in CONVERSATION_FIELDS if document.get(name) is not None}
    conversation = Conversation(**{"user": user, "character": character, "created_at": now, **said})
    if character and not conversation.character_name:
        conversation.character_name = character.name
    messages: dict[int, Message] = {}
    followed: set[int | None] = set()
    for said in document["messages"]:
        fields = {name: said[name] for name in MESSAGE_FIELDS if said.get(name) is not None}
        message = Message(**{"conversation": conversation, "user": user, "created_at": now, **fields})
        number = said["parent"]
        message.follow(None if number is None else messages[number], goes_on=number not in followed)
        followed.add(number)
        messages[said["id"]] = message
    if messages:
        Message.objects.bulk_create(messages.values(), batch_size=BATCH)
        latest = next(reversed(messages))
        leaf = document.get("active_leaf")
        conversation.active_leaf = messages[
            latest if leaf is None else newest_leaf(leaf, _parents(document["messages"]))
        ]
        conversation.message_count = len(messages)
        conversation.last_message_at = messages[latest].created_at
        conversation.last_message_preview = turns.preview(conversation.active_leaf)
    hold(user)
    conversation.save(force_insert=True)
    return conversation


def _parents(messages: Iterable[Document]) -> Iterator[tuple[int, int | None]]:
    return ((message["id"], message["parent"]) for message in messages)


def _parents_first(rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The rows as they come, but each after its parent: the clocks of two machines may differ a little."""
    seen: set[Any] = {None}
    waiting: defaultdict[Any, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        if row["parent_id"] not in seen:
            waiting[row["parent_id"]].append(row)
            continue
        ready = [row]
        while ready:
            row = ready.pop()
            seen.add(row["id"])
            yield row
            ready += reversed(waiting.pop(row["id"], []))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value
