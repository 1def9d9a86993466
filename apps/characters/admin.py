from django.contrib import admin

from apps.characters.models import Character


@admin.register(Character)
class CharacterAdmin(admin.ModelAdmin[Character]):
    list_display = ("name", "user", "visibility", "created_at")
    list_filter = ("visibility",)
    list_select_related = ("user",)
    search_fields = ("name", "user__email")
    raw_id_fields = ("user",)
