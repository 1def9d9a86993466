"""`POST /v1/chat/completions`: a character answers messages that the client brings along; nothing of it is kept."""

from functools import partial
from typing import Any

from django.http import HttpResponseBase, StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.responses import awaited
from apps.api.rows import new_id
from apps.chat import runtime
from apps.chat.past import Given
from apps.chat.providers import Completed, ProviderError, gathered
from apps.chat.unkept import Call, want
from apps.compat.openai import frames, names
from apps.compat.openai.base import TAG, View, validated
from apps.compat.openai.completion_serializers import OpenAICompletedSerializer, OpenAICompletionSerializer
from apps.compat.openai.errors import refusal
from apps.conversations.models import Role

WISHES = ("temperature", "top_p", "stop")

FAILED = {"$ref": "#/components/schemas/OpenAIErrorResponse"}
ANSWER = {
    (200, "application/json"): OpenAICompletedSerializer,
    (200, "text/event-stream"): OpenApiResponse(
        OpenApiTypes.STR, "OpenAI's chunks. A failure once they have begun is a frame with an `error`."
    ),
    (404, "application/json"): OpenApiResponse(FAILED, "`model_not_found`: no character of yours is called so."),
    (502, "application/json"): OpenApiResponse(FAILED, "`provider_failed`."),
    (503, "application/json"): OpenApiResponse(
        FAILED, "`provider_busy`, `interrupted`, `shutting_down` or `database_unavailable`; `Retry-After` says when."
    ),
    (504, "application/json"): OpenApiResponse(FAILED, "`provider_timeout`."),
}


class CompletionsView(View):
    @extend_schema(
        tags=[TAG], operation_id="openai_chat_completions", request=OpenAICompletionSerializer, responses=ANSWER
    )
    def post(self, request: Request) -> HttpResponseBase:
        """A character of yours answers these messages. Its prompt is made as everywhere: its texts, the lore that
        fires, what fits of the messages. Nothing is kept but what it cost; when you go away, the model is stopped.

        `stream: true` has it as it comes. Parameters that are not known here are ignored.
        """
        asked = validated(OpenAICompletionSerializer, request)
        name = asked["model"]
        _, character = names.find(self.user, name)
        messages = asked["messages"]
        given = Given(messages, timezone.now(), goes_on=messages[-1].role == Role.ASSISTANT)
        runtime.check_is_writing()
        call = Call(want(self.user, character, given, **_wishes(asked)))
        head = frames.Head(f"chatcmpl-{new_id().hex}", int(given.time.timestamp()), name)
        if not asked.get("stream"):
            return awaited(self, request, partial(_whole, call), partial(_as_json, head, call), call.hang_up)
        usage = bool((asked.get("stream_options") or {}).get("include_usage"))
        respond = partial(_as_stream, head, call, include_usage=usage)
        return awaited(self, request, partial(_begun, call), respond, call.hang_up)


def _wishes(asked: dict[str, Any]) -> dict[str, Any]:
    """What is asked for in place of the character's own settings."""
    given = {name: asked[name] for name in WISHES if asked.get(name) is not None}
    longest = asked.get("max_completion_tokens") or asked.get("max_tokens")
    return {**given, "max_tokens": longest} if longest else given


async def _whole(call: Call) -> Completed | ProviderError:
    runtime.begin(call)
    try:
        return await gathered(call.deltas())
    except ProviderError as error:
        return error


async def _begun(call: Call) -> ProviderError | None:
    """Until it begins, a failure has a status."""
    runtime.begin(call)
    return await call.begun()


def _as_json(head: frames.Head, call: Call, came: Completed | ProviderError) -> Response:
    return refusal(came) if isinstance(came, ProviderError) else Response(frames.whole(head, call, came))


def _as_stream(
    head: frames.Head, call: Call, failed: ProviderError | None, *, include_usage: bool
) -> Response | StreamingHttpResponse:
    if failed is not None:
        return refusal(failed)
    return StreamingHttpResponse(frames.stream(head, call, include_usage=include_usage), headers=frames.HEADERS)
