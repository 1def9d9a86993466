from django.contrib import admin
from django.http import HttpRequest

from apps.chat.models import Generation


@admin.register(Generation)
class GenerationAdmin(admin.ModelAdmin[Generation]):
    """How calls of the model went; what was said is not shown."""

    list_display = ("created_at", "status", "error", "provider", "model", "completion_tokens", "latency_ms")
    list_filter = ("status", "provider", "model")
    fields = readonly_fields = (
        "id",
        "status",
        "error",
        "provider",
        "model",
        "prompt_tokens",
        "completion_tokens",
        "first_token_ms",
        "latency_ms",
        "heartbeat",
        "created_at",
        "ended_at",
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False
