from collections.abc import Callable
from typing import Any, cast
from uuid import UUID

from django.conf import settings
from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.decorators import action
from rest_framework.renderers import BrowsableAPIRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from apps.accounts.ownership import Mine
from apps.chat import asking, known
from apps.chat.asking import Job
from apps.chat.delivery import EventStreamRenderer, StreamWhereNamed, answer, ask, resume, stop
from apps.chat.keys import HEADER, MAX_KEY, Earlier, key_of
from apps.chat.serializers import (
    ChatSerializer,
    ModelListSerializer,
    NothingSerializer,
    RegenerateSerializer,
    StoppedSerializer,
    TurnFailureSerializer,
    TurnSerializer,
)
from apps.conversations.access import look_up
from apps.conversations.models import Conversation

ANSWER = {
    (201, "application/json"): TurnSerializer,
    (200, "text/event-stream"): OpenApiResponse(
        OpenApiTypes.STR,
        "The AI SDK's UI message stream, version 1 (docs/streaming.md). What fails once the turn is saved is an `error`"
        " chunk in it, not a status.",
    ),
    (502, "application/json"): OpenApiResponse(
        TurnFailureSerializer, "`provider_failed` or `context_too_long`: the turn is saved, the answer failed."
    ),
    (503, "application/json"): OpenApiResponse(
        TurnFailureSerializer,
        "`provider_busy` or `interrupted`: the turn is saved. `database_unavailable` or `shutting_down`: it is not, or"
        " another server answers it; the same request with its key finds out.",
    ),
    (504, "application/json"): OpenApiResponse(TurnFailureSerializer, "`provider_timeout`: the turn is saved."),
}


NOTHING_RUNS = OpenApiResponse(description="Nothing is being written.")

KEY = OpenApiParameter(
    HEADER,
    {"type": "string", "minLength": 1, "maxLength": MAX_KEY, "pattern": r"^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$"},
    OpenApiParameter.HEADER,
    description="Your own name for this request, at most 255 characters of ASCII. Sent again with the same body, it is"
    " answered with the same rows and the same status, and the model is not asked again.",
)

asks: dict[str, Any] = {
    "renderer_classes": [JSONRenderer, EventStreamRenderer, BrowsableAPIRenderer],
    "content_negotiation_class": StreamWhereNamed,
}


class ChatViewSet(Mine[Conversation], GenericViewSet[Conversation]):
    """Talking: what calls the model. A second viewset beside the one that keeps the rows."""

    # Only whether this user has it: what is done with it reads it again, and holds it.
    queryset = Conversation.objects.only("pk")
    lookup_value_converter = "id"

    @extend_schema(parameters=[KEY], responses=ANSWER)
    @action(detail=True, methods=["post"], serializer_class=ChatSerializer, **asks)
    def chat(self, request: Request, pk: UUID) -> HttpResponseBase:
        """Say something and get the answer: as JSON when it is whole, or as a stream while it is written.

        Your turn is saved before the model is asked, and the answer is written to its end whether you stay or not.
        409 `generation_in_progress`: another answer is being written here. 409 `character_unavailable`: the character
        is gone, or no longer shown to you. 409 `idempotency_key_reused`: the key came with another request before.
        """
        return self._asked(request, asking.say, self.validated)

    @extend_schema(parameters=[KEY], responses=ANSWER)
    @action(detail=True, methods=["post"], serializer_class=RegenerateSerializer, **asks)
    def regenerate(self, request: Request, pk: UUID) -> HttpResponseBase:
        """Another answer: a new sibling of the one that is named, or an answer to a message of yours that has none that
        you like. The old ones stay. Answers as `chat` does; a greeting is 400.
        """
        return self._asked(request, asking.regenerate, lambda request: self.validated(request).get("message"))

    @extend_schema(request=None, parameters=[KEY], responses=ANSWER)
    @action(detail=True, methods=["post"], url_path="continue", serializer_class=NothingSerializer, **asks)
    def go_on(self, request: Request, pk: UUID) -> HttpResponseBase:
        """More of the last answer, in the same message. Answers as `chat` does; its stream tells the whole message.

        400 `nothing_to_continue`: the last message is no answer, or says nothing yet.
        """
        return self._asked(request, asking.go_on)

    def _asked(
        self, request: Request, begin: Callable[..., Job | Earlier], *read: Callable[[Request], Any]
    ) -> HttpResponseBase:
        """`read`: what of the request `begin` wants to know."""
        pk: UUID = self.kwargs["pk"]
        look_up(request.user, pk)
        key = key_of(request)
        wanted = [each(request) for each in read]
        return answer(self, request, ask(request, pk, key, begin, *wanted))

    def validated(self, request: Request) -> dict[str, Any]:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        return cast(dict[str, Any], serializer.validated_data)

    @extend_schema(request=None, responses=StoppedSerializer)
    @action(detail=True, methods=["post"], serializer_class=NothingSerializer)
    def stop(self, request: Request, pk: UUID) -> HttpResponseBase:
        """Stop the answer that is being written, from any device. What was written is kept. Stopping twice is fine."""
        return stop(self, request, self.get_object())

    @extend_schema(responses={(200, "text/event-stream"): OpenApiTypes.STR, 204: NOTHING_RUNS})
    @action(detail=True, methods=["get"], **asks)
    def stream(self, request: Request, pk: UUID) -> HttpResponseBase:
        """The answer that is being written, from its start and then as it comes: the same bytes for every reader.

        204 where nothing is being written: what was written is in the messages.
        """
        return resume(self.get_object())


class ModelsView(APIView):
    @extend_schema(operation_id="models_list", responses=ModelListSerializer)
    def get(self, request: Request) -> Response:
        """The models on offer; the default one comes first."""
        models = known.on_offer()
        results = [
            {
                "id": model,
                "provider": source.name,
                "default": model == settings.AI_OFFER.default,
                "context_tokens": models[model].window,
            }
            for model, (source, _) in settings.AI_OFFER.models.items()
        ]
        return Response({"next": None, "previous": None, "results": results})
