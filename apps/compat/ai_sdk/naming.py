"""What clients call messages: by ids of their own for what they sent, by ours for all else."""

import re
from uuid import UUID

from django.db.models import Q

from apps.api.paths import IdConverter
from apps.conversations import tree
from apps.conversations.models import Conversation, Message


def as_id(text: str) -> UUID | None:
    return UUID(text) if re.fullmatch(IdConverter.regex, text) else None


def named(conversation: Conversation, name: str) -> Message | None:
    """The message of this conversation that a client calls so.

    Where it edited a message that it knows by our id, that id is also its own for the new version: then it means the
    one that is on the active path, else the new one.
    """
    wanted = Q(pk=as_id(name)) | Q(client_id=name) if as_id(name) else Q(client_id=name)
    found = list(Message.objects.filter(wanted, conversation=conversation)) if name else []
    if len(found) > 1 and conversation.active_leaf is not None:
        path = set(tree.ids_to(conversation.active_leaf))
        found.sort(key=lambda message: (message.pk not in path, message.client_id != name))
    return found[0] if found else None
