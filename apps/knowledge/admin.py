from django.contrib import admin
from django.http import HttpRequest

from apps.knowledge.models import Document


@admin.register(Document)
class DocumentAdmin(admin.ModelAdmin[Document]):
    """Whose characters know how much. What it says is theirs, and not shown here."""

    list_display = ("id", "user", "character", "kind", "size", "characters", "created_at")
    list_select_related = ("user", "character")
    list_filter = ("kind",)
    search_fields = ("user__email", "character__name")
    fields = readonly_fields = ("id", "user", "character", "kind", "size", "characters", "passage_count", "created_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False
