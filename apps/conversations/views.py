from typing import Any, cast
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.http import Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.viewsets import GenericViewSet, ModelViewSet

from apps.accounts.models import User
from apps.accounts.ownership import Mine
from apps.api.errors import Conflict
from apps.api.queries import query_of
from apps.conversations import turns
from apps.conversations.models import Conversation, ConversationQuerySet, Message
from apps.conversations.pagination import ActivePath, LatestFirst, OldestFirst
from apps.conversations.serializers import (
    ConversationListQuery,
    ConversationSerializer,
    MessageChangeSerializer,
    MessageListQuery,
    MessageSerializer,
    NewConversationSerializer,
    NewMessageSerializer,
    render_message,
    render_messages,
)


class GenerationInProgress(Conflict):
    default_code = "generation_in_progress"
    default_detail = "An answer is being written in this conversation. Wait for it, or stop it."


def locked_or_404(conversation: Any) -> Conversation:
    """The row, held; 404 where somebody deleted it since it was looked up."""
    try:
        return turns.locked(conversation)
    except Conversation.DoesNotExist as error:
        raise Http404 from error


class ConversationViewSet(Mine[Conversation], ModelViewSet[Conversation]):
    """Your conversations, latest first."""

    queryset = Conversation.objects.all()
    serializer_class = ConversationSerializer
    pagination_class = LatestFirst
    lookup_value_converter = "uuid"

    def get_queryset(self) -> ConversationQuerySet:
        conversations: ConversationQuerySet = super().get_queryset()
        return self._listed(conversations) if self.action == "list" else conversations

    def _listed(self, conversations: ConversationQuerySet) -> ConversationQuerySet:
        query = query_of(self.request, ConversationListQuery)
        if "character" in query:
            conversations = conversations.filter(character=query["character"])
        if query["archived"] is not None:
            conversations = conversations.filter(archived=query["archived"])
        for word in query.get("search", "").split()[:8]:
            conversations = conversations.filter(
                Q(title__icontains=word) | Q(topic__icontains=word) | Q(character_name__icontains=word)
            )
        return conversations

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "conversation": self.kwargs.get("pk")}

    @extend_schema(parameters=[ConversationListQuery])
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Your conversations, by their last message, latest first."""
        return super().list(request, *args, **kwargs)

    @extend_schema(request=NewConversationSerializer, responses={201: ConversationSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Begin a conversation: the character's greetings are there as sibling first messages, one of them active."""
        serializer = NewConversationSerializer(data=request.data, context=self.get_serializer_context())
        serializer.is_valid(raise_exception=True)
        fields = serializer.validated_data
        conversation = turns.begin(cast(User, request.user), fields.pop("character"), **fields)
        return Response(self.get_serializer(conversation).data, status=201)

    def perform_update(self, serializer: BaseSerializer[Conversation]) -> None:
        fields = dict(serializer.validated_data)
        leaf = fields.pop("active_leaf", None)
        with transaction.atomic():
            conversation = locked_or_404(cast(Conversation, serializer.instance).pk)
            if leaf is not None:
                if conversation.generating_id:
                    raise GenerationInProgress()
                turns.switch(conversation, leaf)
            for name, value in fields.items():
                setattr(conversation, name, value)
            conversation.save(update_fields=[*fields, "updated_at"])
        serializer.instance = conversation

    def perform_destroy(self, instance: Conversation) -> None:
        with transaction.atomic():
            locked_or_404(instance.pk).delete()


class MessageViewSet(GenericViewSet[Message]):
    """The messages of one conversation of yours."""

    queryset = Message.objects.all()
    serializer_class = MessageSerializer
    lookup_url_kwarg = "message_pk"
    pagination_class = ActivePath

    def get_queryset(self) -> Any:
        return Message.objects.owned_by(self.request.user).filter(conversation=self.kwargs["pk"])

    def conversation(self) -> Conversation:
        return get_object_or_404(Conversation.objects.owned_by(self.request.user), pk=self.kwargs["pk"])

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "conversation": self.kwargs.get("pk")}

    @extend_schema(parameters=[MessageListQuery])
    def list(self, request: Request, pk: UUID) -> Response:
        """The active path, newest first; with `?path=all` the whole tree, oldest first."""
        conversation = self.conversation()
        if query_of(request, MessageListQuery)["path"] == "all":
            tree_pages = OldestFirst()
            messages = tree_pages.paginate_queryset(self.get_queryset(), request)
            return tree_pages.get_paginated_response(render_messages(messages))
        path_pages = ActivePath()
        messages = path_pages.paginate(conversation, request)
        return path_pages.get_paginated_response(render_messages(messages))

    @extend_schema(request=NewMessageSerializer, responses={201: MessageSerializer})
    def create(self, request: Request, pk: UUID) -> Response:
        """Add a message without calling the model."""
        self.conversation()
        serializer = NewMessageSerializer(data=request.data, context=self.get_serializer_context())
        serializer.is_valid(raise_exception=True)
        fields = serializer.validated_data
        with transaction.atomic():
            conversation = locked_or_404(pk)
            if conversation.generating_id:
                raise GenerationInProgress()
            message = turns.append(conversation, parent_of(conversation, fields), **fields)
            turns.save_head(conversation)
        return Response(render_message(message), status=201)

    @extend_schema(responses=MessageSerializer)
    def retrieve(self, request: Request, pk: UUID, message_pk: UUID) -> Response:
        """One message."""
        return Response(render_message(self.get_object()))

    @extend_schema(request=MessageChangeSerializer, responses=MessageSerializer)
    def partial_update(self, request: Request, pk: UUID, message_pk: UUID) -> Response:
        """Change what a message says, or rate it. Its text cannot be changed while an answer is being written."""
        self.get_object()
        serializer = MessageChangeSerializer(data=request.data, context=self.get_serializer_context())
        serializer.is_valid(raise_exception=True)
        with transaction.atomic():
            conversation = locked_or_404(pk)
            message = self.get_object()
            if "content" in serializer.validated_data:
                if conversation.generating_id:
                    raise GenerationInProgress()
                turns.edit(message, serializer.validated_data["content"])
            if "rating" in serializer.validated_data:
                message.rating = serializer.validated_data["rating"]
                message.save(update_fields=["rating", "updated_at"])
        return Response(render_message(message))

    def destroy(self, request: Request, pk: UUID, message_pk: UUID) -> Response:
        """Delete a message and everything that follows it. An answer being written in there is cancelled."""
        self.get_object()
        with transaction.atomic():
            conversation = locked_or_404(pk)
            turns.delete(conversation, self.get_object())
        return Response(status=204)


def parent_of(conversation: Conversation, fields: dict[str, Any]) -> Message | None:
    """Takes `parent` and `client_id` of a new message's fields as they stand under the conversation's lock."""
    client_id = fields.get("client_id")
    if client_id and Message.objects.filter(conversation=conversation, client_id=client_id).exists():
        raise ValidationError({"client_id": ["There is a message with this id already."]}, code="unique")
    if "parent" not in fields:
        return conversation.active_leaf
    parent: Message | None = fields.pop("parent")
    if parent is not None and not Message.objects.filter(pk=parent.pk).exists():
        raise ValidationError({"parent": ["This message is not in this conversation."]}, code="does_not_exist")
    return parent
