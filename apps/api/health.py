"""Liveness, readiness and metrics, for the machines that watch over this one."""

import hmac
from typing import Any

from django.conf import settings
from django.db import OperationalError, connection
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from rest_framework import serializers
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import AllowAny
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView


class Health(serializers.Serializer[None]):
    status = serializers.ChoiceField(choices=["ok"])


class Readiness(serializers.Serializer[None]):
    database = serializers.BooleanField(help_text="Whether the database answers.")
    provider = serializers.BooleanField(help_text="Whether a model is configured.")


class Watched(APIView):
    authentication_classes = ()
    permission_classes = (AllowAny,)
    renderer_classes: tuple[type[BaseRenderer], ...] = (JSONRenderer,)
    # A scraper's `Accept: text/plain; version=0.0.4` is not about the version of this API.
    versioning_class = None

    def get_authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="metrics"'


class HealthView(Watched):
    @extend_schema(operation_id="healthz", auth=[], responses=Health)
    def get(self, request: Request) -> Response:
        """Whether the process answers."""
        return Response({"status": "ok"})


class ReadinessView(Watched):
    @extend_schema(operation_id="readyz", auth=[], responses={200: Readiness, 503: Readiness})
    def get(self, request: Request) -> Response:
        """Whether requests can be served: the database answers, a provider is configured."""
        state = {"database": database_answers(), "provider": bool(settings.AI_OFFER.sources[0].base_url)}
        return Response(state, status=200 if all(state.values()) else 503)


def database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except OperationalError:
        return False
    return True


class PlainText(BaseRenderer):
    """Lets `Accept: text/plain` be asked for. The text itself never passes through a renderer."""

    media_type = "text/plain"
    format = "txt"

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        return JSONRenderer().render(data, accepted_media_type, renderer_context)


class MetricsView(Watched):
    renderer_classes = (PlainText, JSONRenderer)

    @extend_schema(
        operation_id="metrics",
        auth=[],
        responses={(200, "text/plain"): OpenApiResponse(OpenApiTypes.STR, "Prometheus' text format.")},
    )
    def get(self, request: Request) -> HttpResponse:
        """What Prometheus reads. With METRICS_TOKEN set, `Authorization: Bearer` must carry it."""
        given = request.headers.get("Authorization", "")
        if settings.METRICS_TOKEN and not hmac.compare_digest(
            given.encode(), f"Bearer {settings.METRICS_TOKEN}".encode()
        ):
            raise AuthenticationFailed()
        return HttpResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST)
