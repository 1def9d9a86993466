from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from apps.characters.models import Character, Report, Visibility


@admin.register(Character)
class CharacterAdmin(admin.ModelAdmin[Character]):
    list_display = ("name", "user", "visibility", "created_at")
    list_filter = ("visibility",)
    list_select_related = ("user",)
    search_fields = ("name", "user__email")
    raw_id_fields = ("user", "tools")


class Open(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("open", "open"), ("closed", "closed")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(closed_at__isnull=self.value() == "open") if self.value() else queryset


@admin.register(Report)
class ReportAdmin(admin.ModelAdmin[Report]):
    """What people told of public characters: to be read, acted on and closed."""

    list_display = ("character", "reason", "details", "user", "created_at", "closed_at", "visibility")
    list_filter = (Open, "reason", "character__visibility")
    list_select_related = ("user", "character")
    search_fields = ("character__name", "character__user__email", "user__email", "details")
    fields = readonly_fields = ("character", "reason", "details", "user", "created_at", "updated_at", "closed_at")
    ordering = ("-id",)
    actions = ("make_private", "close")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.display(ordering="character__visibility")
    def visibility(self, report: Report) -> str:
        return report.character.visibility

    @admin.action(description="Make the characters private, and close their reports", permissions=["change"])
    def make_private(self, request: HttpRequest, queryset: QuerySet[Report]) -> None:
        now = timezone.now()
        reported = list(queryset.values_list("character", flat=True))
        characters = Character.objects.filter(pk__in=reported)
        count = characters.update(visibility=Visibility.PRIVATE, updated_at=now)
        Report.objects.filter(character__in=reported, closed_at=None).update(closed_at=now, updated_at=now)
        self.message_user(request, f"Private from now on: {count}.")

    @admin.action(description="Close the reports", permissions=["change"])
    def close(self, request: HttpRequest, queryset: QuerySet[Report]) -> None:
        now = timezone.now()
        count = queryset.filter(closed_at=None).update(closed_at=now, updated_at=now)
        self.message_user(request, f"Closed: {count}.")
