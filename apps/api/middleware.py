"""What happens around every request."""

import logging
import re
import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from uuid_utils.compat import uuid7

from apps.api import metrics
from apps.api.errors import BodyTooLarge, error_response
from apps.api.logs import request_id
from apps.api.responses import AwaitedResponse

Respond = Callable[[HttpRequest], HttpResponseBase]

log = logging.getLogger("dramatis.requests")

ACCEPTED_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")


class RequestContext:
    """Takes or makes the `X-Request-ID`, returns it, and writes one line a request: its route, never its content."""

    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        given = request.headers.get("X-Request-ID", "")
        identity = given if ACCEPTED_ID.fullmatch(given) else str(uuid7())
        token = request_id.set(identity)
        start = time.perf_counter()
        try:
            response = self.get_response(request)
        finally:
            request_id.reset(token)
        response["X-Request-ID"] = identity

        def note(response: HttpResponseBase) -> None:
            route = request.resolver_match.route if request.resolver_match else "-"
            method = request.method if request.method in METHODS else "-"
            seconds = time.perf_counter() - start
            metrics.REQUESTS.labels(method, route, response.status_code).inc()
            metrics.SECONDS.labels(method, route).observe(seconds)
            line = {"method": method, "route": route, "status": response.status_code, "ms": round(seconds * 1000)}
            log.info("request", extra={**line, "request_id": identity})

        if isinstance(response, AwaitedResponse):
            response.then.append(note)
        else:
            note(response)
        return response


# Where the ASGI handler leaves word of a body that it stopped reading.
BODY_TOO_LARGE = "dramatis.body_too_large"

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


class BodyLimit:
    """Answers 413 where the ASGI handler stopped reading a body that was too large."""

    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.META.get(BODY_TOO_LARGE):
            return error_response(request, 413, BodyTooLarge.default_code, str(BodyTooLarge.default_detail))
        return self.get_response(request)


class OptionalTrailingSlash:
    """Makes `/api/characters` mean `/api/characters/`, for every method, without a redirect that drops bodies."""

    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith("/api/") and not request.path_info.endswith("/"):
            request.path_info += "/"
            request.path += "/"
        return self.get_response(request)
