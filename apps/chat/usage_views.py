"""`GET /api/usage/`."""

import re
from datetime import UTC, date, datetime
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.api.queries import query_of
from apps.chat.usage import usage

DAYS = 30
MAX_DAYS = 366


class Day(serializers.DateField):
    """YYYY-MM-DD, and none of the other ways in which ISO 8601 writes a day."""

    def to_internal_value(self, value: Any) -> date:
        if not re.fullmatch(r"\d{4}-\d\d-\d\d", str(value), re.ASCII):
            self.fail("invalid", format="YYYY-MM-DD")
        return super().to_internal_value(value)


class UsageQuery(serializers.Serializer[None]):
    to = Day(required=False, help_text="The last day, of UTC; today where it is left out.")

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        # `from` is no name for an attribute.
        about = f"The first day, of UTC; where it is left out, {DAYS} days are shown."
        return {"from": Day(required=False, help_text=about), **super().get_fields()}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        last: date = attrs.get("to") or datetime.now(UTC).date()
        # The first day that there can be has none before it.
        first: date = attrs.get("from") or date.fromordinal(max(1, last.toordinal() - DAYS + 1))
        if first > last:
            raise ValidationError({"from": ["This day is after the last one."]}, code="after_to")
        if (last - first).days >= MAX_DAYS:
            raise ValidationError({"from": [f"At most {MAX_DAYS} days at once."]}, code="too_many_days")
        return {"from": first, "to": last}


class LatencySerializer(serializers.Serializer[Any]):
    """Milliseconds; null where nothing is known."""

    median = serializers.FloatField(allow_null=True)
    p95 = serializers.FloatField(allow_null=True, help_text="95 of 100 took no longer.")


class UsageSerializer(serializers.Serializer[Any]):
    """A day's calls of one model, those for titles included."""

    day = serializers.DateField()
    provider = serializers.CharField()
    model = serializers.CharField()
    calls = serializers.IntegerField(help_text="All of them, one that still runs included.")
    completed = serializers.IntegerField()
    stopped = serializers.IntegerField()
    failed = serializers.IntegerField()
    interrupted = serializers.IntegerField()
    prompt_tokens = serializers.IntegerField(allow_null=True, help_text="Null where no call told.")
    completion_tokens = serializers.IntegerField(allow_null=True, help_text="Null where no call told.")
    latency_ms = LatencySerializer(help_text="From the call to the end of the answer.")
    first_token_ms = LatencySerializer(help_text="From the call to the beginning of the answer.")


class UsageListSerializer(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = UsageSerializer(many=True)


class UsageView(APIView):
    @extend_schema(operation_id="usage_list", parameters=[UsageQuery], responses=UsageListSerializer)
    def get(self, request: Request) -> Response:
        """Your calls of models by day and model: how many, how they ended, their tokens and how long they took.

        Newest day first. What was deleted since still counts. At most 366 days at once."""
        query = query_of(request, UsageQuery)
        rows = usage(request.user, query["from"], query["to"])
        return Response({"next": None, "previous": None, "results": UsageSerializer(rows, many=True).data})
