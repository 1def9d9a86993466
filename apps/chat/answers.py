"""How a generation is answered over HTTP: as a stream, or as JSON when it has ended."""

from typing import Any

from django.http import HttpResponseBase, StreamingHttpResponse
from rest_framework.exceptions import APIException, NotFound
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.api.responses import AwaitedResponse
from apps.chat.chunks import HEADERS
from apps.chat.live import Live, Outcome

FAILURES = {"provider_busy": 503, "provider_timeout": 504, "interrupted": 503, "internal_error": 500}


class EventStreamRenderer(BaseRenderer):
    """Lets `Accept: text/event-stream` be asked for. The frames themselves never pass through a renderer."""

    media_type = "text/event-stream"
    format = "event-stream"
    charset = None

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        return JSONRenderer().render(data, accepted_media_type, renderer_context)


def answer(view: APIView, request: Request, live: Live) -> HttpResponseBase:
    if request.accepted_renderer.media_type == EventStreamRenderer.media_type:
        return StreamingHttpResponse(live.follow(), headers=HEADERS)

    def as_json(outcome: Outcome) -> Any:
        try:
            response = turn_response(outcome)
        except APIException as error:
            response = view.handle_exception(error)
        return view.finalize_response(request, response).render()

    return AwaitedResponse(live.outcome, as_json)


def turn_response(outcome: Outcome) -> Response:
    if not outcome.error:
        if outcome.turn is None:
            raise NotFound()
        return Response(outcome.turn, status=201)
    error = {"code": outcome.error, "detail": outcome.detail, "attr": None}
    status = FAILURES.get(outcome.error, 502)
    headers = {"Retry-After": str(outcome.retry_after or 5)} if status == 503 else {}
    body = {"type": "server_error", "errors": [error], **(outcome.turn or {})}
    return Response(body, status=status, headers=headers)
