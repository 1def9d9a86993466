"""What happens around every request."""

import logging
import re
import time
from collections.abc import Callable

from django.db import OperationalError
from django.http import HttpRequest, HttpResponseBase
from django.urls import is_valid_path
from uuid_utils.compat import uuid7

from apps.api import metrics
from apps.api.errors import BodyTooLarge, DatabaseUnavailable, error_response, refusal
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
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        identity = given if ACCEPTED_ID.fullmatch(given) else str(uuid7())
        # Never reset: a request has a context of its own, and Django's line about a 4xx is written after this returns.
        request_id.set(identity)
        start = time.perf_counter()
        response = self.get_response(request)
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

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
        """For pages that are not of DRF, which translates its own: sign-in, the admin."""
        if isinstance(exception, OperationalError):
            return refusal(DatabaseUnavailable)
        return None


# Where the ASGI handler leaves word of a body that it stopped reading.
BODY_TOO_LARGE = "dramatis.body_too_large"

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


class KnownHost:
    """400 for a host that ALLOWED_HOSTS does not name. Probes come by the machine's own address and are let through."""

    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info.rstrip("/") not in PROBES:
            request.get_host()
        return self.get_response(request)


PROBES = {"/healthz", "/readyz", "/metrics"}


class BodyLimit:
    """Refuses what is not read: 413 where the ASGI handler stopped because a body was too large, 400 for one that
    says it is not UTF-8. Some of Python's codecs are no text, and some fail in ways of their own."""

    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.META.get(BODY_TOO_LARGE):
            return refusal(BodyTooLarge)
        if (request.content_params or {}).get("charset", "utf-8").lower() not in UTF8:
            return error_response(400, "parse_error", "Bodies are read in UTF-8 only.")
        return self.get_response(request)


# By the names that are in use. ASCII is a part of it.
UTF8 = {"utf-8", "utf8", "us-ascii", "ascii"}


class OptionalTrailingSlash:
    """Makes `/api/characters` mean `/api/characters/`, for every method, without a redirect that drops bodies; and
    `/healthz/` mean `/healthz`."""

    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        path = request.path_info
        other = path.removesuffix("/") if path.endswith("/") else f"{path}/"
        as_routed = path.startswith("/api/") and path.endswith("/")
        if not as_routed and not is_valid_path(path) and is_valid_path(other):
            request.path = request.path.removesuffix(path) + other
            request.path_info = other
        return self.get_response(request)
