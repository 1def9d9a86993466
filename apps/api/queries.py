"""Query parameters, checked like a body: by a serializer, with the parameter named where it is wrong."""

from typing import Any, cast

from rest_framework.request import Request
from rest_framework.serializers import Serializer


def query_of(request: Request, kind: type[Serializer[Any]]) -> dict[str, Any]:
    serializer = kind(data=request.query_params)
    serializer.is_valid(raise_exception=True)
    return cast(dict[str, Any], serializer.validated_data)
