from django.contrib import admin
from django.http import HttpRequest

from apps.chat.models import Generation, KnownModel


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


@admin.register(KnownModel)
class KnownModelAdmin(admin.ModelAdmin[KnownModel]):
    """What was learned of models. A row that is deleted is learned anew."""

    list_display = ("source", "model", "window", "window_from", "window_at", "samples", "mean", "deviation")
    list_filter = ("source",)
    # A window is said for good in the settings (`AI_CONTEXTS`).
    fields = readonly_fields = list_display

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False
