"""One error shape everywhere: `{"type", "errors": [{"code", "detail", "attr"}]}`.

Views raise; this module translates, once. What Django refuses before a view is reached (unknown paths, hosts,
CSRF) comes out of the `handler` views below in the same shape.
"""

import logging
from typing import Any

from django.core.exceptions import DisallowedHost, RequestDataTooBig, SuspiciousOperation
from django.db import IntegrityError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.views import defaults
from drf_standardized_errors.handler import ExceptionHandler
from rest_framework import status
from rest_framework.exceptions import APIException, AuthenticationFailed, NotFound
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response

log = logging.getLogger("dramatis.api")


class Conflict(APIException):
    """The request is sound, but not as things stand. Subclasses say how."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "conflict"
    default_detail = "Things changed meanwhile. Look again, and try again."


class BadBody(APIException):
    status_code = status.HTTP_400_BAD_REQUEST
    default_code = "parse_error"
    default_detail = "The request's body could not be read."


class BodyTooLarge(APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "body_too_large"
    default_detail = "The request's body is larger than is accepted here."


class Unavailable(APIException):
    """Something that is needed is away, and nothing was done; the same request may be sent again in `wait` seconds."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    wait = 2


class DatabaseUnavailable(Unavailable):
    default_code = "database_unavailable"
    default_detail = "The database cannot be reached just now. Nothing was saved; please try again."


class Translate(ExceptionHandler):
    def convert_known_exceptions(self, exc: Exception) -> Exception:
        match exc:
            case Http404():
                return NotFound()
            case OperationalError():
                return DatabaseUnavailable()
            case IntegrityError():
                # What was looked at is gone by the time of the commit: deleted meanwhile, by the same user elsewhere.
                log.warning("changed meanwhile", exc_info=exc)
                return Conflict(code="changed_meanwhile")
            case RequestDataTooBig():
                return BodyTooLarge()
            case SuspiciousOperation() | UnreadablePostError():
                return BadBody()
            case AuthenticationFailed(detail=dict() as detail):
                # simplejwt answers with a dictionary of all that it tried; one sentence says it better.
                failed = AuthenticationFailed(detail.get("detail"), code="token_not_valid")
                failed.auth_header = getattr(exc, "auth_header", None)  # type: ignore[attr-defined]
                return failed
        known: Exception = super().convert_known_exceptions(exc)
        return known

    def format_exception(self, exc: APIException) -> dict[str, Any]:
        data: dict[str, Any] = super().format_exception(exc)
        for error in data["errors"]:
            # Some sentences repeat what was sent, and a lone surrogate in there could not be sent back.
            error["detail"] = error["detail"].encode("utf-8", "replace").decode()
        return data

    def report_exception(self, exc: APIException, response: Response) -> None:
        # An outage is told by every request that meets it; where in the code each did says nothing.
        if not isinstance(exc, Unavailable):
            super().report_exception(exc, response)

    def get_response(self, exc: APIException, data: dict[str, Any]) -> Response:
        response: Response = super().get_response(exc, data)
        # What was refused before a stream began is JSON, whatever the client would have liked to stream.
        request: Any = self.context["request"]
        accepted = getattr(request, "accepted_renderer", None)
        if accepted is not None and not accepted.media_type.endswith(("json", "html")):
            request.accepted_renderer = JSONRenderer()
            request.accepted_media_type = JSONRenderer.media_type
        return response


def exception_handler(exc: Exception, context: Any) -> Response | None:
    """DRF's EXCEPTION_HANDLER."""
    response: Response | None = Translate(exc, context).run()
    return response


def error_response(status_code: int, code: str, detail: str) -> JsonResponse:
    kind = "server_error" if status_code >= 500 else "client_error"
    body = {"type": kind, "errors": [{"code": code, "detail": detail, "attr": None}]}
    return JsonResponse(body, status=status_code)


def refusal(kind: type[APIException]) -> JsonResponse:
    """What a view would have raised, where there is no view of DRF to raise it."""
    response = error_response(kind.status_code, str(kind.default_code), str(kind.default_detail))
    if wait := getattr(kind, "wait", None):
        response["Retry-After"] = str(wait)
    return response


def _for_people(request: HttpRequest) -> bool:
    """Whether a person looks at this page in a browser."""
    return request.path.startswith("/admin/")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _for_people(request):
        return defaults.bad_request(request, exception)
    if isinstance(exception, RequestDataTooBig):
        return refusal(BodyTooLarge)
    if isinstance(exception, DisallowedHost):
        return error_response(400, "unknown_host", "This server does not answer to that name: see ALLOWED_HOSTS.")
    return error_response(400, "bad_request", "The request could not be understood.")


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _for_people(request):
        return defaults.permission_denied(request, exception)
    return error_response(403, "permission_denied", "You do not have permission to perform this action.")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return error_response(403, "csrf_failed", "The CSRF token is missing or wrong.")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _for_people(request):
        return defaults.page_not_found(request, exception)
    return error_response(404, "not_found", "Not found.")


def server_error(request: HttpRequest) -> HttpResponse:
    if _for_people(request):
        return defaults.server_error(request)
    return error_response(500, "error", "Server Error (500)")
