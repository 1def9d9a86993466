"""Query parameters, checked like a body: by a serializer, with the parameter named where it is wrong."""

from functools import cache
from typing import Any, cast

from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.serializers import Serializer

# Not of any query itself.
PAGING = {"cursor", "page_size"}


class AsQuery(Serializer[None]):
    """For queries with `?as=`: the field is declared as `as_`, since Python keeps the other word to itself."""

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        return {"as": fields.pop("as_"), **fields}


def query_of(request: Request, kind: type[Serializer[Any]]) -> dict[str, Any]:
    if kind.validate is Serializer.validate and request.query_params.keys() <= PAGING:
        return dict(_defaults(kind))
    serializer = kind(data=request.query_params)
    for name, field in serializer.fields.items():
        # DRF takes a parameter without a value for one that is not there, whatever it is.
        if request.query_params.get(name) == "" and not (getattr(field, "allow_blank", False) or field.allow_null):
            raise ValidationError({name: ["This parameter has no value."]}, code="blank")
    serializer.is_valid(raise_exception=True)
    return cast(dict[str, Any], serializer.validated_data)


@cache
def _defaults(kind: type[Serializer[Any]]) -> dict[str, Any]:
    """What it means that no parameter is there, where that is allowed: most lists are asked with none, or with those of
    their pages alone."""
    serializer = kind(data={})
    serializer.is_valid(raise_exception=True)
    return cast(dict[str, Any], serializer.validated_data)
