"""`/v1/conversations`: the same as everywhere, in OpenAI's form. Items are the messages of the active path."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.errors import Conflict
from apps.api.queries import query_of
from apps.compat.openai import names
from apps.compat.openai.base import TAG, View, validated
from apps.compat.openai.conversation_serializers import (
    OpenAIChangeSerializer,
    OpenAIConversationSerializer,
    OpenAIDeletedSerializer,
    OpenAIItemListQuery,
    OpenAIItemListSerializer,
    OpenAIItemSerializer,
    OpenAINewConversationSerializer,
    OpenAINewItemsSerializer,
)
from apps.compat.openai.said import ROLES
from apps.conversations import tree, turns
from apps.conversations.access import GenerationInProgress, held
from apps.conversations.models import Conversation, Message, MessageStatus, Role

# Where a conversation's `extra` has it.
METADATA = "metadata"

STATUSES = {MessageStatus.COMPLETE: "completed", MessageStatus.GENERATING: "in_progress"}


class NotTheLast(Conflict):
    """OpenAI takes one item out; here whatever follows a message would go along."""

    default_code = "not_the_last"
    default_detail = "Other messages follow this one. Delete those first."


def about(conversation: Conversation) -> dict[str, Any]:
    metadata = conversation.extra.get(METADATA)
    metadata = metadata if isinstance(metadata, dict) else {}
    return {
        "id": str(conversation.pk),
        "object": "conversation",
        "created_at": int(conversation.created_at.timestamp()),
        # What somebody else has put there may be anything.
        "metadata": {name: value for name, value in metadata.items() if isinstance(value, str)},
        "character": conversation.character_id and str(conversation.character_id),
        "title": conversation.title,
    }


def item(message: Message) -> dict[str, Any]:
    told: dict[str, Any] = {"type": "input_text", "text": message.content}
    if message.role == Role.ASSISTANT:
        told = {"type": "output_text", "text": message.content, "annotations": [], "logprobs": []}
    return {
        "id": str(message.pk),
        "type": "message",
        "role": message.role,
        "status": STATUSES.get(MessageStatus(message.status), "incomplete"),
        "content": [told],
    }


def page(messages: list[Message], *, more: bool) -> dict[str, Any]:
    items = [item(message) for message in messages]
    ends = (items[0]["id"], items[-1]["id"]) if items else (None, None)
    return {"object": "list", "data": items, "first_id": ends[0], "last_id": ends[1], "has_more": more}


class ConversationView(View):
    """What is told of one of the user's."""

    def conversation(self, pk: UUID) -> Conversation:
        return get_object_or_404(Conversation.objects.owned_by(self.user), pk=pk)


class ConversationsView(View):
    @extend_schema(
        tags=[TAG],
        operation_id="openai_conversations_create",
        request=OpenAINewConversationSerializer,
        responses=OpenAIConversationSerializer,
    )
    def post(self, request: Request) -> Response:
        """Begin a conversation, with one of your characters if you name one in `character`."""
        asked = validated(OpenAINewConversationSerializer, request)
        character = self._character(asked.get("character"))
        extra = {METADATA: asked["metadata"]} if asked.get("metadata") else {}
        items = asked.get("items") or []
        with transaction.atomic():
            conversation = turns.begin(self.user, character, greeting=None if items else 0, extra=extra)
            add(conversation, items)
        return Response(about(conversation))

    def _character(self, asked: str | None) -> Any:
        try:
            return names.find(self.user, asked)[1] if asked is not None else None
        except names.NoSuchModel as error:
            raise ValidationError({"character": [str(error.detail)]}, code="does_not_exist") from error


def add(conversation: Conversation, items: list[dict[str, Any]]) -> list[Message]:
    """After the active leaf, of a conversation that is held."""
    made = [
        turns.append(conversation, conversation.active_leaf, role=ROLES[each["role"]], content=each["content"])
        for each in items
    ]
    if made:
        turns.save_head(conversation)
    return made


class OneConversationView(ConversationView):
    @extend_schema(tags=[TAG], operation_id="openai_conversations_retrieve", responses=OpenAIConversationSerializer)
    def get(self, request: Request, pk: UUID) -> Response:
        """One conversation of yours."""
        return Response(about(self.conversation(pk)))

    @extend_schema(
        tags=[TAG],
        operation_id="openai_conversations_update",
        request=OpenAIChangeSerializer,
        responses=OpenAIConversationSerializer,
    )
    def post(self, request: Request, pk: UUID) -> Response:
        """Set a conversation's metadata, in place of what it had."""
        self.conversation(pk)
        asked = validated(OpenAIChangeSerializer, request)
        with transaction.atomic():
            conversation = held(pk)
            conversation.extra[METADATA] = asked["metadata"] or {}
            conversation.save(update_fields=["extra", "updated_at"])
        return Response(about(conversation))

    @extend_schema(tags=[TAG], operation_id="openai_conversations_delete", responses={200: OpenAIDeletedSerializer})
    def delete(self, request: Request, pk: UUID) -> Response:
        """Delete a conversation and its messages."""
        self.conversation(pk)
        with transaction.atomic():
            held(pk).delete()
        return Response({"id": str(pk), "object": "conversation.deleted", "deleted": True})


class ItemsView(ConversationView):
    @extend_schema(
        tags=[TAG],
        operation_id="openai_conversation_items_list",
        parameters=[OpenAIItemListQuery],
        responses=OpenAIItemListSerializer,
    )
    def get(self, request: Request, pk: UUID) -> Response:
        """What was said in a conversation, on the branch that is active."""
        conversation = self.conversation(pk)
        query = query_of(request, OpenAIItemListQuery)
        limit = query["limit"]
        after = self._named(conversation, query.get("after"))
        found = (_older if query["order"] == "desc" else _newer)(conversation, after, limit + 1)
        return Response(page(found[:limit], more=len(found) > limit))

    def _named(self, conversation: Conversation, pk: UUID | None) -> Message | None:
        if pk is None:
            return None
        found = Message.objects.filter(conversation=conversation, pk=pk).first()
        if found is None:
            raise ValidationError({"after": ["There is no such item here."]}, code="does_not_exist")
        return found

    @extend_schema(
        tags=[TAG],
        operation_id="openai_conversation_items_create",
        request=OpenAINewItemsSerializer,
        responses=OpenAIItemListSerializer,
    )
    def post(self, request: Request, pk: UUID) -> Response:
        """Add messages after the last one, without calling the model."""
        self.conversation(pk)
        asked = validated(OpenAINewItemsSerializer, request)
        with transaction.atomic():
            conversation = held(pk)
            if conversation.generating_id:
                raise GenerationInProgress()
            made = add(conversation, asked["items"])
        return Response(page(made, more=False))


def _older(conversation: Conversation, after: Message | None, limit: int) -> list[Message]:
    start = after.parent_id if after else conversation.active_leaf_id
    return tree.path_to(start, conversation, limit=limit) if start else []


def _newer(conversation: Conversation, after: Message | None, limit: int) -> list[Message]:
    leaf = conversation.active_leaf_id
    if leaf is None:
        return []
    first = [] if after else [tree.first(leaf, conversation)]
    edge = after or first[0]
    return [*first, *reversed(tree.path_after(edge.pk, leaf, conversation, limit=limit - len(first)))]


class ItemView(ConversationView):
    def message(self, pk: UUID, item_pk: UUID) -> Message:
        return get_object_or_404(Message.objects.owned_by(self.user).filter(conversation=pk), pk=item_pk)

    @extend_schema(tags=[TAG], operation_id="openai_conversation_items_retrieve", responses=OpenAIItemSerializer)
    def get(self, request: Request, pk: UUID, item_pk: UUID) -> Response:
        """One message of a conversation."""
        return Response(item(self.message(pk, item_pk)))

    @extend_schema(
        tags=[TAG], operation_id="openai_conversation_items_delete", responses={200: OpenAIConversationSerializer}
    )
    def delete(self, request: Request, pk: UUID, item_pk: UUID) -> Response:
        """Delete a message that no other follows; 409 `not_the_last` otherwise. Answers with the conversation."""
        self.message(pk, item_pk)
        with transaction.atomic():
            conversation = held(pk)
            message = self.message(pk, item_pk)
            if message.children.exists():
                raise NotTheLast()
            turns.delete(conversation, message)
        return Response(about(conversation))
