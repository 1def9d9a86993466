"""Errors in OpenAI's shape: `{"error": {"message", "type", "param", "code"}}`, whoever answers them under /v1."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from rest_framework.response import Response

from apps.api.responses import AwaitedResponse
from apps.chat.delivery import FAILURES
from apps.chat.providers import ContextTooLong, ProviderError

ROOT = "/v1"

# Where OpenAI has a name of its own that clients know.
CODES = {
    "not_authenticated": "invalid_api_key",
    "token_not_valid": "invalid_api_key",
    "throttled": "rate_limit_exceeded",
    ContextTooLong.code: "context_length_exceeded",
}

# What DRF calls the whole of an object.
NOT_OF_A_FIELD = re.compile(r"(^|\.)non_field_errors$")


class ErrorsAsOpenAI:
    """Translates every refusal under /v1: those of views, and those of what stands before them."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if not f"{request.path_info}/".startswith(f"{ROOT}/"):
            return response
        if isinstance(response, AwaitedResponse):
            response.then.append(_translate)
        elif isinstance(response, HttpResponse):
            _translate(response)
        return response


def _translate(response: HttpResponse) -> None:
    if response.status_code < 400 or (isinstance(response, AwaitedResponse) and response.stream is not None):
        return
    try:
        [said, *_] = json.loads(response.content)["errors"]
    except (ValueError, KeyError, TypeError):
        # A page of Django's own.
        said = {"code": "error", "detail": response.reason_phrase, "attr": None}
    response.content = json.dumps(as_openai(response.status_code, said)).encode()
    response["Content-Type"] = "application/json"
    if "Content-Length" in response:
        response["Content-Length"] = str(len(response.content))


def as_openai(status: int, said: Mapping[str, Any]) -> dict[str, Any]:
    """`said` is an error as everywhere else: its code, its detail, its attr."""
    param = re.sub(r"\.(\d+)(?=\.|$)", r"[\1]", NOT_OF_A_FIELD.sub("", said["attr"] or "")) or None
    kind = "server_error" if status >= 500 else "rate_limit_error" if status == 429 else "invalid_request_error"
    message = f"{param}: {said['detail']}" if param else said["detail"]
    return {"error": {"message": message, "type": kind, "param": param, "code": CODES.get(said["code"], said["code"])}}


def status_of(error: ProviderError) -> int:
    return 400 if isinstance(error, ContextTooLong) else FAILURES.get(error.code, 502)


def said_of(error: ProviderError) -> dict[str, Any]:
    return {"code": error.code, "detail": error.detail, "attr": None}


def refusal(error: ProviderError) -> Response:
    status = status_of(error)
    # OpenAI's clients try again by themselves, as was done here already; only what may be better soon is worth it.
    headers = {"Retry-After": str(error.retry_after or 5)} if status == 503 else {"X-Should-Retry": "false"}
    return Response({"type": "server_error", "errors": [said_of(error)]}, status=status, headers=headers)
