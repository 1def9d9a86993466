from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.conversations import turns
from apps.conversations.models import Conversation


@admin.register(Conversation)
class ConversationAdmin(admin.ModelAdmin[Conversation]):
    """Who talks with whom and how much. What they say is theirs, and not shown here."""

    list_display = ("id", "user", "character_name", "message_count", "last_message_at")
    list_select_related = ("user",)
    search_fields = ("user__email", "character_name")
    fields = readonly_fields = ("id", "user", "character", "message_count", "last_message_at", "created_at")

    def delete_model(self, request: HttpRequest, obj: Conversation) -> None:
        with transaction.atomic():
            turns.locked(obj.pk).delete()

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Conversation]) -> None:
        for conversation in queryset:
            self.delete_model(request, conversation)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False
