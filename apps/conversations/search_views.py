"""`GET /api/search/`."""

from typing import Any
from uuid import UUID

from django.db.models import Q
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.ownership import OwnedQuerySet
from apps.api.fields import Line, ModelSerializer
from apps.api.pagination import CursorLinks, as_uuid, broken_cursor, decode_cursor, page_size
from apps.api.queries import query_of
from apps.conversations import search
from apps.conversations.models import Conversation, Message, Role


class SearchQuery(serializers.Serializer[None]):
    q = Line(
        max_length=200,
        help_text='Words that must all be there; "a phrase"; `or` between two; `-` before what must not be there.',
    )
    character = serializers.UUIDField(required=False, help_text="Only in conversations with this character.")
    conversation = serializers.UUIDField(required=False, help_text="Only in this conversation.")


class FoundConversation(ModelSerializer):
    character = serializers.UUIDField(source="character_id", read_only=True, allow_null=True)

    class Meta:
        model = Conversation
        fields = ("id", "title", "character", "character_name")
        read_only_fields = fields


class FoundMessage(ModelSerializer):
    role = serializers.ChoiceField(choices=Role.choices, read_only=True)

    class Meta:
        model = Message
        fields = ("id", "role", "created_at")
        read_only_fields = fields


class HitSerializer(serializers.Serializer[Any]):
    """A message, of any branch, or a conversation by its title."""

    kind = serializers.ChoiceField(choices=["message", "conversation"], source="*")
    conversation = FoundConversation()
    message = FoundMessage(allow_null=True, help_text="Null where the title was found.")
    highlight = serializers.CharField(
        help_text="About 40 words around what was found, as HTML: escaped text, with `<mark>` around the hits."
    )

    def to_representation(self, row: Message | Conversation) -> dict[str, Any]:
        message = row if isinstance(row, Message) else None
        conversation = row.conversation if isinstance(row, Message) else row
        return {
            "kind": "message" if message else "conversation",
            "conversation": FoundConversation.show(conversation),
            "message": FoundMessage.show(message) if message else None,
            "highlight": search.as_html(row.headline),  # type: ignore[union-attr]  # annotated by `search.pick`
        }


class SearchPages(CursorLinks):
    """Messages and conversations together, newest first: their ids tell the order."""

    def places(self, request: Request, *wanted: tuple[OwnedQuerySet[Any], Q]) -> list[UUID]:
        """The ids on the page that is asked for: of somebody's rows, those that are wanted."""
        self.request = request
        size = page_size(request)
        text = request.query_params.get("cursor")
        forward, edge = self._edge(text) if text is not None else (True, None)
        found: list[UUID] = []
        for own, condition in wanted:
            found += search.newest(own, condition, size + 1, edge, forward=forward)
        found.sort(reverse=forward)
        more, found = len(found) > size, found[:size]
        if not forward:
            found.reverse()
        # Where we came from has rows in any case, else there would be no cursor to come with.
        if found and (more if forward else edge is not None):
            self.next = self.link(["n", found[-1]])
        if found and (more if not forward else edge is not None):
            self.previous = self.link(["p", found[0]])
        return found

    def _edge(self, text: str) -> tuple[bool, UUID]:
        direction, key = decode_cursor(text, length=2)
        if direction not in ("n", "p"):
            raise broken_cursor()
        return direction == "n", UUID(as_uuid(key))


class SearchView(GenericAPIView[Message]):
    queryset = Message.objects.all()
    serializer_class = HitSerializer
    pagination_class = SearchPages
    filter_backends = ()

    @extend_schema(operation_id="search_list", parameters=[SearchQuery], responses=HitSerializer(many=True))
    def get(self, request: Request) -> Response:
        """Search what was said in your conversations, in every branch, and their titles; newest first.

        Words are found as they are written, in upper or lower case; Chinese, Japanese, Korean and Thai ones inside a
        sentence too. An answer that is being written is found once it has ended."""
        query = query_of(request, SearchQuery)
        asked = search.read(query["q"])
        messages = Message.objects.owned_by(request.user)
        conversations = Conversation.objects.owned_by(request.user)
        chosen = Q()
        if "character" in query:
            chosen &= Q(character=query["character"])
        if "conversation" in query:
            chosen &= Q(pk=query["conversation"])
        said, titled = search.finds(Message, asked), search.finds(Conversation, asked) & chosen
        if chosen:
            said &= Q(conversation__in=conversations.filter(chosen))
        pages = SearchPages()
        found = pages.places(request, (messages, said), (conversations, titled))
        rows = search.pick(found, request.user, asked)
        return pages.get_paginated_response(HitSerializer(rows, many=True).data)
