"""How an answer reaches whoever asked: as a stream, or as JSON when it has ended."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, cast
from uuid import UUID

from django.http import HttpResponseBase, StreamingHttpResponse
from rest_framework.exceptions import NotFound
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.models import User
from apps.api.responses import awaited
from apps.chat import generations, runtime
from apps.chat.asking import Job
from apps.chat.chunks import HEADERS
from apps.chat.keys import Earlier, Key
from apps.chat.outcomes import DELETED, DETAILS, INTERRUPTED, LEAVING, UNFORESEEN, Outcome
from apps.chat.providers import ProviderBusy, ProviderTimeout
from apps.conversations.models import Conversation

FAILURES = {ProviderBusy.code: 503, ProviderTimeout.code: 504, INTERRUPTED: 503, LEAVING: 503, UNFORESEEN: 500}


class EventStreamRenderer(BaseRenderer):
    """Lets `Accept: text/event-stream` be asked for. The frames themselves never pass through a renderer."""

    media_type = "text/event-stream"
    format = "event-stream"
    charset = None

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        return JSONRenderer().render(data, accepted_media_type, renderer_context)


class StreamWhereNamed(DefaultContentNegotiation):
    """The stream where a client names it and wants it no less than JSON; DRF passes over `q`."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        wanted = _weights(request.headers.get("Accept", ""))
        stream = EventStreamRenderer.media_type
        streams = [each for each in renderers if each.media_type == stream]
        others = [each for each in renderers if each.media_type != stream]
        if wanted.get(stream, 0) > 0 and wanted[stream] >= wanted.get(JSONRenderer.media_type, 0):
            return streams[0], stream
        chosen: tuple[BaseRenderer, str] = super().select_renderer(request, others, format_suffix)
        return chosen


def _weights(accept: str) -> dict[str, float]:
    """Media type → `q`, of an Accept header (RFC 9110, 12.5.1); a `q` that is no number counts as 1."""
    weights = {}
    for part in accept.split(","):
        media_type, *parameters = (piece.strip().lower() for piece in part.split(";"))
        [text] = [piece[2:] for piece in parameters if piece.startswith("q=")][:1] or ["1"]
        try:
            weights[media_type] = float(text)
        except ValueError:
            weights[media_type] = 1.0
    return weights


def ask(
    request: Request, conversation: UUID, key: Key | None, begin: Callable[..., Job | Earlier], *wanted: Any
) -> UUID:
    """Have an answer begun by a function of `asking`, and written: its generation."""
    runtime.check_is_writing()
    begun = begin(cast(User, request.user), conversation, key, *wanted)
    if isinstance(begun, Job):
        runtime.launch(begun)
    return begun.generation


def answer(view: APIView, request: Request, generation: UUID) -> HttpResponseBase:
    if request.accepted_renderer.media_type == EventStreamRenderer.media_type:
        return stream(generation)
    return awaited(view, request, partial(runtime.outcome, generation), turn_response)


def stream(generation: UUID) -> HttpResponseBase:
    return StreamingHttpResponse(runtime.follow(generation), headers=HEADERS)


def resume(conversation: Conversation) -> HttpResponseBase:
    """The stream of what is being written; 204 where nothing is."""
    generation = generations.running(conversation)
    if generation is None:
        return Response(status=204)
    runtime.check_is_writing()
    return stream(generation)


def stop(view: APIView, request: Request, conversation: Conversation) -> HttpResponseBase:
    """Stop what is being written, and answer with it as it was kept; null where nothing is."""
    generation = generations.running(conversation)
    if generation is None:
        return Response({"assistant_message": None})
    runtime.check_is_writing()
    generations.ask_to_stop(generation)

    def respond(outcome: Outcome) -> Response:
        return Response({"assistant_message": outcome.turn and outcome.turn["assistant_message"]})

    return awaited(view, request, partial(runtime.stopped, generation), respond)


def turn_response(outcome: Outcome) -> Response:
    if outcome.turn is None and outcome.error in ("", DELETED):
        raise NotFound(DETAILS[DELETED])
    if not outcome.error:
        return Response(outcome.turn, status=201)
    error = {"code": outcome.error, "detail": outcome.detail, "attr": None}
    status = FAILURES.get(outcome.error, 502)
    headers = {"Retry-After": str(outcome.retry_after or 5)} if status == 503 else {}
    body = {"type": "server_error", "errors": [error], **(outcome.turn or {})}
    return Response(body, status=status, headers=headers)
