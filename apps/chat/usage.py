"""What models were asked for, by day and model: from the generations, which stay when their conversation goes."""

from datetime import UTC, date, datetime, time
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db.models import Aggregate, Count, FloatField, Q, Sum
from django.db.models.functions import TruncDate

from apps.accounts.models import User
from apps.chat.models import Generation, GenerationStatus

LATENCIES = ("latency_ms", "first_token_ms")
PERCENTILES = {"median": 0.5, "p95": 0.95}


class Percentile(Aggregate):
    """Between the two nearest values where it falls between them; null where there are none."""

    template = "percentile_cont(%(fraction)s) WITHIN GROUP (ORDER BY %(expressions)s)"
    allow_distinct = False

    def __init__(self, column: str, fraction: float) -> None:
        super().__init__(column, fraction=fraction, output_field=FloatField())


def usage(user: User | AnonymousUser, first: date, last: date) -> list[dict[str, Any]]:
    """A row a day (of UTC, both ends included), provider and model; newest day first, then by model.

    A call that still runs counts in `calls` alone.
    """
    begin = datetime.combine(first, time.min, UTC)
    end = datetime.combine(last, time.max, UTC)
    rows: Any = (
        Generation.objects.owned_by(user)
        .filter(created_at__gte=begin, created_at__lte=end)
        .values("provider", "model", day=TruncDate("created_at", tzinfo=UTC))
        .annotate(
            calls=Count("id"),
            **{
                name: Count("id", filter=Q(status=status))
                for name, status in {
                    "completed": GenerationStatus.COMPLETE,
                    "stopped": GenerationStatus.STOPPED,
                    "failed": GenerationStatus.FAILED,
                    "interrupted": GenerationStatus.INTERRUPTED,
                }.items()
            },
            **{f"total_{name}": Sum(name) for name in ("prompt_tokens", "completion_tokens")},
            **{
                f"{column}_{name}": Percentile(column, fraction)
                for column in LATENCIES
                for name, fraction in PERCENTILES.items()
            },
        )
        .order_by("-day", "model", "provider")
    )
    return [
        {
            **row,
            "prompt_tokens": row["total_prompt_tokens"],
            "completion_tokens": row["total_completion_tokens"],
            **{column: {name: row[f"{column}_{name}"] for name in PERCENTILES} for column in LATENCIES},
        }
        for row in rows
    ]
