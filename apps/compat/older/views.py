from functools import partial
from typing import Any, cast
from uuid import UUID

from django.db import transaction
from django.http import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.viewsets import GenericViewSet

from apps.accounts.models import User
from apps.accounts.ownership import Mine
from apps.api.responses import awaited
from apps.chat import asking, delivery, runtime
from apps.chat.keys import key_of
from apps.chat.outcomes import Outcome
from apps.chat.views import ANSWER, KEY
from apps.compat.older.assistant import assistant_of
from apps.compat.older.serializers import (
    OlderHistorySerializer,
    OlderSaySerializer,
    OlderSessionSerializer,
    OlderStartSerializer,
    OlderTurnSerializer,
)
from apps.conversations import tree, turns
from apps.conversations.access import held
from apps.conversations.models import Conversation, Message

FAILURES = {key: answer for key, answer in ANSWER.items() if key[0] >= 500}
RESPONSE: Any = {(200, "application/json"): OlderTurnSerializer, **FAILURES}


@extend_schema(tags=["Older routes"])
class SessionViewSet(Mine[Conversation], GenericViewSet[Conversation]):
    """Sessions, which are conversations. `docs/older-routes.md` explains them."""

    queryset = Conversation.objects.all()
    serializer_class: type[BaseSerializer[Any]] = OlderSaySerializer

    @extend_schema(operation_id="older_start", request=OlderStartSerializer, responses={201: OlderSessionSerializer})
    def start(self, request: Request) -> Response:
        """Start a session: a conversation that is kept, with the character that is named, else with an assistant."""
        serializer = OlderStartSerializer(data=request.data, context=self.get_serializer_context())
        serializer.is_valid(raise_exception=True)
        fields, user = serializer.validated_data, cast(User, request.user)
        with transaction.atomic():
            character = fields.pop("character", None) or assistant_of(user)
            conversation = turns.begin(user, character, **fields)
        leaf = conversation.active_leaf
        session = {
            **_ids(conversation.pk),
            "character": character.pk,
            "character_name": conversation.character_name,
            "title": conversation.title,
            "greeting": leaf.content if leaf else "",
            "created_at": conversation.created_at,
        }
        return Response(OlderSessionSerializer(session).data, status=201)

    @extend_schema(operation_id="older_turn", parameters=[KEY], responses=RESPONSE)
    def turn(self, request: Request, pk: UUID) -> HttpResponseBase:
        """Say something and get the answer, when it is whole. A failure is answered as that of
        `/api/conversations/{id}/chat/`: what you said is kept."""
        conversation = self.get_object()
        key = key_of(request)
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        said = {"content": serializer.validated_data["message"]}
        generation = delivery.ask(request, conversation.pk, key, asking.say, said)
        return awaited(self, request, partial(runtime.outcome, generation), _response)

    @extend_schema(operation_id="older_message", parameters=[KEY], responses=RESPONSE)
    def message(self, request: Request, pk: UUID) -> HttpResponseBase:
        """The same by its longer name."""
        return self.turn(request, pk)

    @extend_schema(operation_id="older_history", responses=OlderHistorySerializer)
    def history(self, request: Request, pk: UUID) -> Response:
        """What was said, oldest first: the active path, all of it."""
        conversation = self.get_object()
        leaf = conversation.active_leaf
        path = Message.objects.filter(pk__in=tree.ids_to(leaf) if leaf else []).exclude(content="").order_by("depth")
        history = path.values("role", "content", "created_at")
        return Response(OlderHistorySerializer({**_ids(conversation.pk), "history": history}).data)

    @extend_schema(operation_id="older_clear", request=None, responses={204: None})
    def clear(self, request: Request, pk: UUID) -> Response:
        """Remove everything that was said, greetings and other branches included. The conversation stays; an answer
        that is being written is cancelled."""
        self.get_object()
        with transaction.atomic():
            turns.clear(held(pk))
        return Response(status=204)


def _ids(conversation: Any) -> dict[str, Any]:
    return {"session_id": conversation, "conversation_id": conversation}


def _response(outcome: Outcome) -> Response:
    turn = outcome.turn
    if turn is None or outcome.error:
        return delivery.turn_response(outcome)
    answer = turn["assistant_message"]
    return Response(
        {
            "response": answer["content"],
            **_ids(answer["conversation"]),
            "message_id": answer["id"],
            "status": answer["status"],
            "timestamp": answer["created_at"],
        }
    )
