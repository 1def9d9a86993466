"""Strict fields: JSON has types, so `1` is no text and `"yes"` no boolean. HTML forms have none, and are read as usual.

`ModelSerializer` here uses them for every column; a serializer written by hand names them.
"""

import math
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.http import QueryDict
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.fields import empty
from rest_framework.utils import html

MAX_JSON_DEPTH = 32
MAX_JSON_NUMBER = 10**18


def from_form(field: serializers.Field[Any, Any, Any, Any]) -> bool:
    return isinstance(getattr(field.root, "initial_data", None), QueryDict)


class Text(serializers.CharField):
    """Text as it was sent: not trimmed, no NUL, no lone surrogate (PostgreSQL holds neither)."""

    # Whether white space alone counts as blank; the API's schema says so.
    needs_words = False

    def __init__(self, **options: Any) -> None:
        options.setdefault("trim_whitespace", False)
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Line(Text):
    """A name or a title: one line, trimmed."""

    needs_words = True

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"trim_whitespace": True, **options})


class Flag(serializers.BooleanField):
    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool) and not from_form(self):
            self.fail("invalid", input=data)
        return super().to_internal_value(data)


class WholeNumber(serializers.IntegerField):
    def to_internal_value(self, data: Any) -> int:
        # 1.0 is an integer in JSON Schema, and True is one in Python only.
        if isinstance(data, float) and data.is_integer():
            data = int(data)
        if (isinstance(data, bool) or not isinstance(data, int)) and not from_form(self):
            self.fail("invalid")
        return super().to_internal_value(data)


class Number(serializers.FloatField):
    def to_internal_value(self, data: Any) -> float:
        if (isinstance(data, bool) or not isinstance(data, int | float)) and not from_form(self):
            self.fail("invalid")
        try:
            number = super().to_internal_value(data)
        except OverflowError:
            self.fail("invalid")
        if not math.isfinite(number):
            self.fail("invalid")
        return number


class List(serializers.ListField):
    def to_internal_value(self, data: Any) -> list[Any]:
        # DRF would take the keys of an object for a list.
        if isinstance(data, dict):
            self.fail("not_a_list", input_type="dict")
        return super().to_internal_value(data)


@extend_schema_field({"$ref": "#/components/schemas/JSONObject"})
class JSONObject(serializers.JSONField):
    """A JSON object, kept as it is; what PostgreSQL's JSONB cannot hold is refused here, not there."""

    default_error_messages = {
        "not_an_object": "Expected a JSON object.",
        "too_deep": f"Nested deeper than {MAX_JSON_DEPTH} levels.",
        "bad_text": "NUL and lone surrogates cannot be stored.",
        "bad_number": f"Numbers must be finite and within ±{MAX_JSON_NUMBER:.0e}.",
    }

    def get_value(self, dictionary: Any) -> Any:
        value = super().get_value(dictionary)
        # What a form shows where there is nothing.
        return empty if html.is_html_input(dictionary) and value in ("", "null") else value

    def to_internal_value(self, data: Any) -> Any:
        try:
            value = super().to_internal_value(data)
        except RecursionError:  # a form holds JSON as text, which is read only here
            self.fail("too_deep")
        if not isinstance(value, dict):
            self.fail("not_an_object")
        self._check(value, depth=1)
        return value

    def _check(self, value: Any, depth: int) -> None:
        if depth > MAX_JSON_DEPTH:
            self.fail("too_deep")
        match value:
            case str():
                if "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
                    self.fail("bad_text")
            case int() | float():
                # NaN is within nothing.
                if not abs(value) <= MAX_JSON_NUMBER:
                    self.fail("bad_number")
            case list():
                for item in value:
                    self._check(item, depth + 1)
            case dict():
                for key, item in value.items():
                    self._check(key, depth)
                    self._check(item, depth + 1)


class OwnReference(serializers.PrimaryKeyRelatedField[Any]):
    """Another row, by its id. Subclasses say which may be named; any other id is as unknown as one that is not."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"pk_field": serializers.UUIDField(), **options})

    def run_validation(self, data: Any = empty) -> Any:
        # DRF takes "" for null; only forms have no other way to say it.
        if data == "" and not from_form(self):
            return self.to_internal_value(data)
        return super().run_validation(data)


class ModelSerializer(serializers.ModelSerializer[Any]):
    serializer_field_mapping = {
        **serializers.ModelSerializer.serializer_field_mapping,
        models.CharField: Line,
        models.TextField: Text,
        models.BooleanField: Flag,
        models.IntegerField: WholeNumber,
        models.PositiveIntegerField: WholeNumber,
        models.FloatField: Number,
        models.JSONField: JSONObject,
        ArrayField: List,
    }

    @classmethod
    def show(cls, row: models.Model) -> dict[str, Any]:
        """The row's `data`, for serializers that need no context: one instance shows them all. To make one, with its
        fields, takes several times as long as to show a row with it."""
        if cls not in _showing:
            _showing[cls] = cls()
        shown: dict[str, Any] = _showing[cls].to_representation(row)
        return shown


_showing: dict[type[ModelSerializer], ModelSerializer] = {}
