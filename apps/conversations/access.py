"""Getting hold of a conversation in order to change it.

What was looked up and validated before the lock is looked at again under it: another request may have been faster.
"""

from contextlib import suppress
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.http import Http404
from rest_framework.exceptions import ValidationError

from apps.accounts.models import User
from apps.api.errors import Conflict
from apps.api.lookups import Lookup
from apps.api.statements import Statement
from apps.conversations import turns
from apps.conversations.models import Conversation, Message


class GenerationInProgress(Conflict):
    default_code = "generation_in_progress"
    default_detail = "An answer is being written in this conversation. Wait for it, or stop it."


_MINE = Statement(
    "SELECT EXISTS ({mine})",
    mine=lambda user, conversation: Conversation.objects.owned_by(User(pk=user)).filter(pk=conversation).values("pk"),
)


def look_up(user: Any, conversation: UUID) -> None:
    """404 where this user has no such conversation. Of its row, nothing is read before it is `held`."""
    [[found]] = _MINE.rows(user=user.pk, conversation=conversation)
    if not found:
        raise Http404


def held(conversation: Any, *along: str) -> Conversation:
    """The row, until the transaction ends, with those of others that are named read along; 404 where somebody deleted
    it since it was looked up."""
    try:
        return turns.locked(conversation, *along)
    except Conversation.DoesNotExist as error:
        raise Http404 from error


def still_here(message: Message, field: str) -> Message:
    """The message as it is now; 400 for `field` where it was deleted since it was looked up."""
    try:
        return Message.objects.get(pk=message.pk)
    except Message.DoesNotExist as error:
        raise ValidationError({field: ["This message is gone."]}, code="does_not_exist") from error


def parent_of(conversation: Conversation, fields: dict[str, Any]) -> Message | None:
    """Takes `parent` out of a new message's fields: the leaf where it is left out, None for a new root."""
    if "parent" not in fields:
        return leaf_of(conversation)
    parent: Message | None = fields.pop("parent")
    return parent and still_here(parent, "parent")


_MESSAGE = Lookup(lambda message: Message.objects.filter(pk=message))


def leaf_of(conversation: Conversation) -> Message | None:
    if conversation.active_leaf_id is not None and not Conversation.active_leaf.is_cached(conversation):
        conversation.active_leaf = _MESSAGE.first(message=conversation.active_leaf_id)
    return conversation.active_leaf


def refuse_known_client_id(conversation: Conversation, client_id: str | None, field: str) -> None:
    """400 for `field` where this conversation has a message with that id, of the client's own or of ours."""
    if not client_id:
        return
    named = Q(client_id=client_id)
    with suppress(ValueError):
        # Ours are names too, for whoever loaded them from here.
        named |= Q(pk=UUID(client_id))
    if Message.objects.filter(named, conversation=conversation).exists():
        raise ValidationError({field: ["There is a message with this id already."]}, code="unique")
