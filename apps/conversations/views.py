from typing import Any, cast
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.viewsets import GenericViewSet, ModelViewSet

from apps.accounts.models import User
from apps.accounts.ownership import Mine, OwnedQuerySet, Proves
from apps.api.conditional import ConditionalList
from apps.api.queries import query_of
from apps.conversations import turns
from apps.conversations.access import GenerationInProgress, held, look_up, parent_of, refuse_known_client_id, still_here
from apps.conversations.change_pages import Changes
from apps.conversations.latest_rows import Wish
from apps.conversations.models import Conversation, Message, Tombstone
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


@extend_schema_view(
    retrieve=extend_schema(description="One conversation."),
    update=extend_schema(description="Change a conversation; fields that are left out stay."),
    partial_update=extend_schema(
        description="Change a conversation. `active_leaf` switches the branch: down to the newest leaf under it."
    ),
    destroy=extend_schema(description="Delete a conversation and its messages. An answer being written is cancelled."),
)
class ConversationViewSet(Proves, ConditionalList, Mine[Conversation], ModelViewSet[Conversation]):
    """Your conversations, latest first."""

    queryset = Conversation.objects.all()
    serializer_class = ConversationSerializer
    pagination_class = LatestFirst
    lookup_value_converter = "id"

    def get_serializer_class(self) -> type[BaseSerializer[Conversation]]:
        return NewConversationSerializer if self.action == "create" else ConversationSerializer

    def proves(self, request: Request) -> bool:
        return self.action == "list" and not request.query_params.keys() & {"search", "since"}

    @extend_schema(parameters=[ConversationListQuery])
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Your conversations, by their last message, latest first; with `?since=` those that changed, by id."""
        if "since" in request.query_params:
            pages, deleted = Changes(), Tombstone.objects.owned_by(request.user).filter(conversation=None)
            filters = set(ConversationListQuery().fields)
            rows = pages.paginate(super().get_queryset(), deleted, request, filters=filters)
            return pages.get_paginated_response([ConversationSerializer.show(row) for row in rows])
        query = query_of(request, ConversationListQuery)
        wish = Wish(query.get("character"), query["archived"], query["pinned"])
        latest = LatestFirst()
        if words := query.get("search", "").split()[:8]:
            found = latest.paginate_queryset(with_words(wish.among(self.get_queryset()), words), request)
            return latest.get_paginated_response([ConversationSerializer.show(row) for row in found])
        return latest.get_paginated_response(latest.shown(request, cast(User, request.user), wish))

    @extend_schema(request=NewConversationSerializer, responses={201: ConversationSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Begin a conversation: the character's greetings are there as sibling first messages, one of them active."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        fields = serializer.validated_data
        conversation = turns.begin(cast(User, request.user), fields.pop("character"), **fields)
        return Response(ConversationSerializer.show(conversation), status=201)

    def perform_update(self, serializer: BaseSerializer[Conversation]) -> None:
        fields = dict(serializer.validated_data)
        leaf = fields.pop("active_leaf", None)
        with transaction.atomic():
            conversation = held(cast(Conversation, serializer.instance).pk)
            if leaf is not None:
                if conversation.generating_id:
                    raise GenerationInProgress()
                turns.switch(conversation, still_here(leaf, "active_leaf"))
            for name, value in fields.items():
                setattr(conversation, name, value)
            conversation.save(update_fields=[*fields, "updated_at"])
        serializer.instance = conversation

    def perform_destroy(self, instance: Conversation) -> None:
        with transaction.atomic():
            held(instance.pk).delete()


def with_words(rows: OwnedQuerySet[Conversation], words: list[str]) -> OwnedQuerySet[Conversation]:
    for word in words:
        rows = rows.filter(Q(title__icontains=word) | Q(topic__icontains=word) | Q(character_name__icontains=word))
    return rows


class MessageViewSet(Proves, ConditionalList, Mine[Message], GenericViewSet[Message]):
    """The messages of one conversation of yours."""

    queryset = Message.objects.all()
    serializer_class = MessageSerializer
    bodies: dict[str, type[BaseSerializer[Any]]] = {
        "create": NewMessageSerializer,
        "partial_update": MessageChangeSerializer,
    }
    lookup_url_kwarg = "message_pk"
    pagination_class = ActivePath

    def proves(self, request: Request) -> bool:
        # The active path: what clients ask for with every look at a conversation.
        return self.action == "list" and not request.query_params.keys() & {"path", "since"}

    def get_queryset(self) -> Any:
        return super().get_queryset().filter(conversation=self.kwargs["pk"])

    def get_serializer_class(self) -> type[BaseSerializer[Message]]:
        return self.bodies.get(self.action, MessageSerializer)

    @extend_schema(parameters=[MessageListQuery])
    def list(self, request: Request, pk: UUID) -> Response:
        """The active path, newest first; with `?path=all` the whole tree, oldest first; with `?since=` what changed in
        the tree, by id."""
        if "since" in request.query_params:
            look_up(request.user, pk)
            changes, deleted = Changes(), Tombstone.objects.filter(conversation=pk)
            filters = set(MessageListQuery().fields)
            messages = changes.paginate(self.get_queryset(), deleted, request, filters=filters)
            return changes.get_paginated_response(render_messages(messages))
        if query_of(request, MessageListQuery)["path"] == "all":
            look_up(request.user, pk)
            tree_pages = OldestFirst()
            messages = tree_pages.paginate_queryset(self.get_queryset(), request)
            return tree_pages.get_paginated_response(render_messages(messages))
        path_pages = ActivePath()
        return path_pages.get_paginated_response(path_pages.shown(request, cast(User, request.user), pk))

    @extend_schema(request=NewMessageSerializer, responses={201: MessageSerializer})
    def create(self, request: Request, pk: UUID) -> Response:
        """Add a message without calling the model."""
        look_up(request.user, pk)
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        fields = serializer.validated_data
        with transaction.atomic():
            conversation = held(pk)
            if conversation.generating_id:
                raise GenerationInProgress()
            refuse_known_client_id(conversation, fields.get("client_id"), "client_id")
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
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        with transaction.atomic():
            conversation = held(pk)
            message = self.get_object()
            if "content" in serializer.validated_data:
                if conversation.generating_id:
                    raise GenerationInProgress()
                turns.edit(conversation, message, serializer.validated_data["content"])
            if "rating" in serializer.validated_data:
                message.rating = serializer.validated_data["rating"]
                message.save(update_fields=["rating", "updated_at"])
                # Who asks which conversations changed is to find this one.
                conversation.save(update_fields=["updated_at"])
        return Response(render_message(message))

    def destroy(self, request: Request, pk: UUID, message_pk: UUID) -> Response:
        """Delete a message and everything that follows it. An answer being written in there is cancelled."""
        self.get_object()
        with transaction.atomic():
            conversation = held(pk)
            turns.delete(conversation, self.get_object())
        return Response(status=204)
