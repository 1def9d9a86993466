from typing import Any
from uuid import UUID

from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.viewsets import GenericViewSet

from apps.accounts.ownership import Mine
from apps.chat import asking, delivery
from apps.chat.keys import Key, key_of
from apps.chat.serializers import NothingSerializer, StoppedSerializer
from apps.chat.views import KEY, NOTHING_RUNS
from apps.compat.ai_sdk.naming import as_id, named
from apps.compat.ai_sdk.parts import ROLES, ui_message
from apps.compat.ai_sdk.serializers import REGENERATE, UIMessageSerializer, UISendSerializer, text_of
from apps.conversations.models import Conversation, Role
from apps.conversations.pagination import PathPages
from apps.conversations.serializers import with_siblings

TAGS = ["AI SDK"]

# Its id is in the body, so that the schema does not see it coming.
NO_CONVERSATION = OpenApiResponse(
    {"$ref": "#/components/schemas/ErrorResponse"}, "There is no such conversation, or it is not yours."
)

STREAM = {(200, "text/event-stream"): OpenApiTypes.STR}


@extend_schema(tags=TAGS)
class TransportViewSet(Mine[Conversation], GenericViewSet[Conversation]):
    """What `DefaultChatTransport` of the AI SDK asks for. `docs/ai-sdk.md` explains it to those who use it."""

    queryset = Conversation.objects.all()
    serializer_class: type[BaseSerializer[Any]] = NothingSerializer
    pagination_class = PathPages

    @extend_schema(
        operation_id="ai_sdk_send",
        parameters=[KEY],
        request=UISendSerializer,
        responses={
            **STREAM,
            (404, "application/json"): NO_CONVERSATION,
        },
    )
    def send(self, request: Request) -> HttpResponseBase:
        """Say something, or have an answer made anew: always answered with a stream, as that of
        `/api/conversations/{id}/chat/` is.

        A message that took the place of another (`messageId`) becomes its sibling, or where it says the same, gets
        another answer.
        """
        key = key_of(request)
        serializer = UISendSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        sent = serializer.validated_data
        conversation = get_object_or_404(self.get_queryset(), pk=as_id(sent["id"]))
        ask = self._regenerate if sent["trigger"] == REGENERATE else self._submit
        return delivery.stream(ask(request, conversation, key, sent))

    def _submit(self, request: Request, conversation: Conversation, key: Key | None, sent: Any) -> UUID:
        last, name = sent["messages"], sent.get("messageId")
        if last is None:
            raise _refused("messages", "There is nothing to send.", "empty")
        if last["role"] != Role.USER:
            raise _refused("messages", "The last message is not the user's.", "not_the_users")
        text = text_of(last)
        known = named(conversation, last["id"])
        if name and name != last["id"]:
            raise _refused("messageId", "What takes the place of a message has its id.", "not_the_last")
        if name and known is not None:
            if known.role != Role.USER:
                raise _refused("messageId", "Only what the user said can be said anew.", "not_the_users")
            if known.content == text:
                return delivery.ask(request, conversation, key, asking.regenerate, known)
            return delivery.ask(request, conversation, key, asking.say_instead, known, text, name)
        if known is not None and key is None:
            raise _refused("messages", "The last message is here already.", "unique")
        return self._say(request, conversation, key, last)

    def _regenerate(self, request: Request, conversation: Conversation, key: Key | None, sent: Any) -> UUID:
        last, name = sent["messages"], sent.get("messageId")
        of_user = last is not None and last["role"] == Role.USER
        wanted = name or (last["id"] if of_user else "")
        target = named(conversation, wanted)
        if target is None and wanted:
            if of_user and wanted == last["id"]:
                # It was refused when it was sent: now it is said.
                return self._say(request, conversation, key, last)
            raise _refused("messageId", "There is no such message here.", "does_not_exist")
        return delivery.ask(request, conversation, key, asking.regenerate, target)

    def _say(self, request: Request, conversation: Conversation, key: Key | None, last: Any) -> UUID:
        turn = {"content": text_of(last), "client_id": last["id"]}
        return delivery.ask(request, conversation, key, asking.say, turn)

    @extend_schema(operation_id="ai_sdk_stream", responses={**STREAM, 204: NOTHING_RUNS})
    def stream(self, request: Request, pk: UUID) -> HttpResponseBase:
        """The answer that is being written, from its start and then as it comes, for `resumeStream`. 204 where nothing
        is being written."""
        return delivery.resume(self.get_object())

    @extend_schema(operation_id="ai_sdk_stop", request=None, responses=StoppedSerializer)
    def stop(self, request: Request, pk: UUID) -> HttpResponseBase:
        """Stop the answer that is being written. What was written is kept. Stopping twice is fine.

        The SDK's own `stop` only stops reading.
        """
        return delivery.stop(self, request, self.get_object())

    @extend_schema(operation_id="ai_sdk_list", responses=UIMessageSerializer(many=True))
    def list(self, request: Request, pk: UUID) -> Response:
        """The active path for `useChat` to begin with: its end, oldest first. `next` leads to what was said before."""
        pages = PathPages()
        path = pages.paginate(self.get_object(), request)
        told = with_siblings([message for message in reversed(path) if message.role in ROLES])
        messages = UIMessageSerializer([ui_message(message) for message in told], many=True)
        return pages.get_paginated_response(messages.data)


def _refused(field: str, detail: str, code: str) -> ValidationError:
    return ValidationError({field: [detail]}, code=code)
