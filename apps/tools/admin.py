from django.contrib import admin
from django.http import HttpRequest

from apps.tools.models import Tool


@admin.register(Tool)
class ToolAdmin(admin.ModelAdmin[Tool]):
    """Who has which tools. Where they go and what they send is their owner's, and not shown here."""

    list_display = ("name", "kind", "user", "usable_by_others", "created_at")
    list_filter = ("kind", "usable_by_others")
    list_select_related = ("user",)
    search_fields = ("name", "user__email")
    fields = readonly_fields = ("id", "name", "kind", "user", "usable_by_others", "created_at", "updated_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False
