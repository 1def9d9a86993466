from typing import cast
from uuid import UUID

from django.conf import settings
from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.decorators import action
from rest_framework.renderers import BrowsableAPIRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from apps.accounts.models import User
from apps.accounts.ownership import Mine
from apps.chat import generations, runtime
from apps.chat.delivery import EventStreamRenderer, StreamWhereNamed, answer
from apps.chat.serializers import ChatSerializer, ModelListSerializer, TurnFailureSerializer, TurnSerializer
from apps.conversations.models import Conversation

ANSWER = {
    (201, "application/json"): TurnSerializer,
    (200, "text/event-stream"): OpenApiResponse(
        OpenApiTypes.STR,
        "The AI SDK's UI message stream, version 1 (docs/streaming.md). What fails once the turn is saved is an `error`"
        " chunk in it, not a status.",
    ),
    (502, "application/json"): OpenApiResponse(
        TurnFailureSerializer, "`provider_failed`: the turn is saved, the answer failed."
    ),
    (503, "application/json"): OpenApiResponse(
        TurnFailureSerializer, "`provider_busy` or `interrupted`, the turn is saved; `database_unavailable`, it is not."
    ),
    (504, "application/json"): OpenApiResponse(TurnFailureSerializer, "`provider_timeout`: the turn is saved."),
}


class ChatViewSet(Mine[Conversation], GenericViewSet[Conversation]):
    """Talking: what calls the model. A second viewset beside the one that keeps the rows."""

    queryset = Conversation.objects.all()
    lookup_value_converter = "id"

    @extend_schema(responses=ANSWER)
    @action(
        detail=True,
        methods=["post"],
        serializer_class=ChatSerializer,
        renderer_classes=[JSONRenderer, EventStreamRenderer, BrowsableAPIRenderer],
        content_negotiation_class=StreamWhereNamed,
    )
    def chat(self, request: Request, pk: UUID) -> HttpResponseBase:
        """Say something and get the answer: as JSON when it is whole, or as a stream while it is written.

        Your turn is saved before the model is asked, and the answer is written to its end whether you stay or not.
        409 `generation_in_progress`: another answer is being written here. 409 `character_unavailable`: the character
        is gone, or no longer shown to you.
        """
        conversation = self.get_object()
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        runtime.check_is_writing()
        job = generations.begin(cast(User, request.user), conversation.pk, serializer.validated_data)
        return answer(self, request, runtime.launch(job))


class ModelsView(APIView):
    @extend_schema(operation_id="models_list", responses=ModelListSerializer)
    def get(self, request: Request) -> Response:
        """The models on offer; the default one comes first."""
        results = [
            {
                "id": model,
                "provider": source.name,
                "default": model == settings.AI_OFFER.default,
                "context_tokens": settings.AI_CONTEXT_TOKENS,
            }
            for model, (source, _) in settings.AI_OFFER.models.items()
        ]
        return Response({"next": None, "previous": None, "results": results})
