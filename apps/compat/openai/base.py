"""What the views under /v1 share."""

from collections.abc import Iterable
from typing import Any, cast

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from apps.accounts.authentication import TokenAuthentication
from apps.accounts.key_authentication import KeyAuthentication
from apps.accounts.models import User
from apps.api.parsers import JSONParser

TAG = "OpenAI"


class AlwaysJSON(DefaultContentNegotiation):
    """OpenAI's clients name all sorts of things, and the body says whether a stream is wanted."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return JSONRenderer(), JSONRenderer.media_type


class View(APIView):
    """By an API key; an access token does as well, for pages that have one."""

    authentication_classes = (KeyAuthentication, TokenAuthentication)
    parser_classes = (JSONParser,)
    renderer_classes = (JSONRenderer,)
    content_negotiation_class = AlwaysJSON
    versioning_class = None

    @property
    def user(self) -> User:
        return cast(User, self.request.user)


def validated(kind: type[BaseSerializer[Any]], request: Request, **context: Any) -> dict[str, Any]:
    serializer = kind(data=request.data, context={"request": request, **context})
    serializer.is_valid(raise_exception=True)
    return cast(dict[str, Any], serializer.validated_data)


def always(value: str) -> serializers.CharField:
    """A field of an answer that says the same in all of them."""

    @extend_schema_field({"type": "string", "const": value})
    class Always(serializers.CharField):
        pass

    return Always()
